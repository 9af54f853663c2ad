#include "site/directory/proven_secrets.h"

#include "foundation/crypto/hash.h"
#include "foundation/crypto/random.h"

namespace posthorn::directory {
namespace {

constexpr std::size_t kKeyOctets = 32;
constexpr std::size_t kKeptMax = 10'000;  // ours: a megabyte; beyond it all are proven anew

}  // namespace

ProvenSecrets::ProvenSecrets() : key_(crypto::random_octets(kKeyOctets)) {}

/// Of the verifier, too: a login whose secret was changed is another one.
std::string ProvenSecrets::digest(const storage::LoginRow& login, std::string_view secret) const {
  return crypto::hmac_sha256(key_, login.stored_key + std::string(secret));
}

void ProvenSecrets::remember(const storage::LoginRow& login, std::string_view secret) {
  std::string made = digest(login, secret);
  const std::lock_guard lock(mutex_);
  if (digests_.size() >= kKeptMax) digests_.clear();
  digests_.insert_or_assign(login.id.value, std::move(made));
}

bool ProvenSecrets::knows(const storage::LoginRow& login, std::string_view secret) const {
  const std::string made = digest(login, secret);
  const std::lock_guard lock(mutex_);
  const auto found = digests_.find(login.id.value);
  return found != digests_.end() && crypto::constant_time_equals(found->second, made);
}

}  // namespace posthorn::directory
