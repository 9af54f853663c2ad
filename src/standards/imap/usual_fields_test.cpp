#include "standards/imap/usual_fields.h"

#include <gtest/gtest.h>

#include "standards/imap/section.h"
#include "standards/imap/sort.h"

namespace posthorn::imap {
namespace {

constexpr std::string_view section_of_the_world =
    "From mbox-line\r\n"
    "Return-Path: <a@x>\r\n"
    "Received: from far\r\n\tby here;\r\n\tMon, 7 Feb 1994 21:52:25 -0800\r\n"
    "DKIM-Signature: v=1; b=abc\r\n def\r\n"
    "sUBJECT : folded\r\n \r\n\tsubject\n"
    "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n"
    "Subject: second\r\n"
    "X-Nobody-Asks: no\r\n"
    "From: A <a@x>";

FetchSection fields(std::vector<std::string> names) {
  FetchSection section;
  section.section.text = SectionSpec::Text::header_fields;
  section.section.fields = std::move(names);
  return section;
}

TEST(ImapUsualFields, AnswerAsTheHeaderItself) {
  const auto whole = message::Header::parse(section_of_the_world);
  const auto kept = write_usual_fields(whole);
  EXPECT_EQ(kept.find("Received"), std::string::npos) << kept;
  EXPECT_EQ(kept.find("DKIM"), std::string::npos);
  const auto again = message::Header::parse(kept);
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{"Subject"}, {"DATE", "from"}, {"Message-ID"}, {"return-path", "Subject", "From"}}) {
    ASSERT_TRUE(needs_only_usual_fields(fields(names)));
    EXPECT_EQ(selected_fields(again, names, false), selected_fields(whole, names, false));
  }
  EXPECT_EQ(sent_date(again, {}), sent_date(whole, {}));
  EXPECT_EQ(write_usual_fields(again), kept);
  EXPECT_EQ(write_usual_fields(message::Header::parse("X-Other: 1\r\n\r\n")), "\r\n");
}

TEST(ImapUsualFields, OnlyWhatTheyCanAnswer) {
  EXPECT_TRUE(needs_only_usual_fields(fields({"List-Id", "TO"})));
  EXPECT_FALSE(needs_only_usual_fields(fields({"To", "Received"})));
  auto section = fields({"To"});
  section.section.text = SectionSpec::Text::header_fields_not;
  EXPECT_FALSE(needs_only_usual_fields(section));
  section = fields({"To"});
  section.section.part = {1};
  EXPECT_FALSE(needs_only_usual_fields(section)) << "of a message within";
  section.section = {};
  EXPECT_FALSE(needs_only_usual_fields(section));
}

TEST(ImapUsualFields, AreBounded) {
  const auto header = [](std::size_t octets) {
    return message::Header::parse("Subject: " + std::string(octets, 'x') + "\r\n\r\n");
  };
  EXPECT_FALSE(write_usual_fields(header(usual_fields_octets_max - 20)).empty());
  EXPECT_TRUE(write_usual_fields(header(usual_fields_octets_max)).empty());
}

}  // namespace
}  // namespace posthorn::imap
