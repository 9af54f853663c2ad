// The openspf.org suites: every case of the RFC 7208 one, and those of the RFC 4408 one that RFC 7208 leaves true.
#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "standards/dns/zone.h"
#include "standards/spf/check_host.h"
#include "standards/test_support/run_task.h"
#include "standards/test_support/vectors.h"
#include "standards/test_support/yaml.h"

namespace posthorn::spf {
namespace {

using test_support::Yaml;

dns::Name name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  return dns::Name::from_labels(text::split(text, '.')).value();
}

std::optional<dns::RecordData> record_data(std::string_view type, const Yaml& value) {
  const std::string text = value.scalar;
  if (type == "A") return dns::A{IpAddress::parse(text).value()};
  if (type == "AAAA") return dns::Aaaa{IpAddress::parse(text).value()};
  if (type == "PTR") return dns::Ptr{name(text)};
  if (type == "CNAME") return dns::Cname{name(text)};
  if (type == "TXT" || type == "SPF") return dns::Txt{value.texts()};
  if (type != "MX") return std::nullopt;
  const auto preference = static_cast<std::uint16_t>(std::stoi(value.items.at(0).scalar));
  const std::string host = value.items.at(1).scalar;
  return dns::Mx{preference, host.empty() ? dns::Name{} : name(host)};
}

dns::RecordType record_type(std::string_view type) {
  return dns::parse_record_type(type).value();
}

/// SPF records are served as TXT too, unless the name has TXT of its own (the suites' drivers do so).
void add_node(dns::Zone& zone, const std::string& owner, const Yaml& node) {
  bool has_txt = false;
  for (const Yaml& item : node.items) has_txt |= item.find("TXT") != nullptr;
  for (const Yaml& item : node.items) {
    if (item.is_scalar()) {
      ASSERT_EQ(item.scalar, "TIMEOUT");
      zone.fail_with(name(owner), std::nullopt, dns::Status::timeout);
      continue;
    }
    const auto& [type, value] = item.entries.at(0);
    if (value.scalar == "NONE") continue;
    auto data = record_data(type, value);
    ASSERT_TRUE(data) << type;
    zone.add({name(owner), record_type(type), 300, *data});
    if (type == "SPF" && !has_txt) zone.add({name(owner), dns::RecordType::txt, 300, *data});
  }
}

dns::Zone make_zone(const Yaml& zonedata) {
  dns::Zone zone;
  for (const auto& [owner, node] : zonedata.entries) add_node(zone, owner, node);
  return zone;
}

Outcome run(const Yaml& test, dns::Resolver& resolver) {
  Query query;
  query.ip = IpAddress::parse(test.text("host")).value();
  query.mail_from = test.text("mailfrom");
  query.helo = test.text("helo");
  query.receiver = "receiver.example";
  query.now = from_unix_seconds(1'700'000'000);
  return test_support::run_task(check_mail_from(resolver, query));
}

/// How many cases passed; each failure is reported with its name.
int run_suite(const std::string& text, const std::set<std::string>& excepted) {
  int passed = 0;
  for (const Yaml& document : test_support::parse_yaml(text)) {
    const Yaml* zonedata = document.find("zonedata");
    const Yaml* tests = document.find("tests");
    if (!zonedata || !tests) {
      ADD_FAILURE() << "a document without tests or zonedata: " << document.text("description");
      continue;
    }
    dns::ZoneFileResolver resolver{make_zone(*zonedata)};
    for (const auto& [test_name, test] : tests->entries) {
      if (excepted.contains(test_name)) continue;
      const Outcome outcome = run(test, resolver);
      const std::vector<std::string> wanted = test.find("result")->texts();
      const bool right = std::ranges::find(wanted, spf::text(outcome.result)) != wanted.end();
      EXPECT_TRUE(right) << test_name << ": " << spf::text(outcome.result) << " (" << outcome.problem << ") but "
                         << fmt::format("{}", fmt::join(wanted, " or ")) << " is wanted";
      const std::string explanation = test.text("explanation");
      // DEFAULT: the owner gives none; what we say then is the flow's business.
      const bool explained =
          explanation.empty() || outcome.explanation == (explanation == "DEFAULT" ? "" : explanation);
      EXPECT_TRUE(explained) << test_name << ": \"" << outcome.explanation << "\" but \"" << explanation << "\"";
      passed += right && explained ? 1 : 0;
    }
  }
  return passed;
}

TEST(OpenspfSuite, Rfc7208) {
  POSTHORN_VECTORS_OR_SKIP(text, "spf/openspf/rfc7208-tests.yml");
  EXPECT_EQ(run_suite(text, {}), 203);
}

TEST(OpenspfSuite, Rfc4408WhereRfc7208DoesNotContradict) {
  POSTHORN_VECTORS_OR_SKIP(text, "spf/openspf/rfc4408-tests.yml");
  EXPECT_EQ(run_suite(text, {}), 191);
}

}  // namespace
}  // namespace posthorn::spf
