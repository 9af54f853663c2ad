// What becomes of mail from outside by where it comes from: each decision, over a zone in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/test_support/door_bed.h"
#include "standards/arc/arc.h"
#include "standards/dkim/sign.h"
#include "standards/dns/zone.h"

namespace posthorn::reception {
namespace {

using config::DmarcHandling;
using config::DnsFailure;
using config::Refusal;
using flow_test::DoorBed;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::int64_t kNow = 1'800'000'000;  // the bed's

dns::Name name(std::string_view text) {
  return dns::Name::parse(text).value();
}

dkim::Signer make_signer(std::string_view domain) {
  return {name(domain), name("s1"), crypto::PrivateKey::generate_ed25519().value()};
}
const dkim::Signer& far_signer() {
  static const dkim::Signer signer = make_signer("far.example");
  return signer;
}
const dkim::Signer& list_signer() {
  static const dkim::Signer signer = make_signer("lists.example");
  return signer;
}

std::string key_line(const dkim::Signer& signer) {
  return fmt::format("s1._domainkey.{}. TXT \"{}\"\n", signer.domain.text(),
                     dkim::key_record_text(signer.key.public_key()));
}

/// far.example asks to reject, quiet.example to quarantine, open.example for nothing; the bed's client is 192.0.2.7.
std::string zone() {
  return key_line(far_signer()) + key_line(list_signer()) +
         "far.example. TXT \"v=spf1 ip4:198.51.100.0/24 -all\"\n"
         "_dmarc.far.example. TXT \"v=DMARC1; p=reject\"\n"
         "good.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n"
         "_dmarc.good.example. TXT \"v=DMARC1; p=reject\"\n"
         "_dmarc.quiet.example. TXT \"v=DMARC1; p=quarantine\"\n"
         "_dmarc.open.example. TXT \"v=DMARC1; p=none\"\n"
         "_dmarc.test.example. TXT \"v=DMARC1; p=reject; t=y\"\n"
         "never.example. TXT \"v=spf1 -all\"\n"
         "softly.example. TXT \"v=spf1 -all exp=why.example\"\n"
         "broken.example. TXT \"v=spf1 nonsense -all\"\n"
         "noreply.example. MX 0 .\n"
         "lists.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"\n"
         "7.2.0.192.in-addr.arpa. PTR client.example.\nclient.example. A 192.0.2.7\n"
         ";; servfail down.example\n;; servfail _dmarc.down.example\n"
         "nokey.example. TXT \"v=spf1 ip4:192.0.2.9 -all\"\n;; servfail s1._domainkey.nokey.example\n";
}

std::string letter(std::string_view from, std::string_view more = {}) {
  return fmt::format("{}From: Zoe <{}>\r\nTo: ann@alpha.example\r\nMessage-ID: <one@x.example>\r\n\r\nHello.\r\n", more,
                     from);
}

std::string signed_letter(const dkim::Signer& signer, const std::string& message) {
  dkim::MessageScan scan{{dkim::signing_body_hash(dkim::Canonicalization::relaxed)}};
  scan.feed(message);
  scan.finish();
  dkim::SigningOptions options;
  options.now = from_unix_seconds(kNow);
  return dkim::sign(scan, signer, options) + message;
}

class TrustTest : public testing::Test {
 protected:
  TrustTest() {
    bed.domain("alpha.example");
    bed.domain("beta.example");
    bed.account("ann@alpha.example");
    bed.account("bob@beta.example");
    bed.verify_by(zone());
  }
  void with(const std::function<void(config::Verification&)>& change) {
    config::Verification rules;
    change(rules);
    bed.verify_by(zone(), rules);
  }
  std::string send(const std::string& message, const std::string& mail_from = "<zoe@far.example>",
                   const std::vector<std::string>& to = {"<ann@alpha.example>"}) {
    return bed.call()->mail(mail_from, to, message);
  }
  std::size_t inbox(const std::string& account = "ann@alpha.example") { return bed.inbox(account).size(); }
  std::size_t junk(const std::string& account = "ann@alpha.example") { return bed.folder(account, "Junk").size(); }
  std::string stored() {
    const auto found = bed.inbox("ann@alpha.example");
    return found.size() == 1 ? found[0].octets : "";
  }

