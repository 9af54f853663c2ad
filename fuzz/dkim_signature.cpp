// RFC 6376: tag lists, signature fields and key records of any octets.
#include <cstdlib>

#include "standards/dkim/key_record.h"
#include "standards/dkim/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::dkim;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const SignatureReview signature = review_signature(text);
  if (signature.signature) {
    if (signature.signature->b_end > text.size()) std::abort();
    if (signature.signature->b_begin > signature.signature->b_end) std::abort();
  }
  (void)parse_arc_message_signature(text);
  const KeyReview key = review_key_record(text);
  for (const auto& finding : key.findings)
    if (finding.id == "dkim-string-split" && !parse_key_record(finding.correction)) std::abort();
  return 0;
}
