// Keyring: the DKIM keys of every hosted domain over a Store, and the private halves for who signs. Views change only
// after the commit, as the Directory's do.
//
// Thread-safe. The Store outlives the Keyring's use. Private keys are opened at their first use and kept, at most
// opened_keys_max of them; nothing secret is ever in a Problem or a log line.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/task.h"
#include "platform/storage/store.h"
#include "site/keyring/dkim_key.h"
#include "standards/dkim/sign.h"

namespace posthorn::keyring {

inline constexpr std::size_t opened_keys_max = 2000;  // ours: about 5 KB each

/// The keys of a domain that sign, ready: RSA first. Empty: none is in state signing.
using Signers = std::vector<dkim::Signer>;

class Keyring {
 public:
  /// Registers with store.observe(); start() or load() fills it.
  [[nodiscard]] static std::shared_ptr<Keyring> make(storage::Store& store);

  /// Reads every key, then the sealing key at its place; where nothing is sealed yet and there is none, makes it. A
  /// Problem says why keys cannot be used or made: all else may go on, unsigned.
  [[nodiscard]] Task<std::optional<Problem>> start(std::filesystem::path sealing_key_file);
  /// The two halves of start(), for tests.
  [[nodiscard]] Task<> load();
  void unlock(const crypto::SealingKey& sealing);

  /// All keys of a domain (A-labels, lower case), by selector; empty: it has none.
  [[nodiscard]] std::vector<DkimKey> keys_of(std::string_view domain) const;
  /// Every domain that has keys.
  [[nodiscard]] std::vector<std::string> domains() const;
  /// What the domain's keys want in the DNS, by selector: for plans and `domain show`.
  [[nodiscard]] std::vector<KeyRecord> records_of(std::string_view domain) const;

  /// Who signs for the domain now. A Problem where a key cannot be opened: the sealing key is not here, or another.
  [[nodiscard]] Result<std::shared_ptr<const Signers>, Problem> signers(std::string_view domain) const;
  /// Whether any domain has a signing key: without, nobody needs to hash bodies.
  [[nodiscard]] bool signs() const;

  /// Absent: keys can be listed, neither used nor made.
  [[nodiscard]] std::optional<crypto::SealingKey> sealing_key() const;
  /// The keys that cannot be opened, in words; empty: all is well. For the start and `store verify`.
  [[nodiscard]] std::vector<Problem> locked() const;

 private:
  using Keys = std::map<std::string, std::vector<DkimKey>, std::less<>>;  // by domain
  explicit Keyring(storage::Store& store) : store_(store) {}
  void committed(std::span<const storage::CommittedUnit> units);
  // Under mutex_:
  void put(const storage::KeyRow& row);
  void remove(const storage::RemoveKey& gone);

  storage::Store& store_;
  mutable std::mutex mutex_;
  std::optional<crypto::SealingKey> sealing_;
  Keys keys_;
  std::uint64_t generation_ = 0;
  mutable std::map<std::string, std::shared_ptr<const Signers>, std::less<>> opened_;
};

}  // namespace posthorn::keyring
