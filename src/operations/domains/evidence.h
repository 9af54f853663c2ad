// Evidence: what is known about how mail for a domain fares, for decisions that must not be taken blindly: may MTA-STS
// go to enforce, may DMARC go to reject? The checks that `domain check` made are one source; reports
// from the world (operations/reports) are another, which implements this interface.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/task.h"
#include "foundation/base/time.h"

namespace posthorn::domains {

/// One check of the domain, as the history keeps it ("domains/checks/DOMAIN").
struct CheckMade {
  TimePoint at;
  std::size_t errors = 0;
  std::size_t warnings = 0;
  std::vector<std::string> ids;  ///< of its errors, at most findings_kept_max
  friend bool operator==(const CheckMade&, const CheckMade&) = default;
};
inline constexpr std::size_t checks_kept_max = 1000;
inline constexpr std::size_t findings_kept_max = 20;

/// What reports of a kind say about a span of time.
struct ReportedSessions {
  std::uint64_t good = 0;
  std::uint64_t failed = 0;
  std::vector<std::string> reasons;  ///< the most frequent ones
};

class Evidence {
 public:
  virtual ~Evidence() = default;
  /// TLS reports (RFC 8460) about the domain since then; nullopt: none were read.
  [[nodiscard]] virtual Task<std::optional<ReportedSessions>> tls_reports(std::string domain, TimePoint since) = 0;
  /// DMARC aggregate reports (RFC 9990): messages that are the owner's by their source, passing and failing.
  [[nodiscard]] virtual Task<std::optional<ReportedSessions>> dmarc_reports(std::string domain, TimePoint since) = 0;
};

/// The history of checks, newest last, as JSON text in the store.
[[nodiscard]] std::string checks_json(const std::vector<CheckMade>& checks);
[[nodiscard]] std::vector<CheckMade> parse_checks(std::string_view json);
[[nodiscard]] std::string checks_key(std::string_view domain);
/// Appends and keeps the bound.
void add_check(std::vector<CheckMade>& checks, CheckMade check);
/// Since when every check was without an error, where the last one is not older than `fresh`; nullopt: it is not so
/// now, or nobody knows.
[[nodiscard]] std::optional<TimePoint> clean_since(const std::vector<CheckMade>& checks, TimePoint now, Duration fresh);

}  // namespace posthorn::domains
