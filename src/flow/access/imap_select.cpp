// SELECT, EXAMINE, CLOSE, UNSELECT (RFC 9051 6.3.2, 6.3.3, 6.4.1, 6.4.2), with the resynchronization of RFC 7162 3.2.5.
#include "flow/access/imap_commands.h"
#include "flow/access/imap_names.h"
#include "flow/access/imap_updates.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

/// The first message without \Seen, as a sequence number; 0: none.
std::uint32_t first_unseen(const Selected& selected) {
  if (selected.known().totals().unseen == 0) return 0;
  std::uint32_t number = 0;
  for (const auto& chunk : selected.known().chunks()) {
    for (const mailbox::Entry& entry : *chunk) {
      ++number;
      if (!entry.has(mailbox::Flag::seen)) return number;
    }
  }
  return 0;
}

/// RFC 3501 2.3.2; a session of IMAP4rev2 knows no \Recent.
void take_recent(ImapContext& context) {
  Selected& selected = *context.selected;
  const storage::Uid first =
      selected.read_only ? selected.view().first_recent() : context.mailboxes().take_recent(*selected.snapshot.view());
  const mailbox::Version& known = selected.known();
  if (known.empty() || known.at(known.size() - 1).uid() < first) return;
  selected.recent.add({first, known.at(known.size() - 1).uid()});
}

void describe(ImapContext& context, const std::string& name) {
  const mailbox::Version& known = context.selected->known();
  imap::ResponseWriter& out = context.out();
  tell_flags(context);
  out.exists(static_cast<std::uint32_t>(known.size()));
  if (!context.encoding().rev2) {
    out.recent(count_recent(*context.selected));
    if (const std::uint32_t number = first_unseen(*context.selected)) out.ok(code::unseen(number), "First unseen");
  }
  out.ok(code::uid_validity(known.uid_validity()), "UIDs valid");
  out.ok(code::uid_next(known.uid_next()), "Predicted next UID");
  out.ok(code::highest_mod_seq(known.highest_modseq()), "Highest");
  out.ok(code::mailbox_id(mailbox_id_text(known.mailbox())), "Stays when it is renamed");
  // RFC 9051 6.3.2: a LIST response for the mailbox, so that its name can be normalized.
  if (context.encoding().rev2) {
    imap::ListEntry entry;
    entry.name = name;
    out.list(entry);
  }
}

std::optional<std::vector<storage::Uid>> known_to_client(const imap::SelectCommand::Qresync& qresync,
                                                         storage::Uid uid_next) {
  if (!qresync.known_uids) return std::nullopt;
  std::vector<storage::Uid> uids;
  for (const imap::NumberRange& range : qresync.known_uids->ranges())
    for (std::uint64_t uid = range.first; uid <= range.last && uid < uid_next; ++uid)
      uids.push_back(static_cast<storage::Uid>(uid));
  return uids;
}

/// RFC 7162 3.2.5.1: VANISHED (EARLIER), then FETCH of what changed.
Task<bool> resynchronize(ImapContext& context, const imap::SelectCommand::Qresync& qresync) {
  Selected& selected = *context.selected;
  const mailbox::Version& known = selected.known();
  // Another UIDVALIDITY, or nothing has happened since.
  if (qresync.uid_validity != known.uid_validity() || qresync.mod_seq >= known.highest_modseq()) co_return true;
  const auto named = known_to_client(qresync, known.uid_next());
  const auto gone = co_await context.mailboxes().vanished_since(selected.view(), qresync.mod_seq, named);
  imap::NumberSet vanished;
  // What went since the snapshot is still counted in EXISTS; it is told as an expunge later.
  for (const storage::Uid uid : gone)
    if (known.find(uid) == nullptr && (!qresync.known_uids || qresync.known_uids->contains(uid))) vanished.add(uid);
  if (!vanished.empty()) context.out().vanished(vanished, true);
  std::uint32_t number = 0;
  for (const auto& chunk : known.chunks()) {
    for (const mailbox::Entry& entry : *chunk) {
      ++number;
      if (entry.modseq() <= qresync.mod_seq) continue;
      if (qresync.known_uids && !qresync.known_uids->contains(entry.uid())) continue;
      context.out().fetch_begin(number);
      context.out().fetch_uid(entry.uid());
      write_flags(context, entry);
      context.out().fetch_mod_seq(entry.modseq());
      context.out().fetch_end();
      if (context.is_full() && !co_await context.flush()) co_return false;
    }
  }
  co_return true;
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::SelectCommand& command) {
  context.selected.reset();
  auto view = co_await context.mailboxes().open(context.account(), command.mailbox);
  if (!view) co_return failed(view.error());
  context.selected = std::make_unique<Selected>(mailbox::Snapshot(std::move(*view)), command.read_only);
  if (command.condstore || command.qresync) context.machine.enable_condstore();
  take_recent(context);
  describe(context, command.mailbox);
  if (command.qresync) (void)co_await resynchronize(context, *command.qresync);
  if (command.read_only) co_return ok(code::read_only(), "EXAMINE completed");
  co_return ok(code::read_write(), "SELECT completed");
}

Task<Ending> run(ImapContext& context, const imap::CloseCommand& command) {
  const std::unique_ptr<Selected> selected = std::move(context.selected);
  if (!command.expunge || selected->read_only) co_return ok(command.expunge ? "CLOSE completed" : "UNSELECT completed");
  const auto expunged = co_await context.mailboxes().expunge(selected->view(), std::nullopt);
  // RFC 9051 6.4.1: CLOSE ends the selection whatever comes of the expunge; what stays has \Deleted still.
  if (!expunged) co_return failed(expunged.error());
  // RFC 7162 3.2.9
  if (context.encoding().qresync && !expunged->empty())
    co_return ok(code::highest_mod_seq(selected->snapshot.view()->current()->highest_modseq()), "CLOSE completed");
  co_return ok("CLOSE completed");
}

}  // namespace posthorn::access
