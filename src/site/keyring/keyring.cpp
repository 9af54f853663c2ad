#include "site/keyring/keyring.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "site/keyring/sealing_key.h"

namespace posthorn::keyring {
namespace {

/// RSA first: a verifier that stops at the first signature has the one it knows.
bool goes_before(const DkimKey& a, const DkimKey& b) {
  return std::pair(a.kind != crypto::KeyKind::rsa, a.selector) < std::pair(b.kind != crypto::KeyKind::rsa, b.selector);
}

std::vector<DkimKey> read_keys(storage::Reader& reader) {
  std::vector<DkimKey> keys;
  for (const storage::KeyRow& row : reader.keys("dkim"))
    if (auto key = key_from(row)) keys.push_back(std::move(*key));
  return keys;
}

bool anything_sealed(storage::Reader& reader) {
  constexpr std::array<std::string_view, 3> kinds{"dkim", "tls", "acme"};
  return std::ranges::any_of(kinds, [&reader](std::string_view kind) {
    return std::ranges::any_of(reader.keys(kind), [](const storage::KeyRow& row) { return !row.sealed.empty(); });
  });
}

Problem no_sealing_key(std::string_view domain) {
  return {ProblemKind::usage, fmt::format("the DKIM keys of {}", domain), "the sealing key is not here",
          "bring it back (keys.sealing_key_file), or make new keys with a new one: posthorn domain rotate"};
}

std::optional<dkim::Signer> signer_of(const DkimKey& key, crypto::PrivateKey secret) {
  auto domain = dns::Name::parse(key.domain);
  auto selector = dns::Name::parse(key.selector);
  if (!domain || !selector) return std::nullopt;
  return dkim::Signer{std::move(*domain), std::move(*selector), std::move(secret)};
}

}  // namespace

std::shared_ptr<Keyring> Keyring::make(storage::Store& store) {
  auto keyring = std::shared_ptr<Keyring>(new Keyring(store));
  // The store may outlive us: its observer holds no more than a weak hand on us.
  const std::weak_ptr<Keyring> weak = keyring;
  store.observe([weak](std::span<const storage::CommittedUnit> units) {
    if (const auto alive = weak.lock()) alive->committed(units);
  });
  return keyring;
}

Task<std::optional<Problem>> Keyring::start(std::filesystem::path sealing_key_file) {
  co_await load();
  auto present = read_sealing_key(sealing_key_file);
  if (!present) co_return std::move(present.error());
  if (!*present) {
    auto question = [](storage::Reader& reader) { return anything_sealed(reader); };
    if (co_await store_.read(std::move(question)))
      co_return Problem{
          ProblemKind::usage, "the sealing key " + sealing_key_file.string(),
          "it is not there, and keys in the store are sealed with it",
          "bring it back; if it is lost for good: put a new one there and rotate the keys of each domain"};
    auto made = make_sealing_key(sealing_key_file);
    if (!made) co_return std::move(made.error());
    present = std::optional<crypto::SealingKey>(std::move(*made));
  }
  unlock(**present);
  auto closed = locked();
  if (!closed.empty()) co_return std::move(closed.front());
  co_return std::nullopt;
}

void Keyring::unlock(const crypto::SealingKey& sealing) {
  const std::lock_guard lock(mutex_);
  sealing_ = sealing;
  opened_.clear();
}

std::optional<crypto::SealingKey> Keyring::sealing_key() const {
  const std::lock_guard lock(mutex_);
  return sealing_;
}

Task<> Keyring::load() {
  for (;;) {  // again where a commit came between the reading and now
    std::uint64_t generation = 0;
    {
      const std::lock_guard lock(mutex_);
      generation = generation_;
    }
    auto question = [](storage::Reader& reader) { return read_keys(reader); };
    std::vector<DkimKey> keys = co_await store_.read(std::move(question));
    const std::lock_guard lock(mutex_);
    if (generation_ != generation) continue;
    keys_.clear();
    opened_.clear();
    for (DkimKey& key : keys) keys_[key.domain].push_back(std::move(key));
    co_return;
  }
}

void Keyring::put(const storage::KeyRow& row) {
  auto key = key_from(row);
  if (!key) return;
  auto& keys = keys_[key->domain];
  std::erase_if(keys, [&](const DkimKey& other) { return other.selector == key->selector; });
  keys.push_back(std::move(*key));
  std::ranges::sort(keys, {}, &DkimKey::selector);
  opened_.erase(row.owner);
}

void Keyring::remove(const storage::RemoveKey& gone) {
  if (const auto at = keys_.find(gone.owner); at != keys_.end()) {
    std::erase_if(at->second, [&](const DkimKey& key) { return key.selector == gone.name; });
    if (at->second.empty()) keys_.erase(at);
  }
  opened_.erase(gone.owner);
}

void Keyring::committed(std::span<const storage::CommittedUnit> units) {
  for (const storage::CommittedUnit& committed : units) {
    for (const storage::Mutation& mutation : committed.unit->mutations) {
      const auto* put_key = std::get_if<storage::PutKey>(&mutation);
      const auto* removed = std::get_if<storage::RemoveKey>(&mutation);
      const auto* domain = std::get_if<storage::RemoveDomain>(&mutation);
      if (put_key == nullptr && removed == nullptr && domain == nullptr) continue;
      const std::lock_guard lock(mutex_);
      ++generation_;
      if (put_key != nullptr && put_key->row.kind == "dkim") put(put_key->row);
      if (removed != nullptr && removed->kind == "dkim") remove(*removed);
      if (domain != nullptr) {
        keys_.erase(domain->name);
        opened_.erase(domain->name);
      }
    }
  }
}

std::vector<DkimKey> Keyring::keys_of(std::string_view domain) const {
  const std::lock_guard lock(mutex_);
  const auto at = keys_.find(domain);
  return at == keys_.end() ? std::vector<DkimKey>() : at->second;
}

std::vector<std::string> Keyring::domains() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [domain, keys] : keys_) names.push_back(domain);
  return names;
}

