// FileKeys: the keys that an administrator puts into files (tls.certificate, tls.key), and what DANE asks of a change.
// Where TLSA records bind this host to certain keys, a new key in the files waits as one of an authority does: until
// every server has listed its record for two TTLs (tls_key.h). Meanwhile the pair that was used before stays in use: it
// is kept in the store, sealed, so that a restart does not lose it. Where no such record was there when last looked, a
// new key is used at once.
//
// choose() and standings() are thread-safe; load(), keep() and look() run on one executor. What it points to outlives
// it. Crash: what was in use and since when the next is listed is in the store, so that a wait goes on where it was.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operations/certificates/record_witness.h"
#include "operations/certificates/tls_key.h"
#include "platform/net/tls.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/log.h"
#include "platform/storage/reader.h"
#include "platform/storage/store.h"
#include "site/keyring/keyring.h"

namespace posthorn::certificates {

inline constexpr const char* file_key_kind = "tls-file";
inline constexpr Duration file_key_look = std::chrono::minutes(10);  // how often the TLSA records are looked at

/// One kind of key that this host shows ("ECDSA", "RSA": a client is shown the one it knows).
struct FileKey {
  std::string kind;
  std::string digest;  ///< SHA-256 of the public key in use, hex
  std::string chain_pem;
  std::string key_pem;  ///< a secret
  TimePoint not_after;
  /// Senders may be bound to the keys that TLSA records name until then.
  std::optional<TimePoint> bound_until;
  std::string next;                     ///< digest of the key in the files that is not used yet; empty: it is
  std::optional<TimePoint> seen_since;  ///< of the next: since when every server lists it
  std::uint32_t ttl_seconds = 0;        ///< the longest of the records
  std::string released;                 ///< digest of a next key that may be used now
  std::string words;  ///< what the next waits for, or what is wrong with the records of the one in use
};

/// Every key of this host's certificates, from an authority or from a file.
[[nodiscard]] std::vector<storage::KeyRow> host_keys(storage::Reader& reader);
/// "3 1 1 …" of a row of the store; empty: it cannot be read.
[[nodiscard]] std::string file_key_tlsa(const storage::KeyRow& row);

class FileKeys {
 public:
  struct Surroundings {
    storage::Store* store = nullptr;
    keyring::Keyring* keyring = nullptr;  ///< for its sealing key; without one nothing is kept over a restart
    runtime::Clock* clock = nullptr;
    RecordWitness* witness = nullptr;
    runtime::Logger log;
  };
  /// `changed`: what choose() says has changed.
  FileKeys(Surroundings around, std::string host_name, std::function<void()> changed)
      : around_(std::move(around)), host_(std::move(host_name)), changed_(std::move(changed)) {}

  [[nodiscard]] Task<> load();
  /// What is to be shown for what the files hold: the same, but for a key that has to wait.
  [[nodiscard]] std::vector<net::CertificateAndKey> choose(std::vector<net::CertificateAndKey> configured);
  /// Looks until it is cancelled.
  [[nodiscard]] Task<> keep();
  [[nodiscard]] Task<> look();
  /// Without secrets.
  [[nodiscard]] std::vector<FileKey> standings() const;

 private:
  [[nodiscard]] bool judge(FileKey& key, const Sighting& sighting, TimePoint now);
  [[nodiscard]] Task<> write();
  void say(FileKey& key, std::string words, bool is_wrong);

  Surroundings around_;
  const std::string host_;
  std::function<void()> changed_;
  bool looking_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, FileKey> keys_;  ///< by kind
  std::map<std::string, std::string> written_;
};

}  // namespace posthorn::certificates
