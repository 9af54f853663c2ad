// COPY, MOVE and their UID forms (RFC 9051 6.4.7, 6.4.8).
#include "flow/access/imap_chosen.h"
#include "flow/access/imap_commands.h"
#include "flow/access/imap_notify.h"
#include "flow/access/imap_updates.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

Ending copied_ending(const mailbox::Copied& copied) {
  if (copied.from.empty()) return ok("COPY completed: there was nothing to copy");
  return ok(code::copy_uid(copied.uid_validity, copied.from, copied.to), "COPY completed");
}

/// RFC 9051 6.4.8: COPYUID comes untagged and before the expunges, so that a client can follow each message.
Ending moved_ending(ImapContext& context, const mailbox::Copied& moved, bool is_uid) {
  if (moved.from.empty()) return ok("MOVE completed: there was nothing to move");
  context.out().ok(code::copy_uid(moved.uid_validity, moved.from, moved.to), "Moved");
  tell_changes(context, {.with_uid = is_uid, .is_own = true});
  if (!context.encoding().qresync) return ok("MOVE completed");
  return ok(code::highest_mod_seq(context.selected->known().highest_modseq()), "MOVE completed");
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::CopyCommand& command) {
  Selected& selected = *context.selected;
  if (command.is_move && selected.read_only) co_return no(code::read_only(), "The mailbox was opened with EXAMINE");
  auto chosen = choose(selected, command.set, command.is_uid);
  if (!chosen) co_return std::move(chosen.error());
  std::vector<storage::Uid> uids = chosen->uids(selected.known());
  const std::size_t wanted = uids.size();
  auto outcome = command.is_move ? co_await context.mailboxes().move(selected.view(), std::move(uids), command.mailbox)
                                 : co_await context.mailboxes().copy(selected.view(), std::move(uids), command.mailbox);
  if (!outcome) co_return failed(outcome.error(), MissingMailbox::try_create);
  note_own_messages(context, outcome->mailbox, outcome->to);
  // RFC 9051 6.4.7: a message that another session expunged is no longer there to be copied; the rest was.
  if (!command.is_uid && wanted > 0 && outcome->from.empty())
    co_return no(code::expunge_issued(), "These messages are gone");
  co_return command.is_move ? moved_ending(context, *outcome, command.is_uid) : copied_ending(*outcome);
}

}  // namespace posthorn::access
