#include "flow/access/imap_notify.h"

#include "flow/access/imap_commands.h"
#include "flow/access/imap_status.h"
#include "flow/access/imap_updates.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

using WhenSelected = imap::NotifyCommand::Selected;

Task<std::optional<KnownFolders>> folders_now(ImapContext& context) {
  auto list = co_await context.mailboxes().folders().of(context.account());
  if (!list) co_return std::nullopt;
  auto lost = co_await context.mailboxes().lost_subscriptions(context.account());
  std::ranges::sort(lost);
  co_return KnownFolders{std::move(*list), std::move(lost)};
}

bool is_subscribed(const KnownFolders& folders, std::string_view name) {
  const auto* row = mailbox::Folders::find(*folders.mailboxes, name);
  return row != nullptr ? row->subscribed : std::ranges::binary_search(folders.lost, name);
}

bool is_selected(const ImapContext& context, storage::MailboxId mailbox) {
  return context.selected && context.selected->view().mailbox() == mailbox;
}

// ---------------------------------------------------------------- STATUS

/// RFC 5465 5.1 to 5.3: what a STATUS response says of a mailbox in which that happened.
imap::StatusItems items_for(const ImapContext& context, bool counts, bool flags) {
  imap::StatusItems items;
  items.messages = items.uid_next = counts;
  items.uid_validity = true;
  items.unseen = flags;
  items.highest_mod_seq = context.encoding().condstore || context.encoding().qresync;
  return items;
}

/// Nothing where the mailbox went meanwhile. False: the client is gone.
Task<bool> tell_status(ImapContext& context, const std::string& name, const imap::StatusItems& items) {
  const auto status = co_await look_at_status(context, name, items);
  if (status) context.out().status(*status);
  co_return !context.is_full() || co_await context.flush();
}

/// RFC 5465 3.1: NOTIFY SET STATUS.
Task<> tell_first_status(ImapContext& context) {
  const Notifications& notifications = *context.notifications;
  const auto folders = notifications.known.mailboxes;
  for (const storage::MailboxRow& row : *folders) {
    const auto wanted = events_wanted(notifications.wanted, row.name, row.subscribed);
    if (!wanted.messages || is_selected(context, row.id)) continue;
    auto items = items_for(context, true, false);
    items.highest_mod_seq |= wanted.flags;
    if (!co_await tell_status(context, row.name, items)) co_return;
  }
}

Task<> tell_messages(ImapContext& context, const mailbox::AccountEvents& news) {
  const auto folders = context.notifications->known.mailboxes;
  for (const storage::MailboxRow& row : *folders) {
    const auto found = news.mailboxes.find(row.id);
    if (found == news.mailboxes.end() || is_selected(context, row.id)) continue;
    const auto wanted = events_wanted(context.notifications->wanted, row.name, row.subscribed);
    const mailbox::MailboxEvents& events = found->second;
    const bool counts = wanted.messages && (events.arrived > 0 || events.expunged);
    const bool flags = wanted.flags && events.flags;
    if (!counts && !flags) continue;
    // What is in memory need not be counted for each new message; it goes when others are used more.
    (void)co_await context.mailboxes().open(context.account(), row.id);
    const auto items = items_for(context, counts, flags);
    if (!co_await tell_status(context, row.name, items)) co_return;
  }
}

// ---------------------------------------------------------------- LIST

bool has_children(const KnownFolders& folders, const std::string& name) {
  return std::ranges::any_of(*folders.mailboxes,
                             [&](const storage::MailboxRow& row) { return mailbox::stands_below(row.name, name); });
}

/// RFC 5465 5.4, 5.5: every attribute as it is after the event.
imap::ListEntry entry_of(const KnownFolders& folders, const std::string& name) {
  imap::ListEntry entry;
  entry.name = name;
  const auto* row = mailbox::Folders::find(*folders.mailboxes, name);
  if (row == nullptr) entry.attributes.emplace_back("\\NonExistent");
  if (is_subscribed(folders, name)) entry.attributes.emplace_back("\\Subscribed");
  entry.attributes.emplace_back(has_children(folders, name) ? "\\HasChildren" : "\\HasNoChildren");
  if (row != nullptr) entry.special_use = row->special_use;
  return entry;
}

