#include "operations/inspection/mx_set.h"

#include <algorithm>

#include <fmt/format.h>

namespace posthorn::inspection {
namespace {

std::string mx_line(const dns::Name& domain, std::string_view data) {
  return fmt::format("{}. 3600 IN MX {}", domain.text(), data);
}

Finding missing(const dns::Name& domain, bool is_parked) {
  const std::string correction =
      is_parked ? mx_line(domain, "0 .")
                : fmt::format(
                      "{0}. IN MX 10 HOST. (a host with A or AAAA records), or {0}. IN MX 0 . where it takes "
                      "no mail",
                      domain.text());
  return {"mx-missing", FindingLevel::error,
          fmt::format("{} has neither MX records nor a null MX: senders fall back on its addresses, or give up",
                      domain.text()),
          correction};
}

Finding literal(const dns::Mx& mx, const dns::Name& domain) {
  return {"mx-address-literal", FindingLevel::error,
          fmt::format("{} is an address; an MX record names a host (RFC 5321 5.1)", mx.exchange.text()),
          fmt::format("mx.{}. 3600 IN A {}; {}", domain.text(), mx.exchange.text(),
                      mx_line(domain, fmt::format("{} mx.{}.", mx.preference, domain.text())))};
}

}  // namespace

MxSet judge_mx_set(const dns::Answer& answer, const dns::Name& domain, bool is_parked) {
  MxSet out;
  const auto records = answer.all<dns::Mx>();
  if (records.empty()) out.findings.push_back(missing(domain, is_parked));
  for (const dns::Mx* mx : records) {
    if (IpAddress::parse(mx->exchange.text())) {
      out.findings.push_back(literal(*mx, domain));
    } else if (!mx->exchange.is_root()) {
      out.hosts.push_back(*mx);
    } else if (records.size() == 1) {
      out.takes_no_mail = true;
    } else {
      out.findings.push_back({"mx-null-mixed", FindingLevel::error,
                              "a null MX (0 .) says that no mail is taken, and stands beside hosts that take it "
                              "(RFC 7505 3)",
                              fmt::format("remove {}", mx_line(domain, dns::text(dns::RecordData(*mx))))});
    }
  }
  std::ranges::sort(out.hosts, [](const dns::Mx& a, const dns::Mx& b) {
    return a.preference != b.preference ? a.preference < b.preference : a.exchange < b.exchange;
  });
  if (records.size() == 1 && out.hosts.size() == 1)
    out.findings.push_back(
        {"mx-single", FindingLevel::info, "one MX only: while it is down, mail waits at its senders", {}});
  return out;
}

}  // namespace posthorn::inspection
