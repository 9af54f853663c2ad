#include <gtest/gtest.h>

#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"
#include "foundation/crypto/password.h"
#include "foundation/crypto/random.h"

namespace posthorn::crypto {
namespace {

using codec::hex_decode;
using codec::hex_encode;

TEST(Hash, Sha256OfFips180) {
  EXPECT_EQ(hex_encode(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 pieces;
  pieces.update("a");
  pieces.update("bc");
  EXPECT_EQ(pieces.finish(), sha256("abc"));
  EXPECT_EQ(pieces.finish(), sha256(""));
}

TEST(Hash, HmacOfRfc4231) {
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hash, Pbkdf2OfRfc7914) {
  // RFC 7914 11.
  EXPECT_EQ(hex_encode(pbkdf2_sha256("passwd", "salt", 1, 64)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
            "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

TEST(Hash, Crc32cOfRfc3720) {
  // RFC 3720 B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), crc32c("123456789"));
}

TEST(Hash, ComparesWhole) {
  EXPECT_TRUE(constant_time_equals("", ""));
  EXPECT_TRUE(constant_time_equals("ab", "ab"));
  EXPECT_FALSE(constant_time_equals("ab", "ac"));
  EXPECT_FALSE(constant_time_equals("ab", "abc"));
}

TEST(Random, GivesWhatIsAsked) {
  EXPECT_EQ(random_octets(18).size(), 18U);
  EXPECT_NE(random_octets(18), random_octets(18));
  const auto secret = random_secret(200);
  EXPECT_EQ(secret.size(), 200U);
  EXPECT_EQ(secret.find_first_not_of("abcdefghijkmnpqrstuvwxyz23456789"), std::string::npos);
}

TEST(Password, VerifiesArgon2id) {
  constexpr Argon2Cost cheap{.memory_kib = 64, .passes = 1, .lanes = 1};
  const auto phc = hash_password("correct horse", cheap);
  EXPECT_TRUE(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << phc;
  EXPECT_EQ(phc.find('\0'), std::string::npos);
  EXPECT_TRUE(verify_password("correct horse", phc));
  EXPECT_FALSE(verify_password("correct horsf", phc));
  EXPECT_FALSE(verify_password("", phc));
  EXPECT_NE(hash_password("correct horse", cheap), phc);
}

TEST(Password, ReadsAForeignHash) {
  // The reference implementation's own test vector for Argon2id: m=256, t=2, "password", "somesalt".
  EXPECT_TRUE(verify_password("password",
                              "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"));
  for (const char* bad :
       {"", "!", "$argon2i$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=4294967295,t=1,p=1$a$b",
        "$argon2id$v=19$m=64", "$argon2id$v=19$m=99999999999,t=1"}) {
    EXPECT_FALSE(verify_password("password", bad)) << bad;
  }
}

}  // namespace
}  // namespace posthorn::crypto
