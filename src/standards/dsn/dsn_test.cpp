#include "standards/dsn/dsn.h"

#include <gtest/gtest.h>

#include "foundation/text/ascii.h"
#include "standards/dsn/explain.h"
#include "standards/dsn/recipient_address.h"
#include "standards/message/mime.h"
#include "standards/test_support/vectors.h"

namespace posthorn::dsn {
namespace {

constexpr std::string_view original =
    "From: ann@alpha.example\r\nTo: bob@beta.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    "Message-ID: <1@alpha.example>\r\n\r\nHello Bob\r\n";

Report failed_report() {
  Report report;
  report.reporting_mta = "mx.alpha.example";
  report.to = "ann@alpha.example";
  report.envelope_id = "QQ314159";
  report.arrival_date = from_unix_seconds(880127706);
  RecipientReport bob;
  bob.final_recipient = "bob@beta.example";
  bob.original_recipient = "rfc822;Bob+2Bx@beta.example";
  bob.status = "5.1.1";
  bob.remote_mta = "mx.beta.example";
  bob.diagnostic = "550 5.1.1 No such mailbox\nhere";
  bob.last_attempt = from_unix_seconds(880127800);
  report.recipients.push_back(bob);
  report.original = original;
  report.original_octets = original.size();
  report.message_id = "r1@mx.alpha.example";
  report.at = from_unix_seconds(880127900);
  return report;
}

TEST(WriteReport, FailedReadsBack) {
  Report report = failed_report();
  report.returned = Return::full;
  const WrittenReport written = write_report(report);
  EXPECT_FALSE(written.needs_8bitmime);
  EXPECT_FALSE(written.needs_smtputf8);
  const auto again = parse_report(written.octets);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->reporting_mta, "mx.alpha.example");
  EXPECT_EQ(again->envelope_id, "QQ314159");
  EXPECT_EQ(again->arrival_date, report.arrival_date);
  ASSERT_EQ(again->recipients.size(), 1u);
  const ParsedRecipient& bob = again->recipients[0];
  EXPECT_EQ(bob.final_recipient, "bob@beta.example");
  EXPECT_EQ(bob.original_recipient, "Bob+x@beta.example");
  EXPECT_EQ(bob.action, "failed");
  EXPECT_EQ(bob.status, "5.1.1");
  EXPECT_EQ(bob.remote_mta, "mx.beta.example");
  EXPECT_EQ(bob.diagnostic_code, "550 5.1.1 No such mailbox here");
  EXPECT_EQ(bob.last_attempt, report.recipients[0].last_attempt);
  ASSERT_TRUE(again->returned);
  EXPECT_EQ(again->returned->message_id, "1@alpha.example");
  EXPECT_EQ(again->returned->subject, "Grüße");
}

// RFC 6522 3, RFC 3464 2: the form of the whole.
TEST(WriteReport, HasTheFormOfRfc6522) {
  Report report = failed_report();
  report.returned = Return::full;
  const std::string octets = write_report(report).octets;
  const message::PartTree tree = message::parse_mime(octets);
  ASSERT_EQ(tree.parts.size(), 5u) << octets;
  EXPECT_EQ(tree.parts[0].content_type.value, "multipart/report");
  EXPECT_EQ(tree.parts[0].content_type.parameter("report-type"), "delivery-status");
  EXPECT_EQ(tree.parts[1].content_type.value, "text/plain");
  EXPECT_EQ(tree.parts[2].content_type.value, "message/delivery-status");
  EXPECT_EQ(tree.parts[3].content_type.value, "message/rfc822");
  EXPECT_EQ(message::body_of(tree.parts[3], octets), original) << "the message comes back octet for octet";
  const message::Header& header = tree.parts[0].header;
  EXPECT_EQ(header.value("Auto-Submitted"), "auto-replied");
  EXPECT_EQ(header.value("To"), "<ann@alpha.example>");
  EXPECT_EQ(header.value("In-Reply-To"), "<1@alpha.example>");
  EXPECT_EQ(header.value("Message-ID"), "<r1@mx.alpha.example>");
  EXPECT_EQ(header.value("Date"), "Fri, 21 Nov 1997 15:58:20 +0000");
  const std::string words = message::text_of(tree.parts[1], octets);
  EXPECT_NE(words.find("bob@beta.example"), std::string::npos);
  EXPECT_NE(words.find("mx.beta.example said: 550 5.1.1"), std::string::npos) << words;
  EXPECT_NE(words.find("no mailbox of that name"), std::string::npos);
  for (const std::string_view line : text::split(octets, '\n')) {
    EXPECT_LE(line.size(), 79u) << line;
    EXPECT_TRUE(line.empty() || line.ends_with('\r')) << line;
  }
}

// RFC 2045 6.4: a multipart with a part of 8-bit text is 8bit itself.
TEST(WriteReport, EightBitTextIsDeclaredOutside) {
  Report report = failed_report();
  report.returned = Return::full;
  EXPECT_FALSE(message::parse_mime(write_report(report).octets).parts[0].header.value("Content-Transfer-Encoding"));
  const std::string eight_bit = std::string(original) + "Gr\xc3\xbc\xc3\x9f" + "e\r\n";
  report.original = eight_bit;
  report.original_octets = eight_bit.size();
  const WrittenReport written = write_report(report);
  EXPECT_TRUE(written.needs_8bitmime);
  const message::PartTree tree = message::parse_mime(written.octets);
  EXPECT_EQ(tree.parts[0].header.value("Content-Transfer-Encoding"), "8bit");
  EXPECT_EQ(tree.parts[3].header.value("Content-Transfer-Encoding"), "8bit");
}

// RFC 5321 4.5.3.1.6: whatever a peer replies, our lines stay within 1000 octets.
TEST(WriteReport, ALongWordOfThePeersMakesNoLongLine) {
  Report report = failed_report();
  report.recipients[0].diagnostic = "550 5.1.1 " + std::string(1900, 'x') + "\xc3\xbc";
  const std::string octets = write_report(report).octets;
  for (const std::string_view line : text::split(octets, '\n')) EXPECT_LE(line.size(), 999u) << line;
  report.recipients[0].diagnostic = "550 5.1.1 x" + [] {
    std::string umlauts;
    for (int i = 0; i < 900; ++i) umlauts += "\xc3\xbc";
    return umlauts;
  }();
  report.recipients[0].final_recipient =
      "b\xc3\xb6"
      "b@beta.example";
  EXPECT_TRUE(text::is_utf8(write_report(report).octets)) << "no character is torn";
}

// RFC 3461 4.3: RET=HDRS, and reports that are not of failure, return the header alone; large messages too.
TEST(WriteReport, ReturnsTheHeaderAlone) {
  Report report = failed_report();
  for (const bool too_large : {false, true}) {
    const std::string large = std::string{original} + std::string(returned_message_octets_max, 'x');
    report.returned = too_large ? Return::full : Return::headers;
    report.original = too_large ? std::string_view{large} : original;
    report.original_octets = report.original.size();
    const std::string octets = write_report(report).octets;
    EXPECT_NE(octets.find("text/rfc822-headers"), std::string::npos);
    EXPECT_EQ(octets.find("Hello Bob"), std::string::npos);
    EXPECT_EQ(parse_report(octets)->returned->subject, "Grüße");
  }
  report = failed_report();
  report.returned = Return::full;
  report.recipients[0].action = Action::delivered;
  EXPECT_EQ(write_report(report).octets.find("Hello Bob"), std::string::npos);
}

TEST(WriteReport, FieldsAreNeverCut) {
  Report report = failed_report();
  report.original = "Subject: one\r\nTo: a@b,\r\n c@";
  report.original_octets = 5000;
  const std::string octets = write_report(report).octets;
  EXPECT_NE(octets.find("Subject: one\r\n"), std::string::npos);
  EXPECT_EQ(octets.find("To: a@b"), std::string::npos);
  report.original = "Subject: one\r\nTo: a@b\r\n\r\n";
  EXPECT_NE(write_report(report).octets.find("To: a@b\r\n"), std::string::npos) << "here the header is whole";
}

TEST(WriteReport, EveryActionHasItsWords) {
  Report report = failed_report();
  report.recipients.resize(5, report.recipients[0]);
  const std::array actions{Action::failed, Action::delayed, Action::delivered, Action::relayed, Action::expanded};
  for (std::size_t i = 0; i < actions.size(); ++i) report.recipients[i].action = actions[i];
  report.recipients[1].will_retry_until = from_unix_seconds(880427706);
  const auto again = parse_report(write_report(report).octets);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->recipients.size(), 5u);
  for (std::size_t i = 0; i < actions.size(); ++i) {
    EXPECT_EQ(again->recipients[i].action, text(actions[i]));
    EXPECT_EQ(parse_action(again->recipients[i].action), actions[i]);
  }
  EXPECT_EQ(again->recipients[1].will_retry_until, from_unix_seconds(880427706));
  std::string words = human_text(report, false);
  std::erase(words, '\r');
  std::ranges::replace(words, '\n', ' ');
  for (const std::string_view phrase : {"could NOT be delivered", "need not send it again",
                                        "was delivered to:", "no reports", "sent on to its members"})
    EXPECT_NE(words.find(phrase), std::string::npos) << phrase;
}

