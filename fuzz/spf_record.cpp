// RFC 7208: any record text is parsed, reviewed and evaluated within bounds, and a reviewed correction that is
// offered for a record that parses, parses too.
#include <cstdlib>

#include "standards/spf/macro.h"
#include "standards/spf/record.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const spf::RecordReview review = spf::review_record(text);
  const bool parses = spf::parse_record(text).has_value();
  for (const Finding& finding : review.findings)
    if (parses && !finding.correction.empty() && !spf::parse_record(finding.correction)) std::abort();
  spf::MacroContext context;
  context.sender = "strong-bad@email.example.com";
  context.domain = "email.example.com";
  for (const spf::Mechanism& mechanism : review.record.mechanisms)
    (void)spf::expand_macros(mechanism.domain_spec, context);
  if (!spf::macro_fault(text, spf::MacroUse::explanation)) (void)spf::expand_macros(text, context);
  return 0;
}
