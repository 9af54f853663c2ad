// LIST and LSUB (RFC 9051 6.3.9, RFC 3501 6.3.9, RFC 5258, 5819, 6154).
#include "flow/access/imap_commands.h"
#include "flow/access/imap_status.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

/// Every mailbox of the account, and the names that are only subscribed.
Task<std::optional<std::vector<imap::ListedMailbox>>> all_mailboxes(ImapContext& context) {
  const auto folders = co_await context.mailboxes().folders().of(context.account());
  if (!folders) co_return std::nullopt;
  std::vector<imap::ListedMailbox> listed;
  for (const storage::MailboxRow& row : **folders)
    listed.push_back({.name = row.name, .subscribed = row.subscribed, .special_use = row.special_use});
  for (std::string& name : co_await context.mailboxes().lost_subscriptions(context.account()))
    listed.push_back({.name = std::move(name), .exists = false, .subscribed = true, .selectable = false});
  co_return listed;
}

Ending not_now() {
  return no(code::unavailable(), "The mailboxes cannot be read at this moment");
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::ListCommand& command) {
  if (command.asks_for_separator()) {
    context.out().list_separator();
    co_return ok("LIST completed");
  }
  const auto mailboxes = co_await all_mailboxes(context);
  if (!mailboxes) co_return not_now();
  for (const imap::ListEntry& entry : imap::list_mailboxes(command, *mailboxes)) {
    context.out().list(entry);
    if (context.is_full() && !co_await context.flush()) break;
    // RFC 5819 2: STATUS for what can be selected, each behind its LIST.
    if (!command.return_status || !entry.is_selectable) continue;
    const auto status = co_await look_at_status(context, entry.name, *command.return_status);
    if (status) context.out().status(*status);
  }
  co_return ok("LIST completed");
}

Task<Ending> run(ImapContext& context, const imap::LsubCommand& command) {
  const auto mailboxes = co_await all_mailboxes(context);
  if (!mailboxes) co_return not_now();
  for (const imap::ListEntry& entry : imap::list_subscribed(command, *mailboxes)) context.out().lsub(entry);
  co_return ok("LSUB completed");
}

}  // namespace posthorn::access
