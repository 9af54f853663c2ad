#include "flow/access/imap_updates.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

constexpr std::uint8_t kRecent = static_cast<std::uint8_t>(imap::SystemFlag::recent);

/// Uids given to an expunge response: VANISHED for those who know QRESYNC, else EXPUNGE one by one.
void tell_expunges(ImapContext& context, const mailbox::Changes& changes) {
  if (changes.vanished.empty()) return;
  if (!context.encoding().qresync) {
    for (const std::uint32_t number : changes.expunged) context.out().expunge(number);
    return;
  }
  imap::NumberSet uids;
  for (const storage::Uid uid : changes.vanished) uids.add(uid);
  context.out().vanished(uids, false);
}

/// New messages are \Recent to the first session that hears of them.
void take_recent(ImapContext& context, const std::vector<storage::Uid>& added) {
  Selected& selected = *context.selected;
  if (added.empty() || context.encoding().rev2) return;
  const storage::Uid first =
      selected.read_only ? selected.view().first_recent() : context.mailboxes().take_recent(*selected.snapshot.view());
  for (const storage::Uid uid : added)
    if (uid >= first) selected.recent.add(uid);
}

void tell_arrivals(ImapContext& context, const mailbox::Changes& changes) {
  if (!changes.exists) return;
  take_recent(context, changes.added);
  context.out().exists(*changes.exists);
  if (!context.encoding().rev2) context.out().recent(count_recent(*context.selected));
}

void tell_new_keywords(ImapContext& context) {
  if (context.selected->known().known_keywords() != context.selected->keywords_told) tell_flags(context);
}

}  // namespace

std::uint32_t count_recent(const Selected& selected) {
  std::uint32_t count = 0;
  for (const imap::NumberRange& range : selected.recent.ranges())
    count += static_cast<std::uint32_t>(selected.known().lower_bound(range.last) -
                                        selected.known().lower_bound(range.first)) +
             (selected.known().find(range.last) != nullptr ? 1U : 0U);
  return count;
}

Updates updates_after(const imap::CommandBody& command) {
  const auto by = [](bool is_uid) {
    return Updates{true, is_uid ? mailbox::Expunges::tell : mailbox::Expunges::hold_back, is_uid};
  };
  if (const auto* fetch = std::get_if<imap::FetchCommand>(&command)) return by(fetch->is_uid);
  if (const auto* store = std::get_if<imap::StoreCommand>(&command)) return by(store->is_uid);
  if (const auto* search = std::get_if<imap::SearchCommand>(&command)) return by(search->is_uid);
  if (const auto* sort = std::get_if<imap::SortCommand>(&command)) return by(sort->is_uid);
  if (const auto* thread = std::get_if<imap::ThreadCommand>(&command)) return by(thread->is_uid);
  // These have just said all there is, or have nothing selected any more.
  if (std::holds_alternative<imap::SelectCommand>(command) || std::holds_alternative<imap::CloseCommand>(command))
    return {.any = false};
  return {};
}

void tell_flags(ImapContext& context) {
  Selected& selected = *context.selected;
  selected.keywords_told = selected.known().known_keywords();
  context.out().flags(imap::storable_flags, selected.keywords_told);
  const std::uint8_t permanent = selected.read_only ? 0 : imap::storable_flags;
  const std::span<const std::string> keywords =
      selected.read_only ? std::span<const std::string>() : selected.keywords_told;
  context.out().ok(code::permanent_flags(permanent, keywords, !selected.read_only),
                   selected.read_only ? "No flags can be changed here" : "Flags that are kept");
}

void write_flags(ImapContext& context, const mailbox::Entry& entry) {
  const Selected& selected = *context.selected;
  std::uint8_t flags = entry.flags();
  if (!context.encoding().rev2 && selected.recent.contains(entry.uid())) flags |= kRecent;
  context.out().fetch_flags(flags, selected.known().keywords(entry));
}

void write_flags_response(ImapContext& context, storage::Uid uid, bool with_uid) {
  const mailbox::Version& known = context.selected->known();
  const auto position = known.position_of(uid);
  if (!position) return;
  const mailbox::Entry& entry = known.at(*position);
  imap::ResponseWriter& out = context.out();
  out.fetch_begin(context.selected->number_of(*position));
  // RFC 7162 3.2.10: with QRESYNC a client goes by uids.
  if (with_uid || context.encoding().qresync) out.fetch_uid(uid);
  write_flags(context, entry);
  if (context.encoding().condstore) out.fetch_mod_seq(entry.modseq());
  out.fetch_end();
}

namespace {

// RFC 2180 3.3: a client cannot be made to forget a mailbox; without it the session has lost its ground.
void end_without_mailbox(ImapContext& context) {
  context.machine.end(code::nonexistent(), "The selected mailbox was deleted");
}

/// RFC 5465 5.2: new messages whose attributes are told behind EXISTS.
void note_new(Notifications& notifications, const Selected& selected, const std::vector<storage::Uid>& added) {
  if (!notifications.wants_selected() || !notifications.wanted.new_messages) return;
  notifications.forget_selected(selected.view().mailbox());
  for (const storage::Uid uid : added)
    if (!notifications.own_uids.contains(uid)) notifications.to_fetch.push_back(uid);
  notifications.own_uids = {};
}

}  // namespace

void tell_changes(ImapContext& context, const Updates& updates) {
  if (!context.selected || !updates.any || !context.selected->snapshot.is_behind()) return;
  Notifications* const notifications = context.notifications.get();
  if (notifications != nullptr && !notifications->wants_selected() && !updates.is_own) {
    if (context.selected->view().current()->is_gone()) end_without_mailbox(context);
    return;
  }
  const mailbox::Changes changes = context.selected->snapshot.catch_up(updates.expunges);
  tell_expunges(context, changes);
  tell_arrivals(context, changes);
  if (!changes.flags.empty() || !changes.added.empty()) tell_new_keywords(context);
  // RFC 5465 5.1: only who asked for FlagChange is told, and always with UID.
  const bool tells_flags = notifications == nullptr || notifications->wanted.selected_flags;
  for (const storage::Uid uid : changes.flags)
    if (tells_flags) write_flags_response(context, uid, updates.with_uid || notifications != nullptr);
  if (notifications != nullptr) note_new(*notifications, *context.selected, changes.added);
  if (changes.gone) end_without_mailbox(context);
}

void tell_during_idle(ImapContext& context) {
  if (!context.selected) return;
  tell_changes(context, {});
  if (context.selected->subscription) context.selected->subscription->rearm(context.selected->snapshot.known_version());
}

}  // namespace posthorn::access
