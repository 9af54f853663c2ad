#include "site/config/config.h"

#include <fstream>

#include <gtest/gtest.h>

#include "site/config/salvage.h"
#include "site/config/values.h"

namespace posthorn::config {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view least = R"(
host_name = "mx.alpha.example"
[store]
dir = "store"
)";

Result<Config, Problems> read(std::string_view toml) {
  return parse(toml, "posthorn.toml", "/etc/posthorn");
}

/// The faults of `toml` as the command line prints them.
std::vector<std::string> faults(std::string_view toml) {
  const auto config = read(toml);
  if (config) return {};
  std::vector<std::string> out;
  for (const Problem& problem : config.error()) out.push_back(problem.text());
  return out;
}

std::string only_fault(std::string_view more) {
  const auto all = faults(std::string(least) + std::string(more));
  EXPECT_EQ(all.size(), 1u) << (all.empty() ? "" : all.back());
  return all.empty() ? "" : all.front();
}

TEST(Config, LeastFileGivesDefaults) {
  const auto config = read(least);
  ASSERT_TRUE(config) << config.error().front().text();
  EXPECT_EQ(config->host_name, "mx.alpha.example");
  EXPECT_EQ(config->store_dir, "/etc/posthorn/store");
  EXPECT_EQ(config->dns_source, "system");
  EXPECT_EQ(config->relay.mx_port, 25);
  EXPECT_FALSE(config->relay.allow_private);
  EXPECT_EQ(config->relay.give_up, Duration(5 * 24h));
  EXPECT_GE(config->limits.message_size, 50 * MiB);
  EXPECT_GE(config->limits.recipients, 100u);
  EXPECT_TRUE(config->listen.smtp.empty());
}

TEST(Config, AcmeWantsAnHttpsDirectoryAndReadableNames) {
  const auto config = read(R"(
host_name = "mx.alpha.example"
[store]
dir = "store"
[acme]
directory = "https://authority.example/directory"
contact = "mailto:postmaster@alpha.example"
names = ["imap.alpha.example", "Pop.Alpha.Example"]
)");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->acme.directory, "https://authority.example/directory");
  EXPECT_EQ(config->acme.contact.size(), 1u);
  EXPECT_EQ(config->acme.names.at(1), "pop.alpha.example");
  EXPECT_NE(only_fault("[acme]\ndirectory = \"http://authority.example\"\n").find("https"), std::string::npos);
  EXPECT_NE(only_fault("[acme]\ncontact = \"postmaster@alpha.example\"\n").find("mailto"), std::string::npos);
  EXPECT_EQ(config->acme.challenge, AcmeChallenge::http_01);
  EXPECT_EQ(config->acme.key_age, Duration(365 * 24h));
  EXPECT_NE(only_fault("[acme]\nnames = \"no name\"\n").find("host name"), std::string::npos);
  EXPECT_NE(only_fault("[acme]\nchallenge = \"tls-alpn-01\"\n").find("dns-01"), std::string::npos);
  EXPECT_NE(only_fault("[acme]\ndns_01 = \"a b\"\n").find("no domain"), std::string::npos);
}

TEST(Config, ReportAddressesAreUrisAndWatchingHasBounds) {
  const auto config = read(R"(
host_name = "mx.alpha.example"
[store]
dir = "store"
[domains]
dmarc_reports = ["mailto:dmarc-rua@reports.example", "mailto:second@reports.example"]
tls_reports = "https://reports.example/tls"
watch_interval = "30m"
watch_mail = false
)");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->domains.dmarc_reports.size(), 2u);
  EXPECT_EQ(config->domains.tls_reports, std::vector<std::string>{"https://reports.example/tls"});
  EXPECT_EQ(config->domains.watch_interval, Duration(30min));
  EXPECT_FALSE(config->domains.watch_mail);
  const auto again = parse(export_toml(*config), "f", "/");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->domains.dmarc_reports, config->domains.dmarc_reports);
  EXPECT_FALSE(again->domains.watch_mail);
  EXPECT_NE(only_fault("[domains]\ndmarc_reports = \"reports@example.org\"\n").find("mailto:"), std::string::npos);
  EXPECT_NE(only_fault("[domains]\ndmarc_reports = \"https://example.org/\"\n").find("mailto:"), std::string::npos);
  EXPECT_NE(only_fault("[domains]\ntls_reports = \"mailto:a@b,mailto:c@d\"\n").find("no report address"),
            std::string::npos);
  EXPECT_NE(only_fault("[domains]\nwatch_interval = \"1m\"\n").find("out of bounds"), std::string::npos);
  EXPECT_NE(only_fault("[domains]\nwatch_mail = 1\n").find("true or false"), std::string::npos);
}