  DoorBed bed;
};

TEST_F(TrustTest, ABounceIsJudgedByItsFromAsAnythingElse) {
  // RFC 7208 2.4: HELO stands in for the null sender; RFC 9989 4.4: the author's domain is From's all the same.
  EXPECT_THAT(send(letter("mailer-daemon@far.example"), "<>"),
              AllOf(StartsWith("550 5.7.1 "), HasSubstr("far.example")));
  const auto honest = bed.call();
  for (const char* const line : {"EHLO good.example", "MAIL FROM:<>", "RCPT TO:<ann@alpha.example>"})
    ASSERT_THAT(honest->say(std::string(line)), StartsWith("250")) << line;
  EXPECT_THAT(honest->data(letter("mailer-daemon@good.example")), StartsWith("250 "));
  EXPECT_THAT(message::Header::parse(stored()).value("Authentication-Results").value_or(""),
              AllOf(HasSubstr("spf=pass smtp.helo=good.example"), HasSubstr("dmarc=pass")));
}

TEST_F(TrustTest, FieldsOfDkim2PassThroughUntouched) {
  const std::string fields =
      "DKIM2-Signature: i=1; m=1; d=far.example;\r\n\ts=fm1:rsa-sha256:AAAA; mf=PHpvZT4=; rt=PGFubj4=\r\n"
      "Message-Instance:  m=1;\th=sha256:x:y\r\n";
  EXPECT_THAT(send(letter("zoe@good.example", fields), "<zoe@good.example>"), StartsWith("250 "));
  EXPECT_THAT(stored(), HasSubstr("\r\n" + fields + "From: Zoe"));
  EXPECT_THAT(message::Header::parse(stored()).value("Authentication-Results").value_or(""), HasSubstr("dkim=none"));
}

// ---------------------------------------------------------------- what is written down

TEST_F(TrustTest, AnHonestMessageIsDeliveredWithItsResultsOnTop) {
  EXPECT_THAT(send(letter("zoe@good.example"), "<zoe@good.example>"), StartsWith("250 "));
  const message::Header header = message::Header::parse(stored());
  ASSERT_GE(header.fields().size(), 4u) << stored();
  EXPECT_EQ(header.fields()[2].name, "Authentication-Results");
  EXPECT_EQ(header.fields()[3].name, "Received");
  EXPECT_THAT(header.fields()[3].unfolded(), HasSubstr("(client.example [192.0.2.7])"));
  const std::string results = header.value("Authentication-Results").value_or("");
  EXPECT_THAT(results, StartsWith("mx.alpha.example;"));
  for (const char* const part : {"iprev=pass", "spf=pass", "smtp.mailfrom=zoe@good.example", "dkim=none", "dmarc=pass",
                                 "header.from=good.example"})
    EXPECT_THAT(results, HasSubstr(part));
}

TEST_F(TrustTest, TheStoryHoldsEachVerdictWithItsEvidence) {
  static_cast<void>(send(signed_letter(far_signer(), letter("zoe@far.example")), "<zoe@far.example>"));
  const auto stories = bed.stories("<one@x.example>");
  ASSERT_EQ(stories.size(), 1u);
  const std::string json = journal::to_json(stories[0]);
  for (const char* const part :
       {"\"method\":\"iprev\"", "PTR: client.example.", "\"method\":\"spf\"", "v=spf1 ip4:198.51.100.0/24 -all",
        "does not let 192.0.2.7 send its mail", "\"method\":\"dkim\"", "\"selector\":\"s1\"", "\"key_bits\":256",
        "\"body_hash\":\"good\"", "k=ed25519", "\"method\":\"dmarc\"", "\"policy\":\"reject\"",
        "dkim far.example: aligned (equal)", "_dmarc.example"})
    EXPECT_THAT(json, HasSubstr(part));
  const std::string words = journal::to_text(stories[0]);
  EXPECT_THAT(words, HasSubstr("DKIM pass: signed by far.example (selector s1)"));
  EXPECT_THAT(words, HasSubstr("DMARC pass for far.example: DKIM passed for an aligned domain"));
  EXPECT_EQ(bed.stories(verification::report_key("far.example")).size(), 1u);
}

TEST_F(TrustTest, ForgedResultsOfOursGoOthersStay) {
  const std::string forged =
      "Authentication-Results: mx.alpha.example; dmarc=pass header.from=bank.example\r\n"
      "authentication-results : (c) \"MX.alpha.example\" 1;\r\n dkim=pass header.d=bank.example\r\n"
      "Authentication-Results: mx.alpha.example.; spf=pass\r\n"
      "Authentication-Results: other.example; spf=pass smtp.mailfrom=x.example\r\n";
  EXPECT_THAT(
      send(letter("zoe@open.example", forged), "<zoe@open.example>", {"<ann@alpha.example>", "<bob@beta.example>"}),
      StartsWith("250 "));
  for (const std::string& octets : {stored(), bed.inbox("bob@beta.example").at(0).octets}) {
    EXPECT_EQ(message::Header::parse(octets).count("Authentication-Results"), 2u) << octets;
    EXPECT_THAT(octets, AllOf(Not(HasSubstr("bank.example")), HasSubstr("other.example")));
  }
}

TEST_F(TrustTest, ForgedResultsGoAlsoWhereNothingIsVerified) {
  with([](config::Verification& rules) { rules.enabled = false; });
  EXPECT_THAT(send(letter("zoe@far.example", "Authentication-Results: mx.alpha.example; dmarc=pass\r\n")),
              StartsWith("250 "));
  EXPECT_THAT(stored(), AllOf(Not(HasSubstr("Authentication-Results")), HasSubstr("From: Zoe")));
}

TEST_F(TrustTest, NothingCanBeInjectedIntoTheResults) {
  auto one = bed.call();
  static_cast<void>(one->say("EHLO x;dmarc=pass"));
  static_cast<void>(one->say("MAIL FROM:<\"a\\\"; dmarc=pass header.from=bank.example; x=\"@open.example>"));
  static_cast<void>(one->say("RCPT TO:<ann@alpha.example>"));
  const std::string signature =
      "DKIM-Signature: v=1; a=rsa-sha256; d=far.example; s=x; h=from; bh=AAAA; b=AAAA; i=\"a; "
      "dmarc=pass\"@far.example\r\n";
  EXPECT_THAT(one->data(letter("zoe@open.example", signature)), StartsWith("250 "));
  const message::Header header = message::Header::parse(stored());
  const auto results = authentication_results::parse(header.first("Authentication-Results")->value);
  ASSERT_TRUE(results) << stored();
  std::size_t dmarc = 0;
  for (const auto& each : results->results) dmarc += each.method == "dmarc";
  EXPECT_EQ(dmarc, 1u) << stored();
  EXPECT_EQ(results->results.back().result, "fail");
}

// ---------------------------------------------------------------- DMARC decides

TEST_F(TrustTest, AForgeryUnderRejectIsRefusedWithDmarcAndTheDomainInTheText) {
  const std::string reply = send(letter("zoe@far.example"));
  EXPECT_THAT(reply, AllOf(StartsWith("550 5.7.1 "), HasSubstr("DMARC"), HasSubstr("far.example")));
  EXPECT_EQ(inbox() + junk(), 0u);
  const auto stories = bed.stories("<one@x.example>");
  ASSERT_EQ(stories.size(), 1u);
  EXPECT_EQ(stories[0].recipients.at(0).state, "refused");
  EXPECT_THAT(journal::to_json(stories[0]), HasSubstr("\"disposition\":\"reject\""));
}

TEST_F(TrustTest, AListsMailUnderRejectGoesToJunkWithTheOverrideRecorded) {
  EXPECT_THAT(send(letter("zoe@far.example", "List-Id: <dev.lists.example>\r\n"), "<bounce@lists.example>"),
              StartsWith("250 "));
  EXPECT_EQ(inbox(), 0u);
  EXPECT_EQ(junk(), 1u);
  EXPECT_THAT(bed.story("<one@x.example>"),
              AllOf(HasSubstr("\"override\":\"mailing_list\""), HasSubstr("ann@alpha.example/Junk"),
                    HasSubstr("\"disposition\":\"quarantine\"")));
}

TEST_F(TrustTest, AForwardedMessageIsDeliveredByItsSignatureThoughSpfFails) {
  EXPECT_THAT(send(signed_letter(far_signer(), letter("zoe@far.example"))), StartsWith("250 "));
  EXPECT_EQ(inbox(), 1u);
}

TEST_F(TrustTest, QuarantineGoesToJunkAndNoneChangesNothing) {
  EXPECT_THAT(send(letter("zoe@quiet.example"), "<zoe@quiet.example>"), StartsWith("250 "));
  EXPECT_EQ(junk(), 1u);
  EXPECT_THAT(send(letter("zoe@open.example"), "<zoe@open.example>"), StartsWith("250 "));
  EXPECT_EQ(inbox(), 1u);
  EXPECT_THAT(stored(), HasSubstr("dmarc=fail"));
}

TEST_F(TrustTest, TestModeStepsDownAndIsRecorded) {
  EXPECT_THAT(send(letter("zoe@test.example"), "<zoe@test.example>"), StartsWith("250 "));
  EXPECT_EQ(junk(), 1u);
  EXPECT_THAT(bed.story("<one@x.example>"), HasSubstr("\"override\":\"policy_test_mode\""));
}

TEST_F(TrustTest, StrictRefusesListsAndLenientRefusesNothing) {
  const std::string list = letter("zoe@far.example", "List-Id: <dev.lists.example>\r\n");
  with([](config::Verification& rules) { rules.dmarc = DmarcHandling::strict; });
  EXPECT_THAT(send(list, "<bounce@lists.example>"), StartsWith("550 5.7.1 "));
  with([](config::Verification& rules) { rules.dmarc = DmarcHandling::lenient; });
  EXPECT_THAT(send(letter("zoe@far.example")), StartsWith("250 "));
  EXPECT_EQ(junk(), 1u);
  EXPECT_THAT(send(list, "<bounce@lists.example>"), StartsWith("250 "));
  EXPECT_EQ(inbox(), 1u);
}

TEST_F(TrustTest, AListedForwarderSparesFromRefusal) {
  struct Case {
    const char* forwarder;
    bool spared;
  };
  // By SPF of its MAIL FROM, by the host's name, by network; a stranger's name does not count, nor one that only ends
  // alike.
  for (const Case& each : {Case{"lists.example", true}, Case{"client.example", true}, Case{"192.0.2.0/24", true},
                           Case{"198.51.100.0/24", false}, Case{"sts.example", false}}) {
    with([&](config::Verification& rules) {
      rules.dmarc = DmarcHandling::strict;
      rules.forwarders.push_back(*config::parse_forwarder(each.forwarder));
    });
    const std::string reply = send(letter("zoe@far.example"), "<bounce@lists.example>");
    EXPECT_THAT(reply, StartsWith(each.spared ? "250 " : "550 5.7.1 ")) << each.forwarder;
  }
  EXPECT_EQ(junk(), 3u);
  EXPECT_EQ(inbox(), 0u);
}

TEST_F(TrustTest, AValidSignatureOfAListedRelaySpares) {
  const std::string relayed = signed_letter(list_signer(), letter("zoe@far.example"));
  EXPECT_THAT(send(relayed), StartsWith("550 5.7.1 "));
  with([](config::Verification& rules) { rules.forwarders.emplace_back("lists.example"); });
  EXPECT_THAT(send(relayed), StartsWith("250 "));
  EXPECT_EQ(junk(), 1u);
  EXPECT_THAT(bed.stories("<one@x.example>").size(), 2u);
  EXPECT_THAT(send(letter("zoe@far.example",
                          "DKIM-Signature: v=1; a=ed25519-sha256; d=lists.example; s=s1; h=from; "
                          "bh=AAAA; b=AAAA\r\n")),
              StartsWith("550 5.7.1 "))
      << "an invalid one does not";
}

std::string sealed(const dkim::Signer& signer, const std::string& message, const char* saw) {
  const std::string with_results =
      fmt::format("Authentication-Results: mx.lists.example; dmarc={} header.from=far.example\r\n", saw) + message;
  dkim::MessageScan scan{{dkim::signing_body_hash(dkim::Canonicalization::relaxed)}};
  scan.feed(with_results);
  scan.finish();
  arc::SealOptions options;
  options.authserv_id = "mx.lists.example";
  options.now = from_unix_seconds(kNow);
  return arc::seal(scan, arc::Outcome{}, signer, options).value() + with_results;
}

TEST_F(TrustTest, ArcIsAHintOfListedSealersOnly) {
  const std::string saw_pass = sealed(list_signer(), letter("zoe@far.example"), "pass");
  EXPECT_THAT(send(saw_pass), StartsWith("550 5.7.1 ")) << "nobody listed it";
  with([](config::Verification& rules) { rules.forwarders.emplace_back("lists.example"); });
  EXPECT_THAT(send(saw_pass), StartsWith("250 "));
  EXPECT_EQ(junk(), 1u);
  EXPECT_THAT(send(sealed(list_signer(), letter("zoe@far.example"), "fail")), StartsWith("550 5.7.1 "));
  std::string broken = saw_pass;
  broken.replace(broken.find("Hello."), 6, "HELLO!");
  EXPECT_THAT(send(broken), StartsWith("550 5.7.1 "));
}

TEST_F(TrustTest, RecipientsOfDifferentPoliciesGetOneAnswerAndJunkWhereTheyWouldRefuse) {
  bed.apply(directory::set_domain(bed.now(), "beta.example", {.inbound_dmarc = "lenient"}));
  const std::string list = letter("zoe@far.example", "List-Id: <dev.lists.example>\r\n");
  EXPECT_THAT(send(letter("zoe@far.example")), StartsWith("550 5.7.1 "));
  EXPECT_THAT(send(letter("zoe@far.example"), "<zoe@far.example>", {"<ann@alpha.example>", "<bob@beta.example>"}),
              StartsWith("250 "));
  EXPECT_EQ(junk("ann@alpha.example"), 1u);
  EXPECT_EQ(junk("bob@beta.example"), 1u);
  bed.apply(directory::set_domain(bed.now(), "alpha.example", {.inbound_dmarc = "strict"}));
  EXPECT_THAT(send(list, "<b@lists.example>", {"<ann@alpha.example>"}), StartsWith("550 5.7.1 "));
  EXPECT_THAT(send(list, "<b@lists.example>", {"<ann@alpha.example>", "<bob@beta.example>"}), StartsWith("250 "));
  EXPECT_EQ(junk("ann@alpha.example"), 2u) << "it would have refused";
  EXPECT_EQ(inbox("bob@beta.example"), 1u);
}

TEST_F(TrustTest, SeveralAuthorsAreSuspect) {
  EXPECT_THAT(send("From: zoe@good.example\r\nFrom: ceo@bank.example\r\n\r\nHello.\r\n", "<zoe@good.example>"),
              StartsWith("250 "));
  EXPECT_THAT(send("From: zoe@good.example, ceo@bank.example\r\n\r\nHello.\r\n", "<zoe@good.example>"),
              StartsWith("250 "));
  EXPECT_EQ(junk(), 2u);
  EXPECT_THAT(send("From: root\r\n\r\nHello.\r\n", "<zoe@good.example>"), StartsWith("250 "));
  EXPECT_EQ(inbox(), 1u) << "no domain is no fraud";
}

// ---------------------------------------------------------------- refusals beside DMARC

TEST_F(TrustTest, SpfFailAloneRefusesOnlyWhereTheRecordSaysNoMailAtAll) {
  EXPECT_THAT(send(letter("zoe@open.example"), "<zoe@never.example>"),
              AllOf(StartsWith("550 5.7.23 "), HasSubstr("SPF")));
  EXPECT_THAT(send(letter("zoe@open.example"), "<zoe@softly.example>"), StartsWith("250 "));
  EXPECT_THAT(send(letter("zoe@open.example"), "<zoe@far.example>"), StartsWith("250 "));
  EXPECT_EQ(inbox(), 2u);
}

TEST_F(TrustTest, ASenderWhoseDomainTakesNoMailIsRefused) {
  EXPECT_THAT(send(letter("zoe@open.example"), "<zoe@noreply.example>"),
              AllOf(StartsWith("550 5.7.27 "), HasSubstr("noreply.example")));
}

TEST_F(TrustTest, WhatTheSiteChoosesToRefuseHasTheCodesOfRfc7372) {
  struct Case {
    Refusal refusal;
    std::string message;
    const char* mail_from;
    const char* reply;
  };
  const std::string plain = letter("zoe@open.example");
  std::string tampered = signed_letter(far_signer(), letter("zoe@far.example"));
  tampered.replace(tampered.find("Hello."), 6, "HELLO!");
  const Case cases[] = {
      {Refusal::spf_fail, plain, "<zoe@far.example>", "550 5.7.23 "},
      {Refusal::spf_fail, plain, "<zoe@good.example>", "250 "},
      {Refusal::spf_error, plain, "<zoe@broken.example>", "550 5.7.24 "},
      {Refusal::iprev, plain, "<zoe@open.example>", "250 "},
      {Refusal::dkim, plain, "<zoe@open.example>", "550 5.7.20 "},
      {Refusal::dkim, tampered, "<zoe@open.example>", "550 5.7.20 "},
      {Refusal::dkim, signed_letter(list_signer(), plain), "<zoe@open.example>", "250 "},
      {Refusal::dkim_author, signed_letter(list_signer(), plain), "<zoe@open.example>", "550 5.7.22 "},
      {Refusal::dkim_author, signed_letter(far_signer(), letter("zoe@mail.far.example")), "<zoe@open.example>", "250 "},
  };
  for (const Case& each : cases) {
    with([&](config::Verification& rules) { rules.refuse = {each.refusal}; });
    EXPECT_THAT(send(each.message, each.mail_from), StartsWith(each.reply))
        << text(each.refusal) << ' ' << each.mail_from;
  }
  config::Verification rules;
  rules.refuse = {Refusal::iprev};
  bed.verify_by("x.example. A 192.0.2.9\n", rules);
  EXPECT_THAT(send(plain), StartsWith("550 5.7.25 "));
}

// ---------------------------------------------------------------- the DNS fails

TEST_F(TrustTest, AnOutageIsTemperrorDeliveredAndRecorded) {
  EXPECT_THAT(send(letter("zoe@down.example"), "<zoe@down.example>"), StartsWith("250 "));
  EXPECT_EQ(inbox(), 1u);
  EXPECT_THAT(stored(), AllOf(HasSubstr("spf=temperror"), HasSubstr("dmarc=temperror")));
  EXPECT_THAT(bed.story("<one@x.example>"), HasSubstr("\"result\":\"temperror\""));
}

TEST_F(TrustTest, AnOutagePutsOffWhereThatIsChosen) {
  with([](config::Verification& rules) { rules.dns_failure = DnsFailure::defer; });
  EXPECT_THAT(send(letter("zoe@down.example"), "<zoe@down.example>"), StartsWith("451 4.7.24 "));
  EXPECT_THAT(send(letter("zoe@down.example"), "<>"), StartsWith("451 4.4.3 "));
  const std::string signature = "DKIM-Signature: v=1; a=rsa-sha256; d=nokey.example; s=s1; h=from; bh=AAAA; b=AAAA\r\n";
  EXPECT_THAT(send(letter("zoe@open.example", signature), "<zoe@nokey.example>"), StartsWith("451 4.4.3 "));
  EXPECT_THAT(send(letter("zoe@good.example", signature), "<zoe@good.example>"), StartsWith("250 "))
      << "DMARC passed all the same";
  EXPECT_EQ(inbox(), 1u);
}

TEST_F(TrustTest, ADomainMayPutOffByItself) {
  bed.apply(directory::set_domain(bed.now(), "beta.example", {.inbound_dns_failure = "defer"}));
  const std::string down = letter("zoe@down.example");
  EXPECT_THAT(send(down, "<zoe@down.example>", {"<bob@beta.example>"}), StartsWith("451 4.7.24 "));
  EXPECT_THAT(send(down, "<zoe@down.example>", {"<ann@alpha.example>", "<bob@beta.example>"}), StartsWith("250 "));
}

/// Answers from a zone, but never to names with this in them.
class SilentResolver final : public dns::Resolver {
 public:
  SilentResolver(const std::string& zone, std::string silent)
      : zone_(dns::Zone::parse(zone).value()), silent_(std::move(silent)) {}
  Task<dns::Answer> resolve(dns::Name asked, dns::RecordType type) override {
    if (asked.text().find(silent_) != std::string::npos) {
      ++unanswered;
      const runtime::Event never;
      co_await never.wait();
    }
    co_return co_await zone_.resolve(std::move(asked), type);
  }
  int unanswered = 0;

