// Directory: the present Snapshot over a Store. Views change only after the commit, before its caller is answered:
// who has added an account can send to it at once.
//
// Threads: snapshot() from anywhere. Observers are called on the committer thread: be quick, do not call the store.
// Ownership: the Store outlives the Directory's use; make the Directory before sessions start.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/task.h"
#include "platform/storage/store.h"
#include "site/directory/snapshot.h"

namespace posthorn::directory {

/// Credentials that no longer open anything: sessions that used them end. No login: all of the account's.
struct Revocation {
  storage::AccountId account;
  std::optional<storage::LoginId> login;  ///< id 0: the main password only
};
using RevocationObserver = std::function<void(const Revocation&)>;

class Directory {
 public:
  /// Registers with store.observe(); load() fills it.
  [[nodiscard]] static std::shared_ptr<Directory> make(storage::Store& store, Snapshot::Bounds bounds);

  /// Reads everything anew (start, SIGHUP).
  [[nodiscard]] Task<> load();

  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const { return current_.load(); }

  void observe_revocations(RevocationObserver observer);

  /// A secret of this site that stays the same over restarts: SCRAM salts of unknown logins come from it. Made and
  /// stored by the first load().
  [[nodiscard]] const std::string& unknown_login_secret() const { return unknown_login_secret_; }

 private:
  Directory(storage::Store& store, Snapshot::Bounds bounds) : store_(store), bounds_(bounds) {}
  void committed(std::span<const storage::CommittedUnit> units);
  void announce(const Snapshot& before, const Snapshot& after, const storage::Unit& unit);

  /// False when a commit has changed the directory since `generation`.
  [[nodiscard]] bool replace(const std::shared_ptr<const Snapshot>& snapshot, std::uint64_t generation);

  storage::Store& store_;
  Snapshot::Bounds bounds_;
  std::atomic<std::shared_ptr<const Snapshot>> current_{std::make_shared<const Snapshot>()};
  std::mutex mutex_;  // writers of current_ and generation_, and observers_
  std::atomic<std::uint64_t> generation_ = 0;
  std::vector<RevocationObserver> observers_;
  std::string unknown_login_secret_;
};

}  // namespace posthorn::directory
