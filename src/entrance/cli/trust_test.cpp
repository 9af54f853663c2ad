// check, verify, sign and parse record as a person and a script see them: offline, over the records of public
// runbooks, good and bad, and the examples of the RFCs.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entrance/cli/pasted_record.h"
#include "entrance/cli/verb.h"
#include "entrance/test_support/run_verb.h"
#include "foundation/crypto/signature.h"
#include "standards/dkim/key_record.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;
using entrance_test::Ran;
using entrance_test::run_words;
using testing::HasSubstr;

std::string read_all(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string text_of(const json::value& value) {
  return std::string(value.as_string());
}

// ---------------------------------------------------------------- parse record

struct JudgedRecord {
  std::string type, text;
  bool valid;
  std::vector<std::string> ids;  ///< all findings, in order
  std::string corrected;         ///< empty: nothing is proposed
};

const std::string kSmallKey =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDB5nBvGK/YgkA38tPxxikD/w2OW3Ob3WL9iaS8bA+4i4Kkjr4GQHq+H2khVVsyTxUpZErv4jVW+"
    "Kk1wWUysWKQU1P2ImAY0luP7Ujdne4JykXm75n4HjE0Sa4q1y3EaVQOH58aEfjcUS26N1MoSVt87uf1669gv3Wh+0ySfXHNdQIDAQAB";

const std::vector<JudgedRecord>& record_cases() {
  static const std::vector<JudgedRecord> cases{
      {"spf", "v=spf1 include:amazonses.com include:_spf.google.com ~all", true, {}, ""},
      {"spf", "login.gov descriptive text \"v=spf1 include:amazonses.com ~all\"", true, {}, ""},
      {"spf", "login.gov\ttext = \"v=spf1 include:amazonses.com ~all\"\n", true, {}, ""},
      {"spf", "v=spf1 ip4:192.0.2.0 ip4:192.0.2.1 include:examplesender.email -all", true, {}, ""},
      {"spf", "v=spf1 ~all", true, {}, ""},
      {"spf", "v=spf1 +all", true, {"spf-plus-all"}, "v=spf1 ~all"},
      {"spf",
       "v=spf1 mx/0 a//8 ip4:0.0.0.0/0 ip6:::/0 ip4:192.0.2.1 -all",
       true,
       {"spf-plus-all", "spf-plus-all", "spf-plus-all", "spf-plus-all"},
       "v=spf1 mx a ip4:192.0.2.1 -all"},
      {"spf", "v=spf1 mx ptr -all", true, {"spf-ptr"}, "v=spf1 mx -all"},
      {"spf",
       "v=spf1 ip4:192.168.20.25 ip6:1080::8:800:68.0.3.1/96 include:zoho.in ~all",
       true,
       {"spf-private-address", "spf-private-address"},
       "v=spf1 include:zoho.in ~all"},
      {"spf",
       "“v=spf1 ip4:xx.xx.xx.xx include:spf.example.com”",
       false,
       {"quotes-typographic", "spf-placeholder", "spf-no-all"},
       "v=spf1 include:spf.example.com ~all"},
      {"spf", "steamr.com. 600 IN SPF \"v=spf1 mx a:mail.steamr.com -all\"", true, {"spf-type99"}, ""},
      {"spf",
       "a.example. TXT \"v=spf1 mx -all\"\na.example. TXT \"v=spf1 a mx ~all\"\n",
       false,
       {"spf-multiple"},
       "v=spf1 mx a ~all"},
      {"spf", "spf2.0/pra,mfrom include:a.example -all", false, {"spf-syntax"}, "v=spf1 include:a.example -all"},
      {"spf", "v=spf1 mx mx:all:x -all", false, {"spf-syntax"}, "v=spf1 mx -all"},
      {"spf",
       "v=spf1 ipv4:192.0.2.1, ip4: 192.0.3.0/24 - all;",
       false,
       {"spf-syntax"},
       "v=spf1 ip4:192.0.2.1 ip4:192.0.3.0/24 -all"},
      {"spf",
       "v=spf1 192.0.2.1 include=a.example ip4:2001:db8::1 ~all",
       false,
       {"spf-syntax"},
       "v=spf1 ip4:192.0.2.1 include:a.example ip6:2001:db8::1 ~all"},
      {"dkim-key", "v=DKIM1; k=rsa; p=" + kSmallKey, true, {"dkim-weak-key"}, ""},
      {"dkim-key",
       "s._domainkey.a.example. IN TXT ( \"v=DKIM1; k=rsa; \"\n\t\"p=" + kSmallKey.substr(0, 90) + "\"\n\t\"" +
           kSmallKey.substr(90) + "\" ) ; a key",
       true,
       {"dkim-weak-key"},
       ""},
      {"dkim-key", "v=DKIM1; p=", false, {"dkim-revoked"}, ""},
      {"dkim-key", "“v=DKIM1; h=sha256; k=rsa; p=example”", false, {"quotes-typographic", "dkim-key-syntax"}, ""},
      {"dkim-key", "v=DKIM1, p=" + kSmallKey, false, {"separator-comma", "dkim-key-syntax"}, "v=DKIM1; p=" + kSmallKey},
      {"dkim-key", "\"v=DKIM1; k=rsa\" \"p=" + kSmallKey + "\"", false, {"dkim-string-split"}, ""},
      {"dkim-signature", "v=1; a=rsa-sha256; c=relaxed/relaxed;; s=google;", false, {}, ""},
      {"dmarc",
       "v=DMARC1; p=reject; pct=100; fo=1; ri=3600; rua=mailto:a@login.gov,mailto:b@hq.dhs.gov",
       true,
       {"dmarc-removed-tag", "dmarc-removed-tag"},
       "v=DMARC1; p=reject; rua=mailto:a@login.gov,mailto:b@hq.dhs.gov; fo=1"},
      {"dmarc", "v=DMARC1;p=reject;sp=reject;rua=mailto:dmarc-rua@dmarc.service.gov.uk", true, {}, ""},
      {"dmarc", "v=DMARC1; p=reject; rua=mailto:admin@mail.steamr.com; adkim=s; aspf=s", true, {}, ""},
      {"dmarc", "v=DMARC1; p=none", true, {"dmarc-none", "dmarc-no-rua"}, ""},
      {"dmarc",
       "v=dmarc1; p=quarentine; rua=mailto:a@b.example",
       false,
       {"dmarc-syntax"},
       "v=DMARC1; p=quarantine; rua=mailto:a@b.example"},
      {"dmarc", "p=reject; v=DMARC1", false, {"dmarc-syntax"}, "v=DMARC1; p=reject"},
      {"dmarc", "v=DMARC1: p=reject", false, {"dmarc-syntax"}, ""},
      {"dmarc", "v=DMARC1; p=regect; sp=non", false, {"dmarc-syntax", "dmarc-no-rua"}, "v=DMARC1; p=reject; sp=none"},
  };
  return cases;
}

TEST(ParseRecord, EveryRecordOfTheRunbooksIsJudgedAndMended) {
  for (const JudgedRecord& c : record_cases()) {
    for (const std::string& type : {c.type, std::string("auto")}) {
      const Ran ran = run_words({"parse", "record", "--json", "--type", type, c.text});
      ASSERT_FALSE(ran.out.empty()) << c.text << ran.err;
      const json::object out = ran.object();
      EXPECT_EQ(text_of(out.at("type")), c.type) << c.text;
      EXPECT_EQ(out.at("valid").as_bool(), c.valid) << c.text;
      EXPECT_EQ(ran.status, c.valid ? Exit::done : Exit::no) << c.text;
      std::vector<std::string> ids;
      for (const json::value& finding : out.at("findings").as_array()) ids.push_back(text_of(finding.at("id")));
      EXPECT_EQ(ids, c.ids) << c.text;
      EXPECT_EQ(out.at("corrected").is_null() ? "" : text_of(out.at("corrected")), c.corrected) << c.text;
    }
    EXPECT_THAT(run_words({"parse", "record", "--type", c.type, c.text}).out, HasSubstr(" record: a receiver "));
  }
}

TEST(ParseRecord, WhatCannotBeMendedSaysWhatToWrite) {
  EXPECT_THAT(run_words({"parse", "record", "--type", "dmarc", "v=DMARC 1"}).out, HasSubstr("write v=DMARC1; p=none"));
  EXPECT_THAT(run_words({"parse", "record", "--type", "dkim-key", "v=DKIM1; p=example"}).out,
              HasSubstr("write v=DKIM1; k=rsa; p=KEY"));
  EXPECT_THAT(run_words({"parse", "record", "--type", "spf", "hello world"}).out, HasSubstr("write v=spf1"));
  EXPECT_THAT(run_words({"parse", "record", "--type", "spf", "v=spf1 ip4:xx.xx.xx.xx -all"}).out,
              HasSubstr("write the address"));
}

TEST(ParseRecord, AProposalKeepsWhatWasMeant) {
  const json::object spf =
      run_words({"parse", "record", "--json", "--type", "spf", "v=spf1 ip4:10.0.0.1, ptr"}).object();
  EXPECT_EQ(text_of(spf.at("corrected")), "v=spf1 ip4:10.0.0.1 ~all");
  EXPECT_THAT(text_of(spf.at("problem")), HasSubstr("ip4:10.0.0.1,"));
  EXPECT_THAT(json::serialize(spf.at("corrected_because")), HasSubstr("ptr is slow"));
  EXPECT_THAT(run_words({"parse", "record", "--type", "spf", "v=spf1 ip4:10.0.0.1, ptr"}).out,
              HasSubstr("~all\n  (changed besides: "));
  const json::object hollow = run_words({"parse", "record", "--json", "--type", "spf", "v=spf1 ptr -all"}).object();
  EXPECT_TRUE(hollow.at("corrected").is_null());
  EXPECT_TRUE(hollow.at("findings").at(0).at("correction").is_null());
  EXPECT_TRUE(hollow.at("problem").is_null());
}

struct NoCase {
  std::vector<std::string> words;
  const char* member;  ///< that the document has although the answer is "no"
};

TEST(Parse, ANoIsADocumentAndSaysWhatToDo) {
  for (const NoCase& c : std::vector<NoCase>{
           {{"parse", "address", "--context", "header", "bad@"}, "mailboxes"},
           {{"parse", "address", "--context", "smtp", ""}, "mailboxes"},
           {{"parse", "authentication-results", ""}, "results"},
           {{"parse", "record", "--type", "auto", "hello"}, "findings"},
           {{"parse", "record", "--type", "dkim-signature", "v=1; s=x"}, "findings"},
           {{"parse", "record", "--type", "caa", "0 issue"}, "findings"},
           {{"parse", "dsn", "/dev/null"}, "recipients"},
       }) {
    std::vector<std::string> words = c.words;
    words.emplace_back("--json");
    const Ran ran = run_words(words);
    EXPECT_EQ(ran.status, Exit::no) << ran.err;
    const json::object out = ran.object();
    EXPECT_TRUE(out.contains(c.member)) << ran.out;
    EXPECT_FALSE(text_of(out.at("problem")).empty()) << ran.out;
    const Ran told = run_words(c.words);
    EXPECT_EQ(told.status, Exit::no);
    EXPECT_THAT(told.out + told.err, HasSubstr("; ")) << "what to do";
  }
}

TEST(Trusting, WhatWasGivenIsQuotedAndTheRemedySaid) {
  EXPECT_THAT(run_words({"check", "dmarc", ""}).err, HasSubstr("'': this is no domain name; write it as"));
  EXPECT_THAT(run_words({"check", "dkim", "a.example", "--selector", "t t"}).err,
              HasSubstr("--selector 't t': this is no selector; write the s="));
  EXPECT_EQ(run_words({"check", "dkim", "a.example", "--selector", "t t"}).status, Exit::usage);
  EXPECT_THAT(run_words({"sign", "dkim", "--domain", "a.example", "--selector", "t t", "--key", "/dev/null", "-"}).err,
              HasSubstr("--selector 't t': this is no selector"));
  EXPECT_THAT(run_words({"check", "iprev", "1.2.3"}).err, HasSubstr("'1.2.3': this is no IP address; write"));
}

TEST(ParseRecord, ProposalsArePrintedAsUtf8) {
  const Ran ran = run_words({"parse", "record", "--type", "dmarc", "v=DMARC1; p=none; rua=mailto:büro@a.example"});
  EXPECT_EQ(ran.out.find("\\x"), std::string::npos) << ran.out;
}

TEST(ParseRecord, SaysWhatItTook) {
  const json::object dmarc =
      run_words({"parse", "record", "--json", "--type", "dmarc", "v=DMARC1; p=reject; np=none"}).object();
  EXPECT_EQ(text_of(dmarc.at("record").at("p")), "reject");
  EXPECT_EQ(text_of(dmarc.at("record").at("np")), "none");
  const json::object spf =
      run_words({"parse", "record", "--json", "--type", "spf", "v=spf1 ip6:1080::8:800:68.0.3.1/96 ?all"}).object();
  const json::array& mechanisms = spf.at("record").at("mechanisms").as_array();
  EXPECT_EQ(text_of(mechanisms.at(0).at("network")), "1080::8:800:0:0/96");
  EXPECT_EQ(text_of(mechanisms.at(1).at("qualifier")), "neutral");
  EXPECT_EQ(run_words({"parse", "record", "--type", "bimi", "v=BIMI1; l="}).status, Exit::usage);
  EXPECT_EQ(run_words({"parse", "record", "--type", "auto", "hello"}).status, Exit::no);
  EXPECT_EQ(run_words({"parse", "record", "v=spf1 -all"}).status, Exit::usage);
}

TEST(ParseRecord, PastedTextIsTakenApart) {
  const auto one = read_pasted("a.example. 600 IN TXT \"v=spf1 a\" \" -all\"");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].text, "v=spf1 a -all");
  EXPECT_EQ(one[0].strings, 2U);
  EXPECT_EQ(read_pasted("v=DKIM1;\np=abc\n")[0].text, "v=DKIM1; p=abc");
  EXPECT_EQ(read_pasted("v=spf1 -all\nv=spf1 a").size(), 2U);
  EXPECT_EQ(read_pasted("v=DKIM1; n=\"x").front().text, "v=DKIM1; n=\"x");
  EXPECT_EQ(read_pasted("\"unclosed").front().text, "\"unclosed");
  EXPECT_EQ(read_pasted("").size(), 1U);
}