TEST(Config, HttpsWantsACertificate) {
  EXPECT_NE(only_fault("[listen]\nhttps = \":1443\"\n").find("tls.certificate"), std::string::npos);
}

TEST(Config, ReadsEveryKey) {
  const auto config = read(R"(
host_name = "MX.Alpha.Example"
[store]
dir = "/var/lib/posthorn"
[dns]
source = "zone:zones/demo.zone"
[listen]
smtp = ["127.0.0.2:2525", "[::1]:2525"]
submission = "127.0.0.2:2587"
submissions = "127.0.0.2:2465"
imap = "127.0.0.2:2143"
imaps = ["127.0.0.2:2993", "[::1]:2993"]
pop3 = "127.0.0.2:2110"
pop3s = "127.0.0.2:2995"
metrics = "127.0.0.2:9100"
[tls]
certificate = ["ec.pem", "rsa.pem"]
key = ["ec.key", "rsa.key"]
ca_file = "ca.pem"
[relay]
mx_port = 2526
source = ["127.0.0.2", "::1"]
allow_private = true
retry = ["1m", "1h30m"]
give_up = "2d"
routes = [
  { domain = ".Beta.example", host = "relay.example.net", port = 587, tls = "verified", login = { user = "me", password_file = "pw" } },
  { sender = "news@alpha.example", host = "192.0.2.9" },
  { stream = "bulk", host = "bulk.example.net", tls = "implicit", port = 465 },
]
[limits]
message_size = "10MB"
recipients = 200
command_timeout = "10m"
[log]
level = "debug"
format = "json"
)");
  ASSERT_TRUE(config) << config.error().front().text();
  EXPECT_EQ(config->host_name, "mx.alpha.example");
  EXPECT_EQ(config->dns_source, "zone:/etc/posthorn/zones/demo.zone");
  ASSERT_EQ(config->listen.smtp.size(), 2u);
  EXPECT_EQ(config->listen.smtp[1].text(), "[::1]:2525");
  EXPECT_EQ(config->listen.imap.at(0).port, 2143);
  EXPECT_EQ(config->listen.imaps.size(), 2u);
  EXPECT_EQ(config->listen.pop3.at(0).port, 2110);
  EXPECT_EQ(config->listen.pop3s.at(0).port, 2995);
  EXPECT_EQ(config->listen.metrics.at(0).port, 9100);
  EXPECT_EQ(config->tls.certificate.at(1), "/etc/posthorn/rsa.pem");
  EXPECT_EQ(config->tls.ca_file, "/etc/posthorn/ca.pem");
  EXPECT_EQ(config->relay.mx_port, 2526);
  EXPECT_EQ(config->relay.source.at(1).text(), "::1");
  EXPECT_TRUE(config->relay.allow_private);
  EXPECT_EQ(config->relay.retry, (std::vector<Duration>{1min, 90min}));
  EXPECT_EQ(config->relay.give_up, Duration(48h));
  ASSERT_EQ(config->relay.routes.size(), 3u);
  EXPECT_EQ(config->relay.routes[0].name(), "domain .beta.example");
  EXPECT_EQ(config->relay.routes[0].login_password_file, "/etc/posthorn/pw");
  EXPECT_EQ(config->relay.routes[1].port, 25);
  EXPECT_EQ(config->relay.routes[2].tls, RouteTls::implicit);
  EXPECT_EQ(config->limits.message_size, 10 * MiB);
  EXPECT_EQ(config->limits.recipients, 200u);
  EXPECT_EQ(config->limits.command_timeout, Duration(10min));
  EXPECT_EQ(config->log_level, runtime::LogLevel::debug);
  EXPECT_EQ(config->log_format, runtime::LogFormat::json);

  // What is exported reads back to the same.
  const auto again = parse(export_toml(*config), "again.toml", "/elsewhere");
  ASSERT_TRUE(again) << again.error().front().text();
  EXPECT_EQ(export_toml(*again, true), export_toml(*config, true));
  EXPECT_TRUE(needs_restart(*config, *again).empty());
}

