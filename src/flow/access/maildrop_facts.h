// MaildropFacts: what POP3 must know of messages beyond their size, so that LIST tells exactly what RETR sends: whether
// the last line has its end (RETR adds it, RFC 1939 3), and how long the header is for a client without UTF8 (RFC
// 6856).
//
// Messages never change, so each is looked at once; what is remembered of a mailbox are the few that are out of the
// ordinary. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "flow/mailbox/mailboxes.h"
#include "platform/storage/store.h"

namespace posthorn::access {

/// A message that RETR does not send octet for octet as it is stored.
struct OddMessage {
  storage::Uid uid = 0;
  bool lacks_line_end = false;
  std::size_t header_octets = 0;        ///< of a header section with UTF-8 in it; 0: there is none
  std::size_t ascii_header_octets = 0;  ///< of the same downgraded
};

/// Ascending by uid.
using OddMessages = std::vector<OddMessage>;
[[nodiscard]] const OddMessage* find_odd(const OddMessages& odd, storage::Uid uid);

class MaildropFacts {
 public:
  /// Headers are looked for in this much of a message; a longer one is sent as it is.
  static constexpr std::size_t header_octets_max = 64 * KiB;
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