// RFC 6533 4.
TEST(WriteReport, InternationalizedAddresses) {
  Report report = failed_report();
  report.to = "änn@alpha.example";
  report.recipients[0].final_recipient = "böb@beta.example";
  report.recipients[0].original_recipient = "utf-8;b\\x{F6}b@beta.example";
  const WrittenReport written = write_report(report);
  EXPECT_TRUE(written.needs_8bitmime);
  EXPECT_TRUE(written.needs_smtputf8);
  EXPECT_NE(written.octets.find("message/global-delivery-status"), std::string::npos);
  EXPECT_NE(written.octets.find("Final-Recipient: utf-8; böb@beta.example"), std::string::npos);
  const auto again = parse_report(written.octets);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->recipients[0].final_recipient, "böb@beta.example");
  EXPECT_EQ(again->recipients[0].original_recipient, "böb@beta.example");
}

TEST(WriteReport, WhatAPeerSaysCannotForgeFields) {
  Report report = failed_report();
  report.recipients[0].diagnostic =
      "550 x\r\n\r\nFinal-Recipient: rfc822; forged@example\r\n--=_report_880127900000000_0";
  report.recipients[0].remote_mta = "mx\r\nAction: delivered";
  report.envelope_id = "a\r\nX: y";
  const auto again = parse_report(write_report(report).octets);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->recipients.size(), 1u);
  EXPECT_EQ(again->recipients[0].action, "failed");
  EXPECT_EQ(again->recipients[0].final_recipient, "bob@beta.example");
}