TEST(ParseResults, AFieldIsReadAndAnythingElseRefused) {
  const Ran ran = run_words({"parse", "authentication-results", "--json",
                             "Authentication-Results: mx.example.org 1;\n\tspf=pass smtp.mailfrom=example.net;\n\t"
                             "dkim=fail reason=\"bad signature\" header.d=x.example\n"});
  EXPECT_EQ(ran.status, Exit::done);
  EXPECT_EQ(
      ran.out,
      "{\"authserv_id\":\"mx.example.org\",\"version\":1,\"results\":[{\"method\":\"spf\",\"version\":1,\"result\":"
      "\"pass\",\"reason\":\"\",\"properties\":{\"smtp.mailfrom\":\"example.net\"}},{\"method\":\"dkim\",\"version\":"
      "1,\"result\":\"fail\",\"reason\":\"bad signature\",\"properties\":{\"header.d\":\"x.example\"}}]}\n");
  EXPECT_EQ(run_words({"parse", "authentication-results", ";;x"}).status, Exit::no);
}

// ---------------------------------------------------------------- with a zone

constexpr std::string_view kZone = R"(
login.gov. TXT "v=spf1 include:amazonses.com include:_spf.google.com ~all"
amazonses.com. TXT "v=spf1 ip4:199.255.192.0/22 -all"
_spf.google.com. TXT "v=spf1 ip4:35.190.247.0/24 ~all"
_dmarc.login.gov. TXT "v=DMARC1; p=reject; rua=mailto:a@login.gov,mailto:b@hq.dhs.gov,mailto:c@reports.example"
login.gov._report._dmarc.reports.example. TXT "v=DMARC1"
two.example. TXT "v=spf1 -all"
two.example. TXT "v=spf1 +all"
k._domainkey.two.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
k._domainkey.two.example. TXT "v=DKIM1; k=ed25519; p=yi50DjK5O9pqbFpNHklsv9lqaS0ArSYu02qp1S0DW1Y="
;; timeout slow.example
;; timeout k._domainkey.slow.example
1.2.0.192.in-addr.arpa. PTR mx.alpha.example.
2.2.0.192.in-addr.arpa. PTR mx.alpha.example.
mx.alpha.example. A 192.0.2.1
alpha.example. TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.alpha.example. TXT "v=DMARC1; p=reject"
)";

