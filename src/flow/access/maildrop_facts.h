// MaildropFacts: what POP3 must know of messages beyond their size, so that LIST tells exactly what RETR sends: whether
// the last line has its end (RETR adds it, RFC 1939 3), and how long the message is for a client without UTF8 (RFC
// 6856), whose headers are downgraded, those of parts as well.
//
// Messages never change, so each is looked at once; what is remembered of a mailbox are the few that are out of the
// ordinary. Long ones are read as a whole only where a part of them can have a header. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "flow/mailbox/mailboxes.h"
#include "platform/storage/store.h"
#include "standards/message/downgrade.h"

namespace posthorn::access {

/// A message that RETR does not send octet for octet as it is stored.
struct OddMessage {
  storage::Uid uid = 0;
  bool lacks_line_end = false;
  std::optional<std::uint64_t> ascii_octets;  ///< of the message downgraded; nullopt: everybody gets the same
};

/// Ascending by uid.
using OddMessages = std::vector<OddMessage>;
/// What a client without UTF8 gets otherwise of a message; nothing where it cannot be read.
[[nodiscard]] std::vector<message::Replacement> replacements_of(storage::Reader& reader,
                                                                const storage::StoredOctets& octets);
[[nodiscard]] const OddMessage* find_odd(const OddMessages& odd, storage::Uid uid);

class MaildropFacts {
 public:
  /// Looked at in one go, so that others get their turn.
  static constexpr std::size_t messages_at_once = 1'000;
  static constexpr std::uint64_t octets_at_once = 64 * MiB;
  /// Mailboxes remembered; then all are forgotten.
  static constexpr std::size_t mailboxes_max = 10'000;

  explicit MaildropFacts(storage::Store& store) : store_(store) {}

  /// Of everything in `version`, which is one of `mailbox`.
  [[nodiscard]] Task<std::shared_ptr<const OddMessages>> of(storage::MailboxId mailbox,
                                                            std::shared_ptr<const mailbox::Version> version);

 private:
  struct Known {
    storage::Uid below = 0;  ///< uids under this have been looked at
    std::shared_ptr<const OddMessages> odd = std::make_shared<OddMessages>();
  };
  [[nodiscard]] Known known(storage::MailboxId mailbox);
  void remember(storage::MailboxId mailbox, Known known);

  storage::Store& store_;
  std::mutex mutex_;
  std::unordered_map<std::int64_t, Known> known_;
};

}  // namespace posthorn::access
