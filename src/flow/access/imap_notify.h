// NOTIFY (RFC 5465): a session tells what its client asked to hear, in commands' answers, between commands and in IDLE.
// The command itself is among imap_commands.h. On the session's loop.
#pragma once

#include "flow/access/imap_context.h"

namespace posthorn::access {

/// Whether there is something to tell, or to look at. Only where context.notifications is set, as all below.
[[nodiscard]] bool has_news(const ImapContext& context);
/// What happens from now on calls `wake`, at once where something has.
void arm_notifications(ImapContext& context, const std::function<void()>& wake);
/// Tells it. Only between commands and in IDLE.
[[nodiscard]] Task<> tell_news(ImapContext& context);

/// RFC 5465 5: of what the session did itself it is not told. Nothing where there was no NOTIFY.
void note_own_name(ImapContext& context, const std::string& name);
void note_own_messages(ImapContext& context, storage::MailboxId mailbox, const std::vector<storage::Uid>& uids);

}  // namespace posthorn::access
