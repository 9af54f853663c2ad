// Views: the mailboxes that are in memory. Loads one when it is first asked for, applies every commit to those that are
// there, and lets go of the least recently used that no session holds.
//
// Loading and committing meet like this: the mailbox is noted as loading before it is read, and what commits meanwhile
// is kept beside it and applied afterwards; what the reading had seen already is passed over by uid and modseq.
//
// Thread-safe. Outlived by nothing that uses it; the store's observer holds it.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "flow/mailbox/operations.h"
#include "flow/mailbox/view.h"
#include "platform/runtime/event.h"
#include "platform/storage/store.h"

namespace posthorn::mailbox {

class VersionBuilder;

class Views {
 public:
  /// Registers as observer of the store.
  [[nodiscard]] static std::shared_ptr<Views> make(storage::Store& store, std::size_t idle_emails_max);
  Views(storage::Store& store, std::size_t idle_emails_max) : store_(store), idle_emails_max_(idle_emails_max) {}

  /// nullptr: there is no such mailbox.
  [[nodiscard]] Task<std::shared_ptr<View>> open(storage::AccountId account, MailboxId mailbox);
  /// The view if it is in memory; else nullptr.
  [[nodiscard]] std::shared_ptr<View> in_memory(MailboxId mailbox);
  [[nodiscard]] Uid take_recent(View& view);
  /// Views in memory, and the emails in them.
  [[nodiscard]] std::size_t size();
  [[nodiscard]] std::size_t emails();

 private:
  /// One thing that happened to a mailbox.
  struct Delta {
    enum class Kind : std::uint8_t { added, flags, removed, forgotten, gone };
    Kind kind{};
    storage::EmailSummary email;  ///< of removed: uid and modseq; of forgotten: modseq
  };
  using Deltas = std::unordered_map<std::int64_t, std::vector<Delta>>;
  struct Slot {
    storage::AccountId account;
    std::shared_ptr<View> view;    ///< nullptr: loading
    std::vector<Delta> meanwhile;  ///< while loading
    bool gone = false;             ///< while loading: deleted meanwhile
    std::vector<runtime::Event> waiting;
    std::list<std::int64_t>::iterator used;
  };
  /// Takes back the note that a mailbox is loading, where the one who loads it is cancelled or fails.
  class Loading;
  struct Loaded {
    storage::MailboxRow row;
    std::shared_ptr<const Version> version;
  };

  void committed(std::span<const storage::CommittedUnit> units);
  void collect(const storage::CommittedUnit& unit, Deltas& deltas);
  void collect_account(storage::AccountId account, Deltas& deltas);
  void apply_all(Deltas& deltas);
  static void apply(VersionBuilder& builder, const Delta& delta);
  [[nodiscard]] static std::optional<Loaded> load(storage::Reader& reader, storage::AccountId account,
                                                  MailboxId mailbox);
  [[nodiscard]] std::shared_ptr<View> finish_loading(storage::AccountId account, MailboxId mailbox,
                                                     std::optional<Loaded> loaded);
  void abandon(MailboxId mailbox);
  void let_go();

  storage::Store& store_;
  const std::size_t idle_emails_max_;
  std::mutex mutex_;
  std::unordered_map<std::int64_t, Slot> slots_;
  std::list<std::int64_t> by_use_;
};

}  // namespace posthorn::mailbox
