// search-key (RFC 9051 6.4.4, with RFC 5032, 5182, 7162, 8474, 8514) as a tree of values. search.h evaluates it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "standards/imap/date.h"
#include "standards/imap/flags.h"
#include "standards/imap/numbers.h"

namespace posthorn::imap {

inline constexpr std::size_t search_depth_max = 50;     // parentheses, NOT and OR inside one another
inline constexpr std::size_t search_keys_max = 10'000;  // of one command

struct SearchKey {
  enum class Kind : unsigned char {
    all,
    both,      ///< every child
    either,    ///< OR: one child of two
    negation,  ///< NOT: one child
    flag,      ///< `flag`; \Recent too
    keyword,   ///< `text`
    is_new,    ///< NEW: recent and unseen
    header,    ///< `field` holds `text` (empty: has the field); FROM, TO, CC, BCC, SUBJECT, HEADER
    body,      ///< `text`
    text,      ///< `text`, in header or body
    before,    ///< internal date, `day`
    on,
    since,
    sent_before,  ///< Date field, `day`
    sent_on,
    sent_since,
    saved_before,  ///< RFC 8514 4, `day`
    saved_on,
    saved_since,
    save_date_supported,
    larger,  ///< than `number` octets
    smaller,
    older,      ///< RFC 5032, `number` seconds; the message's age is at least that
    younger,    ///< less or equal
    mod_seq,    ///< RFC 7162 3.1.5: `number` or higher (the entry's name and type change nothing here)
    email_id,   ///< `text`
    thread_id,  ///< `text`
    uid,        ///< `set`
    sequence,   ///< `set`, "$" too
  };
  Kind kind = Kind::all;
  SystemFlag flag = SystemFlag::seen;
  std::string field;  ///< as written
  std::string text;   ///< UTF-8
  Day day;
  std::uint64_t number = 0;
  SequenceSet set;
  std::vector<SearchKey> children;

  /// Whether the tree holds such a key: MODSEQ (the answer then has the highest modseq) or a sequence number.
  [[nodiscard]] bool has(Kind wanted) const;
};

/// search-return-opts (RFC 4731, 5182, 9394).
struct SearchReturn {
  bool is_extended = false;  ///< RETURN was written: answer with ESEARCH
  bool min = false;
  bool max = false;
  bool all = false;  ///< also where RETURN () named nothing
  bool count = false;
  bool save = false;
  std::optional<PartialRange> partial;
};

struct SortCriterion {
  enum class Key : unsigned char {
    arrival,
    cc,
    date,
    display_from,  ///< RFC 5957
    display_to,
    from,
    size,
    subject,
    to
  };
  Key key = Key::arrival;
  bool reverse = false;
  friend bool operator==(const SortCriterion&, const SortCriterion&) = default;
};
inline constexpr std::size_t sort_criteria_max = 20;

enum class ThreadAlgorithm : unsigned char { ordered_subject, references };

}  // namespace posthorn::imap
