// What a NOTIFY wants of which mailbox, and what changed in a list of mailboxes: RFC 5465 5 and 6, without a server.
#include "flow/access/imap_notifications.h"

#include <gtest/gtest.h>

#include "standards/imap/parse.h"

namespace posthorn::access {
namespace {

using Kind = NameChange::Kind;

imap::NotifyCommand notify(std::string_view text) {
  imap::Scanner in(text, true);
  auto command = imap::parse_notify(in, 100);
  EXPECT_TRUE(in.ok()) << text << ": " << (in.fault() ? in.fault()->text : "");
  return command;
}

std::string words(const imap::NotifyEvents& events) {
  std::string text;
  if (events.messages) text += "messages ";
  if (events.flags) text += "flags ";
  if (events.names) text += "names ";
  if (events.subscriptions) text += "subscriptions ";
  return text;
}

std::string wanted(std::string_view command, std::string_view name, bool is_subscribed = false) {
  return words(events_wanted(notify(command), name, is_subscribed));
}

// RFC 5465 6: the example, in which two groups apply to INBOX
TEST(ImapNotifications, GroupsAddUp) {
  const auto* example = "SET (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange))";
  EXPECT_EQ(wanted(example, "INBOX"), "messages subscriptions ");
  EXPECT_EQ(wanted(example, "Sent"), "subscriptions ");
  EXPECT_EQ(wanted("SET (MAILBOXES INBOX NONE) (PERSONAL (MailboxName))", "INBOX"), "");
  EXPECT_EQ(wanted("SET (MAILBOXES INBOX NONE) (PERSONAL (MailboxName))", "Sent"), "names ");
}

TEST(ImapNotifications, FiltersChoose) {
  EXPECT_EQ(wanted("SET (INBOXES (MailboxName))", "any"), "names ");
  EXPECT_EQ(wanted("SET (SUBSCRIBED (MailboxName))", "any"), "");
  EXPECT_EQ(wanted("SET (SUBSCRIBED (MailboxName))", "any", true), "names ");
  EXPECT_EQ(wanted("SET (SUBTREE Lists (MailboxName))", "Lists"), "names ");
  EXPECT_EQ(wanted("SET (SUBTREE Lists (MailboxName))", "Lists/a/b"), "names ");
  EXPECT_EQ(wanted("SET (SUBTREE Lists (MailboxName))", "Listse"), "");
  EXPECT_EQ(wanted("SET (SUBTREE (x inbox) (MailboxName))", "INBOX"), "names ");
  EXPECT_EQ(wanted("SET (MAILBOXES (a b) (MessageNew MessageExpunge FlagChange))", "b"), "messages flags ");
  // RFC 5465 6.6: no wildcards
  EXPECT_EQ(wanted("SET (MAILBOXES \"%\" (MailboxName))", "b"), "");
  // Only SELECTED is about the selected mailbox.
  EXPECT_EQ(wanted("SET (SELECTED (MessageNew MessageExpunge))", "b"), "");
}

TEST(ImapNotifications, OneCommandNamesSoManyMailboxes) {
  imap::Scanner in("SET (MAILBOXES (a b c) (MailboxName))", true);
  static_cast<void>(imap::parse_notify(in, 3));
  ASSERT_FALSE(in.ok());
  EXPECT_FALSE(in.fault()->is_bad);
  EXPECT_EQ(in.fault()->code.text, "NOTIFICATIONOVERFLOW");
}

TEST(ImapNotifications, WhatIsFetchedNeverSetsSeen) {
  const auto command = notify("SET (SELECTED (MessageNew (UID BODY[TEXT] RFC822) MessageExpunge))");
  ASSERT_TRUE(command.new_messages);
  EXPECT_TRUE(command.new_messages->uid);
  EXPECT_FALSE(command.new_messages->sets_seen());
}

// ---------------------------------------------------------------- lists of mailboxes

struct Named {
  std::int64_t id;
  std::string name;
  bool subscribed = false;
};

KnownFolders folders(const std::vector<Named>& all, std::vector<std::string> lost = {}) {
  auto list = std::make_shared<mailbox::FolderList>();
  for (const Named& each : all) {
    storage::MailboxRow row;
    row.id.value = each.id;
    row.name = each.name;
    row.subscribed = each.subscribed;
    list->push_back(std::move(row));
  }
  return {std::move(list), std::move(lost)};
}

std::vector<std::string> told(const KnownFolders& before, const KnownFolders& after,
                              const std::vector<std::string>& own = {}) {
  std::vector<std::string> lines;
  for (const NameChange& change : name_changes(before, after, own)) {
    std::string line = change.kind == Kind::subscription ? "subscription " : "name ";
    line += change.name;
    if (!change.old_name.empty()) line += " was " + change.old_name;
    lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(ImapNotifications, NamesThatComeGoAndChange) {
  const auto before = folders({{1, "INBOX"}, {2, "a"}, {3, "a/b"}, {4, "c"}});
  EXPECT_EQ(told(before, before), Lines{});
  EXPECT_EQ(told(before, folders({{1, "INBOX"}, {2, "a"}, {3, "a/b"}, {4, "c"}, {5, "d"}})), Lines{"name d"});
  EXPECT_EQ(told(before, folders({{1, "INBOX"}, {2, "a"}, {3, "a/b"}})), Lines{"name c"});
  // RFC 5465 5.4: children are renamed with it, without a word
  EXPECT_EQ(told(before, folders({{1, "INBOX"}, {2, "x/a"}, {3, "x/a/b"}, {4, "c"}})), Lines{"name x/a was a"});
  EXPECT_EQ(told(before, folders({{1, "INBOX"}, {2, "a"}, {3, "b"}, {4, "c"}})), Lines{"name b was a/b"});
  // Deleted and made again: it exists after all
  EXPECT_EQ(told(before, folders({{1, "INBOX"}, {2, "a"}, {3, "a/b"}, {9, "c"}})), Lines{"name c"});
}

TEST(ImapNotifications, Subscriptions) {
  const auto before = folders({{1, "INBOX"}, {2, "a"}}, {"gone"});
  EXPECT_EQ(told(before, folders({{1, "INBOX"}, {2, "a", true}}, {"gone"})), Lines{"subscription a"});
  EXPECT_EQ(told(before, folders({{1, "INBOX"}, {2, "a"}})), Lines{"subscription gone"});
  EXPECT_EQ(told(before, folders({{1, "INBOX"}, {2, "a"}}, {"gone", "never"})), Lines{"subscription never"});
  // A subscribed mailbox that goes leaves its subscription: one change, of the name
  EXPECT_EQ(told(folders({{2, "a", true}}), folders({}, {"a"})), Lines{"name a"});
}

TEST(ImapNotifications, OwnChangesAreNotTold) {
  const auto before = folders({{1, "INBOX"}});
  const auto after = folders({{1, "INBOX"}, {2, "a"}, {3, "a/b"}, {4, "theirs"}});
  EXPECT_EQ(told(before, after, {"a/b"}), Lines{"name theirs"});
  EXPECT_EQ(told(folders({{2, "x"}}), folders({{2, "y"}}), {"x", "y"}), Lines{});
}

}  // namespace
}  // namespace posthorn::access
