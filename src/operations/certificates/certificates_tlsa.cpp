// The TLSA records of a mail host's keys: looked at, and published where updates of the zone are ours to make.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/codec/hex.h"
#include "operations/certificates/certificates.h"

namespace posthorn::certificates {
namespace {

/// RFC 7672 3.1: senders look below port 25 of the MX host's name.
std::optional<dns::Name> tlsa_name(const std::string& host) {
  auto name = dns::Name::parse("_25._tcp." + host);
  return name ? std::optional(std::move(*name)) : std::nullopt;
}

dns::Record tlsa_record(const dns::Name& name, const TlsKey& key, std::uint32_t ttl_seconds) {
  return {name, dns::RecordType::tlsa, ttl_seconds,
          dns::Tlsa{3, 1, 1, codec::hex_decode(key.digest).value_or(OctetString())}};
}

Problem cannot_see(const std::string& host, std::string why) {
  return {ProblemKind::unavailable, "the TLSA records of " + host, std::move(why), "it is looked again later"};
}

}  // namespace

Task<std::vector<Sighting>> Certificates::sight(Want want) {
  std::vector<Sighting> sightings;
  for (const std::string& host : want.names) {
    auto name = tlsa_name(host);
    if (!name) continue;
    auto sighting = co_await around_.witness->look(std::move(*name), dns::RecordType::tlsa);
    sightings.push_back(std::move(sighting));
  }
  co_return sightings;
}

Task<TlsaFacts> Certificates::facts_of(Want want, std::string digest) {
  const std::string owner = want.names.front();
  const std::vector<Sighting> sightings = co_await sight(std::move(want));
  TlsaFacts facts = judge_tlsa(digest, sightings);
  const bool bound = facts.kind == TlsaFacts::Kind::lacking || facts.kind == TlsaFacts::Kind::listed;
  if (bound) bound_until_[owner] = around_.clock->now() + tlsa_wait(facts.ttl_seconds);
  co_return facts;
}

/// Once an hour: whether the records, where there are any, list the key in use. Where not, mail fails.
Task<> Certificates::watch_tlsa(Want want) {
  const std::string owner = want.names.front();
  const auto live = key_in(owner, TlsKeyState::live);
  if (!want.takes_mail || !live || around_.witness == nullptr) co_return;
  const TimePoint now = around_.clock->now();
  if (const auto seen = tlsa_seen_.find(owner); seen != tlsa_seen_.end() && now < seen->second + tlsa_look) co_return;
  tlsa_seen_[owner] = now;
  const TlsaFacts facts = co_await facts_of(std::move(want), live->digest);
  if (facts.kind == TlsaFacts::Kind::unknown) co_return;
  const bool wrong = facts.kind == TlsaFacts::Kind::lacking;
  if (wrong)
    around_.log.error("the TLSA records do not list the key in use: senders with DANE keep their mail",
                      {{"name", owner}, {"publish", live->tlsa()}, {"reason", facts.words}});
  const std::lock_guard lock(mutex_);
  standing_[owner].tlsa = wrong ? facts.words : std::string();
}

/// Adds the key's record beside the others, or takes it away again, at each name where there are TLSA records and
/// updates are ours to make. Done already is done.
Task<Result<void, Problem>> Certificates::publish_tlsa(Want want, TlsKey key, bool add) {
  if (!want.takes_mail || around_.publishers == nullptr || around_.witness == nullptr)
    co_return Result<void, Problem>{};
  for (const std::string& host : want.names) {
    const auto name = tlsa_name(host);
    if (!name || around_.prover->challenge(host) != challenge_dns) continue;
    auto publisher = around_.publishers->publisher(*name);
    if (!publisher) co_return fail(std::move(publisher.error()));
    const Sighting sighting = co_await around_.witness->look(*name, dns::RecordType::tlsa);
    if (std::string doubt = sighting.doubt(); !doubt.empty()) co_return fail(cannot_see(host, std::move(doubt)));
    const std::vector<dns::Record>& present = sighting.servers.front().records;
    if (present.empty()) continue;
    const dns::Record record = tlsa_record(*name, key, present.front().ttl_seconds);
    const bool there =
        std::ranges::any_of(present, [&record](const dns::Record& each) { return each.data == record.data; });
    if (there == add) continue;
    transition::ZoneChange change;
    // A set that has changed, or gone, since it was looked at is not touched: a lone record would bind the host to a
    // key that is not in use.
    change.must_exist = present;
    (add ? change.add : change.remove).push_back(record);
    // The last record is never taken away by us: what binds the host to no key at all is an administrator's word.
    if (!add && present.size() == 1) continue;
    auto published = co_await (*publisher)->publish(std::move(change));
    if (!published) co_return published;
    around_.log.info(add ? "the TLSA record of the next key is published" : "the TLSA record of an old key is gone",
                     {{"name", name->text()}, {"key", key.id}});
  }
  co_return Result<void, Problem>{};
}

}  // namespace posthorn::certificates
