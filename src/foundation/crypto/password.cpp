#include "foundation/crypto/password.h"

#include <atomic>
#include <charconv>
#include <optional>

#include <argon2.h>

#include "foundation/crypto/random.h"

namespace posthorn::crypto {
namespace {

constexpr std::size_t salt_octets = 16;  // RFC 9106 3.1
constexpr std::size_t hash_octets = 32;
constexpr std::uint32_t memory_kib_max = 1024 * 1024;
constexpr std::string_view prefix = "$argon2id$v=19$m=";

std::atomic<std::uint64_t> runs{0};

// The memory cost of "$argon2id$v=19$m=N,t=…", read before the library allocates it.
std::optional<std::uint32_t> memory_cost(std::string_view phc) {
  if (!phc.starts_with(prefix)) return std::nullopt;
  phc.remove_prefix(prefix.size());
  std::uint32_t kib = 0;
  const auto [end, error] = std::from_chars(phc.data(), phc.data() + phc.size(), kib);
  if (error != std::errc{} || end == phc.data() + phc.size() || *end != ',') return std::nullopt;
  return kib;
}

}  // namespace

std::string hash_password(std::string_view password, Argon2Cost cost) {
  const std::string salt = random_octets(salt_octets);
  std::string phc(argon2_encodedlen(cost.passes, cost.memory_kib, cost.lanes, salt_octets, hash_octets, Argon2_id),
                  '\0');
  ++runs;
  const int status = argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password.data(), password.size(),
                                           salt.data(), salt.size(), hash_octets, phc.data(), phc.size());
  if (status != ARGON2_OK) return "!";  // no memory: a hash that no password matches
  phc.resize(phc.find('\0'));
  return phc;
}

bool verify_password(std::string_view password, std::string_view phc) {
  const auto kib = memory_cost(phc);
  if (!kib || *kib > memory_kib_max) return false;
  const std::string encoded(phc);
  ++runs;
  return argon2id_verify(encoded.c_str(), password.data(), password.size()) == ARGON2_OK;
}

// One computation of the usual cost, as a verification is.
void verify_nobody(std::string_view password) {
  [[maybe_unused]] const std::string nobodys = hash_password(password);
}

std::uint64_t argon2_runs() {
  return runs.load();
}

}  // namespace posthorn::crypto
