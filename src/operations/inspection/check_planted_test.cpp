// One planted fault for every finding that a check can meet (docs/operator/findings.md): found at its level and at its
// name, absent without the fault; where the correction is a record of the domain's, publishing it mends it, else the
// text says what is to be done. Enumerates the list of ids, so that a new one needs a row.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "operations/inspection/check_bed.h"

namespace posthorn::inspection {
namespace {

using Level = FindingLevel;

/// Who puts it right.
enum class Mend : std::uint8_t {
  publish,  ///< the correction is a line of the zone: published, the finding is gone
  act,      ///< the correction says what is to be done, and by whom
  nothing,  ///< worth knowing; there is nothing to do
};

struct Planted {
  std::string_view id;
  Level level;
  std::string_view name;     ///< where it is found
  std::string_view removed;  ///< lines that begin with it are taken out of the good zone
  std::string added;
  Mend mend = Mend::publish;
  std::string_view told = "";  ///< stands in the correction of what others must do
  void (*expecting)(Expectation&) = nullptr;
  void (*meeting)(BedProbes&) = nullptr;
  bool is_ours = false;  ///< checked with our model; else as anybody's domain
};

std::string spf(std::string_view terms) {
  return "a.example. 3600 TXT \"v=spf1 " + std::string(terms) + "\"\n";
}
std::string key(std::string_view text) {
  return "s1._domainkey.a.example. 3600 TXT \"" + std::string(text) + "\"\n";
}
std::string dmarc(std::string_view text) {
  return "_dmarc.a.example. 3600 TXT \"" + std::string(text) + "\"\n";
}
std::string tls(std::string_view text) {
  return "_smtp._tls.a.example. 3600 TXT \"" + std::string(text) + "\"\n";
}
/// `count` includes; each has a record of its own, through a wildcard.
std::string includes(unsigned count) {
  std::string terms;
  for (unsigned i = 0; i < count; ++i) terms += "include:i" + std::to_string(i) + ".b.example ";
  return spf(terms + "~all") + "*.b.example. 3600 TXT \"v=spf1 -all\"\n";
}
std::string zone_octets(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += static_cast<unsigned char>(c) < 0x80 ? std::string(1, c)
                                                : fmt::format("\\{:03}", static_cast<unsigned char>(c));
  return out;
}

constexpr std::string_view kSpf = "a.example. 3600 TXT", kMx = "a.example. 3600 MX", kHost = "mail.a.example. 3600 A",
                           kKey = "s1._domainkey", kDmarc = "_dmarc", kSts = "_mta-sts", kTls = "_smtp._tls",
                           kPtr = "1.2.0.192", kSecure = ";; secure";
// RFC 8463 A.2, the RSA key of 1024 bits; and one of 512 bits.
constexpr std::string_view kRsa1024 =
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/"
    "J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTI";
constexpr std::string_view kRsa1024End = "KT+l/K4w3QIDAQAB";
constexpr std::string_view kRsa512 =
    "v=DKIM1; k=rsa; "
    "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALN8eVjKM/djmrQXYA1fb6SWJux9GP7iwqWQYjHrsBd6zubyyBBFx8ObzmAaFnleM7+HBTV2BRf/"
    "TAB2Uc+fXusCAwEAAQ==";
const std::string kTlsa = "_25._tcp.mail.a.example. 3600 TLSA 3 1 1 " + std::string(64, 'a') + "\n";

const std::vector<Planted>& in_spf() {
  static const std::vector<Planted> rows{
      {"spf-missing", Level::warning, "a.example", kSpf, ""},
      {"spf-multiple", Level::error, "a.example", "", spf("-all"), Mend::act, "v=spf1"},
      {"spf-syntax", Level::error, "a.example", kSpf, spf("mx ip4:999.1.2.3 ~all")},
      {"spf-no-all", Level::warning, "a.example", kSpf, spf("mx")},
      {"spf-plus-all", Level::error, "a.example", kSpf, spf("mx +all")},
      {"spf-private-address", Level::warning, "a.example", kSpf, spf("mx ip4:10.0.0.1 ~all")},
      {"spf-too-many-lookups", Level::error, "a.example", kSpf, includes(11), Mend::act, "remove includes"},
      {"spf-near-lookup-limit", Level::info, "a.example", kSpf, includes(8), Mend::nothing},
      {"spf-void-lookups", Level::error, "a.example", kSpf, spf("a:x1.b.example a:x2.b.example a:x3.b.example ~all"),
       Mend::act, "remove includes"},
      {"spf-include-missing", Level::error, "a.example", kSpf, spf("mx include:b.example ~all"), Mend::act,
       "correct or remove the term"},
      {"spf-type99", Level::warning, "a.example", "", "a.example. 3600 SPF \"v=spf1 mx ~all\"\n", Mend::act,
       "remove it"},
      {"spf-ptr", Level::warning, "a.example", kSpf, spf("mx ptr ~all")},
      {"spf-placeholder", Level::error, "a.example", kSpf, spf("mx ip4:xx.xx.xx.xx ~all"), Mend::act, "address"},
      {"spf-not-sending-stream", Level::warning, "a.example", kSpf, spf("ip4:198.51.100.1 ~all"), Mend::publish, "",
       nullptr, nullptr, true},
  };
  return rows;
}

const std::vector<Planted>& in_keys() {
  static const std::string of_1024 =
      "s1._domainkey.a.example. 3600 TXT \"" + std::string(kRsa1024) + "\" \"" + std::string(kRsa1024End) + "\"\n";
  static const std::string swapped =
      "s1._domainkey.a.example. 3600 TXT \"KxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\" \"v=DKIM1; k=ed25519; p=11qYAY\"\n";
  static const std::string other_key = key("v=DKIM1; k=ed25519; p=PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=");
  static const std::string good(good_key);
  static const std::vector<Planted> rows{
      {"dkim-missing", Level::error, "s1._domainkey.a.example", kKey, "", Mend::publish, "", nullptr, nullptr, true},
      {"dkim-missing", Level::error, "s1._domainkey.a.example", kKey, "", Mend::act, "whoever signs"},
      {"dkim-revoked", Level::warning, "s1._domainkey.a.example", kKey, key("v=DKIM1; p="), Mend::nothing},
      {"dkim-key-syntax", Level::error, "s1._domainkey.a.example", kKey, key("v=DKIM1; k=ed25519; p=%%%"),
       Mend::publish, "", nullptr, nullptr, true},
      {"dkim-weak-key", Level::warning, "s1._domainkey.a.example", kKey, of_1024, Mend::nothing},
      {"dkim-too-weak-key", Level::error, "s1._domainkey.a.example", kKey, key(kRsa512), Mend::nothing},
      {"dkim-testing", Level::warning, "s1._domainkey.a.example", kKey, key(good + "; t=y"), Mend::act,
       "whoever signs"},
      {"dkim-key-differs", Level::error, "s1._domainkey.a.example", kKey, other_key, Mend::publish, "", nullptr,
       nullptr, true},
      {"dkim-string-split", Level::error, "s1._domainkey.a.example", kKey, swapped, Mend::publish, "", nullptr, nullptr,
       true},
      {"quotes-typographic", Level::error, "s1._domainkey.a.example", kKey,
       key(zone_octets("\xe2\x80\x9c" + good + "\xe2\x80\x9d"))},
      {"tag-duplicate", Level::error, "s1._domainkey.a.example", kKey, key("v=DKIM1; k=ed25519; " + good.substr(9)),
       Mend::act, "whoever signs"},
      {"tag-unknown", Level::info, "s1._domainkey.a.example", kKey, key(good + "; zz=1"), Mend::nothing},
  };
  return rows;
}

void with_bounces_below(Expectation& e) {
  e.model->streams = {{.name = "product",
                       .provider = "",
                       .spf = {},
                       .dkim = {{"s1", domains::DkimKind::txt, std::string(good_key)}},
                       .return_path_subdomain = "bounces"}};
}

const std::vector<Planted>& in_dmarc() {
  static const std::vector<Planted> rows{
      {"dmarc-missing", Level::warning, "_dmarc.a.example", kDmarc, ""},
      {"dmarc-multiple", Level::error, "_dmarc.a.example", "", dmarc("v=DMARC1; p=none")},
      {"dmarc-syntax", Level::error, "_dmarc.a.example", kDmarc, dmarc("v=DMARC1; p=rejekt; x=1")},
      {"dmarc-none", Level::info, "_dmarc.a.example", kDmarc, dmarc("v=DMARC1; p=none; rua=mailto:x@a.example"),
       Mend::nothing},
      {"dmarc-removed-tag", Level::info, "_dmarc.a.example", kDmarc,
       dmarc("v=DMARC1; p=quarantine; pct=50; rua=mailto:x@a.example")},
      {"dmarc-no-rua", Level::warning, "_dmarc.a.example", kDmarc, dmarc("v=DMARC1; p=quarantine")},
      {"dmarc-external-unauthorized", Level::error, "_dmarc.a.example", kDmarc,
       dmarc("v=DMARC1; p=quarantine; rua=mailto:x@b.example"), Mend::act, "published by b.example"},
      {"dmarc-reject-untested", Level::warning, "_dmarc.a.example", kDmarc, dmarc("v=DMARC1; p=reject")},
      {"dmarc-strict-misaligned", Level::error, "_dmarc.a.example", kDmarc,
       dmarc("v=DMARC1; p=quarantine; aspf=s; rua=mailto:postmaster@a.example"), Mend::publish, "", with_bounces_below,
       nullptr, true},
      {"separator-comma", Level::error, "_dmarc.a.example", kDmarc,
       dmarc("v=DMARC1, p=quarantine, rua=mailto:x@a.example")},
  };
  return rows;
}

// ---------------------------------------------------------------- MTA-STS, TLS-RPT

void serving(BedProbes& probes, std::string_view body) {
  probes.fetch.body = body;
  probes.fetch.review = mta_sts::review_policy(body);
}
void unreachable(BedProbes& probes) {
  probes.fetch.status = 0;
  probes.fetch.failure = https::Failure{https::FailureKind::connect, "connection refused", false, {}};
}
void vanished(BedProbes& probes) {
  probes.fetch.status = 404;
}
void redirected(BedProbes& probes) {
  probes.fetch.status = 301;
  probes.fetch.location = "https://www.a.example/";
}
void with_other_certificate(BedProbes& probes) {
  probes.fetch.status = 0;
  probes.fetch.failure = https::Failure{https::FailureKind::certificate, "the name does not match", false, {}};
}
void with_no_mode(BedProbes& probes) {
  serving(probes, "version: STSv1\r\nmx: mail.a.example\r\nmax_age: 604800\r\n");
}
void with_training(BedProbes& probes) {
  serving(probes, "version: STSv1\r\nmode: training\r\nmx: mail.a.example\r\nmax_age: 604800\r\n");
}
void for_another_host(BedProbes& probes) {
  serving(probes, "version: STSv1\r\nmode: testing\r\nmx: old.a.example\r\nmax_age: 604800\r\n");
}
void for_an_hour(BedProbes& probes) {
  serving(probes, "version: STSv1\r\nmode: enforce\r\nmx: mail.a.example\r\nmax_age: 3600\r\n");
}

const std::vector<Planted>& in_sts() {
  static const std::vector<Planted> rows{
      {"sts-missing", Level::info, "_mta-sts.a.example", kSts, "", Mend::act, "mta-sts"},
      {"sts-txt-syntax", Level::error, "_mta-sts.a.example", kSts,
       "_mta-sts.a.example. 300 TXT \"v=STSv1; id=2027-01-15\"\n"},
      {"sts-txt-multiple", Level::error, "_mta-sts.a.example", "", "_mta-sts.a.example. 300 TXT \"v=STSv1; id=2\"\n",
       Mend::act, "remove the others"},
      {"sts-policy-unreachable", Level::error, "_mta-sts.a.example", "", "", Mend::act, "serve the file at", nullptr,
       unreachable},
      {"sts-policy-unreachable", Level::error, "mta-sts.a.example", "mta-sts.a.example", "", Mend::act, "ADDRESS"},
      {"sts-policy-redirect", Level::error, "_mta-sts.a.example", "", "", Mend::act, "itself", nullptr, redirected},
      {"sts-policy-certificate", Level::error, "_mta-sts.a.example", "", "", Mend::act, "certificate of a public CA",
       nullptr, with_other_certificate},
      {"sts-policy-syntax", Level::error, "_mta-sts.a.example", "", "", Mend::act, "mode", nullptr, with_no_mode},
      {"sts-mode-unknown", Level::error, "_mta-sts.a.example", "", "", Mend::act, "testing", nullptr, with_training},
      {"sts-mx-missing", Level::error, "_mta-sts.a.example", "", "", Mend::act, "mx: mail.a.example", nullptr,
       for_another_host},
      {"sts-mx-extra", Level::warning, "_mta-sts.a.example", "", "", Mend::act, "mx: mail.a.example", nullptr,
       for_another_host},
      {"sts-id-stale", Level::error, "_mta-sts.a.example", kSts, "_mta-sts.a.example. 300 TXT \"v=STSv1; id=2026\"\n",
       Mend::publish, "", nullptr, nullptr, true},
      {"sts-max-age-short", Level::warning, "_mta-sts.a.example", "", "", Mend::act, "max_age", nullptr, for_an_hour},
      {"sts-removed-early", Level::error, "_mta-sts.a.example", kSts, "", Mend::publish, "", nullptr, nullptr, true},
      {"sts-removed-early", Level::error, "_mta-sts.a.example", "", "", Mend::act, "", nullptr, vanished, true},
      {"tlsrpt-missing", Level::info, "_smtp._tls.a.example", kTls, ""},
      {"tlsrpt-syntax", Level::error, "_smtp._tls.a.example", kTls, tls("v=TLSRPTv1; hello")},
      {"tlsrpt-syntax", Level::error, "_smtp._tls.a.example", kTls, tls("v=TLSRPTv1; rua=postmaster@a.example")},
      {"tlsrpt-multiple", Level::error, "_smtp._tls.a.example", "", tls("v=TLSRPTv1; rua=mailto:x@a.example")},
  };
  return rows;
}

// ---------------------------------------------------------------- hosts

void without_starttls(BedProbes& probes) {
  probes.at_host = [](MxProbe& probe) {
    probe.probes.front().starttls = probe.probes.front().encrypted = false;
    probe.probes.front().certificate.reset();
  };
}
void with_wrong_certificate(BedProbes& probes) {
  probes.at_host = [](MxProbe& probe) {
    probe.probes.front().certificate->fits_name = false;
    probe.probes.front().certificate->problem = "the certificate is for other.example, not for mail.a.example";
  };
}
/// The records that are published against the key of the certificate met.
void with_another_key(BedProbes& probes) {
  probes.at_host = [](MxProbe& probe) {
    AddressProbe& visit = probe.probes.front();
    visit.certificate->tlsa = "3 1 1 " + std::string(64, 'b');
    const auto matches = [&](const dns::Tlsa& record) {
      return dns::text(dns::RecordData(record)) == visit.certificate->tlsa;
    };
    if (probe.tlsa.records.empty()) return;
    const bool match = std::ranges::any_of(probe.tlsa.records, matches);
    visit.dane = dane::Verdict{.match = match ? dane::Match::match : dane::Match::mismatch,
                               .record = {},
                               .reason = match ? "it matches" : "no TLSA record matches the certificate"};
  };
}
void with_next_key(Expectation& e) {
  e.next_key_tlsa = "3 1 1 " + std::string(64, 'b');
}
void with_lets_encrypt(Expectation& e) {
  e.authority = "letsencrypt.org";
}

const std::vector<Planted>& at_hosts() {
  static const std::vector<Planted> rows{
      {"mx-missing", Level::error, "a.example", kMx, "", Mend::act, "HOST"},
      {"mx-null-mixed", Level::error, "a.example", "", "a.example. 3600 MX 0 .\n", Mend::act, "remove"},
      {"mx-address-literal", Level::error, "a.example", kMx, "a.example. 3600 MX 10 192.0.2.1.\n", Mend::act,
       "mx.a.example. 3600 IN A 192.0.2.1"},
      {"mx-unresolvable", Level::error, "mail.a.example", kHost, "", Mend::act, "an MX record that names a host"},
      {"mx-cname", Level::error, "mail.a.example", "mail.a.example.",
       "mail.a.example. 3600 CNAME box.a.example.\nbox.a.example. 3600 A 192.0.2.1\n", Mend::act, "box.a.example"},
      {"mx-single", Level::info, "a.example", kMx, "a.example. 3600 MX 10 mail.a.example.\n", Mend::nothing, "two"},
      {"mx-no-starttls", Level::error, "mail.a.example", "", "", Mend::act, "switch TLS on", nullptr, without_starttls},
      {"mx-certificate", Level::error, "mail.a.example", "", "", Mend::act, "certificate of a public CA", nullptr,
       with_wrong_certificate},
      {"ptr-missing", Level::warning, "1.2.0.192.in-addr.arpa", kPtr, "", Mend::publish, "", nullptr, nullptr, true},
      {"ptr-mismatch", Level::warning, "1.2.0.192.in-addr.arpa", kPtr,
       "1.2.0.192.in-addr.arpa. 3600 PTR dynamic-1.b.example.\n", Mend::publish, "", nullptr, nullptr, true},
      {"tlsa-mismatch", Level::error, "mail.a.example", "", kTlsa, Mend::publish, "", nullptr, with_another_key},
      {"tlsa-no-next-key", Level::warning, "_25._tcp.mail.a.example", "", kTlsa, Mend::publish, "", with_next_key,
       nullptr, true},
      {"tlsa-unsigned", Level::warning, "_25._tcp.mail.a.example", kSecure, kTlsa, Mend::act, "sign the zone"},
      {"caa-forbids", Level::error, "a.example", "", "a.example. 3600 CAA 0 issue \"ca.b.example\"\n", Mend::publish,
       "", with_lets_encrypt},
  };
  return rows;
}

const std::vector<Planted>& around_the_records() {
  static const std::vector<Planted> rows{
      {"dnssec-unsigned", Level::info, "a.example", kSecure, "", Mend::nothing},
      {"dnssec-bogus", Level::error, "a.example", kMx, ";; bogus a.example MX\n", Mend::act, "sign the zone again"},
      {"ns-unreachable", Level::error, "_dmarc.a.example", kDmarc, ";; servfail _dmarc.a.example TXT\n", Mend::act,
       "log"},
      {"wildcard-answers", Level::warning, "_wildcard-probe.a.example", "", "*.a.example. 3600 TXT \"v=spf1 -all\"\n",
       Mend::act, "remove the record at *.a.example."},
      {"alias-dangling", Level::error, "www.a.example", "", "www.a.example. 3600 CNAME gone.b.example.\n", Mend::act,
       "gone.b.example"},
      {"alias-dangling", Level::error, "_mta-sts.a.example", kSts, "_mta-sts.a.example. 300 CNAME gone.b.example.\n",
       Mend::act, "remove the CNAME"},
      {"alias-dangling", Level::error, "s2._domainkey.a.example", "",
       "s2._domainkey.a.example. 300 CNAME s2.gone.example.\n", Mend::act, "s2.gone.example"},
      {"subdomain-unprotected", Level::warning, "www.a.example", kDmarc, "www.a.example. 3600 A 192.0.2.9\n"},
      {"ns-delegated", Level::error, "_mta-sts.a.example", kSts, "_mta-sts.a.example. 300 NS ns1.b.example.\n",
       Mend::act, "TXT or CNAME"},
      {"record-missing", Level::error, "_smtp._tls.a.example", kTls, "", Mend::publish, "", nullptr, nullptr, true},
      {"record-differs", Level::error, "a.example", kMx,
       "a.example. 3600 MX 10 mx.b.example.\nmx.b.example. 3600 A 198.51.100.5\n", Mend::publish, "", nullptr, nullptr,
       true},
      {"record-foreign", Level::info, "a.example", "", "a.example. 3600 TXT \"site-verification=x\"\n", Mend::nothing,
       "", nullptr, nullptr, true},
      {"ttl-differs", Level::info, "_smtp._tls.a.example", kTls,
       "_smtp._tls.a.example. 17 TXT \"v=TLSRPTv1; rua=mailto:postmaster@a.example\"\n", Mend::publish, "", nullptr,
       nullptr, true},
  };
  return rows;
}

// ---------------------------------------------------------------- planting

CheckReport check_planted(const Planted& row, const std::string& zone) {
  Expectation expected = row.is_ours ? ours() : Expectation{};
  if (row.expecting != nullptr) row.expecting(expected);
  BedProbes probes;
  if (row.meeting != nullptr) row.meeting(probes);
  return check_zone(zone, expected, {.now = {}, .selectors = {"s1"}, .subdomains = {}, .probes = &probes});
}

/// "name. TTL IN TYPE data": what a person would paste, from the correction's words.
std::string line_of(std::string_view correction) {
  const auto in = correction.find(" IN ");
  if (in == std::string_view::npos) return {};
  std::size_t begin = correction.rfind(' ', in - 1);
  begin = begin == std::string_view::npos ? 0 : correction.rfind(' ', begin - 1);
  std::string line(correction.substr(begin == std::string_view::npos ? 0 : begin + 1));
  if (const auto remark = line.find(" (whoever"); remark != std::string::npos) line.resize(remark);
  return line;
}

/// What an operator does: the line takes the place of those it corrects (SPF of SPF; TLSA and CAA stand beside others).
std::string publish(const std::string& zone, const std::string& line) {
  const auto words = text::words(line);
  const std::string name(words[0]), type(words[3]);
  const bool is_spf = line.contains("\"v=spf1");
  std::string out;
  for (const std::string_view old : text::split(zone, '\n')) {
    const auto parts = text::words(old);
    const bool same = parts.size() > 3 && parts[0] == name && parts[2] == type;
    const bool stays = type == "TLSA" || type == "CAA" || (is_spf && !old.contains("v=spf1"));
    if (!same || stays) out += std::string(old) + "\n";
  }
  return out + line + "\n";
}

void expect_mended(const Planted& row, const std::string& bad_zone, const CheckFinding& found) {
  const std::string& correction = found.finding.correction;
  if (row.mend == Mend::act) {
    EXPECT_THAT(correction, testing::HasSubstr(std::string(row.told)));
    EXPECT_NE(correction, "");
  }
  if (row.mend != Mend::publish) return;
  const std::string line = line_of(correction);
  ASSERT_NE(line, "") << correction;
  const CheckReport after = check_planted(row, publish(bad_zone, line));
  EXPECT_EQ(finding(after, row.id, row.name), nullptr) << line << "\n" << listed(after);
}

void expect_found(const Planted& row) {
  SCOPED_TRACE(row.id);
  SCOPED_TRACE(row.name);
  Planted healthy = row;
  healthy.meeting = row.id == "tlsa-mismatch" ? row.meeting : nullptr;
  // Two hosts are what a domain with one lacks.
  const std::string more =
      row.told == "two" ? "a.example. 3600 MX 20 mail.a.example.\na.example. 3600 MX 30 ns1.a.example.\n" : "";
  const CheckReport before = check_planted(healthy, good_zone + more);
  EXPECT_EQ(finding(before, row.id, row.name), nullptr) << "without the fault: " << listed(before);
  const std::string bad_zone = without(good_zone, row.removed) + row.added;
  const CheckReport report = check_planted(row, bad_zone);
  const CheckFinding* const found = finding(report, row.id, row.name);
  ASSERT_NE(found, nullptr) << listed(report);
  EXPECT_EQ(found->finding.level, row.level);
  EXPECT_NE(found->finding.reason, "");
  expect_mended(row, bad_zone, *found);
}

void expect_all_found(const std::vector<Planted>& rows) {
  for (const Planted& row : rows) expect_found(row);
}

TEST(CheckPlanted, FaultsOfSpfAreFoundAndMended) {
  expect_all_found(in_spf());
}
TEST(CheckPlanted, FaultsOfKeysAreFoundAndMended) {
  expect_all_found(in_keys());
}
TEST(CheckPlanted, FaultsOfDmarcAreFoundAndMended) {
  expect_all_found(in_dmarc());
}
TEST(CheckPlanted, FaultsOfMtaStsAndTlsReportsAreFoundAndMended) {
  expect_all_found(in_sts());
}
TEST(CheckPlanted, FaultsOfHostsAreFoundAndMended) {
  expect_all_found(at_hosts());
}
TEST(CheckPlanted, FaultsAroundTheRecordsAreFoundAndMended) {
  expect_all_found(around_the_records());
}

// ---------------------------------------------------------------- servers that are not of one mind

const BedServer& good_server() {
  static const BedServer server{.name = "ns1.a.example (192.0.2.53)", .zone = good_zone};
  return server;
}

CheckReport check_bed(std::vector<BedServer> servers, std::optional<std::string> cache = std::nullopt) {
  BedSource source(std::move(servers), std::move(cache));
  return check_source(source);
}

TEST(CheckPlanted, ServersThatDifferAreNamedWithWhatEachSays) {
  BedServer twin{.name = "ns2.a.example (192.0.2.54)",
                 .zone = without(good_zone, kMx) + "a.example. 3600 MX 10 old.a.example.\n",
                 .serial = 0};
  const CheckReport report = check_bed({good_server(), twin}, good_zone);
  const CheckFinding* const found = finding(report, "ns-disagree", "a.example");
  ASSERT_NE(found, nullptr) << listed(report);
  EXPECT_EQ(found->finding.level, Level::error);
  ASSERT_EQ(found->authoritative.size(), 2u);
  EXPECT_EQ(found->authoritative[1].answer, "10 old.a.example.");
  EXPECT_EQ(found->authoritative[1].serial, 0u);
  EXPECT_THAT(found->finding.correction, testing::HasSubstr("secondaries"));
  twin.zone = good_zone;
  EXPECT_EQ(listed(check_bed({good_server(), twin}, good_zone), Level::warning), "");
}

TEST(CheckPlanted, SilentAndLameServersAreNamed) {
  const BedServer silent{.name = "ns2", .zone = good_zone, .state = CheckedServer::State::unreachable};
  const CheckReport of_silent = check_bed({good_server(), silent});
  const CheckFinding* const unreachable_one = finding(of_silent, "ns-unreachable", "a.example");
  ASSERT_NE(unreachable_one, nullptr) << listed(of_silent);
  EXPECT_EQ(unreachable_one->finding.level, Level::error);
  EXPECT_THAT(unreachable_one->finding.correction, testing::HasSubstr("start it"));
  const BedServer lame{.name = "ns2", .zone = good_zone, .state = CheckedServer::State::lame};
  const CheckReport of_lame = check_bed({good_server(), lame});
  const CheckFinding* const found = finding(of_lame, "ns-lame", "a.example");
  ASSERT_NE(found, nullptr) << listed(of_lame);
  EXPECT_EQ(found->finding.level, Level::error);
  EXPECT_THAT(found->finding.correction, testing::HasSubstr("have it load the zone"));
}

TEST(CheckPlanted, AnEarlierAnswerInTheCacheIsToldWithItsEnd) {
  const std::string old =
      without(good_zone, kDmarc) + "_dmarc.a.example. 240 TXT \"v=DMARC1; p=none; rua=mailto:postmaster@a.example\"\n";
  const CheckReport report = check_bed({good_server()}, old);
  const CheckFinding* const found = finding(report, "cache-old", "_dmarc.a.example");
  ASSERT_NE(found, nullptr) << listed(report);
  EXPECT_EQ(found->finding.level, Level::info);
  EXPECT_EQ(found->old_until, domains::tests_begin + std::chrono::seconds{240});
  EXPECT_THAT(found->finding.reason, testing::HasSubstr(rfc3339(domains::tests_begin + std::chrono::seconds{240})));
  EXPECT_EQ(found->cached, "\"v=DMARC1; p=none; rua=mailto:postmaster@a.example\" (240 s left)");
}

TEST(CheckPlanted, ASignatureThatEndsSoonIsTold) {
  BedServer server = good_server();
  server.signature_expires = domains::tests_begin + std::chrono::days{2};
  const CheckReport report = check_bed({server}, good_zone);
  const CheckFinding* const found = finding(report, "dnssec-expiring", "a.example");
  ASSERT_NE(found, nullptr) << listed(report);
  EXPECT_EQ(found->finding.level, Level::warning);
  EXPECT_THAT(found->finding.correction, testing::HasSubstr("signed again"));
  server.signature_expires = domains::tests_begin + std::chrono::days{4};
  EXPECT_EQ(finding(check_bed({server}, good_zone), "dnssec-expiring"), nullptr);
}

// ---------------------------------------------------------------- the list of ids

/// Found by tests of their own.
const std::set<std::string_view>& elsewhere() {
  static const std::set<std::string_view> ids{
      "ns-disagree",       "ns-lame",          // servers that are not of one mind, above
      "cache-old",         "dnssec-expiring",  // above
      "parked-incomplete",                     // check_kinds_test.cpp
  };
  return ids;
}

std::set<std::string> planted_ids() {
  std::set<std::string> ids;
  for (const auto* rows : {&in_spf(), &in_keys(), &in_dmarc(), &in_sts(), &at_hosts(), &around_the_records()})
    for (const Planted& row : *rows) ids.insert(std::string(row.id));
  for (const std::string_view id : elsewhere()) ids.insert(std::string(id));
  return ids;
}

TEST(CheckPlanted, EveryIdOfTheListHasARow) {
  const char* const data = std::getenv("POSTHORN_SHARED_DATA");
  const std::filesystem::path list =
      std::filesystem::path(data == nullptr ? "../shared/data" : data).parent_path() / "FINDINGS.tsv";
  if (!std::filesystem::exists(list)) GTEST_SKIP() << "the list of findings is not here (POSTHORN_SHARED_DATA)";
  std::ifstream file(list);
  const std::set<std::string> planted = planted_ids();
  std::string line;
  std::getline(file, line);
  std::size_t count = 0;
  while (std::getline(file, line)) {
    const std::string id = line.substr(0, line.find('\t'));
    EXPECT_TRUE(planted.contains(id)) << id << " has no planted fault";
    ++count;
  }
  EXPECT_GE(count, 70u);
}

}  // namespace
}  // namespace posthorn::inspection
