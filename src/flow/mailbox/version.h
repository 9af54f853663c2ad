// Version: what stands in a mailbox at one moment, immutable, shared by every session that looks at it. The next one
// shares all chunks in which nothing changed (view.h makes it), so that two versions are compared in the time of what
// differs between them.
//
// Thread-safe: immutable. Positions count from 0; an IMAP sequence number is a position plus 1.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/storage/rows.h"
#include "platform/storage/unit.h"

namespace posthorn::mailbox {

using storage::Flag;
using storage::MailboxId;
using storage::ModSeq;
using storage::Uid;

/// Keywords as first written, sorted. Sets are kept once a mailbox; equal sets are the same object.
using KeywordSet = std::vector<std::string>;

/// One email, in 32 octets: a view of 100,000 is 3 MB.
class Entry {
 public:
  Entry() = default;
  Entry(const storage::EmailSummary& email, std::uint32_t keywords);

  [[nodiscard]] Uid uid() const { return uid_; }
  [[nodiscard]] ModSeq modseq() const { return modseq_; }
  [[nodiscard]] EmailId email_id() const { return EmailId{email_id_}; }
  /// Octets of the message, exactly as FETCH and RETR send it (RFC822.SIZE).
  [[nodiscard]] std::uint64_t size() const { return (std::uint64_t{size_high_} << 32) | size_low_; }
  [[nodiscard]] std::uint8_t flags() const { return flags_; }
  [[nodiscard]] bool has(Flag flag) const { return (flags_ & static_cast<std::uint8_t>(flag)) != 0; }
  /// INTERNALDATE, in whole seconds.
  [[nodiscard]] TimePoint internal_date() const;
  /// For Version::keywords(); equal numbers mean equal sets within one mailbox.
  [[nodiscard]] std::uint32_t keyword_set() const { return keywords_; }

  [[nodiscard]] Entry with_flags(std::uint8_t flags, std::uint32_t keywords, ModSeq modseq) const;

 private:
  Uid uid_ = 0;
  std::uint32_t keywords_ : 24 = 0;
  std::uint32_t flags_ : 8 = 0;
  std::uint64_t modseq_ : 48 = 0;
  std::uint64_t size_high_ : 8 = 0;
  std::uint64_t date_high_ : 8 = 0;
  std::uint32_t size_low_ = 0;
  std::uint32_t date_low_ = 0;
  std::uint64_t email_id_ = 0;
};
static_assert(sizeof(Entry) == 32);

struct Totals {
  std::uint64_t unseen = 0;   ///< without \Seen
  std::uint64_t deleted = 0;  ///< with \Deleted
  std::uint64_t octets = 0;
  friend bool operator==(const Totals&, const Totals&) = default;
};

/// The keyword sets of one mailbox; only ever grows. Thread-safe.
class KeywordSets;

class Version {
 public:
  /// What two versions share; entries ascend by uid. Never empty.
  using Chunk = std::vector<Entry>;
  static constexpr std::size_t chunk_entries_max = 256;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const Entry& at(std::size_t position) const;
  /// The position of that uid; nullopt where it is not here.
  [[nodiscard]] std::optional<std::size_t> position_of(Uid uid) const;
  [[nodiscard]] const Entry* find(Uid uid) const;
  /// How many uids are lower.
  [[nodiscard]] std::size_t lower_bound(Uid uid) const;
  /// Calls `visit(position, entry)` for the positions first ≤ position < end.
  template <class Visit>
  void for_each(std::size_t first, std::size_t end, Visit visit) const;

  [[nodiscard]] const KeywordSet& keywords(const Entry& entry) const;
  /// Every keyword of the mailbox, sorted: for FLAGS and PERMANENTFLAGS. May name some that no email bears any more.
  [[nodiscard]] std::vector<std::string> known_keywords() const;

  [[nodiscard]] MailboxId mailbox() const { return mailbox_; }
  [[nodiscard]] std::uint32_t uid_validity() const { return uid_validity_; }
  [[nodiscard]] Uid uid_next() const { return uid_next_; }
  [[nodiscard]] ModSeq highest_modseq() const { return highest_modseq_; }
  /// Tombstones up to here are forgotten (storage::MailboxRow).
  [[nodiscard]] ModSeq forgotten_modseq() const { return forgotten_modseq_; }
  [[nodiscard]] const Totals& totals() const { return totals_; }
  /// The mailbox was deleted; what stood in it is still listed.
  [[nodiscard]] bool is_gone() const { return gone_; }
  [[nodiscard]] const std::vector<std::shared_ptr<const Chunk>>& chunks() const { return chunks_; }

 private:
  friend class VersionBuilder;
  [[nodiscard]] std::size_t chunk_at(std::size_t position) const;

  std::vector<std::shared_ptr<const Chunk>> chunks_;
  std::vector<std::uint32_t> starts_;  ///< position of each chunk's first entry
  std::size_t size_ = 0;
  MailboxId mailbox_;
  std::uint32_t uid_validity_ = 0;
  Uid uid_next_ = 1;
  ModSeq highest_modseq_ = 1;
  ModSeq forgotten_modseq_ = 0;
  Totals totals_;
  bool gone_ = false;
  std::shared_ptr<const KeywordSets> keywords_;
};

/// What differs between two versions of one mailbox. Uids ascend.
struct Difference {
  std::vector<Uid> gone;
  std::vector<Uid> changed;  ///< in both, with another modseq
  std::vector<Uid> added;
};
[[nodiscard]] Difference compare(const Version& before, const Version& after);

template <class Visit>
void Version::for_each(std::size_t first, std::size_t end, Visit visit) const {
  end = std::min(end, size_);
  if (first >= end) return;
  for (std::size_t c = chunk_at(first); c < chunks_.size() && starts_[c] < end; ++c) {
    const Chunk& chunk = *chunks_[c];
    const std::size_t from = std::max<std::size_t>(first, starts_[c]);
    const std::size_t to = std::min<std::size_t>(end, starts_[c] + chunk.size());
    for (std::size_t i = from; i < to; ++i) visit(i, chunk[i - starts_[c]]);
  }
}

}  // namespace posthorn::mailbox
