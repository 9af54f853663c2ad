// Certificates: what this host has from an authority, and their renewal. One certificate for the host's own names, one
// for each policy host (mta-sts.DOMAIN), so that one name that fails does not hold back the others.
//
// They stand in the store (rows of kind "tls", the private key sealed). A renewal keeps the private key: a TLSA record
// of its public key (usage 3, selector 1) stays true, and no renewal can begin to use a key that is not yet published.
//
// keep() runs on one executor; the rest is thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "operations/certificates/acme.h"
#include "platform/net/tls.h"
#include "platform/runtime/log.h"
#include "platform/storage/store.h"
#include "site/keyring/keyring.h"

namespace posthorn::certificates {

inline constexpr Duration renewal_look = std::chrono::minutes(10);  // how often it is looked whether one is due
inline constexpr Duration retry_first = std::chrono::minutes(15);   // after a failure; doubled each time
inline constexpr Duration retry_max = std::chrono::hours(24);       // authorities limit failures an hour

/// A certificate that is here.
struct Issued {
  std::vector<std::string> names;  ///< the first names its row
  std::string chain_pem;
  std::string key_pem;  ///< a secret
  TimePoint not_before, not_after;
};
/// When it must be renewed: with a third of its life left.
[[nodiscard]] TimePoint renewal_time(TimePoint not_before, TimePoint not_after);

struct Surroundings {
  storage::Store* store = nullptr;
  keyring::Keyring* keyring = nullptr;  ///< for its sealing key
  runtime::Clock* clock = nullptr;
  Tokens* tokens = nullptr;
  AcmeTransport* transport = nullptr;
  runtime::Logger log;
};
struct Options {
  std::string directory;
  std::vector<std::string> contact;
};

class Certificates {
 public:
  /// `wanted`: the sets of names to have certificates for, asked at each look. `changed`: called when there is a new
  /// one.
  Certificates(Surroundings around, Options options, std::function<std::vector<std::vector<std::string>>()> wanted,
               std::function<void()> changed)
      : around_(std::move(around)),
        options_(std::move(options)),
        wanted_(std::move(wanted)),
        changed_(std::move(changed)) {}

  /// Reads what is in the store. Keys that cannot be opened are told in the log and left out.
  [[nodiscard]] Task<> load();
  /// Looks and renews until it is cancelled.
  [[nodiscard]] Task<> keep();
  /// One look: what is due is asked for. How many were issued.
  [[nodiscard]] Task<std::size_t> look();

  [[nodiscard]] std::vector<Issued> issued() const;

 private:
  struct Failure {
    TimePoint next;
    Duration wait = retry_first;
  };
  [[nodiscard]] bool is_due(const std::vector<std::string>& names, TimePoint now) const;
  [[nodiscard]] Task<Result<void, Problem>> renew(std::vector<std::string> names);
  [[nodiscard]] Task<Result<crypto::EcKey, Problem>> account_key();
  [[nodiscard]] Task<Result<void, Problem>> keep_key(storage::KeyRow row);
  void put(Issued issued);

  Surroundings around_;
  Options options_;
  std::function<std::vector<std::vector<std::string>>()> wanted_;
  std::function<void()> changed_;
  mutable std::mutex mutex_;
  std::map<std::string, Issued> issued_;     ///< by first name
  std::map<std::string, Failure> failures_;  ///< by first name; keep() only
};

}  // namespace posthorn::certificates