const std::string kLetter =
    "From: Ann <ann@alpha.example>\nTo: bob@beta.example\nSubject: Hello\nDate: Thu, 24 Dec 2026 08:00:00 +0000\n"
    "Message-ID: <1@alpha.example>\n\nHello, Bob.\n";

class Trust : public testing::Test {
 protected:
  Trust() {
    std::string pattern = (std::filesystem::temp_directory_path() / "posthorn-trust-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    std::string zone{kZone};
    zone += publish("r1", crypto::PrivateKey::generate_rsa(1024).value());
    zone += publish("e1", crypto::PrivateKey::generate_ed25519().value());
    write("zone", zone);
    write("letter", kLetter);
  }
  ~Trust() override { std::filesystem::remove_all(dir_); }

  std::string publish(const std::string& selector, const crypto::PrivateKey& key) const {
    write(selector + ".pem", key.pem());
    return fmt::format("{}._domainkey.alpha.example. TXT \"{}\"\n", selector, dkim::key_record_text(key.public_key()));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (dir_ / name).string(); }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(dir_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] Ran verb(std::vector<std::string> words) const {
    words.insert(words.end(), {"--dns", "zone:" + path("zone")});
    return run_words(words);
  }
  [[nodiscard]] json::object told(std::vector<std::string> words) const {
    words.emplace_back("--json");
    const Ran ran = verb(std::move(words));
    EXPECT_EQ(ran.status, Exit::done) << ran.err;
    return ran.object();
  }
  /// Signs `file` into `to`.
  void sign(const std::string& selector, const std::string& file, const std::string& to,
            std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"sign",       "dkim",   "--domain", "alpha.example",
                                   "--selector", selector, "--key",    path(selector + ".pem"),
                                   path(file)};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = run_words(words);
    EXPECT_EQ(ran.status, Exit::done) << ran.err;
    write(to, ran.out);
  }