/// RFC 5465 5.4: the direct parent of a mailbox that was made or deleted is affected as well.
std::string parent_of(const NameChange& change) {
  const auto last = change.name.rfind('/');
  return change.old_name.empty() && last != std::string::npos ? change.name.substr(0, last) : std::string();
}

/// Writes LIST responses, each name once.
class NameTeller {
 public:
  NameTeller(ImapContext& context, const KnownFolders& folders) : context_(context), folders_(folders) {}

  void tell(const NameChange& change) {
    const bool is_name = change.kind == NameChange::Kind::name;
    const bool was_wanted = is_name && !change.old_name.empty() && wanted_of(change.old_name).names;
    const auto wanted = wanted_of(change.name);
    if (was_wanted || (is_name ? wanted.names : wanted.subscriptions)) write(change.name, change.old_name);
    const std::string parent = is_name ? parent_of(change) : std::string();
    if (!parent.empty() && wanted_of(parent).names) write(parent, "");
  }

 private:
  [[nodiscard]] imap::NotifyEvents wanted_of(const std::string& name) const {
    return events_wanted(context_.notifications->wanted, name, is_subscribed(folders_, name));
  }
  void write(const std::string& name, const std::string& old_name) {
    if (std::ranges::find(told_, name) != told_.end()) return;
    told_.push_back(name);
    imap::ListEntry entry = entry_of(folders_, name);
    entry.old_name = old_name;
    context_.out().list(entry);
  }

  ImapContext& context_;
  const KnownFolders& folders_;
  std::vector<std::string> told_;
};

Task<> tell_names(ImapContext& context, const std::vector<NameChange>& changes) {
  const KnownFolders folders = context.notifications->known;
  NameTeller teller(context, folders);
  for (const NameChange& change : changes) {
    teller.tell(change);
    if (context.is_full() && !co_await context.flush()) co_return;
    // RFC 5465 5.1: another UIDVALIDITY, which a mailbox made anew has, is told to those who watch flags.
    const bool is_made = change.kind == NameChange::Kind::name && change.old_name.empty() &&
                         mailbox::Folders::find(*folders.mailboxes, change.name) != nullptr;
    const auto wanted = events_wanted(context.notifications->wanted, change.name, is_subscribed(folders, change.name));
    if (!is_made || !wanted.flags) continue;
    const auto items = items_for(context, true, true);
    if (!co_await tell_status(context, change.name, items)) co_return;
  }
}

// ---------------------------------------------------------------- what is not selected

/// RFC 5465 5.8: as if NOTIFY NONE had been said.
void overflow(ImapContext& context) {
  context.out().ok(code::notification_overflow(), "Too much happens at once; ask again for less");
  *context.notifications = {};
  context.notifications->wanted.is_none = true;
}

Task<> tell_others(ImapContext& context) {
  Notifications& notifications = *context.notifications;
  if (!notifications.watch || !notifications.watch->has_news()) co_return;
  const mailbox::AccountEvents news = notifications.watch->take();
  const auto own = std::exchange(notifications.own, {});
  std::vector<NameChange> changes;
  if (news.names) {
    auto folders = co_await folders_now(context);
    if (!folders) co_return;
    changes = name_changes(notifications.known, *folders, own);
    notifications.known = std::move(*folders);
  }
  if (news.mailboxes.size() + changes.size() > context.settings.notified_at_once_max) {
    overflow(context);
    co_return;
  }
  co_await tell_names(context, changes);
  co_await tell_messages(context, news);
}

// ---------------------------------------------------------------- the selected mailbox

