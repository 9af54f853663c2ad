// LIST, LIST-EXTENDED and LSUB.
#include <gtest/gtest.h>

#include "standards/imap/list_match.h"
#include "standards/imap/response.h"

namespace posthorn::imap {
namespace {

TEST(ImapList, Patterns) {
  EXPECT_TRUE(matches_pattern("a/b/c", "*"));
  EXPECT_FALSE(matches_pattern("a/b/c", "%"));
  EXPECT_TRUE(matches_pattern("a/b/c", "a/%/c"));
  EXPECT_TRUE(matches_pattern("a/b/c", "a*c"));
  EXPECT_TRUE(matches_pattern("abc", "%b%"));
  EXPECT_FALSE(matches_pattern("abc", "b"));
  EXPECT_TRUE(matches_pattern("INBOX", "inbox"));
  EXPECT_TRUE(matches_pattern("INBOX", "iN%"));
  EXPECT_TRUE(matches_pattern("INBOX/x", "inbox/*"));
  EXPECT_TRUE(matches_pattern("", ""));
  const std::string stars(500, '*');
  EXPECT_FALSE(matches_pattern(std::string(900, 'a'), stars + "b"));
  EXPECT_EQ(join_pattern("ref/", "%"), "ref/%");
  EXPECT_EQ(join_pattern("ref", "/abs"), "abs");
}

const std::vector<ListedMailbox>& mailboxes() {
  static const std::vector<ListedMailbox> list{
      {.name = "INBOX", .subscribed = true},
      {.name = "Drafts", .subscribed = true, .special_use = "Drafts"},
      {.name = "Work/2025"},
      {.name = "Work/2026", .subscribed = true},
      {.name = "gone", .exists = false, .subscribed = true},
      {.name = "top/gone", .exists = false, .subscribed = true},
  };
  return list;
}

std::string shown(const std::vector<ListEntry>& entries) {
  ResponseWriter writer;
  std::string text;
  for (const auto& entry : entries) {
    writer.list(entry);
    auto line = writer.take();
    text += line.substr(7, line.size() - 9) + "\n";
  }
  return text;
}

TEST(ImapList, Plain) {
  EXPECT_EQ(shown(list_mailboxes({.patterns = {"%"}}, mailboxes())),
            "(\\HasNoChildren \\Drafts) \"/\" Drafts\n(\\HasNoChildren) \"/\" INBOX\n"
            "(\\NonExistent \\HasChildren) \"/\" Work\n");
  EXPECT_EQ(shown(list_mailboxes({.reference = "Work/", .patterns = {"*6"}}, mailboxes())),
            "(\\HasNoChildren) \"/\" Work/2026\n");
}

TEST(ImapList, Subscribed) {
  ListCommand command{.patterns = {"*"}, .is_extended = true, .select_subscribed = true, .return_subscribed = true};
  EXPECT_EQ(shown(list_mailboxes(command, mailboxes())),
            "(\\Subscribed \\Drafts) \"/\" Drafts\n(\\Subscribed) \"/\" INBOX\n(\\Subscribed) \"/\" Work/2026\n"
            "(\\NonExistent \\Subscribed) \"/\" gone\n(\\NonExistent \\Subscribed) \"/\" top/gone\n");
  command.patterns = {"%"};
  command.select_recursive_match = true;
  EXPECT_EQ(shown(list_mailboxes(command, mailboxes())),
            "(\\Subscribed \\Drafts) \"/\" Drafts\n(\\Subscribed) \"/\" INBOX\n"
            "(\\NonExistent) \"/\" Work (\"CHILDINFO\" (\"SUBSCRIBED\"))\n(\\NonExistent \\Subscribed) \"/\" gone\n"
            "(\\NonExistent) \"/\" top (\"CHILDINFO\" (\"SUBSCRIBED\"))\n");
}

TEST(ImapList, SpecialUse) {
  EXPECT_EQ(shown(list_mailboxes({.patterns = {"*"}, .is_extended = true, .select_special_use = true}, mailboxes())),
            "(\\Drafts) \"/\" Drafts\n");
}

// RFC 3501 6.3.9.
TEST(ImapList, Lsub) {
  const auto entries = list_subscribed({.pattern = "%"}, mailboxes());
  std::string names;
  for (const auto& entry : entries) names += entry.name + (entry.attributes.empty() ? " " : "! ");
  EXPECT_EQ(names, "Drafts INBOX Work! gone top! ");
  EXPECT_EQ(list_subscribed({.pattern = "*"}, mailboxes()).size(), 5u);
}

}  // namespace
}  // namespace posthorn::imap