 private:
  dns::ZoneFileResolver zone_;
  std::string silent_;
};

/// Writes down what it is asked for.
class CountingResolver final : public dns::Resolver {
 public:
  explicit CountingResolver(const std::string& zone) : zone_(dns::Zone::parse(zone).value()) {}
  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    asked += " " + name.text();
    co_return co_await zone_.resolve(std::move(name), type);
  }
  std::string asked;

 private:
  dns::ZoneFileResolver zone_;
};

TEST_F(TrustTest, TheIncludesOfASenderAreAskedForTogether) {
  auto resolver = std::make_unique<SilentResolver>(
      zone() + "many.example. TXT \"v=spf1 include:a.silent.example include:b.silent.example -all\"\n", "silent");
  SilentResolver& silent = *resolver;
  bed.verify_by(std::move(resolver));
  auto one = bed.call();
  static_cast<void>(one->say("EHLO client.example"));
  static_cast<void>(one->say("MAIL FROM:<zoe@many.example>"));
  EXPECT_EQ(silent.unanswered, 2);
}

TEST_F(TrustTest, WhatIsNotAnsweredByTheDeadlineIsTemperror) {
  auto resolver = std::make_unique<SilentResolver>(zone(), "_domainkey");
  SilentResolver& silent = *resolver;
  bed.verify_by(std::move(resolver));
  std::string message = signed_letter(far_signer(), letter("zoe@far.example"));
  message = signed_letter(list_signer(), message);
  auto one = bed.call();
  static_cast<void>(one->say("EHLO client.example"));
  static_cast<void>(one->say("MAIL FROM:<zoe@far.example>"));
  static_cast<void>(one->say("RCPT TO:<ann@alpha.example>"));
  static_cast<void>(one->say("DATA"));
  one->push(message + ".\r\n");
  EXPECT_EQ(silent.unanswered, 2) << "the keys are asked for at once, not one after the other";
  bed.loop.run_until(bed.clock.now() + std::chrono::milliseconds(9'900));
  EXPECT_EQ(inbox(), 0u);
  bed.loop.run_until(bed.clock.now() + std::chrono::milliseconds(200));
  const std::string reply = one->send("");
  EXPECT_EQ(inbox(), 1u) << reply;
  EXPECT_THAT(stored(), AllOf(HasSubstr("dkim=temperror"), HasSubstr("dmarc=temperror"), HasSubstr("spf=fail")));
}

TEST_F(TrustTest, QuestionsOfMailBeginBeforeTheMessageComes) {
  auto resolver = std::make_unique<SilentResolver>(zone(), "far.example");
  SilentResolver& silent = *resolver;
  bed.verify_by(std::move(resolver));
  auto one = bed.call();
  static_cast<void>(one->say("EHLO far.example"));
  static_cast<void>(one->say("MAIL FROM:<zoe@far.example>"));
  EXPECT_EQ(silent.unanswered, 2) << "the SPF record, once for both identities, and the MX";
}

TEST_F(TrustTest, ASessionOfManyMessagesIsAskedAboutOnceAMinute) {
  auto resolver = std::make_unique<CountingResolver>(zone());
  CountingResolver& counting = *resolver;
  bed.verify_by(std::move(resolver));
  auto one = bed.call();
  static_cast<void>(one->say("EHLO client.example"));
  const auto deliver = [&](const std::string& mail_from) {
    counting.asked.clear();
    static_cast<void>(one->say("MAIL FROM:" + mail_from));
    static_cast<void>(one->say("RCPT TO:<ann@alpha.example>"));
    EXPECT_THAT(one->data(letter("zoe@open.example")), StartsWith("250 "));
    return counting.asked;
  };
  EXPECT_THAT(deliver("<zoe@good.example>"),
              AllOf(HasSubstr("in-addr.arpa"), HasSubstr(" good.example"), HasSubstr(" client.example")));
  EXPECT_EQ(deliver("<zoe@good.example>"), " _dmarc.open.example _dmarc.example _dmarc.good.example");
  EXPECT_EQ(inbox(), 2u);
  const std::string results =
      message::Header::parse(bed.inbox("ann@alpha.example").at(1).octets).value("Authentication-Results").value_or("");
  EXPECT_THAT(results, AllOf(HasSubstr("iprev=pass"), HasSubstr("spf=pass")));
  EXPECT_THAT(deliver("<zoe@far.example>"), AllOf(HasSubstr(" far.example"), Not(HasSubstr("in-addr.arpa"))));
  bed.loop.run_for(std::chrono::minutes(2));
  EXPECT_THAT(deliver("<zoe@far.example>"), AllOf(HasSubstr(" far.example"), HasSubstr("in-addr.arpa")));
}

// ---------------------------------------------------------------- no backscatter

TEST_F(TrustTest, AForgedDeliveredToMakesNoReportToAStranger) {
  const std::string again = letter("zoe@open.example", "Delivered-To: ann@alpha.example\r\n");
  for (const char* const sender : {"<zoe@far.example>", "<zoe@open.example>"}) {
    EXPECT_THAT(send(again, sender, {"<ann@alpha.example>", "<bob@beta.example>"}), StartsWith("250 "));
    EXPECT_TRUE(bed.queue().empty()) << sender;
  }
  EXPECT_EQ(bed.stories("ann@alpha.example").at(0).recipients.at(0).state, "undeliverable");
  EXPECT_THAT(send(again, "<zoe@good.example>", {"<ann@alpha.example>", "<bob@beta.example>"}), StartsWith("250 "));
  ASSERT_EQ(bed.queue().size(), 1u) << "SPF vouches for the sender: it is told";
}

TEST_F(TrustTest, SuccessIsNotReportedToAForgedSender) {
  for (const char* const sender : {"<zoe@far.example>", "<zoe@open.example>"}) {
    auto one = bed.call();
    static_cast<void>(one->say("EHLO client.example"));
    static_cast<void>(one->say(fmt::format("MAIL FROM:{}", sender)));
    static_cast<void>(one->say("RCPT TO:<ann@alpha.example> NOTIFY=SUCCESS"));
    EXPECT_THAT(one->data(letter("zoe@open.example")), StartsWith("250 "));
  }
  ASSERT_EQ(bed.queue().size(), 1u);
  EXPECT_EQ(bed.queued(bed.queue()[0].id).at(0).address, "zoe@open.example");
}

// ---------------------------------------------------------------- observers, bounds

class KeepingObserver final : public verification::Observer {
 public:
  void observed(const verification::Observation& seen, std::vector<storage::Mutation>&) override {
    told += fmt::format("{} from {} of {} to {}: dmarc={} {} {}\n", seen.source.text(), seen.rfc5321_mail_from_domain,
                        seen.helo, fmt::join(seen.rfc5321_rcpt_to_domains, ","), text(seen.verdicts.dmarc.result),
                        text(seen.decision.disposition), text(seen.decision.override_type));
  }
  std::string told;
};

TEST_F(TrustTest, ObserversAreToldOfEveryMessageAcceptedOrRefused) {
  KeepingObserver observer;
  bed.observers = {&observer};
  bed.verify_by(zone());
  static_cast<void>(send(letter("zoe@far.example")));
  static_cast<void>(
      send(letter("zoe@good.example"), "<zoe@good.example>", {"<ann@alpha.example>", "<bob@beta.example>"}));
  EXPECT_EQ(observer.told,
            "192.0.2.7 from far.example of client.example to alpha.example: dmarc=fail reject none\n"
            "192.0.2.7 from good.example of client.example to alpha.example,beta.example: dmarc=pass none none\n");
}

TEST_F(TrustTest, AThousandSignaturesCostSixteen) {
  std::string many;
  for (int i = 0; i < 1000; ++i)
    many += fmt::format("DKIM-Signature: v=1; a=rsa-sha256; d=d{}.example; s=s; h=from; bh=AAAA; b=AAAA\r\n", i);
  auto resolver = std::make_unique<SilentResolver>(zone(), "\x01");
  bed.verify_by(std::move(resolver));
  EXPECT_THAT(send(letter("zoe@good.example", many), "<zoe@good.example>"), StartsWith("250 "));
  EXPECT_EQ(inbox(), 1u);
  std::size_t told = 0;
  const std::string octets = stored();
  for (auto at = octets.find("dkim=permerror"); at != std::string::npos; at = octets.find("dkim=permerror", at + 1))
    ++told;
  EXPECT_EQ(told, dkim::signatures_max);
}

TEST_F(TrustTest, TenThousandFieldsAndALongLineAreBounded) {
  std::string many;
  for (int i = 0; i < 9'990; ++i) many += "A: b\r\n";
  EXPECT_THAT(send(letter("zoe@good.example", many), "<zoe@good.example>"), StartsWith("250 "));
  for (int i = 0; i < 20; ++i) many += "A: b\r\n";
  EXPECT_THAT(send(letter("zoe@good.example", many), "<zoe@good.example>"), StartsWith("552 5.3.4 "));
  bed.limits.message_size_octets_max = 64 * MiB;
  const std::string body(32 * MiB, 'x');
  const std::string message = signed_letter(far_signer(), letter("zoe@far.example") + body + "\r\n");
  EXPECT_THAT(send(message), testing::AnyOf(StartsWith("250 "), StartsWith("554 5.6.0 "), StartsWith("500 ")));
}

}  // namespace
}  // namespace posthorn::reception
