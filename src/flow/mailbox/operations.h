// What can be done to mailboxes and the emails in them: arguments, outcomes and failures of Mailboxes' operations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "platform/storage/unit.h"

namespace posthorn::mailbox {

// RFC 9051 2.3.2 sets no bound; what every client in use needs fits many times.
inline constexpr std::size_t keywords_per_email_max = 64;
inline constexpr std::size_t keyword_octets_max = 128;
inline constexpr std::size_t mailbox_name_octets_max = 512;
inline constexpr std::size_t mailbox_depth_max = 32;
inline constexpr std::size_t mailboxes_per_account_max = 10'000;
/// MULTIAPPEND (RFC 3502): messages in one unit.
inline constexpr std::size_t appended_messages_max = 1'000;

enum class OperationError : std::uint8_t {
  no_such_mailbox,  ///< NO [NONEXISTENT]; where it is the target of APPEND, COPY or MOVE, [TRYCREATE]
  already_exists,   ///< NO [ALREADYEXISTS]
  bad_name,         ///< NO [CANNOT]: not a name a mailbox can have
  not_allowed,      ///< NO [CANNOT]: INBOX cannot be deleted
  over_quota,       ///< NO [OVERQUOTA]
  limit,            ///< NO [LIMIT]: a bound of this header
  expunged,         ///< NO [EXPUNGEISSUED]: an email went meanwhile; nothing was done
  no_space,         ///< NO [UNAVAILABLE]: the disk is full; service resumes by itself
  shutting_down,    ///< NO [UNAVAILABLE]
  damaged,          ///< NO [SERVERBUG]: octets that should be there cannot be read; the log says which
};
struct OperationFailure {
  OperationError error{};
  std::string why;  ///< in words, for the client
};
template <class T>
using Outcome = Result<T, OperationFailure>;

/// RFC 9051 6.4.6.
enum class FlagsChange : std::uint8_t { replace, add, remove };
struct StoreFlags {
  std::vector<storage::Uid> uids;  ///< ascending
  FlagsChange how = FlagsChange::replace;
  std::uint8_t flags = 0;  ///< storage::Flag bits
  std::vector<std::string> keywords;
  std::optional<storage::ModSeq> unchanged_since;  ///< RFC 7162 3.1.3
};
struct StoredFlags {
  std::vector<storage::FlagsNow> now;  ///< every email that is there and was let through; ascending
  std::vector<storage::Uid> modified;  ///< kept by unchanged_since: MODIFIED
};

/// COPYUID: pairs in order.
struct Copied {
  std::uint32_t uid_validity = 0;  ///< of the target
  std::vector<storage::Uid> from, to;
  storage::MailboxId mailbox;  ///< the target
};
/// APPENDUID.
struct Appended {
  std::uint32_t uid_validity = 0;
  std::vector<storage::Uid> uids;
  storage::MailboxId mailbox;
};

struct Status {
  storage::MailboxRow row;
  std::uint64_t messages = 0, unseen = 0, deleted = 0, octets = 0, recent = 0;
};

/// RFC 9208; limits of 0 mean none.
struct Quota {
  std::uint64_t octets_used = 0, octets_limit = 0;
  std::uint64_t messages_used = 0;
};

}  // namespace posthorn::mailbox
