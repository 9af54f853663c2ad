// Tokens: the proofs that stand at http://NAME/.well-known/acme-challenge/TOKEN while an authority looks (RFC
// 8555 8.3). Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn::certificates {

inline constexpr std::string_view challenge_path = "/.well-known/acme-challenge/";

class Tokens {
 public:
  void put(std::string token, std::string key_authorization) {
    const std::lock_guard lock(mutex_);
    tokens_[std::move(token)] = std::move(key_authorization);
  }
  void remove(std::string_view token) {
    const std::lock_guard lock(mutex_);
    if (const auto at = tokens_.find(token); at != tokens_.end()) tokens_.erase(at);
  }
  /// What the path is answered with; nullopt: nothing stands there.
  [[nodiscard]] std::optional<std::string> find(std::string_view path) const {
    if (!path.starts_with(challenge_path)) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const auto at = tokens_.find(path.substr(challenge_path.size()));
    if (at == tokens_.end()) return std::nullopt;
    return at->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> tokens_;
};

}  // namespace posthorn::certificates
