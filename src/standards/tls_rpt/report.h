// TLS reports (RFC 8460 4): the words for what may go wrong, a report as data, its JSON both ways. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "foundation/base/time.h"

namespace posthorn::tls_rpt {

inline constexpr std::size_t report_octets_max = 25 * MiB;   // ours: after expansion
inline constexpr std::size_t policies_max = 10'000;          // ours
inline constexpr std::size_t failure_details_max = 100'000;  // ours

/// RFC 8460 4.3.
enum class ResultType : unsigned char {
  starttls_not_supported,
  certificate_host_mismatch,
  certificate_expired,
  certificate_not_trusted,
  validation_failure,
  tlsa_invalid,
  dnssec_invalid,
  dane_required,
  sts_policy_fetch_error,
  sts_policy_invalid,
  sts_webpki_invalid,
};
[[nodiscard]] std::string_view text(ResultType type);
[[nodiscard]] std::optional<ResultType> parse_result_type(std::string_view text);

/// RFC 8460 4.4 policy-type.
enum class PolicyType : unsigned char { no_policy_found, sts, tlsa };
[[nodiscard]] std::string_view text(PolicyType type);
[[nodiscard]] std::optional<PolicyType> parse_policy_type(std::string_view text);

struct FailureDetail {
  std::string result_type;  ///< as written: a reader keeps types that it does not know
  std::string sending_mta_ip;
  std::string receiving_mx_hostname;
  std::string receiving_mx_helo;
  std::string receiving_ip;
  std::uint64_t failed_session_count = 0;
  std::string additional_information;
  std::string failure_reason_code;
  friend bool operator==(const FailureDetail&, const FailureDetail&) = default;
};

struct PolicyReport {
  std::string policy_type;  ///< as written
  std::vector<std::string> policy_string;
  std::string policy_domain;
  std::vector<std::string> mx_host;
  std::uint64_t successful_sessions = 0;
  std::uint64_t failed_sessions = 0;
  std::vector<FailureDetail> failures;
  friend bool operator==(const PolicyReport&, const PolicyReport&) = default;
};

struct Report {
  std::string organization_name;
  TimePoint start, end;
  std::string contact_info;
  std::string report_id;
  std::vector<PolicyReport> policies;
  friend bool operator==(const Report&, const Report&) = default;
};

/// Reads what the world sends: `policies` as one object, mx-host as text or list, policy-string as text or list,
/// numbers as text. Only the members that make a report one are needed.
[[nodiscard]] Result<Report, std::string> parse_report(std::string_view json);
/// RFC 8460 4.4: one line of JSON; `policies` is always an array, empty members are left out.
[[nodiscard]] std::string write_report(const Report& report);

}  // namespace posthorn::tls_rpt
