#include "operations/certificates/certificates.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace posthorn::certificates {
namespace {

constexpr const char* kAccountKind = "acme";
constexpr std::size_t kIdDigits = 16;  // of the digest: a key's id in the store

std::optional<Issued> read_issued(std::string chain_pem, std::string key_pem) {
  const auto facts = net::read_certificate(chain_pem);
  if (!facts) return std::nullopt;
  return Issued{facts->names, std::move(chain_pem), std::move(key_pem), facts->not_before, facts->not_after};
}

Problem cannot(const std::string& name, std::string why, std::string remedy = "") {
  return {ProblemKind::unavailable, "the certificate for " + name, std::move(why), std::move(remedy)};
}

Problem locked() {
  return {ProblemKind::usage, "a certificate of an authority", "there is no sealing key to keep its key with",
          "see keys.sealing_key_file"};
}

}  // namespace

/// Whose turn it is: a look, or an administrator.
class Certificates::Turn {
 public:
  explicit Turn(bool& busy) : busy_(busy), mine_(!busy) { busy_ = true; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (mine_) busy_ = false;
  }
  [[nodiscard]] bool mine() const { return mine_; }

 private:
  bool& busy_;
  const bool mine_;
};

TimePoint renewal_time(TimePoint not_before, TimePoint not_after) {
  return not_after - (not_after - not_before) / 3;
}

// ---------------------------------------------------------------- what is here

Task<> Certificates::load() {
  auto question = [](storage::Reader& reader) { return reader.keys(tls_key_kind); };
  const std::vector<storage::KeyRow> rows = co_await around_.store->read(std::move(question));
  for (const storage::KeyRow& row : rows) {
    auto key = tls_key_from(row);
    if (key) {
      put(std::move(*key));
    } else {
      around_.log.error("a certificate in the store cannot be read", {{"name", row.owner}});
    }
  }
}

void Certificates::put(TlsKey key) {
  std::optional<Issued> issued;
  if (key.state == TlsKeyState::live) {
    const auto sealing = around_.keyring->sealing_key();
    if (sealing)
      if (auto pem = sealing->open(key.sealed, seal_context(row_of(key))))
        issued = read_issued(key.chain, std::move(*pem));
    if (!issued) around_.log.error("a certificate in the store cannot be used", {{"name", key.owner}});
  }
  const std::lock_guard lock(mutex_);
  if (issued) issued_[key.owner] = std::move(*issued);
  Keys& keys = keys_[key.owner];
  const auto present = std::ranges::find(keys, key.id, &TlsKey::id);
  if (present == keys.end()) {
    keys.push_back(std::move(key));
  } else {
    *present = std::move(key);
  }
}

/// What was committed is what is known.
void Certificates::take_in(const storage::Unit& unit) {
  for (const storage::Mutation& mutation : unit.mutations) {
    if (const auto* added = std::get_if<storage::PutKey>(&mutation)) {
      if (auto key = tls_key_from(added->row)) put(std::move(*key));
    } else if (const auto* gone = std::get_if<storage::RemoveKey>(&mutation)) {
      const std::lock_guard lock(mutex_);
      std::erase_if(keys_[gone->owner], [gone](const TlsKey& key) { return key.id == gone->name; });
    }
  }
}

Task<Result<void, Problem>> Certificates::commit(storage::Unit unit) {
  storage::Unit written = unit;
  const auto committed = co_await around_.store->commit(std::move(unit));
  if (!committed)
    co_return fail(Problem{ProblemKind::unavailable, "a key of an authority's certificate", "the store did not take it",
                           "is the disk full?"});
  take_in(written);
  co_return Result<void, Problem>{};
}

std::vector<Issued> Certificates::issued() const {
  const std::lock_guard lock(mutex_);
  std::vector<Issued> all;
  for (const auto& [name, issued] : issued_) all.push_back(issued);
  return all;
}

std::vector<TlsKey> Certificates::keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<TlsKey> all;
  for (const auto& [name, keys] : keys_) all.insert(all.end(), keys.begin(), keys.end());
  return all;
}

Standing Certificates::standing(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto at = standing_.find(name);
  return at == standing_.end() ? Standing{} : at->second;
}

std::optional<TlsKey> Certificates::key_in(const std::string& owner, TlsKeyState state) const {
  const std::lock_guard lock(mutex_);
  const auto at = keys_.find(owner);
  if (at == keys_.end()) return std::nullopt;
  const auto key = std::ranges::find(at->second, state, &TlsKey::state);
  return key == at->second.end() ? std::nullopt : std::optional(*key);
}

