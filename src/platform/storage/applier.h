// Applier: writes units into the database, one group a transaction. Committer only.
//
//   begin() … apply(unit) for each … commit();   rollback() instead, after an error.
//
// A unit whose precondition fails leaves nothing behind and disturbs no other.
#pragma once

#include "platform/storage/directory_rows.h"
#include "platform/storage/key_rows.h"
#include "platform/storage/mailbox_rows.h"
#include "platform/storage/queue_rows.h"
#include "platform/storage/story_rows.h"
#include "platform/storage/trust_rows.h"

namespace posthorn::storage {

/// By the PutContent it belongs to.
using Placements = std::unordered_map<const PutContent*, Placement>;

class Applier {
 public:
  explicit Applier(const Database& database);

  void begin();
  [[nodiscard]] Result<Committed, CommitFailure> apply(const Unit& unit, const Placements& placements, TimePoint now);
  /// The same for a unit that is alone in its transaction: it needs no savepoint, which costs as much as its rows.
  [[nodiscard]] Result<Committed, CommitFailure> apply_alone(const Unit& unit, const Placements& placements,
                                                             TimePoint now);
  /// `open_segment` and its length: what the segments table says of it from now on.
  void commit(std::uint64_t open_segment, std::uint64_t open_octets);
  void rollback();

  /// Stories stay unsorted while this lives: sorting may need a damaged page that no unit asked for.
  void put_off_sorting() { may_sort_ = false; }
  /// What the group did to files; take it after commit().
  [[nodiscard]] ContentEffects take_effects() { return std::exchange(contents_.effects(), {}); }

 private:
  struct UnitContext;
  [[nodiscard]] bool holds(const Precondition& precondition);
  [[nodiscard]] std::optional<CommitFailure> failed_precondition(const Unit& unit);
  [[nodiscard]] bool write(const Mutation& mutation, UnitContext& context);
  [[nodiscard]] std::optional<std::size_t> first_failure(const Unit& unit, UnitContext& context);
  void undo_unit(const std::array<std::size_t, 3>& effects_before);

  const Database& database_;
  Counters counters_;
  ContentRows contents_;
  MailboxRows mailboxes_;
  QueueRows queue_;
  DirectoryRows directory_;
  KeyRows keys_;
  StoryRows stories_;
  TrustRows trust_;
  bool may_sort_ = true;
  Statement begin_, commit_, savepoint_, release_, rollback_unit_;
};

}  // namespace posthorn::storage
