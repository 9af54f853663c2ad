// Delivery reports: any message is read; whatever a peer or an envelope says, the report we write about it reads
// back with the recipients it was given.
#include "standards/dsn/dsn.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::dsn;
  const std::string octets{reinterpret_cast<const char*>(data), size};
  (void)parse_report(octets);
  Report report;
  report.reporting_mta = "mx.example";
  report.to = "ann@example";
  report.envelope_id = octets;
  report.recipients.resize(2);
  for (RecipientReport& recipient : report.recipients) {
    recipient.final_recipient = "bob@example";
    recipient.original_recipient = recipient.remote_mta = recipient.diagnostic = octets;
  }
  report.original = octets;
  report.original_octets = size;
  report.returned = Return::full;
  report.message_id = "id@example";
  const auto again = parse_report(write_report(report).octets);
  if (!again || again->recipients.size() != 2 || again->reporting_mta != "mx.example") std::abort();
  for (const ParsedRecipient& recipient : again->recipients)
    if (recipient.final_recipient != "bob@example" || recipient.action != "failed") std::abort();
  return 0;
}