TEST(Config, NamesFileLineKeyAndWhatWouldBeRight) {
  EXPECT_EQ(only_fault("[relay]\nmx_prot = 25\n"),
            "posthorn.toml:6: relay.mx_prot: there is no such key; did you mean relay.mx_port?");
  EXPECT_EQ(only_fault("[limits]\nrecipient = 25\n"),
            "posthorn.toml:6: limits.recipient: there is no such key; did you mean limits.recipients?");
  EXPECT_EQ(only_fault("[relay]\nmx_port = \"25\"\n"),
            "posthorn.toml:6: relay.mx_port: is no port; write a number from 1 to 65535, without quotes");
  EXPECT_EQ(only_fault("[limits]\nrecipients = 5\n"),
            "posthorn.toml:6: limits.recipients: 5 is out of bounds; write 100 to 100000");
  EXPECT_EQ(only_fault("[limits]\nmessage_size = \"fifty\"\n"),
            "posthorn.toml:6: limits.message_size: is no size; write a size, such as \"50MB\"");
  EXPECT_EQ(only_fault("[listen]\nsmtp = \"localhost:25\"\n"),
            "posthorn.toml:6: listen.smtp: 'localhost:25' is no address and port; write \"ADDR:PORT\" with a literal "
            "address, such as \"192.0.2.1:25\" or \"[::]:25\"");
  EXPECT_EQ(only_fault("[log]\nlevel = \"loud\"\n"),
            "posthorn.toml:6: log.level: 'loud' is no log level; write error, warning, info or debug");
}

TEST(Config, SaysAllFaultsInOrder) {
  const auto all = faults("host_name = 7\nfrobnicate = 1\n[log]\nformat = \"xml\"\n");
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0], "posthorn.toml: store.dir: is missing; add dir = \"/var/lib/posthorn\" under [store]");
  EXPECT_EQ(all[1], "posthorn.toml:1: host_name: is not a string; write it in quotes, such as \"mx.example.org\"");
  EXPECT_TRUE(all[2].starts_with("posthorn.toml:2: frobnicate: there is no such key")) << all[2];
  EXPECT_TRUE(all[3].starts_with("posthorn.toml:4: log.format:")) << all[3];
}

TEST(Config, SyntaxErrorsHaveALine) {
  const std::string fault = only_fault("[relay\n");
  EXPECT_TRUE(fault.starts_with("posthorn.toml:5: TOML: ")) << fault;
  EXPECT_TRUE(only_fault("[log]\nlevel = info\n").starts_with("posthorn.toml:6: log.level: ")) << "text wants quotes";
  EXPECT_NE(only_fault("[log]\nlevel = info\n").find("text in quotes"), std::string::npos);
  EXPECT_NE(only_fault("[log]\nlevel : 1\n").find(":6: log.level: expected '='"), std::string::npos);
  EXPECT_NE(only_fault("[log]\nlevel = \"info\"\nlevel = \"info\"\n").find("a key stands once"), std::string::npos);
  EXPECT_NE(only_fault("[log]\n[relay]\n[log]\n").find("a section has one header"), std::string::npos);
  EXPECT_TRUE(faults("\xef\xbb\xbf" + std::string(least)).empty()) << "a byte order mark";
}

