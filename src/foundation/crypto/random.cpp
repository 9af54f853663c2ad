#include "foundation/crypto/random.h"

#include <cstdio>
#include <cstdlib>

#include <openssl/rand.h>

namespace posthorn::crypto {

std::string random_octets(std::size_t count) {
  std::string octets(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(octets.data()), static_cast<int>(count)) != 1) {
    std::fputs("posthorn: the system's random generator gives nothing; secrets cannot be made\n", stderr);
    std::abort();
  }
  return octets;
}

std::string random_secret(std::size_t length) {
  static constexpr char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(sizeof alphabet == 32 + 1);
  std::string secret = random_octets(length);
  for (char& c : secret) c = alphabet[static_cast<unsigned char>(c) & 31];
  return secret;
}

}  // namespace posthorn::crypto
