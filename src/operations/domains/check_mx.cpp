// MX records and the hosts they name.
#include <algorithm>

#include <fmt/format.h>

#include "operations/domains/check_work.h"
#include "standards/iprev/iprev.h"

namespace posthorn::domains {
namespace {

constexpr auto kMx = dns::RecordType::mx;

/// Ours, or in our zone: its reverse name and its TLSA records are our business.
bool is_own_host(const CheckWork& work, const dns::Name& host) {
  const auto own = dns::Name::parse(work.expectation.around.host_name);
  return host.is_at_or_below(work.domain) || (own && *own == host);
}

std::string host_correction(const dns::Name& domain) {
  return fmt::format("{}. IN MX 10 HOST. (a host with A or AAAA records), or {}. IN MX 0 . where it takes no mail",
                     domain.text(), domain.text());
}

/// The set as a whole. Fills work.mx with the hosts worth looking at.
void judge_set(CheckWork& work, const dns::Answer& answer) {
  const auto records = answer.all<dns::Mx>();
  if (records.empty()) {
    const std::string correction = work.is_parked ? record_line(work.domain, kMx, "0 .") : host_correction(work.domain);
    work.add("mx-missing", FindingLevel::error,
             fmt::format("{} has neither MX records nor a null MX: senders fall back on its addresses, or give up",
                         work.domain.text()),
             correction, work.domain, kMx);
    return;
  }
  for (const dns::Mx* mx : records) {
    if (mx->exchange.is_root()) {
      work.takes_no_mail = records.size() == 1;
      if (records.size() > 1)
        work.add("mx-null-mixed", FindingLevel::error,
                 "a null MX (0 .) says that no mail is taken, and stands beside hosts that take it",
                 fmt::format("remove {}", record_line(work.domain, kMx, dns::text(dns::RecordData(*mx)))), work.domain,
                 kMx);
      continue;
    }
    if (IpAddress::parse(mx->exchange.text())) {
      work.add("mx-address-literal", FindingLevel::error,
               fmt::format("{} is an address; an MX record names a host (RFC 5321 5.1)", mx->exchange.text()),
               fmt::format("mx.{}. IN A {}; {}", work.domain.text(), mx->exchange.text(),
                           record_line(work.domain, kMx, fmt::format("{} mx.{}.", mx->preference, work.domain.text()))),
               work.domain, kMx);
      continue;
    }
    work.mx.push_back(*mx);
  }
  std::ranges::sort(work.mx, [](const dns::Mx& a, const dns::Mx& b) {
    return a.preference != b.preference ? a.preference < b.preference : a.exchange < b.exchange;
  });
  if (records.size() == 1 && work.mx.size() == 1)
    work.add("mx-single", FindingLevel::info, "one MX only: while it is down, mail waits at its senders", {},
             work.domain, kMx);
}

/// Without connections: what the DNS says of a host.
Task<MxProbe> look_up(dns::Resolver& resolver, dns::Name host) {
  MxProbe probe;
  probe.host = host;
  const dns::AddressLookup found = co_await dns::lookup_addresses(resolver, host);
  probe.addresses = found.addresses;
  probe.addresses_status = found.status();
  probe.addresses_secure = found.secure();
  probe.is_alias = !found.a.cname_chain().empty() || !found.aaaa.cname_chain().empty();
  probe.tlsa.base = std::move(host);
  co_return probe;
}

/// RFC 7672 2.2.2: senders do not even ask for TLSA in unsigned zones, so the records serve nobody.
Task<> judge_unsigned_tlsa(CheckWork& work, const MxProbe& probe) {
  if (probe.addresses_secure || probe.addresses.empty() || !is_own_host(work, probe.host)) co_return;
  const dns::Name name = below(probe.host, "_25._tcp");
  const dns::Answer answer = co_await work.resolver().resolve(name, dns::RecordType::tlsa);
  if (answer.status() != dns::Status::ok || answer.secure()) co_return;
  work.add(
      "tlsa-unsigned", FindingLevel::warning,
      fmt::format("{} has TLSA records, and the zone is not signed: senders do not look at them", name.text()),
      fmt::format("sign the zone and have its DS record published, or remove the TLSA records at {}.", name.text()),
      name, dns::RecordType::tlsa);
}

/// A roll-over must find the next key's record in every cache.
void judge_next_key(CheckWork& work, const MxProbe& probe) {
  const auto& next = work.expectation.next_key_tlsa;
  if (!next || probe.host.text() != work.expectation.around.host_name || probe.tlsa.records.empty()) return;
  const bool there = std::ranges::any_of(
      probe.tlsa.records, [&](const dns::Tlsa& record) { return dns::text(dns::RecordData(record)) == *next; });
  const dns::Name name = below(probe.host, "_25._tcp");
  if (!there)
    work.add("tlsa-no-next-key", FindingLevel::warning,
             "no TLSA record is there for the key that comes next: senders that check would refuse it",
             record_line(name, dns::RecordType::tlsa, *next), name, dns::RecordType::tlsa);
}

/// Where the owner of the address must act, and what the record should be.
Task<> judge_reverse(CheckWork& work, IpAddress address, dns::Name host) {
  if (address.is_special()) co_return;
  const iprev::Outcome outcome = co_await iprev::check(work.resolver(), address);
  const dns::Name reverse = dns::reverse_name(address);
  const std::string correction = record_line(reverse, dns::RecordType::ptr, host.text() + ".") +
                                 " (whoever runs the network of the address publishes it)";
  if (outcome.result == iprev::Result::permerror)
    work.add("ptr-missing", FindingLevel::warning,
             fmt::format("{} ({}) has no PTR record: many receivers refuse mail from it", address.text(), host.text()),
             correction, reverse, dns::RecordType::ptr);
  if (outcome.result == iprev::Result::fail)
    work.add("ptr-mismatch", FindingLevel::warning,
             fmt::format("the PTR record of {} says {}, which does not lead back to the address", address.text(),
                         outcome.name),
             correction, reverse, dns::RecordType::ptr);
}

Task<> judge_host(CheckWork& work, dns::Name host, bool mx_secure) {
  MxProbe probe;
  if (work.options.probes != nullptr)
    probe = co_await work.options.probes->mx(work.resolver(), host, mx_secure, work.options.now);
  else
    probe = co_await look_up(work.resolver(), host);
  for (Finding& finding : findings_of(probe)) work.add(std::move(finding), host, dns::RecordType::a);
  const bool own = is_own_host(work, host);
  for (const AddressProbe& one : probe.probes)
    if (own && one.certificate) work.issuers.push_back(one.certificate->issuer);
  co_await judge_unsigned_tlsa(work, probe);
  judge_next_key(work, probe);
  for (const IpAddress& address : probe.addresses)
    if (own) co_await judge_reverse(work, address, host);
  work.report.mx.push_back(std::move(probe));
}

}  // namespace

Task<> check_mx(CheckWork& work) {
  const Published* const published = co_await work.ask(work.domain, kMx);
  const dns::Answer* const answer = published->value();
  if (answer == nullptr || !dns::is_definite(answer->status())) co_return;
  judge_set(work, *answer);
  const bool mx_secure = published->cached ? published->cached->secure() : answer->secure();
  for (std::size_t i = 0; i < work.mx.size() && i < mx_hosts_checked_max; ++i)
    co_await judge_host(work, work.mx[i].exchange, mx_secure);
  // This host sends for the domain, whether or not it is an MX.
  const auto own = dns::Name::parse(work.expectation.around.host_name);
  if (!own || !work.expectation.model || work.is_parked) co_return;
  for (const IpAddress& address : work.expectation.around.addresses) co_await judge_reverse(work, address, *own);
}

}  // namespace posthorn::domains
