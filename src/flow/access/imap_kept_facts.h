// Facts (envelopes, structures, the usual header fields) of the messages that a FETCH has in hand. Those of the next
// messages are read while the ones in hand are written.
#pragma once

#include <vector>

#include "flow/access/imap_context.h"
#include "platform/runtime/event.h"

namespace posthorn::access {

/// A message's header fits into this nearly always; Content reads on where one does not.
inline constexpr std::uint64_t kHeaderOctets = 16 * KiB;

class KeptFacts {
 public:
  /// For the selected mailbox.
  KeptFacts(ImapContext& context, storage::FactsParts parts) : context_(context), parts_(parts) {}

  [[nodiscard]] const storage::FactsParts& parts() const { return parts_; }
  [[nodiscard]] bool any() const { return parts_.envelope || parts_.structure || parts_.preview || parts_.fields; }

  /// Begins to read those of the next messages (uids ascending).
  void begin(std::vector<storage::Uid> uids);
  /// Takes what begin() was last called for in hand.
  [[nodiscard]] Task<> take();
  /// Of a message in hand; nullptr where it is gone.
  [[nodiscard]] const mailbox::Facts* find(storage::Uid uid) const;

 private:
  using Answer = std::vector<std::optional<mailbox::Facts>>;
  using Promise = runtime::Promise<Answer>;

  [[nodiscard]] static Task<> read_into(mailbox::Mailboxes& mailboxes, std::shared_ptr<mailbox::View> view,
                                        std::vector<storage::Uid> uids, storage::FactsParts parts, Promise promise);
  [[nodiscard]] Task<> mend_structure(storage::Uid uid, mailbox::Facts& facts);
  [[nodiscard]] Task<> mend_fields(storage::Uid uid, mailbox::Facts& facts);

  ImapContext& context_;
  const storage::FactsParts parts_;
  std::vector<storage::Uid> uids_, next_uids_;
  Answer facts_;  // one for each of uids_
  std::optional<Promise> under_way_;
};

}  // namespace posthorn::access
