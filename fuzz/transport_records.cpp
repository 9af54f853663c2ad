// MTA-STS records and policies, TLS-RPT records and reports, TLSA and CAA text: the first octet says which. What a
// parser accepts, its writer's text gives back.
#include <cstdlib>
#include <string_view>

#include "standards/dane/tlsa.h"
#include "standards/dns/caa.h"
#include "standards/mta_sts/policy.h"
#include "standards/mta_sts/record.h"
#include "standards/tls_rpt/record.h"
#include "standards/tls_rpt/report.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void policy(std::string_view text) {
  using namespace posthorn::mta_sts;
  const auto parsed = parse_policy(text);
  must(review_policy(text).valid == parsed.has_value());
  if (!parsed) return;
  const auto again = parse_policy(policy_text(*parsed));
  must(again && *again == *parsed);
  (void)compare_with_mx(*parsed, {"mx.example", ""});
}

void sts_record(std::string_view text) {
  using namespace posthorn::mta_sts;
  const auto parsed = parse_record(text);
  must(review_record(text).valid == parsed.has_value());
  if (!parsed) return;
  const auto again = parse_record(record_text(*parsed));
  must(again && *again == *parsed);
}

void tls_record(std::string_view text) {
  using namespace posthorn::tls_rpt;
  const auto parsed = parse_record(text);
  must(review_record(text).valid == parsed.has_value());
  if (!parsed) return;
  const auto again = parse_record(record_text(*parsed));
  must(again && *again == *parsed);
}

void report(std::string_view text) {
  using namespace posthorn::tls_rpt;
  const auto parsed = parse_report(text);
  if (parsed) must(parse_report(write_report(*parsed)).has_value());
}

void tlsa(std::string_view text) {
  using namespace posthorn::dane;
  const auto parsed = parse_tlsa(text);
  if (!parsed) return;
  (void)why_unusable(*parsed);
  const auto again = parse_tlsa(posthorn::dane::text(*parsed));
  must(again && *again == *parsed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'p':
      policy(text);
      break;
    case 's':
      sts_record(text);
      break;
    case 'r':
      tls_record(text);
      break;
    case 'j':
      report(text);
      break;
    case 'd':
      tlsa(text);
      break;
    case 'c':
      (void)posthorn::dns::review_caa(text);
      break;
    default:
      break;
  }
  return 0;
}
