// Snapshot: a mailbox as one session's client has been told it is. Sequence numbers (position + 1) move only when the
// session says so, by catch_up().
//
// One session, one executor.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "flow/mailbox/view.h"

namespace posthorn::mailbox {

/// What a client must be told, in this order: vanished or expunged, exists, flags.
struct Changes {
  /// Uids that went, ascending (VANISHED), and the same as sequence numbers in the order to send them (EXPUNGE): from
  /// the highest down, so that each is right when it is read.
  std::vector<Uid> vanished;
  std::vector<std::uint32_t> expunged;
  /// The new number of messages, where some came.
  std::optional<std::uint32_t> exists;
  std::vector<Uid> added;
  /// Uids whose flags or keywords changed, as they stand in known() now; not the ones that came, nor those told().
  std::vector<Uid> flags;
  /// The mailbox was deleted.
  bool gone = false;
  [[nodiscard]] bool any() const { return !vanished.empty() || exists || !flags.empty() || gone; }
};

enum class Expunges : std::uint8_t {
  /// RFC 9051 7.5.1: never while FETCH, STORE or SEARCH by sequence number runs. What went stays in known().
  hold_back,
  tell,
};

class Snapshot {
 public:
  /// As the mailbox stands now: what SELECT answers.
  explicit Snapshot(std::shared_ptr<View> view);

  [[nodiscard]] const std::shared_ptr<View>& view() const { return view_; }
  /// What the client knows; valid until catch_up().
  [[nodiscard]] const Version& known() const { return *known_; }
  [[nodiscard]] const std::shared_ptr<const Version>& known_version() const { return known_; }
  /// Whether catch_up() would have something to say.
  [[nodiscard]] bool is_behind() const { return known_ != view_->current(); }
  /// An email of known() that is gone from the mailbox: FETCH of it says nothing or NO [EXPUNGEISSUED].
  [[nodiscard]] bool is_gone(Uid uid) const { return view_->current()->find(uid) == nullptr; }

  /// Takes known() to the present.
  [[nodiscard]] Changes catch_up(Expunges expunges);
  /// The client has just been told these flags (by the reply to its own STORE, or because it asked for silence):
  /// catch_up() does not repeat them.
  void told(Uid uid, ModSeq modseq);

 private:
  std::shared_ptr<View> view_;
  std::shared_ptr<const Version> known_;
  std::unordered_map<Uid, ModSeq> told_;
};

}  // namespace posthorn::mailbox