std::optional<Want> Certificates::find_want(const std::string& name) const {
  for (Want& want : wanted_())
    if (!want.names.empty() && want.names.front() == name) return std::move(want);
  return std::nullopt;
}

void Certificates::note_waits(const std::string& name, std::string words) {
  const std::lock_guard lock(mutex_);
  std::string& waits = standing_[name].waits;
  if (waits == words) return;
  if (!words.empty()) around_.log.info("the next key of a certificate waits", {{"name", name}, {"reason", words}});
  waits = std::move(words);
}

// ---------------------------------------------------------------- looking

bool Certificates::is_due(const Want& want, TimePoint now) const {
  const std::lock_guard lock(mutex_);
  const auto present = issued_.find(want.names.front());
  if (present == issued_.end()) return true;
  const Issued& issued = present->second;
  const bool has_all = std::ranges::all_of(
      want.names, [&](const std::string& name) { return std::ranges::find(issued.names, name) != issued.names.end(); });
  return !has_all || now >= renewal_time(issued.not_before, issued.not_after);
}

/// A mail host has its next key made early, so that its TLSA record can stand beside the present one at all times; a
/// policy host has one only where the first is to come, or to change.
bool Certificates::wants_next(const Want& want, TimePoint now) const {
  const auto live = key_in(want.names.front(), TlsKeyState::live);
  if (!live || want.takes_mail) return true;
  return options_.key_age > Duration::zero() && now >= live->created + options_.key_age;
}

/// Whether the next key is to take over: it is the first, it was asked for, or the present one is old.
bool Certificates::takes_over(const TlsKey& next, TimePoint now) const {
  const auto live = key_in(next.owner, TlsKeyState::live);
  if (!live || next.change_asked) return true;
  return options_.key_age > Duration::zero() && now >= live->created + options_.key_age;
}

Task<> Certificates::keep() {
  for (;;) {
    [[maybe_unused]] const std::size_t renewed = co_await look();
    co_await around_.clock->wait_for(renewal_look);
  }
}

Task<std::size_t> Certificates::look() {
  const Turn turn(busy_);
  if (!turn.mine()) co_return 0;
  if (around_.dns_prover != nullptr) [[maybe_unused]]
    const std::size_t gone = co_await around_.dns_prover->clean_up();
  std::size_t renewed = 0;
  for (const Want& want : wanted_()) {
    if (want.names.empty()) continue;
    const std::string& name = want.names.front();
    co_await watch_tlsa(want);
    const auto failed = failures_.find(name);
    if (failed != failures_.end() && around_.clock->now() < failed->second.next) continue;
    const auto done = co_await tend(want);
    if (!done) {
      count_failure(name, done.error());
      continue;
    }
    if (failed != failures_.end()) {
      failures_.erase(name);
      const std::lock_guard lock(mutex_);
      standing_[name].problem.clear();
      standing_[name].next_attempt.reset();
    }
    renewed += *done ? 1 : 0;
  }
  if (renewed > 0) changed_();
  co_return renewed;
}

void Certificates::count_failure(const std::string& name, const Problem& problem) {
  Failure& failure = failures_[name];
  failure.next = around_.clock->now() + failure.wait;
  failure.wait = std::min(failure.wait * 2, retry_max);
  around_.log.error("a certificate was not issued",
                    {{"name", name}, {"reason", problem.text()}, {"next", rfc3339(failure.next)}});
  const std::lock_guard lock(mutex_);
  standing_[name].problem = problem.text();
  standing_[name].next_attempt = failure.next;
}

/// Whether there is a new certificate.
Task<Result<bool, Problem>> Certificates::tend(Want want) {
  const std::string owner = want.names.front();
  const TimePoint now = around_.clock->now();
  if (auto retired = co_await retire(want); !retired) co_return fail(std::move(retired.error()));
  auto next = key_in(owner, TlsKeyState::next);
  if (!next && wants_next(want, now)) {
    auto made = co_await make_next(owner);
    if (!made) co_return fail(std::move(made.error()));
    next = std::move(*made);
  }
  if (next) {
    auto changed = co_await tend_next(want, std::move(*next), false);
    if (!changed || *changed) co_return changed;
  }
  const auto live = key_in(owner, TlsKeyState::live);
  if (!live || !is_due(want, now)) co_return false;
  auto issued = co_await issue(std::move(want), *live);
  if (!issued) co_return fail(std::move(issued.error()));
  co_return true;
}

