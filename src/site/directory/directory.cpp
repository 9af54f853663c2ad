#include "site/directory/directory.h"

#include <utility>

#include "foundation/codec/hex.h"
#include "foundation/crypto/random.h"

namespace posthorn::directory {
namespace {

constexpr std::string_view secret_setting = "directory/unknown-login-secret";
constexpr std::size_t secret_octets = 32;

struct Loaded {
  std::shared_ptr<const Snapshot> snapshot;
  std::string secret;  // hexadecimal; empty: none yet
};

Loaded read_all(storage::Reader& reader, Snapshot::Bounds bounds) {
  return {Snapshot::load(reader, bounds), reader.setting(secret_setting)};
}

/// The accounts and logins of which a unit says that something about their credentials changes.
struct CredentialChanges {
  std::vector<storage::AccountId> accounts;
  std::vector<storage::LoginId> logins;
};

CredentialChanges credential_changes(const storage::Unit& unit) {
  CredentialChanges changes;
  for (const storage::Mutation& mutation : unit.mutations) {
    if (const auto* put = std::get_if<storage::PutAccount>(&mutation)) changes.accounts.push_back(put->row.id);
    if (const auto* gone = std::get_if<storage::RemoveAccount>(&mutation)) changes.accounts.push_back(gone->id);
    if (const auto* gone = std::get_if<storage::RemoveLogin>(&mutation)) changes.logins.push_back(gone->id);
  }
  return changes;
}

}  // namespace

std::shared_ptr<Directory> Directory::make(storage::Store& store, Snapshot::Bounds bounds) {
  auto directory = std::shared_ptr<Directory>(new Directory(store, bounds));
  // The store may outlive us: its observer holds no more than a weak hand on us.
  const std::weak_ptr<Directory> weak = directory;
  store.observe([weak](std::span<const storage::CommittedUnit> units) {
    if (const auto alive = weak.lock()) alive->committed(units);
  });
  return directory;
}

Task<> Directory::load() {
  const Snapshot::Bounds bounds = bounds_;
  const auto question = [bounds](storage::Reader& reader) { return read_all(reader, bounds); };
  Loaded loaded;
  std::uint64_t generation = 0;
  do {  // again where a commit came between the reading and now
    generation = generation_;
    loaded = co_await store_.read(question);
  } while (!replace(loaded.snapshot, generation));
  if (loaded.secret.empty()) {
    loaded.secret = codec::hex_encode(crypto::random_octets(secret_octets));
    storage::Unit unit{{}, {storage::PutSetting{std::string(secret_setting), loaded.secret}}};
    // Without space the secret serves for this run only: nothing depends on it but indistinguishability.
    [[maybe_unused]] const auto committed = co_await store_.commit(std::move(unit));
  }
  unknown_login_secret_ = std::move(loaded.secret);
}

bool Directory::replace(const std::shared_ptr<const Snapshot>& snapshot, std::uint64_t generation) {
  const std::lock_guard lock(mutex_);
  if (generation_ != generation) return false;
  current_.store(snapshot);
  return true;
}

void Directory::observe_revocations(RevocationObserver observer) {
  const std::lock_guard lock(mutex_);
  observers_.push_back(std::move(observer));
}

void Directory::committed(std::span<const storage::CommittedUnit> units) {
  for (const storage::CommittedUnit& committed : units) {
    if (!Snapshot::concerns(*committed.unit)) continue;
    std::shared_ptr<const Snapshot> before, after;
    {
      const std::lock_guard lock(mutex_);
      before = current_.load();
      after = before->with(*committed.unit, *committed.outcome);
      current_.store(after);
      ++generation_;
    }
    announce(*before, *after, *committed.unit);
  }
}

void Directory::announce(const Snapshot& before, const Snapshot& after, const storage::Unit& unit) {
  std::vector<Revocation> revoked;
  const CredentialChanges changes = credential_changes(unit);
  for (const storage::AccountId id : changes.accounts) {
    const Account* old_one = before.account(id);
    const Account* new_one = after.account(id);
    if (old_one == nullptr) continue;
    if (new_one == nullptr || (old_one->row.enabled && !new_one->row.enabled)) {
      revoked.push_back({id, std::nullopt});
    } else if (old_one->row.password_hash != new_one->row.password_hash) {
      revoked.push_back({id, storage::LoginId{}});
    }
  }
  for (const storage::LoginId id : changes.logins) {
    if (const storage::LoginRow* login = before.login(id)) revoked.push_back({login->account, id});
  }
  if (revoked.empty()) return;
  std::vector<RevocationObserver> observers;
  {
    const std::lock_guard lock(mutex_);
    observers = observers_;
  }
  for (const Revocation& revocation : revoked) {
    for (const RevocationObserver& observer : observers) observer(revocation);
  }
}

}  // namespace posthorn::directory
