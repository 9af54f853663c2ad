// dane check, mta-sts check, check tls-rpt|dane|mx and parse record of transport records, offline, as scripts see them.
#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "entrance/cli/verb.h"
#include "entrance/test_support/run_verb.h"
#include "foundation/codec/hex.h"
#include "foundation/crypto/certificate.h"
#include "foundation/crypto/hash.h"
#include "platform/net/certificate.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;
using entrance_test::Ran;
using entrance_test::run_json;

class TransportVerbs : public testing::Test {
 protected:
  TransportVerbs() { std::filesystem::create_directories(folder_); }
  ~TransportVerbs() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / fmt::format("posthorn-tcli-{}", getpid());
};

TEST_F(TransportVerbs, DaneCheckJudgesAChain) {
  const auto made =
      *net::make_self_signed({{"mx.example"}, from_unix_seconds(1'600'000'000), from_unix_seconds(1'600'000'001)});
  const auto certificate = crypto::Certificate::from_pem(made.chain_pem)->front();
  const std::string chain = file("chain.pem", made.chain_pem);
  const std::string good = file("good", "3 1 1 " + codec::hex_encode(crypto::sha256(certificate.public_key_der())));
  const Ran match = run_json({"dane", "check", "--tlsa", good, "--chain", chain, "--base", "other.example"});
  EXPECT_EQ(match.status, Exit::done) << "RFC 7671 5.1: neither name nor dates count";
  EXPECT_EQ(match.text("result"), "match");
  EXPECT_EQ(match.text("usage"), "3");
  EXPECT_EQ(match.text("depth"), "0");

  const std::string bad = file("bad", "_25._tcp.mx.example. IN TLSA 3 1 1 " + std::string(64, 'a') + "\n");
  const Ran mismatch = run_json({"dane", "check", "--tlsa", bad, "--chain", chain, "--base", "mx.example"});
  EXPECT_EQ(mismatch.status, Exit::no);
  EXPECT_EQ(mismatch.text("result"), "mismatch");
  const std::string pkix = file("pkix", "1 1 1 " + std::string(64, 'a'));
  const Ran unusable =
      run_json({"dane", "check", "--tlsa", pkix, "--chain", chain, "--base", "a.example,b.example", "--trust", chain});
  EXPECT_EQ(unusable.status, Exit::no);
  EXPECT_EQ(unusable.text("result"), "unusable");
  EXPECT_EQ(run({{"dane", "check", "--tlsa", chain, "--chain", chain, "--base", "a.example"}}), Exit::usage);
}

TEST_F(TransportVerbs, MtaStsCheckMatchesOneLabel) {
  const std::string policy = file(
      "policy", "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n");
  for (const auto& [host, status] : std::vector<std::pair<std::string, Exit>>{{"mail.example.com", Exit::done},
                                                                              {"MX1.example.net.", Exit::done},
                                                                              {"a.b.example.net", Exit::no},
                                                                              {"example.net", Exit::no}}) {
    const Ran ran = run_json({"mta-sts", "check", "--policy", policy, "--mx", host});
    EXPECT_EQ(ran.status, status) << host;
    EXPECT_EQ(ran.text("valid"), "true");
    EXPECT_EQ(ran.text("mode"), "enforce");
    EXPECT_EQ(ran.text("max_age"), "604800");
    EXPECT_EQ(ran.text("mx"), R"(["mail.example.com","*.example.net"])");
    EXPECT_EQ(ran.text("match"), status == Exit::done ? "true" : "false");
  }
  EXPECT_EQ(run({{"mta-sts", "check", "--policy", policy, "--mx", "b b"}}), Exit::usage) << "that is no host";
  const std::string wrong = file("wrong", "version: STSv1\nmode: training\nmx: a.example\nmax_age: 86400\n");
  const Ran ran = run_json({"mta-sts", "check", "--policy", wrong, "--mx", "a.example"});
  EXPECT_EQ(ran.status, Exit::no);
  EXPECT_EQ(ran.text("valid"), "false");
  EXPECT_EQ(ran.text("mode"), "null");
  EXPECT_EQ(ran.ids(), "sts-mode-unknown");
}

