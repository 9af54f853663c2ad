#include "site/keyring/dkim_key.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/json_text.h"
#include "standards/dkim/key_record.h"

namespace posthorn::keyring {
namespace {

namespace json = boost::json;

constexpr std::string_view kKind = "dkim";
constexpr std::array<std::string_view, 5> kStateNames{"made", "published", "signing", "retiring", "revoked"};

/// What a sealed key is bound to: moved to another row it does not open.
std::string seal_context(const DkimKey& key) {
  return fmt::format("dkim {} {}", key.domain, key.selector);
}

/// "20261122r": the day it was made and its kind, so that nobody mistakes one key for another.
std::string dated_selector(TimePoint now, crypto::KeyKind kind) {
  const std::string date = rfc3339(now).substr(0, 10);
  return fmt::format("{}{}{}{}", date.substr(0, 4), date.substr(5, 2), date.substr(8, 2),
                     kind == crypto::KeyKind::rsa ? "r" : "e");
}

std::string free_selector(const std::string& wanted, const std::vector<DkimKey>& present) {
  const auto is_taken = [&present](const std::string& selector) {
    return std::ranges::find(present, selector, &DkimKey::selector) != present.end();
  };
  std::string selector = wanted;
  for (int number = 2; is_taken(selector); ++number) selector = fmt::format("{}{}", wanted, number);
  return selector;
}

std::optional<TimePoint> time_of(const json::object& facts, std::string_view name) {
  const auto* value = facts.if_contains(name);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return from_unix_seconds(value->get_int64());
}

DkimKey make_key(const crypto::SealingKey& sealing, std::string_view domain, const std::vector<DkimKey>& present,
                 const crypto::PrivateKey& secret, KeyState state, TimePoint now) {
  DkimKey key;
  key.domain = domain;
  key.kind = secret.kind();
  key.selector = free_selector(dated_selector(now, key.kind), present);
  key.state = state;
  key.record = dkim::key_record_text(secret.public_key());
  key.created = now;
  key.changed = now;
  key.sealed = sealing.seal(secret.pem(), seal_context(key));
  return key;
}

storage::KeyInState in_its_state(const DkimKey& key) {
  return {std::string(kKind), key.domain, key.selector, std::string(name(key.state))};
}

}  // namespace

std::string_view name(KeyState state) {
  return kStateNames.at(static_cast<std::size_t>(state));
}

std::optional<KeyState> parse_key_state(std::string_view text) {
  const auto* const at = std::ranges::find(kStateNames, text);
  if (at == kStateNames.end()) return std::nullopt;
  return static_cast<KeyState>(at - kStateNames.begin());
}

KeyRecord record_of(const DkimKey& key) {
  // RFC 6376 3.6.1: an empty p= says that the key is revoked.
  const bool revoked = key.state == KeyState::revoked;
  return {fmt::format("{}._domainkey.{}", key.selector, key.domain), revoked ? "v=DKIM1; p=" : key.record};
}

storage::KeyRow row_of(const DkimKey& key) {
  json::object facts{{"algorithm", crypto::text(key.kind)}, {"record", key.record}};
  if (key.queue_clear_since) facts["queue_clear_since"] = unix_seconds(*key.queue_clear_since);
  return {std::string(kKind),     key.domain,  key.selector, std::string(name(key.state)), key.sealed,
          json::serialize(facts), key.created, key.changed};
}

std::optional<DkimKey> key_from(const storage::KeyRow& row) {
  const auto state = parse_key_state(row.state);
  boost::system::error_code error;
  const json::value parsed = json::parse(row.facts, error);
  if (row.kind != kKind || !state || error || !parsed.is_object()) return std::nullopt;
  const json::object& facts = parsed.get_object();
  DkimKey key;
  key.domain = row.owner;
  key.selector = row.name;
  key.kind = text::json_text(facts, "algorithm") == crypto::text(crypto::KeyKind::ed25519) ? crypto::KeyKind::ed25519
                                                                                           : crypto::KeyKind::rsa;
  key.state = *state;
  key.record = text::json_text(facts, "record");
  key.created = row.created;
  key.changed = row.changed;
  key.queue_clear_since = time_of(facts, "queue_clear_since");
  key.sealed = row.sealed;
  return key;
}

std::vector<DkimKey> make_dkim_keys(const crypto::SealingKey& sealing, std::string_view domain,
                                    const std::vector<DkimKey>& present, KeyState state, TimePoint now) {
  std::vector<DkimKey> made;
  // Sizes we choose ourselves: generating fails only where OpenSSL is broken, and then there is no key.
  for (const auto& secret : {crypto::PrivateKey::generate_rsa(dkim_rsa_bits), crypto::PrivateKey::generate_ed25519()})
    if (secret) made.push_back(make_key(sealing, domain, present, *secret, state, now));
  return made;
}

Result<crypto::PrivateKey, Problem> open_key(const crypto::SealingKey& sealing, const DkimKey& key) {
  const std::string what = fmt::format("the DKIM key {} of {}", key.selector, key.domain);
  const auto pem = sealing.open(key.sealed, seal_context(key));
  if (!pem)
    return fail(Problem{ProblemKind::usage, what, std::string(crypto::text(pem.error())),
                        fmt::format("bring the sealing key of this store back, or make new keys: posthorn domain "
                                    "rotate {}",
                                    key.domain)});
  auto secret = crypto::PrivateKey::from_pem(*pem);
  if (!secret) return fail(Problem{ProblemKind::usage, what, std::string(crypto::text(secret.error())), ""});
  return std::move(*secret);
}

void plan_add(const DkimKey& key, storage::Unit& unit) {
  unit.preconditions.emplace_back(storage::KeyAbsent{std::string(kKind), key.domain, key.selector});
  unit.mutations.emplace_back(storage::PutKey{row_of(key)});
}

void plan_state(const DkimKey& key, KeyState to, TimePoint now, storage::Unit& unit) {
  unit.preconditions.emplace_back(in_its_state(key));
  DkimKey next = key;
  next.state = to;
  next.changed = now;
  // Nobody needs the secret of a key that is revoked.
  if (to == KeyState::revoked) next.sealed.clear();
  unit.mutations.emplace_back(storage::PutKey{row_of(next)});
}

void plan_facts(const DkimKey& key, storage::Unit& unit) {
  unit.preconditions.emplace_back(in_its_state(key));
  unit.mutations.emplace_back(storage::PutKey{row_of(key)});
}

void plan_forget(const DkimKey& key, storage::Unit& unit) {
  unit.preconditions.emplace_back(in_its_state(key));
  unit.mutations.emplace_back(storage::RemoveKey{std::string(kKind), key.domain, key.selector});
}

}  // namespace posthorn::keyring