  std::filesystem::path dir_;
};

std::vector<std::string> ids_in(const json::object& out) {
  std::vector<std::string> ids;
  for (const json::value& finding : out.at("findings").as_array()) ids.push_back(text_of(finding.at("id")));
  return ids;
}

TEST_F(Trust, SpfIsToldTermByTerm) {
  const json::object out =
      told({"check", "spf", "--ip", "35.190.247.9", "--mail-from", "x@login.gov", "--helo", "h.example"});
  EXPECT_EQ(text_of(out.at("result")), "pass");
  EXPECT_EQ(text_of(out.at("domain")), "login.gov");
  EXPECT_EQ(text_of(out.at("term")), "include:_spf.google.com");
  EXPECT_EQ(out.at("lookups").to_number<int>(), 2);
  EXPECT_EQ(out.at("trace").as_array().size(), 8U);
  const Ran person = verb({"check", "spf", "--ip", "192.0.2.9", "--mail-from", "", "--helo", "login.gov"});
  EXPECT_THAT(person.out, HasSubstr("SPF of login.gov"));
  EXPECT_THAT(person.out, HasSubstr("softfail"));
  EXPECT_THAT(person.out, HasSubstr("        amazonses.com: v=spf1 ip4:199.255.192.0/22 -all\n"));
  EXPECT_THAT(person.out, HasSubstr("DNS lookups: 2 of at most 10"));
}

