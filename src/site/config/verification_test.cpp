#include "site/config/verification.h"

#include <gtest/gtest.h>

#include "site/config/config.h"

namespace posthorn::config {
namespace {

constexpr std::string_view kBeforeKeys = "host_name = \"mx.alpha.example\"\n[store]\ndir = \"store\"\n[verification]\n";

Result<Config, Problems> read_keys(std::string_view keys) {
  return parse(std::string(kBeforeKeys) + std::string(keys), "posthorn.toml", "/etc/posthorn");
}

TEST(VerificationConfig, DefaultsAreOnAndRefuseOnlyWhoSaysThatNoMailComes) {
  const Verification defaults = read_keys("").value().verification;
  EXPECT_TRUE(defaults.enabled);
  EXPECT_EQ(defaults.time_max, Duration(std::chrono::seconds(10)));
  EXPECT_EQ(defaults.dmarc, DmarcHandling::standard);
  EXPECT_EQ(defaults.dns_failure, DnsFailure::deliver);
  EXPECT_EQ(defaults.refuse, (std::vector{Refusal::null_mx, Refusal::spf_no_mail}));
}

TEST(VerificationConfig, EveryKeyIsReadAndWrittenBack) {
  for (const std::string_view refuse : {"[\"iprev\", \"dkim\"]", "[]"}) {
    const auto config = read_keys(
        fmt::format("enabled = false\ntime_max = \"30s\"\ndmarc = \"strict\"\ndns_failure = \"defer\"\nrefuse = {}\n"
                    "forwarders = [\"Lists.Example\", \"192.0.2.1\", \"2001:db8::/32\"]\n",
                    refuse));
    ASSERT_TRUE(config) << config.error().front().text();
    const auto again = parse(export_toml(*config), "again.toml", "/");
    ASSERT_TRUE(again) << again.error().front().text();
    for (const Verification& one : {config->verification, again->verification}) {
      EXPECT_FALSE(one.enabled);
      EXPECT_EQ(one.time_max, Duration(std::chrono::seconds(30)));
      EXPECT_EQ(one.dmarc, DmarcHandling::strict);
      EXPECT_EQ(one.dns_failure, DnsFailure::defer);
      EXPECT_EQ(one.refuse.size(), refuse == "[]" ? 0u : 2u);
      ASSERT_EQ(one.forwarders.size(), 3u);
      EXPECT_EQ(text(one.forwarders[0]), "lists.example");
      EXPECT_EQ(text(one.forwarders[1]), "192.0.2.1");
      EXPECT_EQ(text(one.forwarders[2]), "2001:db8::/32");
    }
  }
}

TEST(VerificationConfig, WhatIsWrongIsSaidWithWhatWouldBeRight) {
  struct Case {
    const char* key;
    const char* says;
  };
  for (const Case& each :
       {Case{"enabled = \"no\"", "true or false"}, Case{"time_max = \"0s\"", "1s to 5m"},
        Case{"time_max = \"1h\"", "1s to 5m"}, Case{"dmarc = \"harsh\"", "lenient, standard or strict"},
        Case{"dns_failure = \"reject\"", "deliver or defer"}, Case{"refuse = [\"spf\"]", "spf_fail"},
        Case{"forwarders = [\"192.0.2.0/33\"]", "neither"}, Case{"forwarders = [\"example\"]", "neither"}}) {
    const auto config = read_keys(each.key);
    ASSERT_FALSE(config) << each.key;
    ASSERT_EQ(config.error().size(), 1u) << each.key;
    EXPECT_NE(config.error()[0].text().find(each.says), std::string::npos) << config.error()[0].text();
  }
}

}  // namespace
}  // namespace posthorn::config
