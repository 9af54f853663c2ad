// EXPUNGE and UID EXPUNGE (RFC 9051 6.4.3, 6.4.9).
#include "flow/access/imap_chosen.h"
#include "flow/access/imap_commands.h"
#include "flow/access/imap_updates.h"

namespace posthorn::access {

namespace code = imap::code;

Task<Ending> run(ImapContext& context, const imap::ExpungeCommand& command) {
  Selected& selected = *context.selected;
  if (selected.read_only) co_return no(code::read_only(), "The mailbox was opened with EXAMINE");
  std::optional<std::vector<storage::Uid>> uids;
  if (command.uids) {
    auto chosen = choose(selected, *command.uids, true);
    if (!chosen) co_return std::move(chosen.error());
    uids = chosen->uids(selected.known());
  }
  const auto expunged = co_await context.mailboxes().expunge(selected.view(), std::move(uids));
  if (!expunged) co_return failed(expunged.error());
  tell_changes(context, {.with_uid = command.uids.has_value(), .is_own = true});
  // RFC 7162 3.2.7: the client can take this as the state it has, without asking again.
  if (context.encoding().qresync && !expunged->empty())
    co_return ok(code::highest_mod_seq(selected.known().highest_modseq()), "EXPUNGE completed");
  co_return ok("EXPUNGE completed");
}

}  // namespace posthorn::access