/// One look at the next key: what is seen of it is noted, and when it may and should, it takes over.
Task<Result<bool, Problem>> Certificates::tend_next(Want want, TlsKey next, bool force) {
  const TimePoint now = around_.clock->now();
  const std::string owner = next.owner;
  TlsaFacts facts{TlsaFacts::Kind::none, 0, "no mail comes to this name"};
  if (want.takes_mail && around_.witness != nullptr && !force) facts = co_await facts_of(want, next.digest);
  const auto bound = bound_until_.find(owner);
  const NextKeyDecision decision =
      decide_next(next, facts, bound == bound_until_.end() || force ? std::nullopt : std::optional(bound->second), now);
  const bool is_wanted = takes_over(next, now);
  note_waits(owner, is_wanted && decision.due != NextKeyDue::may_take_over ? decision.words : std::string());
  switch (decision.due) {
    case NextKeyDue::note_seen:
    case NextKeyDue::note_lost: {
      TlsKey noted = next;
      const bool seen = decision.due == NextKeyDue::note_seen;
      if (!seen || !noted.seen_since) noted.seen_since = seen ? std::optional(now) : std::nullopt;
      noted.ttl_seconds = std::max(noted.ttl_seconds, facts.ttl_seconds);
      storage::Unit unit;
      plan_note(noted, unit);
      auto kept = co_await commit(std::move(unit));
      if (!kept) co_return fail(std::move(kept.error()));
      break;
    }
    case NextKeyDue::nothing:
      break;
    case NextKeyDue::may_take_over: {
      if (!is_wanted) co_return false;
      auto issued = co_await issue(std::move(want), std::move(next));
      if (!issued) co_return fail(std::move(issued.error()));
      co_return true;
    }
  }
  if (facts.kind == TlsaFacts::Kind::lacking) {
    auto published = co_await publish_tlsa(std::move(want), std::move(next), true);
    if (!published)
      around_.log.warning("a TLSA record is not published", {{"name", owner}, {"reason", published.error().text()}});
  }
  co_return false;
}

/// Keys whose records no cache needs any more go: first their record where we publish it, then their row.
Task<Result<void, Problem>> Certificates::retire(Want want) {
  const auto old = key_in(want.names.front(), TlsKeyState::retiring);
  if (!old || around_.clock->now() < gone_at(*old)) co_return Result<void, Problem>{};
  auto removed = co_await publish_tlsa(std::move(want), *old, false);
  if (!removed) {
    around_.log.warning("the TLSA record of a key that is used no more is still published",
                        {{"name", old->owner}, {"reason", removed.error().text()}});
    co_return Result<void, Problem>{};
  }
  storage::Unit unit;
  plan_gone(*old, unit);
  co_return co_await commit(std::move(unit));
}

// ---------------------------------------------------------------- issuing

Task<Result<TlsKey, Problem>> Certificates::make_next(std::string owner) {
  const auto sealing = around_.keyring->sealing_key();
  if (!sealing) co_return fail(locked());
  {
    const std::lock_guard lock(mutex_);
    if (keys_[owner].size() >= tls_keys_per_name_max) co_return fail(cannot(owner, "it has too many keys already"));
  }
  const crypto::EcKey made = crypto::EcKey::generate();
  const TimePoint now = around_.clock->now();
  TlsKey key;
  key.owner = std::move(owner);
  key.digest = key_digest(made);
  key.id = key.digest.substr(0, kIdDigits);
  key.created = key.changed = now;
  key.sealed = sealing->seal(made.pem(), seal_context(row_of(key)));
  storage::Unit unit;
  plan_new(key, unit);
  if (auto kept = co_await commit(std::move(unit)); !kept) co_return fail(std::move(kept.error()));
  co_return key;
}