TEST_F(Trust, EverySpfResultIsAnAnswer) {
  const auto result = [&](const std::string& domain) {
    return text_of(told({"check", "spf", "--ip", "192.0.2.9", "--mail-from", "x@" + domain}).at("result"));
  };
  EXPECT_EQ(result("two.example"), "permerror");
  EXPECT_EQ(result("slow.example"), "temperror");
  EXPECT_EQ(result("absent.example"), "none");
  EXPECT_EQ(result("alpha.example"), "fail");
  EXPECT_EQ(ids_in(told({"check", "spf", "--ip", "192.0.2.9", "--mail-from", "x@two.example"})),
            (std::vector<std::string>{"spf-multiple"}));
  EXPECT_EQ(verb({"check", "spf", "--ip", "192.0.2", "--mail-from", "x@a.example"}).status, Exit::usage);
  EXPECT_EQ(verb({"check", "spf", "--ip", "192.0.2.9", "--mail-from", ""}).status, Exit::usage);
  EXPECT_EQ(run_words({"check", "spf", "--ip", "192.0.2.9", "--helo", "x.example", "--dns", "zone:/nonexistent"}).out,
            "");
}

TEST_F(Trust, AKeyIsJudged) {
  const json::object weak = told({"check", "dkim", "alpha.example", "--selector", "r1"});
  EXPECT_EQ(weak.at("key_bits").to_number<int>(), 1024);
  EXPECT_TRUE(weak.at("valid").as_bool());
  EXPECT_EQ(ids_in(weak), (std::vector<std::string>{"dkim-weak-key"}));
  EXPECT_EQ(ids_in(told({"check", "dkim", "alpha.example", "--selector", "gone"})),
            (std::vector<std::string>{"dkim-missing"}));
  EXPECT_EQ(text_of(told({"check", "dkim", "slow.example", "--selector", "k"}).at("result")), "temperror");
  // Two keys under one selector: no verifier knows which (RFC 6376 3.6.2.2).
  const json::object two = told({"check", "dkim", "two.example", "--selector", "k"});
  EXPECT_FALSE(two.at("valid").as_bool());
  EXPECT_EQ(text_of(two.at("result")), "permerror");
  EXPECT_THAT(ids_in(two), testing::Contains("dkim-key-syntax"));
  EXPECT_THAT(verb({"check", "dkim", "alpha.example", "--selector", "e1"}).out, HasSubstr("Key: Ed25519"));
}

