#include "operations/transition/key_states.h"

#include <algorithm>

#include <fmt/format.h>

#include "standards/dkim/key_record.h"

namespace posthorn::transition {
namespace {

using keyring::DkimKey;
using keyring::KeyState;

Problem cannot(std::string_view domain, std::string why, std::string remedy) {
  return {ProblemKind::no, fmt::format("the DKIM keys of {}", domain), std::move(why), std::move(remedy)};
}

bool is_coming(const DkimKey& key) {
  return key.state == KeyState::made || key.state == KeyState::published;
}

KeyDecision decide_coming(const DkimKey& key, const KeyFacts& facts, bool force, TimePoint now) {
  if (!force && facts.sighting.kind != KeySighting::Kind::everywhere)
    return {KeyDue::nothing, fmt::format("waits until every server answers with its record: {}", facts.sighting.words)};
  if (key.state == KeyState::made) return {KeyDue::to_published, "its record is published"};
  // Where nothing signs yet, nothing is lost with a resolver that has the record's absence cached.
  const TimePoint known = key.changed + key_absence_cached_max;
  if (force || !facts.other_signs || now >= known) return {KeyDue::to_signing, "signs from now on"};
  return {KeyDue::nothing,
          fmt::format("begins to sign at {}, when no cache holds its absence any more", rfc3339(known))};
}

KeyDecision decide_retiring(const DkimKey& key, const KeyFacts& facts, TimePoint now) {
  if (facts.in_queue)
    return {key.queue_clear_since ? KeyDue::note_queue_busy : KeyDue::nothing,
            "waits: a message it signed is still in the queue"};
  if (!key.queue_clear_since)
    return {KeyDue::note_queue_clear, "no message it signed is in the queue any more; its record stays a week"};
  const TimePoint until = std::max(*key.queue_clear_since, key.changed) + key_retired_at_least;
  if (now < until) return {KeyDue::nothing, fmt::format("its record stays until {}", rfc3339(until))};
  return {KeyDue::to_revoked, "revoked: publish its record with an empty p="};
}

KeyDecision decide_revoked(const DkimKey& key, TimePoint now) {
  const TimePoint until = key.changed + key_revoked_at_least;
  if (now < until) return {KeyDue::nothing, fmt::format("its empty record stays until {}", rfc3339(until))};
  return {KeyDue::to_gone, "gone: remove its record"};
}

/// The unit of one decision; `all`: the domain's keys.
storage::Unit unit_for(const DkimKey& key, KeyDue due, const std::vector<DkimKey>& all, TimePoint now) {
  storage::Unit unit;
  DkimKey noted = key;
  switch (due) {
    case KeyDue::nothing:
      break;
    case KeyDue::to_published:
      plan_state(key, KeyState::published, now, unit);
      break;
    case KeyDue::to_signing:
      plan_state(key, KeyState::signing, now, unit);
      // The old and the new change places in one unit: at no moment do both sign, or none.
      for (const DkimKey& old : all)
        if (old.kind == key.kind && old.state == KeyState::signing) plan_state(old, KeyState::retiring, now, unit);
      break;
    case KeyDue::to_revoked:
      plan_state(key, KeyState::revoked, now, unit);
      break;
    case KeyDue::to_gone:
      plan_forget(key, unit);
      break;
    case KeyDue::note_queue_clear:
      noted.queue_clear_since = now;
      plan_facts(noted, unit);
      break;
    case KeyDue::note_queue_busy:
      noted.queue_clear_since.reset();
      plan_facts(noted, unit);
      break;
  }
  return unit;
}

/// A coming key may pass two states in one call (made, published, signing); every other passes one.
constexpr int kStepsPerCallMax = 2;

class ResolverWitness final : public KeyWitness {
 public:
  explicit ResolverWitness(dns::Resolver& resolver) : resolver_(resolver) {}

  Task<KeySighting> look(keyring::KeyRecord wanted) override {
    auto name = dns::Name::parse(wanted.name);
    if (!name) co_return KeySighting{KeySighting::Kind::missing, "this is no name the DNS can hold"};
    const dns::TxtLookup lookup = co_await dns::lookup_txt(resolver_, std::move(*name));
    co_return judge_sighting(wanted, lookup, lookup.answer.source());
  }

