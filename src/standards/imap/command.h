// Commands as values: what server::Session hands to whoever executes them. Syntax, encodings and the state they are
// legal in have been checked; mailbox names are UTF-8 with INBOX in upper case; what a command names may not exist.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "standards/imap/fetch_items.h"
#include "standards/imap/flags.h"
#include "standards/imap/numbers.h"
#include "standards/imap/search_key.h"

namespace posthorn::imap {

// ---- any state

/// NOOP; CHECK of RFC 3501 too. Answer: what changed, then OK.
struct NoopCommand {
  bool is_check = false;
  bool is_enable = false;  ///< the end of an ENABLE that switched CONDSTORE on with a mailbox selected
};

// ---- authenticated

/// SELECT and EXAMINE. "* OK [CLOSED]" has been written where a mailbox was selected. OK makes `mailbox` the selected
/// one, NO leaves none selected (RFC 9051 6.3.2).
struct SelectCommand {
  std::string mailbox;
  bool read_only = false;  ///< EXAMINE
  bool condstore = false;  ///< SELECT … (CONDSTORE)
  /// RFC 7162 3.2.5; only where QRESYNC is enabled.
  struct Qresync {
    std::uint32_t uid_validity = 0;
    ModSeq mod_seq = 0;
    std::optional<NumberSet> known_uids;
    /// seq-match-data: sequence numbers and the uids they had; of the same size.
    std::optional<std::pair<NumberSet, NumberSet>> match;
  };
  std::optional<Qresync> qresync;
};

struct CreateCommand {
  std::string mailbox;  ///< without the "/" that may end it (RFC 9051 6.3.4)
  /// RFC 6154 3: special uses without backslash, as written ("Junk").
  std::vector<std::string> special_uses;
};
struct DeleteCommand {
  std::string mailbox;
};
struct RenameCommand {
  std::string from;
  std::string to;
};
struct SubscribeCommand {
  std::string mailbox;
};
struct UnsubscribeCommand {
  std::string mailbox;
};

/// status-att (RFC 9051 6.3.11, with RFC 7162, 7889, 8438, 8474, 9208).
struct StatusItems {
  bool messages = false;
  bool recent = false;
  bool uid_next = false;
  bool uid_validity = false;
  bool unseen = false;
  bool deleted = false;
  bool size = false;
  bool highest_mod_seq = false;
  bool mailbox_id = false;
  bool append_limit = false;
  bool deleted_storage = false;  ///< RFC 9208 4.1.4
};
struct StatusCommand {
  std::string mailbox;
  StatusItems items;
};

/// LIST, extended or not. list_match.h answers it.
struct ListCommand {
  std::string reference;              ///< UTF-8
  std::vector<std::string> patterns;  ///< UTF-8; at least one
  bool is_extended = false;           ///< selection options, several patterns or RETURN were written (RFC 5258 3)
  bool select_subscribed = false;
  bool select_remote = false;
  bool select_recursive_match = false;
  bool select_special_use = false;
  bool return_subscribed = false;
  bool return_children = false;
  bool return_special_use = false;
  std::optional<StatusItems> return_status;
  /// LIST "" "": asks for the separator and the root only (RFC 9051 6.3.9).
  [[nodiscard]] bool asks_for_separator() const { return !is_extended && patterns.front().empty(); }
};
struct LsubCommand {
  std::string reference;
  std::string pattern;
};
struct NamespaceCommand {};
struct GetQuotaCommand {
  std::string root;
};
struct GetQuotaRootCommand {
  std::string mailbox;
};
/// "+ idling" has been written. Write what changes until the event IdleEnds, then complete.
struct IdleCommand {};

/// What an event-group of NOTIFY asks for (RFC 5465 5).
struct NotifyEvents {
  bool messages = false;  ///< MessageNew and MessageExpunge, which go together
  bool flags = false;     ///< FlagChange
  bool names = false;     ///< MailboxName
  bool subscriptions = false;
  [[nodiscard]] bool any() const { return messages || flags || names || subscriptions; }
};
/// RFC 5465 6: event-group with filter-mailboxes-other.
struct NotifyGroup {
  enum class Filter : unsigned char { inboxes, personal, subscribed, subtree, mailboxes };
  Filter filter = Filter::personal;
  std::vector<std::string> mailboxes;  ///< of subtree and mailboxes
  NotifyEvents events;                 ///< none of them: NONE
};
/// RFC 5465 3.1. Implies a NOOP: what has changed in the selected mailbox is told before the tagged OK.
struct NotifyCommand {
  enum class Selected : unsigned char { nothing, at_once, delayed };
  bool is_none = false;
  bool wants_status = false;
  Selected selected = Selected::nothing;
  bool selected_flags = false;             ///< FlagChange of the selected mailbox
  std::optional<FetchItems> new_messages;  ///< what is fetched of each new message there; never sets \Seen
  std::vector<NotifyGroup> groups;
};

// ---- selected

struct CloseCommand {
  bool expunge = true;  ///< false: UNSELECT
};
struct ExpungeCommand {
  std::optional<SequenceSet> uids;  ///< UID EXPUNGE
};
struct SearchCommand {
  bool is_uid = false;
  SearchReturn returns;
  SearchKey key;
};
/// RFC 5256; with RETURN it is ESORT, which is not offered.
struct SortCommand {
  bool is_uid = false;
  std::vector<SortCriterion> criteria;
  SearchKey key;
};
struct ThreadCommand {
  bool is_uid = false;
  ThreadAlgorithm algorithm = ThreadAlgorithm::references;
  SearchKey key;
};
struct FetchCommand {
  bool is_uid = false;
  SequenceSet set;
  FetchItems items;  ///< with UID where the command is UID FETCH
  std::optional<ModSeq> changed_since;
  bool vanished = false;                ///< only with changed_since, UID FETCH and QRESYNC (RFC 7162 3.2.6)
  std::optional<PartialRange> partial;  ///< RFC 9394 3.3; only with UID FETCH
};
struct StoreCommand {
  enum class Mode : unsigned char { replace, add, remove };
  bool is_uid = false;
  SequenceSet set;
  Mode mode = Mode::replace;
  bool silent = false;
  Flags flags;
  std::optional<ModSeq> unchanged_since;
};
struct CopyCommand {
  bool is_uid = false;
  bool is_move = false;  ///< MOVE (RFC 6851)
  SequenceSet set;
  std::string mailbox;
};

using CommandBody =
    std::variant<NoopCommand, SelectCommand, CreateCommand, DeleteCommand, RenameCommand, SubscribeCommand,
                 UnsubscribeCommand, StatusCommand, ListCommand, LsubCommand, NamespaceCommand, GetQuotaCommand,
                 GetQuotaRootCommand, IdleCommand, CloseCommand, ExpungeCommand, SearchCommand, SortCommand,
                 ThreadCommand, FetchCommand, StoreCommand, CopyCommand, NotifyCommand>;

/// APPEND and REPLACE (RFC 8508) come as events of their own, since their literals are streamed.
struct AppendTarget {
  std::string mailbox;
  bool is_replace = false;
  bool is_uid = false;         ///< UID REPLACE
  std::uint32_t replaced = 0;  ///< sequence number or uid; 0: "*", the last message
};
struct AppendMessage {
  Flags flags;
  std::optional<TimePoint> internal_date;
  std::uint64_t size_octets = 0;
  bool is_binary = false;  ///< literal8: octets may be NUL (RFC 3516 4.4)
  bool is_utf8 = false;    ///< UTF8 (…) of RFC 9755 4: the header may be UTF-8
  /// RFC 4469: it comes in parts, each an event of its own; size_octets says nothing.
  bool is_catenated = false;
  std::size_t index = 0;  ///< of MULTIAPPEND, from 0
};

}  // namespace posthorn::imap
