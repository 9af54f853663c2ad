#include "flow/mailbox/snapshot.h"

#include <algorithm>
#include <ranges>

#include "flow/mailbox/version_builder.h"

namespace posthorn::mailbox {

Snapshot::Snapshot(std::shared_ptr<View> view) : view_(std::move(view)), known_(view_->current()) {}

void Snapshot::told(Uid uid, ModSeq modseq) {
  told_[uid] = modseq;
}

Changes Snapshot::catch_up(Expunges expunges) {
  Changes changes;
  std::shared_ptr<const Version> next = view_->current();
  if (next == known_) return changes;
  Difference difference = compare(*known_, *next);
  changes.gone = next->is_gone() && !known_->is_gone();
  if (expunges == Expunges::tell) {
    changes.expunged.reserve(difference.gone.size());
    for (const Uid uid : difference.gone | std::views::reverse)
      changes.expunged.push_back(static_cast<std::uint32_t>(*known_->position_of(uid) + 1));
    changes.vanished = std::move(difference.gone);
  } else if (!difference.gone.empty()) {
    // The numbers must stand: what went is kept in a version of this session's own until it may be told.
    VersionBuilder builder(*next);
    for (const Uid uid : difference.gone) builder.keep(*known_->find(uid));
    next = builder.finish();
  }
  if (!difference.added.empty()) changes.exists = static_cast<std::uint32_t>(next->size());
  changes.added = std::move(difference.added);
  for (const Uid uid : difference.changed) {
    const auto told = told_.find(uid);
    const bool known = told != told_.end() && told->second == next->find(uid)->modseq();
    if (!known) changes.flags.push_back(uid);
  }
  told_.clear();
  known_ = std::move(next);
  return changes;
}

}  // namespace posthorn::mailbox
