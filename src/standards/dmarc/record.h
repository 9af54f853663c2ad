// A DMARC policy record (RFC 9989 4.7, 4.8), read the way the world's records need: unknown tags, removed tags and
// elements that are no tag at all are ignored; only v, p, sp and np can make a record unusable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/result.h"

namespace posthorn::dmarc {

inline constexpr std::size_t report_uris_max = 100;  // ours

enum class Policy : unsigned char { none, quarantine, reject };
[[nodiscard]] std::string_view text(Policy policy);
/// RFC 9989 4.7 t=y: reject becomes quarantine, quarantine becomes none.
[[nodiscard]] Policy step_down(Policy policy);

enum class AlignmentMode : unsigned char { relaxed, strict };

/// psd=: whether the name is a public suffix.
enum class Psd : unsigned char {
  unknown,  ///< u, the default: the walk decides
  yes,      ///< y: a public suffix; the organizational domain is one label below
  no,       ///< n: this is the organizational domain
};
[[nodiscard]] std::string_view text(Psd psd);

struct ReportUri {
  std::string uri;  ///< "mailto:a@b.example", without the retired "!10m" suffix
  /// The domain reports would go to; empty for schemes other than mailto.
  std::string domain;
  friend bool operator==(const ReportUri&, const ReportUri&) = default;
};

struct Record {
  Policy p = Policy::none;
  std::optional<Policy> sp;  ///< existing subdomains
  std::optional<Policy> np;  ///< names that do not exist
  AlignmentMode adkim = AlignmentMode::relaxed;
  AlignmentMode aspf = AlignmentMode::relaxed;
  Psd psd = Psd::unknown;
  bool testing = false;        ///< t=y
  std::string fo = "0";        ///< failure reporting options
  std::vector<ReportUri> rua;  ///< syntactically valid ones
  std::vector<ReportUri> ruf;
  /// RFC 9989 4.10.1: p was missing or invalid, or sp or np invalid, and rua saves the record: it acts as p=none.
  bool acts_as_none = false;
  /// The same without a usable rua: found, but no DMARC processing applies.
  bool unusable = false;
  std::string fault;  ///< which tag, where one of the two is set

  /// What a message from this very name, a subdomain that exists, or a name that does not, is to meet.
  [[nodiscard]] Policy for_subdomain() const { return sp.value_or(p); }
  [[nodiscard]] Policy for_non_existent() const { return np.value_or(for_subdomain()); }
};

/// RFC 9989 4.8: the text begins with "v", "=" and "DMARC1" exactly, then a ";" or the end.
[[nodiscard]] bool is_dmarc_record(std::string_view text);
/// Nullopt where it is none.
[[nodiscard]] std::optional<Record> parse_record(std::string_view text);
/// The record as Posthorn publishes it: tags that differ from their defaults, never pct, rf or ri.
[[nodiscard]] std::string record_text(const Record& record);

struct RecordReview {
  bool valid = false;  ///< a receiver would apply it
  Record record;
  Findings findings;
};
[[nodiscard]] RecordReview review_record(std::string_view text);

}  // namespace posthorn::dmarc