TEST_F(Trust, ThePolicyIsFoundByTheWalk) {
  const json::object out = told({"check", "dmarc", "secure.login.gov"});
  EXPECT_EQ(text_of(out.at("result")), "found");
  EXPECT_EQ(text_of(out.at("policy")), "reject");
  EXPECT_EQ(text_of(out.at("policy_domain")), "login.gov");
  EXPECT_EQ(out.at("walk").as_array().size(), 3U);
  // reports.example has agreed, hq.dhs.gov has not, and login.gov need not.
  ASSERT_EQ(ids_in(out), (std::vector<std::string>{"dmarc-external-unauthorized"}));
  EXPECT_THAT(text_of(out.at("findings").at(0).at("reason")), HasSubstr("reports go to hq.dhs.gov"));
  EXPECT_EQ(ids_in(told({"check", "dmarc", "absent.example"})), (std::vector<std::string>{"dmarc-missing"}));
  EXPECT_THAT(verb({"check", "dmarc", "login.gov"}).out, HasSubstr("    _dmarc.login.gov: v=DMARC1; p=reject"));
}

TEST_F(Trust, AnAddressLeadsBackOrNot) {
  EXPECT_EQ(text_of(told({"check", "iprev", "192.0.2.1"}).at("name")), "mx.alpha.example");
  const Ran wrong = verb({"check", "iprev", "192.0.2.2", "--json"});
  EXPECT_EQ(wrong.status, Exit::no);
  EXPECT_EQ(ids_in(wrong.object()), (std::vector<std::string>{"ptr-mismatch"}));
  EXPECT_EQ(verb({"check", "iprev", "192.0.2.3"}).status, Exit::no);
}

