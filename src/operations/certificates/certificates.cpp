#include "operations/certificates/certificates.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace posthorn::certificates {
namespace {

namespace json = boost::json;

constexpr const char* kTlsKind = "tls";
constexpr const char* kAccountKind = "acme";

/// What a sealed key is bound to.
std::string seal_context(const storage::KeyRow& row) {
  return fmt::format("{} {} {}", row.kind, row.owner, row.name);
}

std::string chain_of(const storage::KeyRow& row) {
  boost::system::error_code error;
  const json::value facts = json::parse(row.facts, error);
  if (error || !facts.is_object()) return {};
  const auto* chain = facts.get_object().if_contains("chain");
  return chain != nullptr && chain->is_string() ? std::string(chain->get_string()) : std::string();
}

std::optional<Issued> read_issued(std::string chain_pem, std::string key_pem) {
  const auto facts = net::read_certificate(chain_pem);
  if (!facts) return std::nullopt;
  return Issued{facts->names, std::move(chain_pem), std::move(key_pem), facts->not_before, facts->not_after};
}

Problem locked() {
  return {ProblemKind::usage, "a certificate of an authority", "there is no sealing key to keep its key with",
          "see keys.sealing_key_file"};
}

}  // namespace

TimePoint renewal_time(TimePoint not_before, TimePoint not_after) {
  return not_after - (not_after - not_before) / 3;
}

Task<> Certificates::load() {
  auto question = [](storage::Reader& reader) { return reader.keys(kTlsKind); };
  const std::vector<storage::KeyRow> rows = co_await around_.store->read(std::move(question));
  const auto sealing = around_.keyring->sealing_key();
  for (const storage::KeyRow& row : rows) {
    std::optional<Issued> issued;
    if (sealing)
      if (auto key = sealing->open(row.sealed, seal_context(row))) issued = read_issued(chain_of(row), std::move(*key));
    if (issued) {
      const std::lock_guard lock(mutex_);
      issued_[row.owner] = std::move(*issued);
    } else {
      around_.log.error("a certificate in the store cannot be used", {{"name", row.owner}});
    }
  }
}

std::vector<Issued> Certificates::issued() const {
  const std::lock_guard lock(mutex_);
  std::vector<Issued> all;
  for (const auto& [name, issued] : issued_) all.push_back(issued);
  return all;
}

bool Certificates::is_due(const std::vector<std::string>& names, TimePoint now) const {
  const std::lock_guard lock(mutex_);
  const auto present = issued_.find(names.front());
  if (present == issued_.end()) return true;
  const Issued& issued = present->second;
  const bool has_all = std::ranges::all_of(
      names, [&](const std::string& name) { return std::ranges::find(issued.names, name) != issued.names.end(); });
  return !has_all || now >= renewal_time(issued.not_before, issued.not_after);
}

Task<> Certificates::keep() {
  for (;;) {
    [[maybe_unused]] const std::size_t renewed = co_await look();
    co_await around_.clock->wait_for(renewal_look);
  }
}

Task<std::size_t> Certificates::look() {
  std::size_t renewed = 0;
  for (const std::vector<std::string>& names : wanted_()) {
    const TimePoint now = around_.clock->now();
    if (names.empty() || !is_due(names, now)) continue;
    if (const auto failed = failures_.find(names.front()); failed != failures_.end() && now < failed->second.next)
      continue;
    const auto done = co_await renew(names);
    if (done) {
      failures_.erase(names.front());
      around_.log.info("a certificate was issued", {{"name", names.front()}});
      ++renewed;
      continue;
    }
    Failure& failure = failures_[names.front()];
    failure.next = around_.clock->now() + failure.wait;
    failure.wait = std::min(failure.wait * 2, retry_max);
    around_.log.error("a certificate was not issued",
                      {{"name", names.front()}, {"reason", done.error().text()}, {"next", rfc3339(failure.next)}});
  }
  if (renewed > 0) changed_();
  co_return renewed;
}

Task<Result<void, Problem>> Certificates::keep_key(storage::KeyRow row) {
  storage::Unit unit;
  unit.mutations.emplace_back(storage::PutKey{std::move(row)});
  const auto committed = co_await around_.store->commit(std::move(unit));
  if (committed) co_return Result<void, Problem>{};
  co_return fail(
      Problem{ProblemKind::unavailable, "a key of an authority's certificate", "the store did not take it", ""});
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
  if (auto kept = co_await keep_key(std::move(row)); !kept) co_return fail(std::move(kept.error()));
  co_return made;
}

void Certificates::put(Issued issued) {
  const std::lock_guard lock(mutex_);
  issued_[issued.names.front()] = std::move(issued);
}

Task<Result<void, Problem>> Certificates::renew(std::vector<std::string> names) {
  auto account = co_await account_key();
  if (!account) co_return fail(std::move(account.error()));
  std::optional<crypto::EcKey> key;
  {
    const std::lock_guard lock(mutex_);
    if (const auto present = issued_.find(names.front()); present != issued_.end())
      if (auto kept = crypto::EcKey::from_pem(present->second.key_pem)) key = std::move(*kept);
  }
  if (!key) key = crypto::EcKey::generate();
  AcmeClient client(*around_.transport, *around_.clock, *around_.tokens, options_.directory,
                    {std::move(*account), options_.contact});
  auto chain = co_await client.issue(names, *key);
  if (!chain) co_return fail(std::move(chain.error()));
  auto issued = read_issued(*chain, key->pem());
  if (!issued)
    co_return fail(Problem{ProblemKind::unavailable, "the certificate for " + names.front(),
                           "what the authority gave cannot be read", ""});
  const TimePoint now = around_.clock->now();
  storage::KeyRow row{
      kTlsKind, names.front(), "current", "live", "", json::serialize(json::object{{"chain", *chain}}), now, now};
  const auto sealing = around_.keyring->sealing_key();
  if (!sealing) co_return fail(locked());
  row.sealed = sealing->seal(issued->key_pem, seal_context(row));
  if (auto kept = co_await keep_key(std::move(row)); !kept) co_return fail(std::move(kept.error()));
  // Authorities may list the names in another order; ours is the row's.
  issued->names = std::move(names);
  put(std::move(*issued));
  co_return Result<void, Problem>{};
}

}  // namespace posthorn::certificates
