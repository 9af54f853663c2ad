// The ValiMail ARC suite. It was written for the drafts; where it differs from RFC 8617 the case is named below.
#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "standards/arc/arc.h"
#include "standards/dkim/tag_list.h"
#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"
#include "standards/test_support/vectors.h"
#include "standards/test_support/yaml.h"

namespace posthorn::arc {
namespace {

using test_support::Yaml;

/// The suite wants "no chain" where the newest seal, or one below it, says cv=fail. RFC 8617 5.2 step 2: a chain
/// that already failed has failed.
const std::set<std::string> kFailsByRfc8617{"cv_fail_i1_as_cv_fail", "cv_fail_i2_as2_fail", "cv_fail_i2_as1_fail"};

dns::Zone make_zone(const Yaml* records) {
  dns::Zone zone;
  for (const auto& [owner, value] : records->entries)
    zone.add({dns::Name::parse(owner).value(), dns::RecordType::txt, 300, dns::Txt{{value.scalar}}});
  return zone;
}

dkim::MessageScan scan_of(const std::string& message) {
  dkim::MessageScan scan{{dkim::signing_body_hash(dkim::Canonicalization::relaxed)}};
  scan.feed(test_support::with_crlf(message));
  scan.finish();
  return scan;
}

std::string expected_status(const std::string& name, const Yaml& test) {
  if (kFailsByRfc8617.contains(name)) return "fail";
  const std::string cv = text::lower(test.text("cv"));
  return cv.empty() ? "none" : cv;
}

TEST(ValimailSuite, Validation) {
  POSTHORN_VECTORS_OR_SKIP(text, "arc/valimail/arc-draft-validation-tests.yml");
  int passed = 0;
  for (const Yaml& document : test_support::parse_yaml(text)) {
    dns::ZoneFileResolver resolver{make_zone(document.find("txt-records"))};
    for (const auto& [name, test] : document.find("tests")->entries) {
      const dkim::MessageScan scan = scan_of(test.text("message"));
      const Outcome outcome = test_support::run_task(arc::verify(scan, resolver, TimePoint{}));
      const bool right = arc::text(outcome.result) == expected_status(name, test);
      EXPECT_TRUE(right) << name << " (" << test.text("description") << "): " << arc::text(outcome.result) << " ("
                         << outcome.reason << ") but " << expected_status(name, test) << " is wanted";
      passed += right ? 1 : 0;
    }
  }
  EXPECT_EQ(passed, 175);  // four names occur twice in the file
}

/// Tags sorted, without white space: how the suite compares fields.
std::string normal_form(std::string_view value) {
  std::vector<std::string> tags;
  for (const std::string_view tag : text::split(value, ';'))
    if (const std::string plain = dkim::without_fws(tag); !plain.empty()) tags.push_back(plain);
  std::ranges::sort(tags);
  return fmt::format("{}", fmt::join(tags, ";"));
}

std::string field_value(const message::Header& header, std::string_view name) {
  const auto field = header.first(name);
  return field ? std::string{field->value} : std::string{};
}

TEST(ValimailSuite, Signing) {
  POSTHORN_VECTORS_OR_SKIP(text, "arc/valimail/arc-draft-sign-tests.yml");
  int passed = 0;
  for (const Yaml& document : test_support::parse_yaml(text)) {
    dns::ZoneFileResolver resolver{make_zone(document.find("txt-records"))};
    const dkim::Signer signer{dns::Name::parse(document.text("domain")).value(),
                              dns::Name::parse(document.text("sel")).value(),
                              crypto::PrivateKey::from_pem(document.text("privatekey")).value()};
    for (const auto& [name, test] : document.find("tests")->entries) {
      const dkim::MessageScan scan = scan_of(test.text("message"));
      const Outcome chain = test_support::run_task(arc::verify(scan, resolver, TimePoint{}));
      SealOptions options;
      options.authserv_id = test.text("srv-id");
      options.headers = dkim::colon_list(test.text("sig-headers"));
      options.now = from_unix_seconds(std::stoll(test.text("t")));
      const auto sealed = seal(scan, chain, signer, options);
      const bool none_wanted = test.text("AS").empty();
      if (none_wanted || !sealed) {
        EXPECT_EQ(none_wanted, !sealed) << name << " " << (sealed ? *sealed : std::string{arc::text(sealed.error())});
        passed += none_wanted == !sealed ? 1 : 0;
        continue;
      }
      const auto header = message::Header::parse(*sealed);
      bool right = true;
      for (const auto& [field, key] : {std::pair{"ARC-Authentication-Results", "AAR"},
                                       std::pair{"ARC-Message-Signature", "AMS"}, std::pair{"ARC-Seal", "AS"}}) {
        const bool same = normal_form(field_value(header, field)) == normal_form(test.text(key));
        EXPECT_TRUE(same) << name << " " << field << "\n" << field_value(header, field) << "\n" << test.text(key);
        right &= same;
      }
      passed += right ? 1 : 0;
    }
  }
  EXPECT_EQ(passed, 17);
}

}  // namespace
}  // namespace posthorn::arc