TEST_F(Trust, WhatIsSignedVerifiesAndWhatIsChangedDoesNot) {
  sign("r1", "letter", "once");
  sign("e1", "once", "twice", {"--canonicalization", "simple/simple", "--now", "1800000000"});
  const json::object good =
      told({"verify", path("twice"), "--ip", "192.0.2.1", "--mail-from", "ann@alpha.example", "--helo",
            "mx.alpha.example", "--authserv-id", "mx.beta.example", "--now", "1800000100"});
  ASSERT_EQ(good.at("dkim").as_array().size(), 2U);
  for (const json::value& signature : good.at("dkim").as_array()) {
    EXPECT_EQ(text_of(signature.at("result")), "pass");
    EXPECT_EQ(text_of(signature.at("body_hash")), "good");
    EXPECT_TRUE(signature.at("counted_for_dmarc").as_bool());
  }
  EXPECT_EQ(text_of(good.at("iprev").at("result")), "pass");
  EXPECT_EQ(text_of(good.at("spf").at("mail_from").at("result")), "pass");
  EXPECT_EQ(text_of(good.at("dmarc").at("result")), "pass");
  EXPECT_EQ(text_of(good.at("arc").at("result")), "none");
  EXPECT_THAT(text_of(good.at("authentication_results")), testing::StartsWith("mx.beta.example; iprev=pass"));

  const json::object shown = told({"verify", path("twice"), "--canonical", "--now", "1800000100"});
  EXPECT_THAT(text_of(shown.at("dkim").at(0).at("canonical").at("header")), HasSubstr("From:"));
  EXPECT_THAT(text_of(shown.at("dkim").at(1).at("canonical").at("header")), HasSubstr("from:"));
  EXPECT_THAT(text_of(shown.at("dkim").at(1).at("canonical").at("body")), HasSubstr("Hello, Bob"));
  std::string changed = read_all(dir_ / "once");
  changed.replace(changed.find("Hello, Bob"), 5, "Howdy");
  write("changed", changed);
  const json::object bad = told({"verify", path("changed")});
  EXPECT_EQ(text_of(bad.at("dkim").at(0).at("result")), "fail");
  EXPECT_EQ(text_of(bad.at("dkim").at(0).at("body_hash")), "bad");
  EXPECT_EQ(text_of(bad.at("dkim").at(0).at("signature")), "good");
  EXPECT_EQ(text_of(bad.at("dmarc").at("disposition")), "reject");
  EXPECT_TRUE(bad.at("spf").is_null());
  EXPECT_THAT(verb({"verify", path("changed")}).out, HasSubstr("different: the body was changed"));
}

