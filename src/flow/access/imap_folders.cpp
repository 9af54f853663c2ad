// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 6.3.4 to 6.3.8).
#include "flow/access/imap_commands.h"
#include "flow/access/imap_names.h"
#include "flow/access/imap_notify.h"
#include "foundation/text/ascii.h"
#include "standards/imap/mailbox_name.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

/// RFC 6154 2: the uses that a person may give a mailbox; \All and \Flagged would have to be views of the others.
constexpr std::array<std::string_view, 5> kSpecialUses{"Archive", "Drafts", "Junk", "Sent", "Trash"};

/// As the standard writes it; empty: not one that can be had here.
std::string_view special_use(std::string_view wanted) {
  for (const std::string_view use : kSpecialUses)
    if (text::iequals(use, wanted)) return use;
  return {};
}

/// Whether another mailbox has the use already: two Sent folders are none.
bool is_taken(const mailbox::FolderList& folders, std::string_view use) {
  return std::ranges::any_of(folders, [use](const storage::MailboxRow& row) { return row.special_use == use; });
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::CreateCommand& command) {
  if (!imap::is_creatable(command.mailbox)) co_return no(code::cannot(), "That is no name for a mailbox");
  std::string use;
  // RFC 6154 3: [USEATTR] where the uses cannot be had; nothing is made then.
  if (command.special_uses.size() > 1) co_return no(code::use_attribute(), "A mailbox has one special use here");
  if (!command.special_uses.empty()) {
    use = special_use(command.special_uses.front());
    if (use.empty()) co_return no(code::use_attribute(), "That special use cannot be given here");
    const auto folders = co_await context.mailboxes().folders().of(context.account());
    if (folders && is_taken(**folders, use)) co_return no(code::use_attribute(), "Another mailbox has that use");
  }
  const auto made = co_await context.mailboxes().create(context.account(), command.mailbox, use);
  if (!made) co_return failed(made.error());
  note_own_name(context, command.mailbox);
  co_return ok(code::mailbox_id(mailbox_id_text(*made)), "CREATE completed");
}

Task<Ending> run(ImapContext& context, const imap::DeleteCommand& command) {
  const auto folders = co_await context.mailboxes().folders().of(context.account());
  const auto* row = folders ? mailbox::Folders::find(**folders, command.mailbox) : nullptr;
  const bool is_selected = row != nullptr && context.selected && context.selected->view().mailbox() == row->id;
  const auto removed = co_await context.mailboxes().remove_mailbox(context.account(), command.mailbox);
  if (!removed) co_return failed(removed.error());
  note_own_name(context, command.mailbox);
  if (is_selected) {
    context.selected.reset();
    context.out().ok(code::closed(), "The selected mailbox is the one deleted");
    context.machine.deselect();
  }
  co_return ok("DELETE completed");
}

Task<Ending> run(ImapContext& context, const imap::RenameCommand& command) {
  if (!imap::is_creatable(command.to)) co_return no(code::cannot(), "That is no name for a mailbox");
  const auto renamed = co_await context.mailboxes().rename(context.account(), command.from, command.to);
  if (!renamed) co_return failed(renamed.error());
  note_own_name(context, command.from);
  note_own_name(context, command.to);
  co_return ok("RENAME completed");
}

Task<Ending> run(ImapContext& context, const imap::SubscribeCommand& command) {
  const auto done = co_await context.mailboxes().subscribe(context.account(), command.mailbox, true);
  if (!done) co_return failed(done.error());
  note_own_name(context, command.mailbox);
  co_return ok("SUBSCRIBE completed");
}

Task<Ending> run(ImapContext& context, const imap::UnsubscribeCommand& command) {
  const auto done = co_await context.mailboxes().subscribe(context.account(), command.mailbox, false);
  if (!done) co_return failed(done.error());
  note_own_name(context, command.mailbox);
  co_return ok("UNSUBSCRIBE completed");
}

}  // namespace posthorn::access
