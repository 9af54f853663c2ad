#include "site/journal/journal.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site/journal/dialogue.h"
#include "site/journal/trace.h"

namespace posthorn::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const TimePoint eight = from_unix_seconds(1'798'099'200);  // 2026-12-24T08:00:00Z

Story accepted() {
  Story story;
  story.step(eight, Stage::connection, "connected").with("peer", "192.0.2.1").with("port", 2525);
  story.step(eight, Stage::envelope, "message announced").with("sender", "ann@alpha.example").with("utf8", false);
  story.key("Ann@Alpha.Example");
  story.recipient(eight, Stage::delivery, "goes to the queue", "bob@beta.example", Outcome::queued, "", "");
  story.step(eight, Stage::data, "message received").message_id("<m1@alpha.example>");
  return story;
}

TEST(Story, IsCompactJsonThatParses) {
  Story story = accepted();
  const storage::StoryRow row = story.take_row(MailId{7}, eight);
  EXPECT_THAT(row.keys, ElementsAre("ann@alpha.example", "m1@alpha.example"));
  const auto parsed = boost::json::parse(row.steps);
  ASSERT_EQ(parsed.as_array().size(), 4u);
  EXPECT_EQ(parsed.at(0).at("peer").as_string(), "192.0.2.1");
  EXPECT_EQ(parsed.at(0).at("port").as_int64(), 2525);
  EXPECT_EQ(parsed.at(1).at("utf8").as_bool(), false);
  EXPECT_TRUE(story.empty());
  EXPECT_EQ(story.take_part(MailId{7}, eight).steps, "[]");
}

TEST(Story, WhateverAPeerSaysStaysValidJson) {
  std::string every_octet;
  for (int i = 0; i < 256; ++i) every_octet += static_cast<char>(i);
  Story story;
  story.step(eight, Stage::relay, every_octet).with("reply", every_octet).with("fine", "d\xc3\xa9j\xc3\xa0");
  const auto parsed = boost::json::parse(story.take_part(MailId{1}, eight).steps);
  EXPECT_EQ(parsed.at(0).at("fine").as_string(), "d\xc3\xa9j\xc3\xa0");
  const std::string reply(parsed.at(0).at("reply").as_string());
  EXPECT_TRUE(reply.starts_with(every_octet.substr(0, 128)));
}

TEST(Story, IsBounded) {
  Story story;
  const std::string long_value(3000, 'x');
  for (int i = 0; i < 2000; ++i) story.step(eight, Stage::relay, "again").with("reply", long_value);
  EXPECT_LT(story.size(), 2 * MiB);
  const auto parsed = boost::json::parse(story.take_part(MailId{1}, eight).steps);
  EXPECT_THAT(std::string(parsed.as_array().back().at("what").as_string()), HasSubstr("too long"));
}

TEST(Trace, LastWordOnARecipientHolds) {
  Story later;
  later.step(eight + std::chrono::minutes(1), Stage::relay, "attempt")
      .with("host", "mx.beta.example")
      .with("dialogue", std::vector<std::string>{"C: QUIT", "S: 221 bye"});
  later.recipient(eight + std::chrono::minutes(1), Stage::relay, "delivered", "bob@beta.example", Outcome::relayed,
                  "mx.beta.example", "250 2.0.0 ok");
  const auto row = accepted().take_row(MailId{7}, eight);
  const Trace trace = assemble(row, {later.take_part(MailId{7}, eight)});
  EXPECT_EQ(trace.message_id, "<m1@alpha.example>");
  ASSERT_EQ(trace.recipients.size(), 1u);
  EXPECT_EQ(trace.recipients[0].state, "relayed");
  EXPECT_EQ(trace.recipients[0].where, "mx.beta.example");
  ASSERT_EQ(trace.steps.size(), 6u);

  const auto parsed = boost::json::parse(to_json(trace));
  EXPECT_EQ(parsed.at("id").as_string(), MailId{7}.text());
  EXPECT_EQ(parsed.at("steps").at(0).at("at").as_string(), "2026-12-24T08:00:00.000Z");
  EXPECT_EQ(parsed.at("steps").at(4).at("dialogue").at(1).as_string(), "S: 221 bye");
  EXPECT_EQ(parsed.at("recipients").at(0).at("reply").as_string(), "250 2.0.0 ok");

  const std::string text = to_text(trace);
  EXPECT_THAT(text, HasSubstr("bob@beta.example: was handed over to mx.beta.example"));
  EXPECT_THAT(text, HasSubstr("08:01:00.000  relay: attempt"));
  EXPECT_THAT(text, HasSubstr("C: QUIT"));
}

TEST(Trace, HopsComeFromReceivedFields) {
  Trace trace;
  add_hops(trace,
           "Received: from b.example by c.example with ESMTPS id 2; Thu, 24 Dec 2026 08:00:09 +0000\r\n"
           "Received: from a.example by b.example with ESMTPSA id 1; Thu, 24 Dec 2026 08:00:00 +0000\r\n"
           "Subject: x\r\n\r\n");
  ASSERT_EQ(trace.hops.size(), 2u);
  EXPECT_EQ(trace.hops[0].received.by, "b.example");
  EXPECT_THAT(to_text(trace), HasSubstr("from b.example by c.example with ESMTPS, after 9 s"));
  EXPECT_THAT(to_json(trace), HasSubstr("\"delay\":9"));
}

TEST(Trace, UnreadablePartIsNamed) {
  const Trace trace = assemble({.id = MailId{1}, .at = eight, .keys = {}, .steps = "[{"}, {});
  ASSERT_EQ(trace.steps.size(), 1u);
  EXPECT_THAT(trace.steps[0].what, HasSubstr("cannot be read"));
}

TEST(Dialogue, MasksSecrets) {
  Dialogue dialogue;
  dialogue.sent("EHLO alpha.example");
  dialogue.sent("AUTH PLAIN AGFubgBzZWNyZXQ=");
  dialogue.received("535 5.7.8 no");
  dialogue.sent("auth login");
  dialogue.received("334 VXNlcm5hbWU6");
  dialogue.sent("YW5u");
  dialogue.received("334 UGFzc3dvcmQ6");
  dialogue.sent("c2VjcmV0");
  dialogue.received("235 2.7.0 ok");
  dialogue.sent("QUIT");
  EXPECT_THAT(dialogue.lines(),
              ElementsAre("C: EHLO alpha.example", "C: AUTH PLAIN ***", "S: 535 5.7.8 no", "C: auth login",
                          "S: 334 ***", "C: ***", "S: 334 ***", "C: ***", "S: 235 2.7.0 ok", "C: QUIT"));
}

TEST(Dialogue, WhatAPeerSaysBackIsMaskedToo) {
  const std::vector<std::string> secrets{"c2VjcmV0", "secret", "abc"};
  EXPECT_EQ(without("535 no: c2VjcmV0, secret, secret", secrets), "535 no: ***, ***, ***");
  EXPECT_EQ(without("535 abc", secrets), "535 abc");
  EXPECT_EQ(without("", secrets), "");
}

TEST(Dialogue, IsBounded) {
  Dialogue dialogue;
  for (int i = 0; i < 1000; ++i) dialogue.received(std::string(5000, 'x'));
  EXPECT_EQ(dialogue.lines().size(), 100u);
  EXPECT_LT(dialogue.lines().front().size(), 320u);
}

}  // namespace
}  // namespace posthorn::journal