TEST(Config, AKeyIsFoundThoughItsSectionIsNot) {
  EXPECT_NE(only_fault("[logs]\nlevel = \"info\"\n").find("did you mean log?"), std::string::npos);
  const auto all = faults("mx_port = 25\n" + std::string(least));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0], "posthorn.toml:1: mx_port: there is no such key; did you mean relay.mx_port?");
  EXPECT_NE(only_fault("[relay]\nroutes = [ { domain = \"*\", host = \"a.example\", port = 0 } ]\n")
                .find("relay.routes[0].port: "),
            std::string::npos);
}

TEST(Config, WhatIsFoundWrongLaterHasItsLineToo) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "place_test.toml";
  std::ofstream(file) << "host_name = \"a.example\"\n[tls]\ncertificate = \"a.pem\"\n";
  EXPECT_EQ(place_of(file, "tls.certificate"), file.string() + ":3: tls.certificate");
  EXPECT_EQ(place_of(file, "dns.source"), file.string() + ": dns.source");
  std::filesystem::remove(file);
  EXPECT_EQ(place_of(file, "dns.source"), file.string() + ": dns.source");
  EXPECT_EQ(place_of({}, "dns.source"), "dns.source");
}

TEST(Config, TheStoreIsFoundInAFaultyFile) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "salvage_test.toml";
  const auto store_of = [&](const std::string& text) {
    std::ofstream(file) << text;
    return named_store_dir(file).value_or("");
  };
  EXPECT_EQ(store_of("nonsense = 1\nstore.dir = \"/var/mail/store\"\n"), "/var/mail/store");
  EXPECT_EQ(store_of("[store]\ndir = \"store\"\n[limits]\nquota = = 1\n"), file.parent_path() / "store");
  EXPECT_EQ(store_of("quota = = 1\n[store]\ndir = \"store\"\n"), "") << "it stands below";
  EXPECT_EQ(store_of("store.dir = 7\n"), "");
  EXPECT_EQ(store_of("[#\nstore.dir = \"store\"\n"), "");
  std::filesystem::remove(file);
  EXPECT_EQ(named_store_dir(file), std::nullopt);
}

TEST(Config, NonAsciiBelongsInStringsAndComments) {
  const std::string fault = only_fault("# gr\xc3\xbc\xc3\x9f\n[relay]\n\xc3\xa9 = 1\n");
  EXPECT_TRUE(fault.starts_with("posthorn.toml:7: TOML: ")) << fault;
  EXPECT_TRUE(only_fault("# \xff\n").find("not UTF-8") != std::string::npos);
  const auto good = read(
      "host_name = \"mx.b\xc3\xbc"
      "cher.example\" # \xc3\xbc\nstore.dir = '/\xc3\xbc~x~~c3'\n");
  ASSERT_TRUE(good) << good.error().front().text();
  EXPECT_EQ(good->host_name, "mx.xn--bcher-kva.example");
  EXPECT_EQ(good->store_dir, "/\xc3\xbc~x~~c3");
}

TEST(Config, OneAddressServesOneService) {
  EXPECT_EQ(only_fault("[listen]\nsmtp = \"127.0.0.1:25\"\nsubmission = [\"[::1]:25\", \"127.0.0.1:25\"]\n"),
            "posthorn.toml: listen.submission: 127.0.0.1:25 is taken by listen.smtp; choose another port");
  EXPECT_TRUE(faults("host_name = \"mx.a.example\"\nstore.dir = \"/a\"\n"
                     "[listen]\nsmtp = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n")
                  .empty());
}