TEST(ParseReport, RefusesWhatIsNone) {
  EXPECT_EQ(parse_report(original).error(), ParseError::no_delivery_status);
  EXPECT_EQ(parse_report("Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n").error(),
            ParseError::no_recipients);
}

TEST(RecipientAddress, Rfc6533Section3) {
  EXPECT_EQ(parse_orcpt("rfc822;a+2Bb@x").address, "a+b@x");
  EXPECT_EQ(parse_orcpt("utf-8;\\x{65E5}@x").address, "日@x");
  EXPECT_EQ(parse_orcpt("utf-8;\\x{110000}\\x{D800}\\x{}@x").address, "\\x{110000}\\x{D800}\\x{}@x");
  EXPECT_EQ(parse_recipient_field("RFC822; <a@b> (Bob)").address, "a@b");
}

TEST(Explain, KnowsTheSubjectOfUnknownDetails) {
  EXPECT_EQ(explain_failure("5.1.10").meaning, "The domain after the @ says that it takes no mail at all.");
  EXPECT_EQ(explain_failure("5.7.26").meaning, explain_failure("5.7.0").meaning);
  EXPECT_EQ(explain_failure("junk").meaning, "The message was not accepted.");
}

// ---- ../shared/data/bounce/sisimai-rfc3464: reports of the world with their status codes.

