#include "flow/verification/verify_message.h"

#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "platform/runtime/loops.h"
#include "standards/dkim/sign.h"
#include "standards/dns/zone.h"

namespace posthorn::verification {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

dns::Name name(std::string_view text) {
  return dns::Name::parse(text).value();
}

const dkim::Signer& signer() {
  static const dkim::Signer signer{name("alpha.example"), name("e1"), crypto::PrivateKey::generate_ed25519().value()};
  return signer;
}

std::string zone_text() {
  return fmt::format(
      "alpha.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"\nmx.alpha.example. A 192.0.2.1\n"
      "mx.alpha.example. TXT \"v=spf1 a -all\"\n1.2.0.192.in-addr.arpa. PTR mx.alpha.example.\n"
      "_dmarc.alpha.example. TXT \"v=DMARC1; p=reject\"\ne1._domainkey.alpha.example. TXT \"{}\"\n",
      dkim::key_record_text(signer().key.public_key()));
}

dkim::MessageScan scan_of(const std::string& message) {
  dkim::MessageScan scan{{dkim::signing_body_hash(dkim::Canonicalization::relaxed)}};
  scan.feed(message);
  scan.finish();
  return scan;
}

const std::string kPlain = "From: ann@alpha.example\r\nTo: bob@beta.example\r\nSubject: Hello\r\n\r\nHello, Bob.\r\n";

std::string signed_message() {
  dkim::SigningOptions options;
  options.now = from_unix_seconds(kNow);
  return dkim::sign(scan_of(kPlain), signer(), options) + kPlain;
}

Task<> verify_into(Verdicts& out, std::string message, std::optional<Session> session) {
  dns::ZoneFileResolver resolver{dns::Zone::parse(zone_text()).value()};
  const auto now = from_unix_seconds(kNow);
  std::optional<SessionVerdicts> known;
  if (session) known = co_await verify_session(resolver, *session, now);
  const dkim::MessageScan scan = scan_of(message);
  out = co_await verify_message(resolver, scan, std::move(known), now);
}

Verdicts verdicts_of(const std::string& message, const std::optional<Session>& session) {
  Verdicts out;
  runtime::run_to_end([&out, &message, &session] { return verify_into(out, message, session); });
  return out;
}

Session session_from(std::string_view ip) {
  return {IpAddress::parse(ip).value(), "ann@alpha.example", "mx.alpha.example", "mx.beta.example"};
}

TEST(Verification, AnHonestMessagePassesEverything) {
  const Verdicts verdicts = verdicts_of(signed_message(), session_from("192.0.2.1"));
  EXPECT_EQ(verdicts.session->iprev.result, iprev::Result::pass);
  EXPECT_EQ(verdicts.session->mail_from.result, spf::Result::pass);
  EXPECT_EQ(verdicts.session->helo.result, spf::Result::pass);
  EXPECT_EQ(verdicts.dkim.at(0).result, dkim::Result::pass);
  EXPECT_EQ(verdicts.arc.result, arc::ChainStatus::none);
  EXPECT_EQ(verdicts.dmarc.result, dmarc::Result::pass);
  EXPECT_TRUE(verdicts.dmarc.spf_aligned && verdicts.dmarc.dkim_aligned);
  const std::string told = value_text(describe(verdicts, "mx.beta.example"));
  for (const char* part : {"mx.beta.example; iprev=pass", "spf=pass smtp.mailfrom=ann@alpha.example",
                           "spf=pass smtp.helo=mx.alpha.example", "dkim=pass (256-bit key) header.d=alpha.example",
                           "dmarc=pass header.from=alpha.example policy.dmarc=reject"})
    EXPECT_NE(told.find(part), std::string::npos) << part << " in " << told;
}

TEST(Verification, AForgeryFailsWithItsOwnersPolicy) {
  const Verdicts verdicts = verdicts_of(kPlain, session_from("203.0.113.9"));
  EXPECT_EQ(verdicts.session->mail_from.result, spf::Result::fail);
  EXPECT_TRUE(verdicts.dkim.empty());
  EXPECT_EQ(verdicts.dmarc.result, dmarc::Result::fail);
  EXPECT_EQ(verdicts.dmarc.disposition, dmarc::Policy::reject);
  const std::string told = value_text(describe(verdicts, "mx.beta.example"));
  EXPECT_NE(told.find("dkim=none"), std::string::npos) << told;
  EXPECT_NE(told.find("dmarc=fail"), std::string::npos) << told;
}

TEST(Verification, AForwardedMessagePassesByItsSignature) {
  Session forwarder = session_from("203.0.113.9");
  forwarder.mail_from = "srs@forwarder.example";
  const Verdicts verdicts = verdicts_of("Received: from a by b; x\r\n" + signed_message(), forwarder);
  EXPECT_EQ(verdicts.dmarc.result, dmarc::Result::pass);
  EXPECT_FALSE(verdicts.dmarc.spf_aligned);
}

TEST(Verification, AFileWithoutASessionGoesByDkimAlone) {
  const Verdicts verdicts = verdicts_of(signed_message(), std::nullopt);
  EXPECT_EQ(verdicts.dmarc.result, dmarc::Result::pass);
  EXPECT_EQ(value_text(describe(verdicts, "mx.beta.example")).find("spf="), std::string::npos);
}

TEST(Verification, ReasonsInTheResultsFieldAreCutAtACharacter) {
  std::string reason = "the record has the unknown mechanism ";
  while (reason.size() < 5000) reason += "\u00e9";
  Verdicts verdicts;
  verdicts.session.emplace();
  verdicts.session->mail_from.result = spf::Result::permerror;
  verdicts.session->mail_from.problem = reason;
  verdicts.session->helo.problem = reason + "e";
  verdicts.dkim.emplace_back().reason = reason;
  verdicts.arc.result = arc::ChainStatus::fail;
  verdicts.arc.reason = reason;
  verdicts.dmarc.result = dmarc::Result::temperror;
  verdicts.dmarc.reason = reason;
  const auto results = describe(verdicts, "mx.beta.example");
  unsigned cut = 0;
  for (const auto& result : results.results) {
    EXPECT_LE(result.reason.size(), reason_octets_max) << result.method;
    EXPECT_TRUE(text::is_utf8(result.reason)) << result.method;
    cut += result.reason.ends_with("...") ? 1 : 0;
  }
  EXPECT_EQ(cut, 5u);
  EXPECT_LE(write(results).size(), 2500u);
}

}  // namespace
}  // namespace posthorn::verification
