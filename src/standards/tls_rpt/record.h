// The `_smtp._tls` TXT record (RFC 8460 3), and how it is found. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "standards/dns/policy_txt.h"

namespace posthorn::tls_rpt {

inline constexpr std::size_t report_uris_max = 100;  // ours

struct Record {
  /// "mailto:…" and "https:…" only, percent-encoding as it was written; RFC 8460 has no external authorization.
  std::vector<std::string> rua;
  friend bool operator==(const Record&, const Record&) = default;
};

/// RFC 8460 3: "v=TLSRPTv1;" at the very beginning.
[[nodiscard]] bool is_tls_rpt_record(std::string_view text);
/// tlsrpt-record; the error says what is wrong, in words.
[[nodiscard]] Result<Record, std::string> parse_record(std::string_view text);
[[nodiscard]] std::string record_text(const Record& record);

/// RFC 8460 3: none, several or a faulty record: nobody reports.
using dns::RecordState;

struct RecordLookup {
  RecordState state = RecordState::absent;
  Record record;
  std::vector<std::string> texts;  ///< those that begin with "v=TLSRPTv1;"
  std::string reason;
  std::vector<dns::Answer> answers;
};
/// TXT at `_smtp._tls.DOMAIN`.
[[nodiscard]] Task<RecordLookup> find_record(dns::Resolver& resolver, dns::Name domain);

/// Findings: tlsrpt-syntax, quotes-typographic, separator-comma, tag-duplicate, tag-unknown.
struct RecordReview {
  bool valid = false;
  Record record;
  Findings findings;
};
[[nodiscard]] RecordReview review_record(std::string_view text);
/// What a lookup shows: tlsrpt-missing, tlsrpt-multiple, and the review of the one record.
[[nodiscard]] Findings findings_of(const RecordLookup& lookup, const dns::Name& domain);

}  // namespace posthorn::tls_rpt
