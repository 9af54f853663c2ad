// STATUS (RFC 9051 6.3.11) with what RFC 7162, 7889, 8438, 8474 and 9208 add.
#include "flow/access/imap_status.h"

#include "flow/access/imap_commands.h"
#include "flow/access/imap_names.h"

namespace posthorn::access {
namespace {

imap::StatusResponse response_from(const ImapContext& context, std::string name, const mailbox::Status& status,
                                   const imap::StatusItems& items) {
  imap::StatusResponse response;
  response.mailbox = std::move(name);
  if (items.messages) response.messages = status.messages;
  if (items.recent) response.recent = status.recent;
  if (items.uid_next) response.uid_next = status.row.uid_next;
  if (items.uid_validity) response.uid_validity = status.row.uid_validity;
  if (items.unseen) response.unseen = status.unseen;
  if (items.deleted) response.deleted = status.deleted;
  if (items.size) response.size = status.octets;
  if (items.highest_mod_seq) response.highest_mod_seq = status.row.highest_modseq;
  if (items.append_limit) response.append_limit = context.settings.append_octets_max;
  if (items.mailbox_id) response.mailbox_id = mailbox_id_text(status.row.id);
  return response;
}

/// RFC 9208 4.1.4: what an EXPUNGE would give back.
std::uint64_t deleted_octets(const mailbox::Version& version) {
  std::uint64_t octets = 0;
  if (version.totals().deleted == 0) return 0;
  for (const auto& chunk : version.chunks())
    for (const mailbox::Entry& entry : *chunk)
      if (entry.has(mailbox::Flag::deleted)) octets += entry.size();
  return octets;
}

}  // namespace

Task<mailbox::Outcome<imap::StatusResponse>> look_at_status(ImapContext& context, std::string name,
                                                            imap::StatusItems items) {
  const auto status = co_await context.mailboxes().status(context.account(), name);
  if (!status) co_return fail(status.error());
  imap::StatusResponse response = response_from(context, name, *status, items);
  if (items.deleted_storage) {
    const auto view = co_await context.mailboxes().open(context.account(), name);
    if (!view) co_return fail(view.error());
    response.deleted_storage = deleted_octets(*(*view)->current());
  }
  co_return response;
}

Task<Ending> run(ImapContext& context, const imap::StatusCommand& command) {
  const auto status = co_await look_at_status(context, command.mailbox, command.items);
  if (!status) co_return failed(status.error());
  context.out().status(*status);
  co_return ok("STATUS completed");
}

}  // namespace posthorn::access
