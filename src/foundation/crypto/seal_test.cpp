// Sealing: what is sealed opens with its key in its place, and in no other way.
#include "foundation/crypto/seal.h"

#include <gtest/gtest.h>

namespace posthorn::crypto {
namespace {

SealingKey key_of(char octet) {
  return *SealingKey::from_octets(std::string(sealing_key_octets, octet));
}

SealError error_of(const SealingKey& key, std::string_view sealed, std::string_view context = "here") {
  const auto opened = key.open(sealed, context);
  EXPECT_FALSE(opened);
  return opened ? SealError{} : opened.error();
}

TEST(Seal, OpensToWhatWasSealed) {
  const SealingKey key = key_of('k');
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 4000u}) {
    const std::string secret(size, 's');
    const std::string sealed = key.seal(secret, "here");
    EXPECT_EQ(sealed.size(), size + sealed_overhead_octets);
    EXPECT_EQ(key.open(sealed, "here"), secret);
    if (size >= 15) EXPECT_EQ(sealed.find(secret.substr(0, 15)), std::string::npos);
  }
}

TEST(Seal, NeverTheSameTwice) {
  const SealingKey key = key_of('k');
  EXPECT_NE(key.seal("secret", "here"), key.seal("secret", "here")) << "a nonce was used twice";
}

TEST(Seal, AnotherKeyIsNamedAsSuch) {
  EXPECT_EQ(error_of(key_of('l'), key_of('k').seal("secret", "here")), SealError::other_key);
  EXPECT_NE(key_of('l').id(), key_of('k').id());
  EXPECT_EQ(key_of('k').id().size(), 8u);
}

TEST(Seal, EveryChangedOctetIsSeen) {
  const SealingKey key = key_of('k');
  const std::string sealed = key.seal("secret", "here");
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(key.open(changed, "here")) << "octet " << at;
  }
}

TEST(Seal, TruncatedAndLengthened) {
  const SealingKey key = key_of('k');
  const std::string sealed = key.seal("secret", "here");
  for (std::size_t size = 0; size < sealed.size(); ++size) EXPECT_FALSE(key.open(sealed.substr(0, size), "here"));
  EXPECT_EQ(error_of(key, sealed.substr(0, sealed_overhead_octets - 1)), SealError::not_sealed);
  EXPECT_EQ(error_of(key, sealed.substr(0, sealed.size() - 1)), SealError::changed);
  EXPECT_EQ(error_of(key, sealed + "x"), SealError::changed);
  EXPECT_EQ(error_of(key, ""), SealError::not_sealed);
}

TEST(Seal, BoundToItsPlace) {
  const SealingKey key = key_of('k');
  EXPECT_EQ(error_of(key, key.seal("secret", "dkim alpha.example 2026r"), "dkim beta.example 2026r"),
            SealError::changed);
}

TEST(Seal, KeysHaveThirtyTwoOctets) {
  EXPECT_FALSE(SealingKey::from_octets(std::string(31, 'k')));
  EXPECT_FALSE(SealingKey::from_octets(""));
  EXPECT_EQ(SealingKey::generate().octets().size(), sealing_key_octets);
  EXPECT_NE(SealingKey::generate().octets(), SealingKey::generate().octets());
}

}  // namespace
}  // namespace posthorn::crypto
