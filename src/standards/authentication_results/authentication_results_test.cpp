#include "standards/authentication_results/authentication_results.h"

#include <gtest/gtest.h>

namespace posthorn::authentication_results {
namespace {

AuthenticationResults parsed(std::string_view value) {
  auto out = parse(value);
  EXPECT_TRUE(out) << value << ": " << (out ? "" : out.error().reason);
  return out ? *out : AuthenticationResults{};
}

TEST(AuthenticationResults, ReadsTheExamplesOfRfc8601AppendixB) {
  EXPECT_TRUE(parsed("example.org 1; none").results.empty());
  const auto spf = parsed("example.com;\r\n          spf=pass smtp.mailfrom=example.net");
  EXPECT_EQ(spf.authserv_id, "example.com");
  EXPECT_EQ(spf.results.at(0).value("smtp", "mailfrom"), "example.net");
  const auto two = parsed(
      "example.com;\r\n          auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n"
      "          spf=pass smtp.mailfrom=example.net");
  ASSERT_EQ(two.results.size(), 2U);
  EXPECT_EQ(two.results[0].comment, "cram-md5");
  const auto heavy = parsed(
      "foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
      "      policy (A dot can go here) . (like that) expired\r\n"
      "      (this surprised me) = (as I wasn't expecting it) 1362471462");
  EXPECT_EQ(heavy.authserv_id, "foo.example.net");
  EXPECT_EQ(heavy.version, 1U);
  EXPECT_EQ(heavy.results.at(0).method, "dkim");
  EXPECT_EQ(heavy.results.at(0).result, "fail");
  EXPECT_EQ(heavy.results.at(0).value("policy", "expired"), "1362471462");
}

TEST(AuthenticationResults, ReadsWhatTheWorldWrites) {
  const auto results = parsed(
      " mx.google.com;\r\n       dkim=pass header.i=@example.org header.s=google header.b=Ab/CdE+1;\r\n"
      "       spf=pass (google.com: domain of a@example.org designates 192.0.2.1 as permitted sender)"
      " smtp.mailfrom=a@example.org;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.org");
  ASSERT_EQ(results.results.size(), 3U);
  EXPECT_EQ(results.results[0].value("header", "i"), "@example.org");
  EXPECT_EQ(results.results[0].value("header", "b"), "Ab/CdE+1");
  EXPECT_EQ(results.results[2].comment, "p=REJECT sp=REJECT dis=NONE");
  EXPECT_EQ(parsed("spf.example; dmarc=fail action=none header.from=a.example").results.at(0).value("header", "from"),
            "a.example");
  EXPECT_EQ(parsed("a.example; dkim=fail reason=\"a \\\"bad\\\" one; really\" header.d=b.example").results.at(0).reason,
            "a \"bad\" one; really");
  EXPECT_EQ(
      parsed("a.example; spf=pass smtp.mailfrom=\"odd local\"@b.example;").results.at(0).value("smtp", "mailfrom"),
      "odd local@b.example");
}

TEST(AuthenticationResults, RefusesWhatIsNotOne) {
  for (const char* value : {"", ";", "a.example spf=pass", "a.example; spf", "a.example; spf=", "a.example; =pass",
                            "a.example (unclosed; spf=pass", "a.example; spf=pass reason=\"open",
                            "a.example; spf=pass smtp.mailfrom", "a.example; none; what"})
    EXPECT_FALSE(parse(value)) << value;
}

/// Whatever stands in the values, the field is one line group, and reads back as the same results.
TEST(AuthenticationResults, NothingCanBeInjected) {
  for (const std::string& evil :
       {std::string{"a.example; dkim=pass header.d=bank.example"},
        std::string{"x\r\nAuthentication-Results: mx; spf=pass"}, std::string{"quote\" ; dkim=pass"},
        std::string{"back\\"}, std::string{"(comment"}, std::string{"a)b"}, std::string{"nul\0nul", 7},
        std::string(5000, 'x'), std::string(5000, '"'), std::string{}, std::string{"\n"}}) {
    AuthenticationResults ours{"mx.example.org", 1, {}};
    ours.results.push_back({"spf", 1, "fail", evil, {{"smtp", "mailfrom", evil}, {"smtp", "helo", evil}}, evil});
    ours.results.push_back({"dkim", 1, "pass", "", {{"header", "s", evil}}, ""});
    const std::string field = write(ours);
    EXPECT_EQ(field.find("Authentication-Results: mx.example.org;"), 0U);
    for (std::size_t at = field.find("\r\n"); at + 2 < field.size(); at = field.find("\r\n", at + 2))
      EXPECT_EQ(field[at + 2], '\t') << "every further line is a fold";
    for (std::string_view rest = field; !rest.empty(); rest.remove_prefix(rest.find("\r\n") + 2))
      EXPECT_LE(rest.find("\r\n"), 998U);
    EXPECT_EQ(std::ranges::count(field, '\n'), std::ranges::count(field, '\r'));
    const auto again = parsed(std::string_view{field}.substr(field_name.size() + 1));
    ASSERT_EQ(again.results.size(), 2U) << field;
    EXPECT_EQ(again.results[0].result, "fail");
    EXPECT_EQ(again.results[0].properties.size(), 2U);
    EXPECT_EQ(again.results[1].properties.size(), 1U);
  }
}

TEST(AuthenticationResults, WritesWhatItReads) {
  const AuthenticationResults results{
      "mx.example.org",
      1,
      {{"spf", 1, "pass", "", {{"smtp", "mailfrom", "ann@alpha.example"}}, ""},
       {"dkim", 1, "pass", "", {{"header", "d", "alpha.example"}, {"header", "b", "ab/cd+ef"}}, "2048-bit key"}}};
  EXPECT_EQ(value_text(results),
            "mx.example.org; spf=pass smtp.mailfrom=ann@alpha.example; dkim=pass (2048-bit key)"
            " header.d=alpha.example header.b=ab/cd+ef");
  EXPECT_EQ(parsed(value_text(results)), results);
  EXPECT_EQ(parsed(folded_value_text(results)), results);
  EXPECT_EQ(write({"mx.example.org", 1, {}}), "Authentication-Results: mx.example.org; none\r\n");
}

TEST(AuthenticationResults, FindsFieldsThatClaimToBeOurs) {
  for (const char* value : {" mx.example.org; spf=pass", "MX.Example.ORG; none", "(x) mx.example.org 1; none",
                            "\"mx.example.org\"; dkim=pass", "mx.example.org (v) 99; broken", "mx.example.org",
                            "\r\n\tmx.example.org;dkim=pass", "mx.example.org.; none"})
    EXPECT_TRUE(claims_authserv_id(value, "mx.example.org")) << value;
  for (const char* value :
       {" mx.example.net; spf=pass", "amx.example.org; none", "mx.example.org.evil.example; none", ""})
    EXPECT_FALSE(claims_authserv_id(value, "mx.example.org")) << value;
}

}  // namespace
}  // namespace posthorn::authentication_results
