// ProvenSecrets: the secrets of application logins that this process has seen proven, so that a client that comes again
// and again is not derived anew each time (4,096 rounds of HMAC, about a millisecond).
//
// Kept in memory only, as a digest under a key of this process. Only for generated secrets, which nobody guesses even
// from a quick digest (add_login); never for the passwords that people choose. What was wrong is not remembered:
// guessing costs what it did. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/storage/rows.h"

namespace posthorn::directory {

class ProvenSecrets {
 public:
  ProvenSecrets();

  void remember(const storage::LoginRow& login, std::string_view secret);
  /// Whether this very secret was proven for the login as it is now.
  [[nodiscard]] bool knows(const storage::LoginRow& login, std::string_view secret) const;

 private:
  [[nodiscard]] std::string digest(const storage::LoginRow& login, std::string_view secret) const;

  std::string key_;
  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, std::string> digests_;
};

}  // namespace posthorn::directory
