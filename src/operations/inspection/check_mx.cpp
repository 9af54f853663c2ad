// MX records and the hosts they name.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "operations/inspection/check_work.h"
#include "operations/inspection/mx_set.h"
#include "platform/runtime/spawn.h"
#include "standards/iprev/iprev.h"

namespace posthorn::inspection {
namespace {

constexpr auto kMx = dns::RecordType::mx;

/// Ours, or in our zone: its reverse name and its TLSA records are our business.
bool is_own_host(const CheckWork& work, const dns::Name& host) {
  const auto own = dns::Name::parse(work.expectation.around.host_name);
  return host.is_at_or_below(work.domain) || (own && *own == host);
}

/// The set as a whole. Fills work.mx with the hosts worth looking at.
void judge_set(CheckWork& work, const dns::Answer& answer) {
  MxSet set = judge_mx_set(answer, work.domain, work.is_parked);
  work.takes_no_mail = set.takes_no_mail;
  work.mx = std::move(set.hosts);
  for (Finding& finding : set.findings) work.add(std::move(finding), work.domain, kMx);
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

/// A roll-over must find the next key's record in every cache: the TLSA set is asked for, whoever can use it.
Task<> judge_next_key(CheckWork& work, const MxProbe& probe) {
  const auto& next = work.expectation.next_key_tlsa;
  const auto own = dns::Name::parse(work.expectation.around.host_name);
  if (!next || !own || probe.host != *own) co_return;
  const dns::Name name = below(probe.host, "_25._tcp");
  const Published* const published = co_await work.ask(name, dns::RecordType::tlsa);
  const dns::Answer* const answer = published->value();
  // Who publishes no TLSA at all promises nothing that a new key could break.
  if (answer == nullptr || answer->status() != dns::Status::ok) co_return;
  const auto is_next = [&](const dns::Tlsa* record) {
    return text::iequals(dns::text(dns::RecordData(*record)), *next);
  };
  if (std::ranges::none_of(answer->all<dns::Tlsa>(), is_next))
    work.add({"tlsa-no-next-key", FindingLevel::warning,
              "no TLSA record is there for the key that comes next: senders that check would refuse it",
              record_line(name, dns::RecordType::tlsa, *next)},
             name, dns::RecordType::tlsa, *next);
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

Task<> look_at(CheckWork& work, dns::Name host, bool mx_secure, MxProbe& out) {
  if (work.options.probes != nullptr)
    out = co_await work.options.probes->mx(work.resolver(), std::move(host), mx_secure, work.options.now);
  else
    out = co_await look_up(work.resolver(), std::move(host));
}

/// All at the same time: who is silent takes his time.
Task<std::vector<MxProbe>> look_at_hosts(CheckWork& work, bool mx_secure) {
  std::vector<MxProbe> probes(std::min(work.mx.size(), mx_hosts_checked_max));
  runtime::TaskGroup group("hosts", {});
  const runtime::Executor executor = co_await runtime::current_executor();
  for (std::size_t i = 0; i < probes.size(); ++i)
    runtime::spawn(group, executor, "host", look_at(work, work.mx[i].exchange, mx_secure, probes[i]));
  co_await group.join();
  co_return probes;
}

/// Of this very host nothing is said: a router that does not lead its own public address back inside looks the same.
void judge_silence(CheckWork& work, const std::vector<MxProbe>& probes) {
  if (work.options.probes == nullptr) return;
  Reached reached = work.options.probes->reached();
  for (const MxProbe& probe : probes) reached.note(probe);
  const auto own = dns::Name::parse(work.expectation.around.host_name);
  for (const MxProbe& probe : probes) {
    auto silent = silence_of(probe, reached, work.options.probes->mx_port());
    if (!silent || (silent->in_doubt && own && *own == probe.host)) continue;
    work.add(std::move(silent->finding), probe.host, dns::RecordType::a, {}, silent->in_doubt);
  }
}

Task<> judge_host(CheckWork& work, std::uint16_t preference, MxProbe probe) {
  const dns::Name host = probe.host;
  for (Finding& finding : findings_of(probe)) work.add(std::move(finding), host, dns::RecordType::a);
  const bool own = is_own_host(work, host);
  for (const AddressProbe& one : probe.probes)
    if (own && one.certificate) work.issuers.push_back(one.certificate->issuer);
  co_await judge_unsigned_tlsa(work, probe);
  co_await judge_next_key(work, probe);
  for (const IpAddress& address : probe.addresses)
    if (own) co_await judge_reverse(work, address, host);
  work.report.mx.emplace_back(preference, std::move(probe));
}

}  // namespace

Task<> check_mx(CheckWork& work) {
  const Published* const published = co_await work.ask(work.domain, kMx);
  const dns::Answer* const answer = published->value();
  if (answer == nullptr || !dns::is_definite(answer->status())) co_return;
  judge_set(work, *answer);
  const bool mx_secure = published->cached ? published->cached->secure() : answer->secure();
  std::vector<MxProbe> probes = co_await look_at_hosts(work, mx_secure);
  judge_silence(work, probes);
  for (std::size_t i = 0; i < probes.size(); ++i)
    co_await judge_host(work, work.mx[i].preference, std::move(probes[i]));
  // This host sends for the domain, whether or not it is an MX.
  const auto own = dns::Name::parse(work.expectation.around.host_name);
  if (!own || !work.expectation.model || work.is_parked) co_return;
  for (const IpAddress& address : work.expectation.around.addresses) co_await judge_reverse(work, address, *own);
}

}  // namespace posthorn::inspection
