// The commands of IMAP, a file a family: imap_select.cpp, imap_folders.cpp, imap_list.cpp, imap_append.cpp,
// imap_catenate.cpp, imap_fetch.cpp, imap_store.cpp, imap_copy.cpp, imap_expunge.cpp, imap_search.cpp, imap_sort.cpp,
// imap_quota.cpp, imap_notify.cpp. Each writes its untagged responses and returns its tagged one.
#pragma once

#include "flow/access/imap_context.h"

namespace posthorn::access {

/// Hands the command to one of those below.
[[nodiscard]] Task<Ending> execute(ImapContext& context, const imap::CommandBody& command);

[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::NoopCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::SelectCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::CreateCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::DeleteCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::RenameCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::SubscribeCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::UnsubscribeCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::StatusCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::ListCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::LsubCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::NamespaceCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::GetQuotaCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::GetQuotaRootCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::IdleCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::CloseCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::ExpungeCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::SearchCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::SortCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::ThreadCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::FetchCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::StoreCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::CopyCommand& command);
[[nodiscard]] Task<Ending> run(ImapContext& context, const imap::NotifyCommand& command);

// ---- APPEND and REPLACE, whose literals are streamed (imap_append.cpp)
[[nodiscard]] Task<> begin_append(ImapContext& context, const imap::server::AppendBegins& event);
/// A part of a message of CATENATE (imap_catenate.cpp): whether its text may come; what its URL names is put there.
[[nodiscard]] Task<> append_part(ImapContext& context, const imap::server::AppendPart& part);
/// Whether the account's quota has no room for that much besides what the command has brought so far.
[[nodiscard]] Task<bool> exceeds_quota(ImapContext& context, std::uint64_t octets);
/// Takes octets without waiting where it can; false: take_append() must be awaited with the same.
[[nodiscard]] bool take_append_now(ImapContext& context, Octets octets);
[[nodiscard]] Task<> take_append(ImapContext& context, Octets octets);
[[nodiscard]] Task<> end_append_message(ImapContext& context);
[[nodiscard]] Task<Ending> finish_append(ImapContext& context);

}  // namespace posthorn::access
