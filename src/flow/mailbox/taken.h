// What an import has taken of a source, so that nothing is taken twice of it: digests of the messages, kept in the
// store for the mailbox they went to, a row a part. Part and messages are one unit.
//
// Keys are "mailbox/taken/ACCOUNT/MAILBOX/SOURCE/PART"; ids are never used again, so a mailbox that is made anew under
// an old name has taken nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/storage/store.h"

namespace posthorn::mailbox {

/// Of everything an account has taken, or one mailbox.
[[nodiscard]] std::string taken_prefix(storage::AccountId account);
[[nodiscard]] std::string taken_prefix(storage::AccountId account, storage::MailboxId mailbox);
/// `source`: what the import calls it, a path.
[[nodiscard]] std::string taken_prefix(storage::AccountId account, storage::MailboxId mailbox, std::string_view source);
[[nodiscard]] std::string taken_key(std::string_view prefix, std::uint64_t part);

/// The values of at most `max` parts from `first` on, in their order.
[[nodiscard]] Task<std::vector<std::string>> taken_parts(storage::Store& store, std::string prefix, std::uint64_t first,
                                                         std::size_t max);
/// Removes all that begins with `prefix`. A crash on the way leaves some of it.
[[nodiscard]] Task<Result<void, storage::CommitFailure>> forget_taken(storage::Store& store, std::string prefix);

}  // namespace posthorn::mailbox