/// The account's key is on disk before the authority learns of it: the account is never lost to a crash.
Task<Result<crypto::EcKey, Problem>> Certificates::account_key() {
  const auto sealing = around_.keyring->sealing_key();
  if (!sealing) co_return fail(locked());
  auto question = [](storage::Reader& reader) { return reader.keys(kAccountKind); };
  const std::vector<storage::KeyRow> rows = co_await around_.store->read(std::move(question));
  const auto mine = std::ranges::find(rows, options_.directory, &storage::KeyRow::owner);
  if (mine != rows.end()) {
    if (const auto pem = sealing->open(mine->sealed, seal_context(*mine)))
      if (auto key = crypto::EcKey::from_pem(*pem)) co_return std::move(*key);
  }
  crypto::EcKey made = crypto::EcKey::generate();
  const TimePoint now = around_.clock->now();
  storage::KeyRow row{kAccountKind, options_.directory, "account", "open", "", "{}", now, now};
  row.sealed = sealing->seal(made.pem(), seal_context(row));
  storage::Unit unit;
  unit.mutations.emplace_back(storage::PutKey{std::move(row)});
  if (auto kept = co_await commit(std::move(unit)); !kept) co_return fail(std::move(kept.error()));
  co_return made;
}

Task<Result<void, Problem>> Certificates::issue(Want want, TlsKey key) {
  auto account = co_await account_key();
  if (!account) co_return fail(std::move(account.error()));
  const auto sealing = around_.keyring->sealing_key();
  if (!sealing) co_return fail(locked());
  const auto pem = sealing->open(key.sealed, seal_context(row_of(key)));
  if (!pem) co_return fail(cannot(key.owner, "its key cannot be opened", "is this the sealing key it was made with?"));
  auto secret = crypto::EcKey::from_pem(*pem);
  if (!secret) co_return fail(cannot(key.owner, "its key cannot be read"));
  AcmeClient client(*around_.transport, *around_.clock, *around_.prover, options_.directory,
                    {std::move(*account), options_.contact});
  auto chain = co_await client.issue(want.names, std::move(*secret));
  if (!chain) co_return fail(std::move(chain.error()));
  if (!read_issued(*chain, {})) co_return fail(cannot(key.owner, "what the authority gave cannot be read"));
  storage::Unit unit;
  if (key.state == TlsKeyState::live) {
    key.chain = std::move(*chain);
    plan_note(key, unit);
  } else {
    const auto live = key_in(key.owner, TlsKeyState::live);
    plan_take_over(key, live ? &*live : nullptr, std::move(*chain), around_.clock->now(), unit);
  }
  if (auto kept = co_await commit(std::move(unit)); !kept) co_return fail(std::move(kept.error()));
  around_.log.info("a certificate was issued", {{"name", key.owner}, {"key", key.id}});
  co_return Result<void, Problem>{};
}

// ---------------------------------------------------------------- an administrator's

Result<Want, Problem> Certificates::want_now(const std::string& name, const Turn& turn) const {
  if (!turn.mine()) return fail(cannot(name, "an order is under way at this moment", "say it again in a minute"));
  auto want = find_want(name);
  if (want) return std::move(*want);
  return fail(Problem{ProblemKind::no, name, "no certificate is asked for under this name",
                      "posthorn certificate list shows them all"});
}

Task<Result<void, Problem>> Certificates::renew_now(std::string name) {
  const Turn turn(busy_);
  auto want = want_now(name, turn);
  if (!want) co_return fail(std::move(want.error()));
  const auto live = key_in(name, TlsKeyState::live);
  Result<void, Problem> done;
  if (live) {
    done = co_await issue(std::move(*want), *live);
  } else {
    auto tended = co_await tend(std::move(*want));
    if (!tended) done = fail(std::move(tended.error()));
    if (tended && !*tended) done = fail(cannot(name, standing(name).waits));
  }
  if (!done) {
    count_failure(name, done.error());
    co_return done;
  }
  failures_.erase(name);
  changed_();
  co_return done;
}

Task<Result<std::string, Problem>> Certificates::change_key(std::string name, bool force) {
  const Turn turn(busy_);
  auto want = want_now(name, turn);
  if (!want) co_return fail(std::move(want.error()));
  auto next = key_in(name, TlsKeyState::next);
  if (!next) {
    auto made = co_await make_next(name);
    if (!made) co_return fail(std::move(made.error()));
    next = std::move(*made);
  }
  if (!next->change_asked) {
    next->change_asked = true;
    storage::Unit unit;
    plan_note(*next, unit);
    if (auto kept = co_await commit(std::move(unit)); !kept) co_return fail(std::move(kept.error()));
  }
  auto changed = co_await tend_next(std::move(*want), std::move(*next), force);
  if (!changed) {
    count_failure(name, changed.error());
    co_return fail(std::move(changed.error()));
  }
  if (!*changed) {
    const std::string waits = standing(name).waits;
    co_return waits.empty() ? std::string("waits") : waits;
  }
  changed_();
  co_return std::string();
}

}  // namespace posthorn::certificates
