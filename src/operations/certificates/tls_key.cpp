#include "operations/certificates/tls_key.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/json_text.h"
#include "operations/certificates/key_facts.h"

namespace posthorn::certificates {
namespace {

namespace json = boost::json;

struct StateName {
  TlsKeyState state;
  std::string_view name;
};
constexpr std::array kStateNames{StateName{TlsKeyState::next, "next"}, StateName{TlsKeyState::live, "live"},
                                 StateName{TlsKeyState::retiring, "retiring"}};

/// RFC 5480 2: the SubjectPublicKeyInfo of a P-256 key up to its point, which is uncompressed.
constexpr std::string_view kP256Prefix(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04", 27);

storage::KeyInState in_its_state(const TlsKey& key) {
  return {tls_key_kind, key.owner, key.id, std::string(name(key.state))};
}

// RFC 6698 2.1: usage 3 names a certificate or key of the host itself; RFC 7672 3.1.3: 0 and 1 are no use for mail.
constexpr std::uint8_t kUsageDaneEe = 3;
constexpr std::uint8_t kSelectorKey = 1;
constexpr std::uint8_t kMatchingSha256 = 1;

/// Whether the records bind the host to certain keys: senders then take no other. A trust anchor (usage 2) does not.
bool binds(const std::vector<dns::Record>& records) {
  bool by_key = false;
  for (const dns::Record& record : records) {
    const auto* tlsa = std::get_if<dns::Tlsa>(&record.data);
    if (tlsa == nullptr) continue;
    by_key |= tlsa->usage == kUsageDaneEe;
  }
  return by_key;
}

bool lists(const std::vector<dns::Record>& records, std::string_view digest) {
  return std::ranges::any_of(records, [digest](const dns::Record& record) {
    const auto* tlsa = std::get_if<dns::Tlsa>(&record.data);
    return tlsa != nullptr && tlsa->usage == kUsageDaneEe && tlsa->selector == kSelectorKey &&
           tlsa->matching_type == kMatchingSha256 && codec::hex_encode(tlsa->association_data) == digest;
  });
}

}  // namespace

std::string_view name(TlsKeyState state) {
  return std::ranges::find(kStateNames, state, &StateName::state)->name;
}

std::string key_digest(const crypto::EcKey& key) {
  const crypto::EcKey::Point point = key.public_point();
  const OctetString der = OctetString(kP256Prefix) + point.x + point.y;
  return codec::hex_encode(crypto::sha256(der));
}

std::string tlsa_text(const crypto::Certificate& certificate) {
  return "3 1 1 " + digest_of(certificate);
}

storage::KeyRow row_of(const TlsKey& key) {
  json::object facts{{"digest", key.digest}};
  if (!key.chain.empty()) facts["chain"] = key.chain;
  if (key.change_asked) facts["change_asked"] = true;
  put_time(facts, "seen_since", key.seen_since);
  put_seconds(facts, "ttl", key.ttl_seconds);
  return {tls_key_kind,           key.owner,   key.id,     std::string(name(key.state)), key.sealed,
          json::serialize(facts), key.created, key.changed};
}

std::optional<TlsKey> tls_key_from(const storage::KeyRow& row) {
  const auto* const state = std::ranges::find(kStateNames, row.state, &StateName::name);
  const auto facts = facts_in(row);
  if (row.kind != tls_key_kind || state == kStateNames.end() || !facts) return std::nullopt;
  TlsKey key;
  key.owner = row.owner;
  key.id = row.name;
  key.state = state->state;
  key.chain = text::json_text(*facts, "chain");
  key.digest = text::json_text(*facts, "digest");
  if (key.digest.empty()) {  // rows of earlier versions: their certificate tells it
    const auto leaf = leaf_of(key.chain);
    if (!leaf) return std::nullopt;
    key.digest = digest_of(*leaf);
  }
  key.created = row.created;
  key.changed = row.changed;
  const auto* asked = facts->if_contains("change_asked");
  key.change_asked = asked != nullptr && asked->is_bool() && asked->get_bool();
  key.seen_since = fact_time(*facts, "seen_since");
  key.ttl_seconds = fact_seconds(*facts, "ttl");
  key.sealed = row.sealed;
  return key;
}

std::string seal_context(const storage::KeyRow& row) {
  return fmt::format("{} {} {}", row.kind, row.owner, row.name);
}

TlsaFacts judge_tlsa(std::string_view digest, const std::vector<Sighting>& sightings) {
  using Kind = TlsaFacts::Kind;
  TlsaFacts facts{Kind::none, 0, "no TLSA record binds the host to a key"};
  for (const Sighting& sighting : sightings) {
    if (std::string doubt = sighting.doubt(); !doubt.empty()) return {Kind::unknown, 0, std::move(doubt)};
    const bool bound = std::ranges::any_of(sighting.servers, [](const auto& said) { return binds(said.records); });
    if (!bound) continue;
    for (const ServerRecords& said : sighting.servers) {
      for (const dns::Record& record : said.records)
        facts.ttl_seconds = std::max(facts.ttl_seconds, record.ttl_seconds);
      if (facts.kind == Kind::lacking || lists(said.records, digest)) continue;
      facts.kind = Kind::lacking;
      facts.words = fmt::format("{} does not list 3 1 1 {}", said.server, digest);
    }
    if (facts.kind == Kind::none) facts = {Kind::listed, facts.ttl_seconds, "every server lists it"};
  }
  return facts;
}

Duration tlsa_wait(std::uint32_t ttl_seconds) {
  return std::chrono::seconds(std::uint64_t{std::max(ttl_seconds, tlsa_ttl_seconds_least)} * tlsa_ttls_waited);
}

NextKeyDecision decide_next(const TlsKey& key, const TlsaFacts& facts, std::optional<TimePoint> bound_until,
                            TimePoint now) {
  switch (facts.kind) {
    case TlsaFacts::Kind::unknown:
      // Nothing is learnt from a DNS that does not answer; the clock of what was seen runs on.
      return {NextKeyDue::nothing, fmt::format("waits until every server answers: {}", facts.words)};
    case TlsaFacts::Kind::lacking:
      return {key.seen_since ? NextKeyDue::note_lost : NextKeyDue::nothing,
              fmt::format("waits until its TLSA record is published: {}", facts.words)};
    case TlsaFacts::Kind::none:
      if (bound_until && now < *bound_until)
        return {NextKeyDue::nothing,
                fmt::format("waits until {}: caches may hold the TLSA records that were there", rfc3339(*bound_until))};
      return {NextKeyDue::may_take_over, facts.words};
    case TlsaFacts::Kind::listed:
      break;
  }
  if (!key.seen_since || facts.ttl_seconds > key.ttl_seconds)
    return {NextKeyDue::note_seen, "every server lists its TLSA record"};
  const TimePoint known = *key.seen_since + tlsa_wait(key.ttl_seconds);
  if (now < known)
    return {NextKeyDue::nothing,
            fmt::format("may be used from {} on, when no cache lacks its TLSA record", rfc3339(known))};
  return {NextKeyDue::may_take_over, "its TLSA record has been published long enough"};
}

void plan_new(const TlsKey& key, storage::Unit& unit) {
  unit.preconditions.emplace_back(storage::KeyAbsent{tls_key_kind, key.owner, key.id});
  unit.mutations.emplace_back(storage::PutKey{row_of(key)});
}

void plan_note(const TlsKey& key, storage::Unit& unit) {
  unit.preconditions.emplace_back(in_its_state(key));
  unit.mutations.emplace_back(storage::PutKey{row_of(key)});
}

void plan_take_over(const TlsKey& next, const TlsKey* live, std::string chain, TimePoint now, storage::Unit& unit) {
  unit.preconditions.emplace_back(in_its_state(next));
  TlsKey used = next;
  used.state = TlsKeyState::live;
  used.chain = std::move(chain);
  used.changed = now;
  used.change_asked = false;
  used.seen_since.reset();
  unit.mutations.emplace_back(storage::PutKey{row_of(used)});
  if (live == nullptr) return;
  unit.preconditions.emplace_back(in_its_state(*live));
  TlsKey old = *live;
  old.state = TlsKeyState::retiring;
  old.changed = now;
  old.ttl_seconds = std::max(old.ttl_seconds, next.ttl_seconds);
  old.sealed.clear();
  unit.mutations.emplace_back(storage::PutKey{row_of(old)});
}

void plan_gone(const TlsKey& key, storage::Unit& unit) {
  unit.preconditions.emplace_back(in_its_state(key));
  unit.mutations.emplace_back(storage::RemoveKey{tls_key_kind, key.owner, key.id});
}

TimePoint gone_at(const TlsKey& key) {
  return key.changed + tlsa_wait(key.ttl_seconds);
}

}  // namespace posthorn::certificates