 private:
  dns::Resolver& resolver_;
};

}  // namespace

bool is_same_key(std::string_view wanted, std::string_view published) {
  const auto a = dkim::parse_key_record(wanted);
  const auto b = dkim::parse_key_record(published);
  if (!a || !b || a->revoked() != b->revoked()) return false;
  return a->revoked() || a->key->der() == b->key->der();
}

KeySighting judge_sighting(const keyring::KeyRecord& wanted, const dns::TxtLookup& lookup, std::string_view server) {
  using Kind = KeySighting::Kind;
  if (!dns::is_definite(lookup.status()))
    return {Kind::unknown, fmt::format("{}: {}", server,
                                       lookup.answer.reason().empty() ? std::string(dns::text(lookup.status()))
                                                                      : lookup.answer.reason())};
  if (lookup.texts.empty()) return {Kind::missing, fmt::format("{} has no TXT record at {}", server, wanted.name)};
  // RFC 6376 3.6.2.2: with several records at the name, what a verifier takes is undefined.
  if (lookup.texts.size() > 1)
    return {Kind::different, fmt::format("{} has {} TXT records", server, lookup.texts.size())};
  if (!is_same_key(wanted.text, lookup.texts.front()))
    return {Kind::different, fmt::format("{} has another key at {}", server, wanted.name)};
  return {Kind::everywhere, fmt::format("{} has it", server)};
}

std::unique_ptr<KeyWitness> resolver_witness(dns::Resolver& resolver) {
  return std::make_unique<ResolverWitness>(resolver);
}

domains::OwnKey own_key_of(const DkimKey& key) {
  domains::OwnKey out{key.selector, keyring::record_of(key).text, key.state == KeyState::signing,
                      key.state == KeyState::revoked};
  switch (key.state) {
    case KeyState::made:
      out.next = "begins to sign once every server has its record, and an hour later where another key signs now";
      break;
    case KeyState::published:
      out.next = "begins to sign: no cache holds its absence any more";
      out.next_at = key.changed + key_absence_cached_max;
      break;
    case KeyState::signing:
      break;
    case KeyState::retiring:
      out.next = "is revoked: its signatures are on their way no more";
      out.next_at = std::max(key.queue_clear_since.value_or(key.changed), key.changed) + key_retired_at_least;
      break;
    case KeyState::revoked:
      out.next = "its empty record may go";
      out.next_at = key.changed + key_revoked_at_least;
      break;
  }
  return out;
}

std::vector<domains::OwnKey> own_keys(const keyring::Keyring& keyring, std::string_view domain) {
  std::vector<domains::OwnKey> keys;
  for (const DkimKey& key : keyring.keys_of(domain)) keys.push_back(own_key_of(key));
  return keys;
}

KeyDecision decide_key(const DkimKey& key, const KeyFacts& facts, bool force, TimePoint now) {
  switch (key.state) {
    case KeyState::made:
    case KeyState::published:
      return decide_coming(key, facts, force, now);
    case KeyState::signing:
      return {KeyDue::nothing, facts.sighting.kind == KeySighting::Kind::everywhere
                                   ? "signs"
                                   : fmt::format("signs, but its record is not there: {}", facts.sighting.words)};
    case KeyState::retiring:
      return decide_retiring(key, facts, now);
    case KeyState::revoked:
      return decide_revoked(key, now);
  }
  return {};
}

Task<KeyFacts> KeyDriver::learn(DkimKey key, bool force) const {
  KeyFacts facts;
  const auto all = keyring_.keys_of(key.domain);
  facts.other_signs = std::ranges::any_of(
      all, [&](const DkimKey& other) { return other.state == KeyState::signing && other.kind == key.kind; });
  if (key.state == KeyState::retiring) {
    auto question = [name = key.signature_name()](storage::Reader& reader) { return reader.is_signed_in_queue(name); };
    facts.in_queue = co_await store_.read(std::move(question));
  } else if (witness_ == nullptr) {
    facts.sighting.words = "nobody was asked";
  } else if (key.state != KeyState::revoked && !force) {
    keyring::KeyRecord wanted = keyring::record_of(key);
    facts.sighting = co_await witness_->look(std::move(wanted));
  }
  co_return facts;
}

Task<Result<void, Problem>> KeyDriver::commit(storage::Unit unit, std::string_view domain) const {
  const std::string name(domain);
  const auto committed = co_await store_.commit(std::move(unit));
  if (committed) co_return Result<void, Problem>{};
  if (committed.error().error == storage::CommitError::precondition_failed)
    co_return fail(Problem{ProblemKind::unavailable, fmt::format("the DKIM keys of {}", name),
                           "somebody else has taken this step at the same moment",
                           "look again: posthorn domain keys " + name});
  co_return fail(Problem{ProblemKind::unavailable, fmt::format("the DKIM keys of {}", name),
                         "the store takes nothing now", "is the disk full?"});
}

Task<Result<KeyStep, Problem>> KeyDriver::advance_one(DkimKey key, bool force, TimePoint now) const {
  KeyStep step{key, false, {}};
  const bool may_force = force && is_coming(key);
  for (int passed = 0; passed < kStepsPerCallMax; ++passed) {
    const KeyFacts facts = co_await learn(step.key, may_force);
    KeyDecision decision = decide_key(step.key, facts, may_force, now);
    step.words = std::move(decision.words);
    if (decision.due == KeyDue::nothing) break;
    auto done = co_await commit(unit_for(step.key, decision.due, keyring_.keys_of(key.domain), now), key.domain);
    if (!done) co_return fail(std::move(done.error()));
    step.stepped = true;
    const auto after = keyring_.keys_of(key.domain);
    const auto present = std::ranges::find(after, key.selector, &DkimKey::selector);
    if (present == after.end()) break;
    step.key = *present;
    if (!is_coming(step.key)) break;
  }
  co_return step;
}

Task<Result<std::vector<KeyStep>, Problem>> KeyDriver::advance(std::string domain, bool force, TimePoint now) const {
  std::vector<KeyStep> steps;
  // Coming keys first: what they displace is then seen in its new state.
  auto keys = keyring_.keys_of(domain);
  std::ranges::sort(keys, {}, [](const DkimKey& key) { return std::pair(!is_coming(key), key.selector); });
  for (const DkimKey& planned : keys) {
    const auto present = keyring_.keys_of(domain);
    const auto key = std::ranges::find(present, planned.selector, &DkimKey::selector);
    if (key == present.end()) continue;
    auto step = co_await advance_one(*key, force, now);
    if (!step) co_return fail(std::move(step.error()));
    steps.push_back(std::move(*step));
  }
  co_return steps;
}

Task<Result<std::vector<DkimKey>, Problem>> KeyDriver::add_keys(std::string domain, KeyState state,
                                                                TimePoint now) const {
  const auto sealing = keyring_.sealing_key();
  if (!sealing)
    co_return fail(cannot(domain, "there is no sealing key to keep them with", "see keys.sealing_key_file"));
  auto make = [sealing = *sealing, domain, present = keyring_.keys_of(domain), state, now] {
    return keyring::make_dkim_keys(sealing, domain, present, state, now);
  };
  auto made = co_await workers_.run(std::move(make));
  if (!made) co_return fail(Problem{ProblemKind::unavailable, "new DKIM keys", "the server is busy", "try again"});
  storage::Unit unit;
  unit.preconditions.emplace_back(storage::NameTaken{"domain", domain});
  for (const DkimKey& key : *made) plan_add(key, unit);
  if (auto done = co_await commit(std::move(unit), domain); !done) co_return fail(std::move(done.error()));
  co_return std::move(*made);
}

Task<Result<std::vector<DkimKey>, Problem>> KeyDriver::rotate(std::string domain, TimePoint now) const {
  const auto present = keyring_.keys_of(domain);
  if (std::ranges::any_of(present, is_coming))
    co_return fail(cannot(domain, "new keys are on their way already",
                          fmt::format("publish their records: posthorn domain keys {}", domain)));
  if (present.size() >= keyring::dkim_keys_per_domain_max)
    co_return fail(cannot(domain, "too many keys are retiring", "wait until some of them are gone"));
  co_return co_await add_keys(std::move(domain), KeyState::made, now);
}

Task<Result<DkimKey, Problem>> KeyDriver::revoke(std::string domain, std::string selector, TimePoint now) const {
  const auto keys = keyring_.keys_of(domain);
  const auto key = std::ranges::find(keys, selector, &DkimKey::selector);
  if (key == keys.end())
    co_return fail(cannot(domain, fmt::format("there is no key {}", selector), "posthorn domain keys " + domain));
  if (key->state == KeyState::revoked) co_return fail(cannot(domain, selector + " is revoked already", ""));
  storage::Unit unit;
  plan_state(*key, KeyState::revoked, now, unit);
  if (auto done = co_await commit(std::move(unit), domain); !done) co_return fail(std::move(done.error()));
  DkimKey revoked = *key;
  revoked.state = KeyState::revoked;
  revoked.changed = now;
  co_return revoked;
}

}  // namespace posthorn::transition
