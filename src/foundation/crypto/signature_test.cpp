#include "foundation/crypto/signature.h"

#include <gtest/gtest.h>

namespace posthorn::crypto {
namespace {

std::string hex(std::string_view octets) {
  std::string out;
  for (const char c : octets) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string from_hex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16));
  return out;
}

TEST(SignatureDigest, HashesInPieces) {
  // FIPS 180-4's "abc".
  SignatureDigest sha256{SignatureHash::sha256};
  sha256.update("a");
  sha256.update("bc");
  EXPECT_EQ(hex(sha256.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256.finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  SignatureDigest sha1{SignatureHash::sha1};
  sha1.update("abc");
  EXPECT_EQ(hex(sha1.finish()), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Ed25519, AnswersTheVectorsOfRfc8032) {
  // RFC 8032 7.1, test 2.
  const auto key =
      PrivateKey::from_raw_ed25519(from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  ASSERT_TRUE(key);
  const PublicKey public_key = key->public_key();
  EXPECT_EQ(hex(public_key.dkim_octets()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(hex(key->sign_sha256("\x72")),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(public_key.verify(SignatureHash::sha256, "\x72", key->sign_sha256("\x72")));
  EXPECT_FALSE(public_key.verify(SignatureHash::sha256, "\x73", key->sign_sha256("\x72")));
  EXPECT_EQ(public_key.bits(), 256U);
}

TEST(Rsa, SignsAndVerifiesAtEverySizeInUse) {
  for (const unsigned bits : {1024U, 2048U}) {
    const auto key = PrivateKey::generate_rsa(bits);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->bits(), bits);
    const std::string digest(32, 'd');
    const std::string signature = key->sign_sha256(digest);
    const auto read_back = PublicKey::from_der(key->public_key().der());
    ASSERT_TRUE(read_back);
    EXPECT_EQ(read_back->bits(), bits);
    EXPECT_TRUE(read_back->verify(SignatureHash::sha256, digest, signature));
    EXPECT_FALSE(read_back->verify(SignatureHash::sha256, std::string(32, 'e'), signature));
    EXPECT_FALSE(read_back->verify(SignatureHash::sha1, std::string(20, 'd'), signature));
    EXPECT_FALSE(read_back->verify(SignatureHash::sha256, digest, signature.substr(1)));
    EXPECT_FALSE(read_back->verify(SignatureHash::sha256, digest, ""));
  }
}

TEST(Rsa, RefusesSizesOutsideTheRange) {
  EXPECT_EQ(PrivateKey::generate_rsa(768).error(), KeyError::bad_size);
  EXPECT_EQ(PrivateKey::generate_rsa(8192).error(), KeyError::bad_size);
}

TEST(PrivateKey, GoesThroughPem) {
  for (const auto& key : {PrivateKey::generate_rsa(1024), PrivateKey::generate_ed25519()}) {
    ASSERT_TRUE(key);
    const std::string pem = key->pem();
    EXPECT_TRUE(pem.starts_with("-----BEGIN PRIVATE KEY-----\n")) << "PKCS#8";
    const auto again = PrivateKey::from_pem(pem);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->kind(), key->kind());
    EXPECT_EQ(again->public_key().der(), key->public_key().der());
  }
}

TEST(PrivateKey, SaysWhatIsWrongWithAPem) {
  EXPECT_EQ(PrivateKey::from_pem("").error(), KeyError::not_a_key);
  EXPECT_EQ(PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").error(),
            KeyError::not_a_key);
  // Made with: openssl genpkey -algorithm ed25519 -aes128 (pass phrase "x").
  EXPECT_EQ(PrivateKey::from_pem(R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgziNEYlsttfQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEDWV8UjPQX3da0rcUPg7+ooEQDnU
L6w1zihhuz4tG4oM57qzrgt8ViV7kaY+1MpAPG6+p4wj8enPsqeJQMhnMgKznzPG
0sLX3IxJIgDFvMStpXc=
-----END ENCRYPTED PRIVATE KEY-----
)")
                .error(),
            KeyError::encrypted);
}

TEST(PublicKey, RefusesDamagedDer) {
  const std::string der = PrivateKey::generate_rsa(1024)->public_key().der();
  ASSERT_TRUE(PublicKey::from_der(der));
  for (std::size_t length = 0; length < der.size(); ++length)
    EXPECT_FALSE(PublicKey::from_der(der.substr(0, length))) << length;
  EXPECT_FALSE(PublicKey::from_der(der + '\0'));
  EXPECT_FALSE(PublicKey::from_raw_ed25519("short"));
  // An elliptic-curve key is a key, but not one for mail.
  const std::string ec = from_hex(
      "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
      "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
      "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
  EXPECT_EQ(PublicKey::from_der(ec).error(), KeyError::unsupported_kind);
}

}  // namespace
}  // namespace posthorn::crypto
