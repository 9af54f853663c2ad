#include "standards/dns/caa.h"

#include <gtest/gtest.h>

namespace posthorn::dns {
namespace {

bool has(const Findings& findings, std::string_view id) {
  return std::ranges::any_of(findings, [&](const Finding& f) { return f.id == id; });
}

TEST(Caa, ReadsTheExamplesOfTheRfc) {
  // RFC 8659 4.2, 4.4.
  for (const auto& [text, issuer] : std::vector<std::pair<std::string, std::string>>{
           {"0 issue \"ca1.example.net\"", "ca1.example.net"},
           {"0 issue \"ca1.example.net; account=230123\"", "ca1.example.net"},
           {"0 issue \";\"", ""},
           {"0 issuewild \"ca2.example.org\"", "ca2.example.org"},
           {"example.com. 3600 IN CAA 0 issue \"ca1.example.net; policy=ev\"", "ca1.example.net"},
           {"128 issue letsencrypt.org", "letsencrypt.org"}}) {
    const CaaReview review = review_caa(text);
    EXPECT_TRUE(review.valid) << text;
    ASSERT_TRUE(review.record) << text;
    EXPECT_EQ(caa_issuer(*review.record), issuer) << text;
    EXPECT_TRUE(review.findings.empty()) << text;
  }
  EXPECT_TRUE(review_caa("0 iodef \"mailto:security@example.com\"").valid);
}

TEST(Caa, NamesWhatIsWrong) {
  for (const char* text :
       {"", "issue letsencrypt.org", "256 issue a.example", "0 is-sue a.example", "0 issue", "0 issue \"not a name\"",
        "0 issue \"ca.example; account\"", "0 iodef \"security@a.example\""}) {
    const CaaReview review = review_caa(text);
    EXPECT_FALSE(review.valid) << text;
    EXPECT_FALSE(review.problem.empty()) << text;
  }
  const CaaReview unknown = review_caa("128 tbs \"x\"");
  EXPECT_TRUE(has(unknown.findings, "tag-unknown"));
  EXPECT_TRUE(has(review_caa("0 issue \u201cca.example\u201d").findings, "quotes-typographic"));
}

}  // namespace
}  // namespace posthorn::dns
