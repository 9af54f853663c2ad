#include "operations/domains/plan.h"

#include <fmt/format.h>

#include "standards/dkim/key_record.h"

namespace posthorn::domains {
namespace {

PlannedRecord txt(std::string name, std::string_view text, std::string reason) {
  // RFC 1035 3.3: a character-string has 255 octets at most; readers join them without a space.
  std::string data;
  for (const std::string& part : dkim::txt_strings(text))
    data += fmt::format("{}\"{}\"", data.empty() ? "" : " ", part);
  return {std::move(name), "TXT", ttl_seconds_default, std::move(data), std::move(reason)};
}

void plan_host(std::vector<PlannedRecord>& records, const address::Domain& domain, const MailHost& host) {
  // The host's own records are ours to plan only where its name lies in the domain.
  if (!host.name.is_within(domain)) return;
  for (const IpAddress& address : host.addresses)
    records.push_back({host.name.a_label(), address.is_v4() ? "A" : "AAAA", ttl_seconds_default, address.text(),
                       "the address at which this host takes mail"});
}

void plan_host_spf(std::vector<PlannedRecord>& records, const address::Domain& domain, const MailHost& host) {
  if (!host.name.is_within(domain) || host.name == domain) return;
  // RFC 7208 2.3: bounces have no MAIL FROM, so receivers check the HELO name.
  records.push_back(
      txt(host.name.a_label(), "v=spf1 a -all", "delivery reports are checked by the name this host gives in EHLO"));
}

}  // namespace

std::vector<PlannedRecord> plan_records(const address::Domain& domain, const MailHost& host, const MailTrust& trust) {
  std::vector<PlannedRecord> records;
  plan_host(records, domain, host);
  records.push_back({domain.a_label(), "MX", ttl_seconds_default, fmt::format("10 {}.", host.name.a_label()),
                     "mail for the domain comes to this host"});
  plan_host_spf(records, domain, host);
  records.push_back(txt(domain.a_label(), "v=spf1 mx ~all",
                        "the hosts that take the domain's mail also send it; others probably do not"));
  for (const OwnKey& key : trust.keys)
    records.push_back(txt(fmt::format("{}._domainkey.{}", key.selector, domain.a_label()), key.record,
                          "the public key to the signatures of the domain's mail"));
  records.push_back(txt("_dmarc." + domain.a_label(),
                        fmt::format("v=DMARC1; p={}; rua=mailto:postmaster@{}", trust.dmarc_policy, domain.a_label()),
                        "what receivers do with mail that neither SPF nor DKIM vouches for, and where they report"));
  return records;
}

std::string zone_text(const std::vector<PlannedRecord>& records) {
  std::string text;
  for (const PlannedRecord& record : records)
    text += fmt::format("{}. {} IN {} {}\n", record.name, record.ttl_seconds, record.type, record.data);
  return text;
}

}  // namespace posthorn::domains