void tell_selected(ImapContext& context) {
  Notifications& notifications = *context.notifications;
  if (!context.selected || !notifications.wants_selected()) return;
  notifications.forget_selected(context.selected->view().mailbox());
  notifications.looked_at = context.selected->view().current();
  // RFC 5465 6.1.2: delayed until a command that may tell, IDLE among them.
  const bool may_expunge = notifications.wanted.selected == WhenSelected::at_once || context.machine.is_idling();
  tell_changes(context, {.expunges = may_expunge ? mailbox::Expunges::tell : mailbox::Expunges::hold_back});
}

/// RFC 5465 5.2: behind EXISTS, what the client wants to know of each new message.
Task<> fetch_new(ImapContext& context) {
  Notifications& notifications = *context.notifications;
  const auto uids = std::exchange(notifications.to_fetch, {});
  if (uids.empty() || !context.selected || !notifications.wanted.new_messages) co_return;
  imap::NumberSet set;
  for (const storage::Uid uid : uids) set.add(uid);
  imap::FetchCommand command;
  command.is_uid = true;
  command.set = imap::SequenceSet::of(set);
  command.items = *notifications.wanted.new_messages;
  command.items.uid |= context.encoding().qresync;  // RFC 7162 3.2.4
  // What went again meanwhile is told as an expunge.
  (void)co_await run(context, command);
}

bool wants_others(const imap::NotifyCommand& wanted) {
  return std::ranges::any_of(wanted.groups, [](const imap::NotifyGroup& group) { return group.events.any(); });
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::NotifyCommand& command) {
  if (command.is_none) {
    context.notifications = std::make_unique<Notifications>();
    context.notifications->wanted = command;
    co_return ok("NOTIFY completed");
  }
  auto begun = std::make_unique<Notifications>();
  begun->wanted = command;
  if (wants_others(command)) {
    // Watched first: what happens from here on is news.
    begun->watch = context.mailboxes().watch(context.account(), context.loop.executor());
    auto folders = co_await folders_now(context);
    if (!folders) co_return no(code::unavailable(), "The mailboxes cannot be read at this moment");
    begun->known = std::move(*folders);
  }
  // RFC 5465 3.1: everything that has collected is told, as by NOOP, whatever is wanted from now on.
  context.notifications.reset();
  tell_changes(context, {});
  context.notifications = std::move(begun);
  if (command.wants_status && context.notifications->watch) co_await tell_first_status(context);
  co_return ok("NOTIFY completed");
}

bool has_news(const ImapContext& context) {
  const Notifications& notifications = *context.notifications;
  if (notifications.watch && notifications.watch->has_news()) return true;
  if (!context.selected || !notifications.wants_selected()) return false;
  return notifications.selected != context.selected->view().mailbox() || !notifications.to_fetch.empty() ||
         notifications.looked_at != context.selected->view().current();
}

void arm_notifications(ImapContext& context, const std::function<void()>& wake) {
  Notifications& notifications = *context.notifications;
  if (notifications.watch) notifications.watch->arm(wake);
  if (!context.selected || !notifications.wants_selected()) return;
  auto& subscription = context.selected->subscription;
  if (subscription) {
    subscription->rearm(notifications.looked_at);
  } else {
    subscription = context.selected->snapshot.view()->subscribe(context.loop.executor(), notifications.looked_at, wake);
  }
}

Task<> tell_news(ImapContext& context) {
  if (!has_news(context)) co_return;
  tell_selected(context);
  co_await fetch_new(context);
  co_await tell_others(context);
}

void note_own_name(ImapContext& context, const std::string& name) {
  if (context.notifications && context.notifications->watch) context.notifications->own.push_back(name);
}

void note_own_messages(ImapContext& context, storage::MailboxId mailbox, const std::vector<storage::Uid>& uids) {
  if (!context.notifications) return;
  Notifications& notifications = *context.notifications;
  if (notifications.watch) notifications.watch->forget_arrivals(mailbox, uids.size());
  if (!is_selected(context, mailbox) || !notifications.wanted.new_messages) return;
  notifications.forget_selected(mailbox);
  for (const storage::Uid uid : uids) notifications.own_uids.add(uid);
}

}  // namespace posthorn::access
