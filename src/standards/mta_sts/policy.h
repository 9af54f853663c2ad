// The MTA-STS policy file (RFC 8461 3.2) and its MX patterns (4.1). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/finding.h"
#include "foundation/base/result.h"

namespace posthorn::mta_sts {

inline constexpr std::size_t policy_octets_max =
    64 * KiB;  // RFC 8461 3.3: bounded; the size is the practice of senders
inline constexpr std::uint32_t max_age_seconds_max = 31'557'600;  // RFC 8461 3.2: one year
inline constexpr std::size_t mx_patterns_max = 1000;              // ours
inline constexpr std::uint32_t max_age_seconds_short = 86'400;    // under a day it protects little (RFC 8461 3.2)

enum class Mode : unsigned char { none, testing, enforce };
[[nodiscard]] std::string_view text(Mode mode);
/// The mode that a word was meant to be ("training" -> "testing", "enfoce" -> "enforce"); empty: no idea.
[[nodiscard]] std::string_view did_you_mean(std::string_view word);

/// `["*."] Domain`: A-labels, lower case, no dot at the end.
struct MxPattern {
  std::string domain;     ///< without the "*."
  bool wildcard = false;  ///< exactly one label stands before the domain
  [[nodiscard]] std::string text() const;
  /// `host`: an MX name in A-label form, any case, with or without the root's dot.
  [[nodiscard]] bool matches(std::string_view host) const;
  [[nodiscard]] static Result<MxPattern, std::string> parse(std::string_view text);
  friend bool operator==(const MxPattern&, const MxPattern&) = default;
};

struct Policy {
  Mode mode = Mode::none;
  std::uint32_t max_age_seconds = 0;
  std::vector<MxPattern> mx;

  /// The pattern that covers the host; nullptr: none does.
  [[nodiscard]] const MxPattern* match(std::string_view host) const;
  friend bool operator==(const Policy&, const Policy&) = default;
};

enum class PolicyFault : unsigned char {
  syntax,        ///< a line is no field, or a field's value breaks its grammar
  version,       ///< missing, or not STSv1
  mode_missing,  ///< no mode
  mode_unknown,  ///< a mode that does not exist
  max_age,       ///< missing, no number, or over a year
  mx_missing,    ///< no mx line though the mode is not none
  mx_syntax,     ///< an mx line that is no pattern: an address, a URL, a U-label
  too_large,     ///< over policy_octets_max
};
struct PolicyError {
  PolicyFault fault = PolicyFault::syntax;
  std::size_t line = 0;  ///< from 1; 0: the file as a whole
  std::string reason;
  [[nodiscard]] std::string text() const;
};

/// RFC 8461 3.2: lines end in CRLF or LF, unknown keys are ignored, of duplicates other than mx the first counts.
[[nodiscard]] Result<Policy, PolicyError> parse_policy(std::string_view text);
/// The file as Posthorn serves it: CRLF, version, mode, mx in order, max_age.
[[nodiscard]] std::string policy_text(const Policy& policy);

/// The id of the file: the first 32 hex digits of its SHA-256.
[[nodiscard]] std::string policy_id(std::string_view policy_text);

/// `valid`: a sender would use it. Findings: sts-policy-syntax, sts-mode-unknown, sts-max-age-short, tag-duplicate,
/// tag-unknown.
struct PolicyReview {
  bool valid = false;
  Policy policy;
  Findings findings;
};
[[nodiscard]] PolicyReview review_policy(std::string_view text);

/// The policy against the domain's MX names (A-labels): sts-mx-missing, sts-mx-extra. Nothing with mode none.
[[nodiscard]] Findings compare_with_mx(const Policy& policy, const std::vector<std::string>& mx_hosts);

}  // namespace posthorn::mta_sts
