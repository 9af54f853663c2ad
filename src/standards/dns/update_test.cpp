// RFC 2136 messages against the octets that the RFC's sections describe, and TSIG against itself and its failures (BIND
// and Knot verify it in tests/interop).
#include "standards/dns/update.h"

#include <gtest/gtest.h>

#include "foundation/codec/hex.h"

namespace posthorn::dns {
namespace {

Name name_of(std::string_view text) {
  return *Name::parse(text);
}
const TimePoint now = from_unix_seconds(1'800'000'000);
const TsigKey key{name_of("Key.Example"), OctetString(32, 'k')};

TEST(Update, SectionsAsTheRfcHasThem) {
  Update update{.zone = name_of("a.example"),
                .sets_exist = {{name_of("a.example"), RecordType::txt, 60, Txt{{"old"}}}},
                .absent = {{name_of("b.a.example"), RecordType::txt}, {name_of("c.a.example"), RecordType::any}},
                .remove = {{name_of("a.example"), RecordType::txt, 60, Txt{{"old"}}}},
                .add = {{name_of("a.example"), RecordType::txt, 300, Txt{{"new"}}}}};
  const std::string a = "0161076578616d706c6500";
  EXPECT_EQ(codec::hex_encode(write_update(update, 0x1234)),
            "1234"
            "2800"
            "0001"
            "0003"
            "0002"
            "0000"  // UPDATE; zone, prerequisites, updates
                + a +
                "0006"
                "0001"  // zone: SOA IN
                + a +
                "0010"
                "0001"
                "00000000"
                "0004"
                "036f6c64"  // 2.4.2: class IN, TTL 0, data
                + "0162" + a +
                "0010"
                "00fe"
                "00000000"
                "0000"  // 2.4.3: class NONE, no data
                + "0163" + a +
                "00ff"
                "00fe"
                "00000000"
                "0000"  // 2.4.5: type ANY, class NONE
                + a +
                "0010"
                "00fe"
                "00000000"
                "0004"
                "036f6c64"  // 2.5.4: class NONE, TTL 0, data
                + a +
                "0010"
                "0001"
                "0000012c"
                "0004"
                "036e6577");  // 2.5.1
}

TEST(Tsig, ARequestAndItsAnswer) {
  const OctetString request =
      write_update({.zone = name_of("a.example"), .sets_exist = {}, .absent = {}, .remove = {}, .add = {}}, 7);
  const SignedMessage sent = sign_tsig(request, key, now);
  EXPECT_EQ(verify_tsig(sent.octets, key, now), sent.mac);
  const SignedMessage answer = sign_tsig(request, key, now, sent.mac);
  EXPECT_TRUE(verify_tsig(answer.octets, key, now, sent.mac));
  // An answer to another request does not pass.
  EXPECT_EQ(verify_tsig(answer.octets, key, now, OctetString(32, 'x')).error(), TsigError::bad_signature);
  EXPECT_EQ(verify_tsig(answer.octets, key, now).error(), TsigError::bad_signature);
}

TEST(Tsig, WhatDoesNotHold) {
  const OctetString request =
      write_update({.zone = name_of("a.example"), .sets_exist = {}, .absent = {}, .remove = {}, .add = {}}, 7);
  const SignedMessage sent = sign_tsig(request, key, now);
  EXPECT_EQ(verify_tsig(request, key, now).error(), TsigError::unsigned_);
  EXPECT_EQ(verify_tsig(sent.octets, key, now + std::chrono::seconds(301)).error(), TsigError::bad_time);
  EXPECT_TRUE(verify_tsig(sent.octets, key, now + std::chrono::seconds(300)));
  EXPECT_EQ(verify_tsig(sent.octets, {name_of("key.example"), "other"}, now).error(), TsigError::bad_signature);
  EXPECT_TRUE(verify_tsig(sent.octets, {name_of("KEY.example"), key.secret}, now)) << "names compare without case";
  EXPECT_EQ(verify_tsig(sent.octets, {name_of("other.example"), key.secret}, now).error(), TsigError::wrong_key);
  for (std::size_t cut = 0; cut < sent.octets.size(); ++cut)
    EXPECT_FALSE(verify_tsig(Octets(sent.octets).substr(0, cut), key, now)) << cut;
  for (std::size_t at = 0; at < sent.octets.size(); ++at) {
    OctetString changed = sent.octets;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    // The id travels in the TSIG record (RFC 8945 5.1); letters of names compare without case, bit 5 is not touched.
    if (at < 2) continue;
    EXPECT_FALSE(verify_tsig(changed, key, now)) << at;
  }
}

}  // namespace
}  // namespace posthorn::dns