std::vector<KeyRecord> Keyring::records_of(std::string_view domain) const {
  std::vector<KeyRecord> records;
  for (const DkimKey& key : keys_of(domain)) records.push_back(record_of(key));
  return records;
}

Result<std::shared_ptr<const Signers>, Problem> Keyring::signers(std::string_view domain) const {
  const std::lock_guard lock(mutex_);
  if (const auto known = opened_.find(domain); known != opened_.end()) return known->second;
  std::vector<DkimKey> keys;
  if (const auto at = keys_.find(domain); at != keys_.end()) keys = at->second;
  std::erase_if(keys, [](const DkimKey& key) { return key.state != KeyState::signing; });
  std::ranges::sort(keys, goes_before);
  if (!keys.empty() && !sealing_) return fail(no_sealing_key(domain));
  auto signers = std::make_shared<Signers>();
  for (const DkimKey& key : keys) {
    auto secret = open_key(*sealing_, key);
    if (!secret) return fail(std::move(secret.error()));
    if (auto signer = signer_of(key, std::move(*secret))) signers->push_back(std::move(*signer));
  }
  if (keys.empty()) return std::shared_ptr<const Signers>(std::move(signers));
  if (opened_.size() * 2 >= opened_keys_max) opened_.clear();  // two keys a domain
  opened_.emplace(domain, signers);
  return std::shared_ptr<const Signers>(std::move(signers));
}

bool Keyring::signs() const {
  const std::lock_guard lock(mutex_);
  return !keys_.empty();
}

std::vector<Problem> Keyring::locked() const {
  std::vector<Problem> problems;
  for (const std::string& domain : domains())
    if (auto opened = signers(domain); !opened) problems.push_back(std::move(opened.error()));
  return problems;
}

}  // namespace posthorn::keyring