TEST(Config, TlsNeedsACertificateAndKeysInPairs) {
  EXPECT_TRUE(only_fault("[listen]\nsubmissions = \":465\"\n").find("tls.certificate") != std::string::npos);
  EXPECT_TRUE(only_fault("[tls]\ncertificate = \"a.pem\"\n").find("tls.key") != std::string::npos);
}

TEST(Config, RoutesAreChecked) {
  EXPECT_NE(only_fault("[relay]\nroutes = [{ host = \"a.example\" }]\n").find("exactly one of"), std::string::npos);
  EXPECT_NE(only_fault("[relay]\nroutes = [{ domain = \"*\", hots = \"a.example\" }]\n").find("did you mean host?"),
            std::string::npos);
  EXPECT_NE(only_fault("[relay]\nroutes = [{ domain = \"*\", host = \"a.example\", login = { user = \"u\", "
                       "password_file = \"f\" } }]\n")
                .find("without TLS"),
            std::string::npos);
  EXPECT_NE(only_fault("[relay]\nroutes = [{ domain = \"*\", host = \"a.example\" }, { domain = \"*\", host = "
                       "\"b.example\" }]\n")
                .find("already"),
            std::string::npos);
}

TEST(Config, TellsWhatNeedsARestart) {
  const auto one = read(std::string(least) + "[listen]\nsmtp = \"127.0.0.1:25\"\n");
  const auto two = read(std::string(least) + "[listen]\nsmtp = \"127.0.0.1:26\"\n[log]\nlevel = \"debug\"\n");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(needs_restart(*one, *two), std::vector<std::string>{"listen.smtp"});
}

TEST(Config, ReferenceHasADefaultThatReadsBack) {
  for (const KeyInfo& info : reference()) {
    EXPECT_FALSE(info.explanation.empty()) << info.key;
    if (info.default_value.empty() || info.default_value == "required") continue;
    const auto dot = info.key.find('.');
    if (dot == std::string_view::npos) continue;
    const auto config = parse(
        fmt::format("store.dir = \"s\"\nhost_name = \"a.example\"\n{} = {}\n", info.key, info.default_value), "f", "/");
    EXPECT_TRUE(config) << info.key << ": " << (config ? "" : config.error().front().text());
  }
}

TEST(Values, Durations) {
  EXPECT_EQ(parse_duration("5m"), Duration(5min));
  EXPECT_EQ(parse_duration("1h30m"), Duration(90min));
  EXPECT_EQ(parse_duration("250ms"), Duration(250ms));
  EXPECT_EQ(parse_duration("0"), Duration(0s));
  for (const auto* const bad : {"", "5", "m", "5x", "5m1h", "5m5m", "-5m", "5 m", "99999w", "18446744073709551616s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
  for (const Duration d : {Duration(5min), Duration(36h), Duration(14 * 24h), Duration(10 * 24h), Duration(1ms)}) {
    EXPECT_EQ(parse_duration(duration_text(d)), d) << duration_text(d);
  }
}

TEST(Values, Sizes) {
  EXPECT_EQ(parse_size("50MB"), 50 * MiB);
  EXPECT_EQ(parse_size("50 mib"), 50 * MiB);
  EXPECT_EQ(parse_size("1k"), 1024u);
  EXPECT_EQ(parse_size("17"), 17u);
  for (const auto* const bad : {"", "MB", "5X", "5MBs", "-1", "99999999999TB", "1.5GB"})
    EXPECT_FALSE(parse_size(bad)) << bad;
  EXPECT_EQ(size_text(64 * MiB), "64MB");
  EXPECT_EQ(size_text(1500), "1500");
  EXPECT_EQ(size_text(0), "0");
}

TEST(Values, NearestWord) {
  constexpr std::array<std::string_view, 3> words{"account add", "account list", "queue list"};
  EXPECT_EQ(nearest("acount add", words), "account add");
  EXPECT_EQ(nearest("account lits", words), "account list");
  EXPECT_EQ(nearest("frobnicate", words), "");
}

}  // namespace
}  // namespace posthorn::config
