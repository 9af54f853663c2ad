#include "flow/access/imap_notifications.h"

#include <algorithm>

namespace posthorn::access {
namespace {

using Filter = imap::NotifyGroup::Filter;
using Rows = mailbox::FolderList;

bool is_related(std::string_view name, std::string_view own) {
  return mailbox::same_mailbox_name(name, own) || mailbox::stands_below(name, own) || mailbox::stands_below(own, name);
}

bool falls_under(const imap::NotifyGroup& group, std::string_view name, bool is_subscribed) {
  const auto any_of_them = [&](auto matches) { return std::ranges::any_of(group.mailboxes, matches); };
  switch (group.filter) {
    // RFC 5465 6.3: rules may deliver to any mailbox, so that INBOXES is PERSONAL; 6.2: all mailboxes are personal.
    case Filter::inboxes:
    case Filter::personal:
      return true;
    case Filter::subscribed:
      return is_subscribed;
    case Filter::subtree:
      return any_of_them([&](const std::string& level) {
        return mailbox::same_mailbox_name(name, level) || mailbox::stands_below(name, level);
      });
    case Filter::mailboxes:
      return any_of_them([&](const std::string& one) { return mailbox::same_mailbox_name(name, one); });
  }
  return false;
}

/// Children go with the mailbox above them (RFC 5465 5.4).
bool went_with_a_level(const NameChange& change, const std::vector<NameChange>& all) {
  return std::ranges::any_of(all, [&](const NameChange& above) {
    return !above.old_name.empty() && mailbox::stands_below(change.old_name, above.old_name) &&
           change.name == above.name + change.old_name.substr(above.old_name.size());
  });
}

void add_mailboxes(const Rows& before, const Rows& after, std::vector<NameChange>& changes) {
  using Kind = NameChange::Kind;
  for (const storage::MailboxRow& row : after) {
    const storage::MailboxRow* known = mailbox::Folders::find(before, row.id);
    if (known == nullptr) {
      changes.push_back({Kind::name, row.name, ""});
    } else if (known->name != row.name) {
      changes.push_back({Kind::name, row.name, known->name});
    } else if (known->subscribed != row.subscribed) {
      changes.push_back({Kind::subscription, row.name, ""});
    }
  }
  for (const storage::MailboxRow& row : before)
    if (mailbox::Folders::find(after, row.id) == nullptr && mailbox::Folders::find(after, row.name) == nullptr)
      changes.push_back({Kind::name, row.name, ""});
}

/// Names that no mailbox has: subscriptions to them come and go too.
void add_lost(const KnownFolders& before, const KnownFolders& after, std::vector<NameChange>& changes) {
  const auto add = [&](const std::vector<std::string>& some, const std::vector<std::string>& others) {
    for (const std::string& name : some) {
      const bool has_mailbox = mailbox::Folders::find(*before.mailboxes, name) != nullptr ||
                               mailbox::Folders::find(*after.mailboxes, name) != nullptr;
      if (!has_mailbox && !std::ranges::binary_search(others, name))
        changes.push_back({NameChange::Kind::subscription, name, ""});
    }
  };
  add(before.lost, after.lost);
  add(after.lost, before.lost);
}

}  // namespace

void Notifications::forget_selected(storage::MailboxId now) {
  if (selected == now) return;
  selected = now;
  looked_at.reset();
  to_fetch.clear();
  own_uids = {};
}

std::vector<NameChange> name_changes(const KnownFolders& before, const KnownFolders& after,
                                     const std::vector<std::string>& own) {
  std::vector<NameChange> changes;
  add_mailboxes(*before.mailboxes, *after.mailboxes, changes);
  add_lost(before, after, changes);
  std::vector<NameChange> told;
  for (const NameChange& change : changes) {
    const bool is_own = std::ranges::any_of(own, [&](const std::string& name) {
      return is_related(change.name, name) || (!change.old_name.empty() && is_related(change.old_name, name));
    });
    if (!is_own && !went_with_a_level(change, changes)) told.push_back(change);
  }
  return told;
}

imap::NotifyEvents events_wanted(const imap::NotifyCommand& wanted, std::string_view name, bool is_subscribed) {
  imap::NotifyEvents events;
  for (const imap::NotifyGroup& group : wanted.groups) {
    if (!falls_under(group, name, is_subscribed)) continue;
    if (!group.events.any()) return {};
    events.messages |= group.events.messages;
    events.flags |= group.events.flags;
    events.names |= group.events.names;
    events.subscriptions |= group.events.subscriptions;
  }
  return events;
}

}  // namespace posthorn::access
