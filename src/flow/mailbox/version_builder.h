// VersionBuilder: makes a mailbox's next Version from the present one, copying only the chunks it changes. Used by the
// one who loads a view and by the committer; one thread.
#pragma once

#include <unordered_map>

#include "flow/mailbox/keyword_sets.h"

namespace posthorn::mailbox {

class VersionBuilder {
 public:
  /// A new mailbox in memory.
  VersionBuilder(const storage::MailboxRow& row, std::shared_ptr<KeywordSets> keywords);
  /// The next one.
  explicit VersionBuilder(const Version& present);

  /// Uids ascend over all that was ever added; one that is not above them, or a modseq that is known, is passed over.
  void add(const storage::EmailSummary& email);
  void set_flags(Uid uid, ModSeq modseq, std::uint8_t flags, const std::vector<std::string>& keywords);
  void remove(Uid uid, ModSeq modseq);
  /// Puts back one that this version does not have any more (a session still holds its sequence number).
  void keep(const Entry& entry);
  void raise_uid_next(Uid uid_next);
  void raise_modseq(ModSeq modseq);
  void forget_up_to(ModSeq modseq);
  void mark_gone();

  [[nodiscard]] std::shared_ptr<const Version> finish();

 private:
  using Chunk = Version::Chunk;
  /// The chunk to write on: copied where it is still shared.
  [[nodiscard]] Chunk& own(std::size_t index);
  [[nodiscard]] std::optional<std::size_t> chunk_of(Uid uid) const;
  void count(const Entry& entry, int sign);
  void renew_keywords();

  std::shared_ptr<Version> version_;
  std::shared_ptr<KeywordSets> keywords_;
  std::unordered_map<const Chunk*, Chunk*> owned_;
};

}  // namespace posthorn::mailbox
