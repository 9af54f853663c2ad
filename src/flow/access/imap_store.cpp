// STORE and UID STORE (RFC 9051 6.4.6, RFC 7162 3.1.3).
#include "flow/access/imap_chosen.h"
#include "flow/access/imap_commands.h"
#include "flow/access/imap_updates.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

mailbox::FlagsChange change_of(imap::StoreCommand::Mode mode) {
  switch (mode) {
    case imap::StoreCommand::Mode::add:
      return mailbox::FlagsChange::add;
    case imap::StoreCommand::Mode::remove:
      return mailbox::FlagsChange::remove;
    case imap::StoreCommand::Mode::replace:
      break;
  }
  return mailbox::FlagsChange::replace;
}

/// One message of the answer. RFC 7162 3.1.3: MODSEQ is told even where .SILENT keeps the flags back.
void write_stored(ImapContext& context, const imap::StoreCommand& command, const storage::FlagsNow& now,
                  std::size_t position) {
  Selected& selected = *context.selected;
  imap::ResponseWriter& out = context.out();
  out.fetch_begin(selected.number_of(position));
  if (command.is_uid || context.encoding().qresync) out.fetch_uid(now.uid);
  if (!command.silent) {
    std::uint8_t flags = now.flags;
    if (!context.encoding().rev2 && selected.recent.contains(now.uid))
      flags |= static_cast<std::uint8_t>(imap::SystemFlag::recent);
    out.fetch_flags(flags, now.keywords);
  }
  if (context.encoding().condstore) out.fetch_mod_seq(now.modseq);
  out.fetch_end();
}

/// Keywords that no response has named yet come before the first FETCH that bears them.
void name_new_keywords(ImapContext& context, const imap::StoreCommand& command) {
  if (command.silent || command.flags.keywords.empty()) return;
  const auto known = context.selected->snapshot.view()->current()->known_keywords();
  if (known == context.selected->keywords_told) return;
  context.selected->keywords_told = known;
  context.out().flags(imap::storable_flags, known);
  context.out().ok(code::permanent_flags(imap::storable_flags, known, true), "Flags that are kept");
}

Task<bool> answer(ImapContext& context, const imap::StoreCommand& command, const mailbox::StoredFlags& stored) {
  Selected& selected = *context.selected;
  const mailbox::Version& known = selected.known();
  name_new_keywords(context, command);
  const bool is_told = !command.silent || context.encoding().condstore;
  for (const storage::FlagsNow& now : stored.now) {
    selected.snapshot.told(now.uid, now.modseq);
    if (!is_told) continue;
    const auto position = known.position_of(now.uid);
    if (!position) continue;
    write_stored(context, command, now, *position);
    if (context.is_full() && !co_await context.flush()) co_return false;
  }
  co_return true;
}

/// MODIFIED names the messages by what the command named them.
imap::NumberSet modified_numbers(const Selected& selected, const std::vector<storage::Uid>& uids, bool is_uid) {
  imap::NumberSet numbers;
  for (const storage::Uid uid : uids) {
    if (is_uid) {
      numbers.add(uid);
    } else if (const auto position = selected.known().position_of(uid)) {
      numbers.add(selected.number_of(*position));
    }
  }
  return numbers;
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::StoreCommand& command) {
  Selected& selected = *context.selected;
  if (selected.read_only) co_return no(code::read_only(), "The mailbox was opened with EXAMINE");
  auto chosen = choose(selected, command.set, command.is_uid);
  if (!chosen) co_return std::move(chosen.error());
  mailbox::StoreFlags change;
  change.uids = chosen->uids(selected.known());
  change.how = change_of(command.mode);
  change.flags = command.flags.system & imap::storable_flags;
  change.keywords = command.flags.keywords;
  change.unchanged_since = command.unchanged_since;
  const std::size_t wanted = change.uids.size();
  if (wanted == 0) co_return ok("STORE completed");
  const auto stored = co_await context.mailboxes().store_flags(selected.view(), std::move(change));
  if (!stored) co_return failed(stored.error());
  (void)co_await answer(context, command, *stored);
  // RFC 2180 4.2: of messages that another session expunged meanwhile nothing can be changed.
  const bool some_gone = stored->now.size() + stored->modified.size() < wanted;
  if (some_gone && !command.is_uid)
    co_return no(code::expunge_issued(), "Some of these messages are gone; the others were changed");
  if (!stored->modified.empty())
    co_return ok(code::modified(modified_numbers(selected, stored->modified, command.is_uid)),
                 "Conditional STORE kept what has changed");
  co_return ok("STORE completed");
}

}  // namespace posthorn::access
