// NOTIFY (RFC 5465 8).
#include <array>

#include "foundation/text/ascii.h"
#include "standards/imap/parse.h"

namespace posthorn::imap {
namespace {

using Filter = NotifyGroup::Filter;

/// What one event-group says.
struct Events {
  NotifyEvents known;
  bool is_new = false;      ///< MessageNew
  bool is_expunge = false;  ///< MessageExpunge
  std::optional<FetchItems> fetch;
};

/// The command on its way.
struct Notify {
  NotifyCommand command;
  bool has_selected = false;
  bool has_unknown_event = false;
  std::size_t names = 0;
  std::size_t names_max = 0;
};

struct FilterName {
  std::string_view name;
  Filter filter;
};
constexpr std::array<FilterName, 5> filter_names{{
    {"INBOXES", Filter::inboxes},
    {"PERSONAL", Filter::personal},
    {"SUBSCRIBED", Filter::subscribed},
    {"SUBTREE", Filter::subtree},
    {"MAILBOXES", Filter::mailboxes},
}};

void too_many(Scanner& in) {
  in.fail({.is_bad = false, .code = code::notification_overflow(), .text = "Fewer mailboxes, or PERSONAL"});
}

// one-or-more-mailbox = mailbox / many-mailboxes
void mailboxes(Scanner& in, Notify& notify, NotifyGroup& group) {
  in.space();
  const bool is_list = in.accept('(');
  do {
    if (++notify.names > notify.names_max) return too_many(in);
    group.mailboxes.push_back(in.mailbox());
  } while (is_list && in.ok() && in.accept(' '));
  if (is_list) in.expect(')');
}

// "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"]
void message_new(Scanner& in, Events& events) {
  events.is_new = true;
  if (!in.rest().starts_with(" (")) return;
  in.space();
  in.expect('(');
  events.fetch = parse_fetch_items(in);
  // RFC 5465 5.2: a client should not ask for what sets \Seen; a notification never does.
  for (FetchSection& section : events.fetch->sections) section.peek = true;
  in.expect(')');
}

// event = message-event / mailbox-event / user-event / event-ext
void event(Scanner& in, Notify& notify, Events& events) {
  if (in.accept_word("MessageNew")) return message_new(in, events);
  const auto name = in.name();
  if (text::iequals(name, "MessageExpunge")) {
    events.is_expunge = true;
  } else if (text::iequals(name, "FlagChange")) {
    events.known.flags = true;
  } else if (text::iequals(name, "MailboxName")) {
    events.known.names = true;
  } else if (text::iequals(name, "SubscriptionChange")) {
    events.known.subscriptions = true;
  } else {
    // AnnotationChange, MailboxMetadataChange, ServerMetadataChange, and what may come
    notify.has_unknown_event = true;
  }
}

// events = ("(" event *(SP event) ")") / "NONE"
Events read_events(Scanner& in, Notify& notify) {
  Events events;
  in.space();
  if (in.accept_word("NONE")) return events;
  in.expect('(');
  do event(in, notify, events);
  while (in.ok() && in.accept(' '));
  in.expect(')');
  // RFC 5465 5: one of the two without the other is BAD, and FlagChange without them.
  if (in.ok() && events.is_new != events.is_expunge) in.fail("MessageNew and MessageExpunge go together");
  if (in.ok() && events.known.flags && !events.is_new) in.fail("FlagChange needs MessageNew and MessageExpunge");
  events.known.messages = events.is_new;
  return events;
}

void selected(Scanner& in, Notify& notify, NotifyCommand::Selected when) {
  if (notify.has_selected) return in.fail("The selected mailbox is named twice");
  notify.has_selected = true;
  auto events = read_events(in, notify);
  // RFC 5465 6.1: an error for other events than those of messages
  if (in.ok() && (events.known.names || events.known.subscriptions))
    return in.fail("Only events of messages can be had of the selected mailbox");
  if (!events.known.messages) return;
  notify.command.selected = when;
  notify.command.selected_flags = events.known.flags;
  notify.command.new_messages = std::move(events.fetch);
}

// filter-mailboxes-other SP events
void others(Scanner& in, Notify& notify) {
  const auto name = in.name();
  for (const auto& row : filter_names) {
    if (!text::iequals(row.name, name)) continue;
    NotifyGroup group;
    group.filter = row.filter;
    // A group without names costs as much as one.
    if (++notify.names > notify.names_max) return too_many(in);
    if (row.filter == Filter::subtree || row.filter == Filter::mailboxes) mailboxes(in, notify, group);
    const auto events = read_events(in, notify);
    if (in.ok() && events.fetch) return in.fail("Only new messages of the selected mailbox are fetched");
    group.events = events.known;
    notify.command.groups.push_back(std::move(group));
    return;
  }
  in.fail("Unknown choice of mailboxes");
}

// event-group = "(" filter-mailboxes SP events ")"
void event_group(Scanner& in, Notify& notify) {
  in.expect('(');
  if (in.accept_word("SELECTED-DELAYED")) {
    selected(in, notify, NotifyCommand::Selected::delayed);
  } else if (in.accept_word("SELECTED")) {
    selected(in, notify, NotifyCommand::Selected::at_once);
  } else {
    others(in, notify);
  }
  in.expect(')');
}

}  // namespace

// notify = "NOTIFY" SP (notify-set / notify-none)
NotifyCommand parse_notify(Scanner& in, std::size_t names_max) {
  Notify notify;
  notify.names_max = names_max;
  notify.command.is_none = in.accept_word("NONE");
  if (!notify.command.is_none) {
    // notify-set = "SET" [SP "STATUS"] SP event-groups
    if (!in.accept_word("SET")) in.fail("SET or NONE was expected");
    in.space();
    notify.command.wants_status = in.accept_word("STATUS");
    if (notify.command.wants_status) in.space();
    do event_group(in, notify);
    while (in.ok() && in.accept(' '));
  }
  in.end();
  // RFC 5465 3.1: NO, not BAD
  if (in.ok() && notify.has_unknown_event)
    in.fail({.is_bad = false, .code = code::bad_event(), .text = "There are no such events here"});
  return std::move(notify.command);
}

}  // namespace posthorn::imap
