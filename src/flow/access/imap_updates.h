// What changed in the selected mailbox, told in the order RFC 9051 7 wants: expunges, EXISTS, then flags.
#pragma once

#include "flow/access/imap_context.h"

namespace posthorn::access {

/// What may be told before a command's tagged response.
struct Updates {
  bool any = true;
  /// RFC 9051 7.5.1: EXPUNGE never while FETCH, STORE or SEARCH (SORT and THREAD alike) by sequence number run.
  mailbox::Expunges expunges = mailbox::Expunges::tell;
  bool with_uid = false;  ///< after a UID command FETCH responses bear UID (RFC 9051 6.4.9)
  bool is_own = false;    ///< the answer to EXPUNGE, MOVE or REPLACE, whatever NOTIFY says
};
[[nodiscard]] Updates updates_after(const imap::CommandBody& command);

/// Nothing where no mailbox is selected; with NOTIFY, what it asked for (RFC 5465 3.1). A mailbox that was deleted
/// elsewhere ends the session.
void tell_changes(ImapContext& context, const Updates& updates);
/// The same during IDLE; the next change wakes the session again.
void tell_during_idle(ImapContext& context);

/// FLAGS, and PERMANENTFLAGS behind it: on selection, and when a keyword is new.
void tell_flags(ImapContext& context);
/// Messages that are \Recent in this session.
[[nodiscard]] std::uint32_t count_recent(const Selected& selected);
/// The flags of one message with \Recent where it is.
void write_flags(ImapContext& context, const mailbox::Entry& entry);
/// One whole FETCH response with flags, and UID and MODSEQ as the session wants them.
void write_flags_response(ImapContext& context, storage::Uid uid, bool with_uid);

}  // namespace posthorn::access