TEST_F(Trust, AHeaderBeyondTheBoundIsNotJudged) {
  std::string message;
  for (int i = 0; i < 10'001; ++i) message += "X: y\r\n";
  message += "From: ann@a.example\r\n\r\nHello\r\n";
  write("endless", message);
  const Ran judged = verb({"verify", path("endless")});
  EXPECT_EQ(judged.status, Exit::done);
  EXPECT_THAT(judged.out, HasSubstr("more than 10000 fields"));
  EXPECT_EQ(judged.out.find("no From field"), std::string::npos);
  const json::object out = told({"verify", path("endless")});
  EXPECT_THAT(text_of(out.at("problem")), HasSubstr("more than 10000 fields"));
  EXPECT_EQ(text_of(out.at("dmarc").at("result")), "permerror");
}

TEST_F(Trust, AChainIsSealedOverItsResults) {
  sign("r1", "letter", "signed");
  const std::string once = read_all(dir_ / "signed");
  write("judged", "Authentication-Results: mx.beta.example; dkim=pass header.d=alpha.example\r\n" + once);
  const std::vector<std::string> words{"sign", "arc",   "--domain",     "alpha.example", "--selector",
                                       "e1",   "--key", path("e1.pem"), "--authserv-id", "mx.beta.example"};
  auto with = [&](const std::string& file) {
    auto all = words;
    all.push_back(path(file));
    return verb(all);
  };
  EXPECT_EQ(with("signed").status, Exit::no);
  const Ran sealed = with("judged");
  ASSERT_EQ(sealed.status, Exit::done) << sealed.err;
  write("sealed", sealed.out);
  const json::object arc = told({"verify", path("sealed")}).at("arc").as_object();
  EXPECT_EQ(text_of(arc.at("result")), "pass");
  EXPECT_EQ(arc.at("sets").to_number<int>(), 1);
}

/// The message of RFC 8463 A with both signatures, stored with LF line ends; its keys in a zone.
TEST_F(Trust, TheExamplesOfTheVectorsVerify) {
  const char* data = std::getenv("POSTHORN_SHARED_DATA");
  const std::filesystem::path folder =
      std::filesystem::path(data == nullptr ? "../shared/data" : data) / "dkim/rfc-examples";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder << "; set POSTHORN_SHARED_DATA";
  write("zone",
        "brisbane._domainkey.football.example.com. TXT \"v=DKIM1; k=ed25519; "
        "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
        "test._domainkey.football.example.com. TXT \"v=DKIM1; k=rsa; "
        "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/b\" "
        "\"yYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/"
        "K4w3QIDAQAB\"\n");
  const json::object out = told({"verify", (folder / "rfc6376.signed.msg").string()});
  const json::array& signatures = out.at("dkim").as_array();
  EXPECT_EQ(signatures.size(), 2U);
  for (const json::value& signature : signatures)
    EXPECT_EQ(text_of(signature.at("result")), "pass") << text_of(signature.at("reason"));
}

TEST_F(Trust, NobodySignsWhatNobodyAccepts) {
  const auto sign_with = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"sign",       "dkim", "--domain", "alpha.example",
                                   "--selector", "r1",   "--key",    path("r1.pem")};
    words.insert(words.end(), more.begin(), more.end());
    return run_words(words);
  };
  EXPECT_EQ(sign_with({path("letter"), "--algorithm", "rsa-sha1"}).status, Exit::usage);
  EXPECT_EQ(sign_with({path("letter"), "--algorithm", "ed25519-sha256"}).status, Exit::usage);
  EXPECT_EQ(sign_with({path("letter"), "--headers", "to:subject"}).status, Exit::usage);
  EXPECT_EQ(sign_with({path("letter"), "--canonicalization", "loose"}).status, Exit::usage);
  EXPECT_EQ(sign_with({path("absent")}).status, Exit::usage);
  write("anonymous", "To: bob@beta.example\n\nHello\n");
  EXPECT_EQ(sign_with({path("anonymous")}).status, Exit::no);
  EXPECT_EQ(sign_with({path("letter"), "--now", "yesterday"}).status, Exit::usage);
}

}  // namespace
}  // namespace posthorn::cli