struct RecordCase {
  const char* type;
  const char* text;
  bool valid;
  const char* ids;
};

TEST_F(TransportVerbs, ParseRecordReadsTransportRecords) {
  for (const RecordCase& one : std::vector<RecordCase>{
           {"mta-sts", "v=STSv1; id=20160831085700Z;", true, ""},
           {"auto", "_mta-sts.example.org. 300 IN TXT \"v=STSv1; id=1;\"", true, ""},
           {"mta-sts", "v=STSv1; id=a-b", false, "sts-txt-syntax"},
           {"mta-sts", "_mta-sts.a.example. TXT \"v=STSv1; id=1;\"\n_mta-sts.a.example. TXT \"v=STSv1; id=2;\"\n",
            false, "sts-txt-multiple"},
           {"mta-sts-policy", "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 86400\n", true, ""},
           {"auto", "version: STSv1\nmode: enfoce\nmx: a.example\nmax_age: 1209600\n", false, "sts-mode-unknown"},
           {"tls-rpt", "v=TLSRPTv1;rua=mailto:tls.reports@gsa.gov,mailto:tls-reports@login.gov", true, ""},
           {"auto", "v=TLSRPTv1;,", false, "tlsrpt-syntax"},
           {"caa", "0 issue \"letsencrypt.org\"", true, ""},
           {"auto", "example.org. CAA 0 issue \";\"", true, ""},
           {"caa", "0 issue", false, ""}}) {
    const Ran ran = run_json({"parse", "record", "--type", one.type, one.text});
    EXPECT_EQ(ran.status, one.valid ? Exit::done : Exit::no) << one.text;
    EXPECT_EQ(ran.text("valid"), one.valid ? "true" : "false") << one.text;
    EXPECT_EQ(ran.text("problem") == "null", one.valid) << one.text;
    EXPECT_EQ(ran.ids(), one.ids) << one.text;
  }
}

TEST_F(TransportVerbs, ChecksAnswerFromAZoneFile) {
  const std::string zone = "zone:" + file("zone", R"(
_smtp._tls.a.example. TXT "v=TLSRPTv1; rua=mailto:tls@a.example"
a.example. MX 10 mx.a.example.
mx.a.example. A 192.0.2.1
_25._tcp.mx.a.example. TLSA 3 1 1 )" + std::string(64, 'a') +
                                                      R"(
alias.a.example. CNAME mx.a.example.
;; servfail _smtp._tls.broken.example TXT
;; secure a.example
mx.b.example. A 192.0.2.1
_25._tcp.mx.b.example. TLSA 3 1 1 )" + std::string(64, 'a') +
                                                      "\n");
  const Ran found = run_json({"check", "tls-rpt", "a.example", "--dns", zone});
  EXPECT_EQ(found.status, Exit::done);
  EXPECT_EQ(found.text("result"), "found");
  const Ran absent = run_json({"check", "tls-rpt", "b.example", "--dns", zone});
  EXPECT_EQ(absent.status, Exit::no);
  EXPECT_EQ(absent.ids(), "tlsrpt-missing");
  EXPECT_EQ(run({{"check", "tls-rpt", "broken.example", "--dns", zone}}), Exit::unavailable);

  const Ran dane = run_json({"check", "dane", "mx.a.example", "--dns", zone});
  EXPECT_EQ(dane.status, Exit::done);
  EXPECT_EQ(dane.text("result"), "usable");
  const Ran plain = run_json({"check", "dane", "mx.b.example", "--dns", zone});
  EXPECT_EQ(plain.text("result"), "insecure");
  EXPECT_EQ(plain.ids(), "tlsa-unsigned");
  EXPECT_EQ(run_json({"check", "dane", "alias.a.example", "--dns", zone}).ids(), "mx-cname");
  EXPECT_EQ(run_json({"check", "dane", "gone.example", "--dns", zone}).ids(), "mx-unresolvable");
  EXPECT_EQ(run_json({"check", "mta-sts", "a.example", "--dns", zone}).ids(), "sts-missing");
}

}  // namespace
}  // namespace posthorn::cli
