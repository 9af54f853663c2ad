// How a store's answer becomes an operation's failure, and what names are allowed. Internal to the room.
#pragma once

#include "flow/mailbox/operations.h"

namespace posthorn::mailbox {

[[nodiscard]] OperationFailure failure(OperationError error, std::string why);
/// no_space, damaged and shutting_down; a failed precondition becomes `otherwise`.
[[nodiscard]] OperationFailure failure_of(const storage::CommitFailure& failed, OperationError otherwise,
                                          std::string why);
/// A name that a mailbox can be given: UTF-8 without control characters, levels that are not empty, INBOX in upper
/// case; a trailing "/" is dropped. nullopt: it cannot be.
[[nodiscard]] std::optional<std::string> mailbox_name(std::string_view name);
/// Bounds of operations.h; atoms that a client may give as keyword. Sorted, once each, whatever their case.
[[nodiscard]] Outcome<std::vector<std::string>> checked_keywords(std::vector<std::string> keywords);

}  // namespace posthorn::mailbox