/// The "status" values of one file in expected.json, in order.
std::vector<std::string> expected_statuses(std::string_view json, std::string_view file) {
  std::vector<std::string> found;
  const auto begin = json.find(fmt::format("\"{}\"", file));
  if (begin == std::string_view::npos) return found;
  const std::string_view list = json.substr(begin, json.find(']', begin) - begin);
  constexpr std::string_view key = "\"status\": \"";
  for (auto at = list.find(key); at != std::string_view::npos; at = list.find(key, at + 1)) {
    const auto value = at + key.size();
    found.emplace_back(list.substr(value, list.find('"', value) - value));
  }
  return found;
}

/// Files where this reader rightly says something else than the expected values.
struct Difference {
  std::string_view file, reason;
};
constexpr std::array differences{
    Difference{"rfc3464-28.eml", "an mbox of two messages; the first is read"},
    Difference{"rfc3464-37.eml", "free text, no RFC 3464 fields"},
    Difference{"rfc3464-38.eml", "free text, no RFC 3464 fields"},
    Difference{"rfc3464-39.eml", "free text, no RFC 3464 fields"},
};

TEST(SisimaiVectors, StatusClassOfEveryRecipient) {
  POSTHORN_VECTORS_OR_SKIP(expected, "bounce/sisimai-rfc3464/expected.json");
  std::size_t compared = 0;
  for (int number = 1; number <= 66; ++number) {
    const std::string file = fmt::format("rfc3464-{:02}.eml", number);
    const auto statuses = expected_statuses(expected, file);
    if (statuses.empty()) continue;
    POSTHORN_VECTORS_OR_SKIP(message, "bounce/sisimai-rfc3464/" + file);
    ++compared;
    const auto report = parse_report(test_support::with_crlf(message));
    std::string found, wanted;
    if (report)
      for (const ParsedRecipient& recipient : report->recipients) found += recipient.status.substr(0, 1) + " ";
    for (const std::string& status : statuses) wanted += status.substr(0, 1) + " ";
    const auto* known = std::ranges::find(differences, file, &Difference::file);
    if (known == differences.end()) {
      EXPECT_EQ(found, wanted) << file << (report ? "" : text(report.error()));
    } else {
      EXPECT_NE(found, wanted) << file << " no longer differs: " << known->reason;
    }
  }
  EXPECT_EQ(compared, 19u);
}

// No expected values stand beside these; their one Final-Recipient field tells.
TEST(SisimaiVectors, FilesWithoutExpectedValues) {
  for (int number = 51; number <= 66; ++number) {
    const std::string file = fmt::format("bounce/sisimai-rfc3464/rfc3464-{}.eml", number);
    POSTHORN_VECTORS_OR_SKIP(message, file);
    const auto report = parse_report(test_support::with_crlf(message));
    ASSERT_TRUE(report) << file << text(report.error());
    ASSERT_EQ(report->recipients.size(), 1u) << file;
    const auto at = message.find("Final-Recipient:");
    EXPECT_NE(message.find(report->recipients[0].final_recipient, at), std::string::npos) << file;
    EXPECT_TRUE(report->recipients[0].action == "failed" || report->recipients[0].action == "delayed") << file;
  }
}

TEST(SisimaiVectors, AutomaticRepliesAreNoReports) {
  for (int number = 1; number <= 6; ++number) {
    const std::string file = fmt::format("bounce/sisimai-rfc3464/rfc3834-{:02}.eml", number);
    POSTHORN_VECTORS_OR_SKIP(message, file);
    EXPECT_FALSE(parse_report(test_support::with_crlf(message))) << file;
  }
}
}  // namespace
}  // namespace posthorn::dsn
