// Password hashes: Argon2id (RFC 9106) in the PHC string form "$argon2id$v=19$m=…,t=…,p=…$salt$hash".
// Both functions take tens of milliseconds and the memory they name: call them on the worker pool.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthorn::crypto {

/// RFC 9106 4 recommends 64 MiB, 3 passes, 4 lanes where memory is scarce; a mail server checks many at once,
/// so the default is the smaller one of the OWASP list: 19 MiB, 2 passes, 1 lane.
struct Argon2Cost {
  std::uint32_t memory_kib = 19456;
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
};

[[nodiscard]] std::string hash_password(std::string_view password, Argon2Cost cost = {});
/// False for a wrong password and for a string that is no Argon2id hash (or asks for more than 1 GiB).
[[nodiscard]] bool verify_password(std::string_view password, std::string_view phc);
/// Spends the time of a verification; for logins that do not exist.
void verify_nobody(std::string_view password);
/// Argon2id computations of this process so far: what logins cost can be counted where times would only be guessed at.
[[nodiscard]] std::uint64_t argon2_runs();

}  // namespace posthorn::crypto
