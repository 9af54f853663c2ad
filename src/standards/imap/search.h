// Evaluation of a search-key (RFC 9051 6.4.4) for one message at a time. Pure; one Search may be used by several
// threads at once.
//
//   Search search(command.key, context);
//   switch (search.decide(facts)) {          // from the view in memory
//     Decision::yes / no                      // done
//     Decision::needs_header                  // search.matches(facts, header_octets)
//     Decision::needs_message                 // search.matches(facts, message_octets)
//   }
//
// Text is compared as RFC 9051 wants: a substring, case-insensitive, on decoded text: encoded-words, transfer
// encodings and charsets undone, header fields unfolded, headers of MIME parts counted as text. A message that is
// plain ASCII throughout is searched as it stands.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/time.h"
#include "standards/imap/search_key.h"

namespace posthorn::imap {

/// What is known of a message without its octets.
struct SearchFacts {
  SequenceNumber number = 0;
  Uid uid = 0;
  std::uint8_t flags = 0;                              ///< SystemFlag bits, \Recent among them
  const std::vector<std::string>* keywords = nullptr;  ///< nullptr: none
  std::uint64_t size = 0;
  ModSeq mod_seq = 0;
  TimePoint internal_date;
  std::optional<TimePoint> save_date;
  std::string_view email_id;   ///< as FETCH shows it
  std::string_view thread_id;  ///< empty: none
};

struct SearchContext {
  TimePoint now;                   ///< for OLDER and YOUNGER
  SequenceNumber last_number = 0;  ///< "*" in sequence sets
  Uid last_uid = 0;                ///< "*" in uid sets
  NumberSet saved_uids;            ///< "$" (RFC 5182): as uids, so that they survive expunges
};

class Search {
 public:
  enum class Decision : unsigned char { no, yes, needs_header, needs_message };

  Search(const SearchKey& key, const SearchContext& context);
  ~Search();
  Search(Search&&) noexcept;
  Search& operator=(Search&&) noexcept;

  [[nodiscard]] Decision decide(const SearchFacts& facts) const;
  /// `octets`: the whole message, or only its header where decide() asked for no more.
  [[nodiscard]] bool matches(const SearchFacts& facts, Octets octets) const;
  /// Which facts are looked at beyond number, uid, flags, size and modseq: so that the caller need not fetch them.
  [[nodiscard]] bool uses_internal_date() const;
  [[nodiscard]] bool uses_save_date() const;
  [[nodiscard]] bool uses_ids() const;
  /// Whether the header fields it looks at are among those of usual_fields.h: they do where the header is needed.
  [[nodiscard]] bool uses_only_usual_fields() const;
  /// The sequence numbers (or uids) a top-level set limits the answer to; nullopt: all. To leave messages out early.
  [[nodiscard]] std::optional<NumberSet> number_bound() const;
  [[nodiscard]] std::optional<NumberSet> uid_bound() const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace posthorn::imap
