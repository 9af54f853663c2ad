// An SPF record taken apart (RFC 7208 4.6, 12): terms in their order, with macro strings unexpanded.
// Parsing finds every syntax error anywhere in the record, as RFC 7208 4.6 demands; what it accepts, evaluate can
// evaluate. Pure values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/finding.h"
#include "foundation/base/ip_address.h"
#include "foundation/base/result.h"
#include "standards/spf/result.h"

namespace posthorn::spf {

inline constexpr std::size_t record_octets_max = 64 * KiB;  // ours: RDATA of one TXT record cannot be longer

enum class MechanismKind : unsigned char { all, include, a, mx, ptr, ip4, ip6, exists };
[[nodiscard]] std::string_view text(MechanismKind kind);
/// Whether the term counts against the limit of RFC 7208 4.6.4 (redirect does too).
[[nodiscard]] bool asks_dns(MechanismKind kind);

struct Mechanism {
  Result qualifier = Result::pass;  ///< what a match means: pass, fail, softfail or neutral
  MechanismKind kind = MechanismKind::all;
  std::string text;         ///< the term as written
  std::string domain_spec;  ///< macro string; empty where the term has none
  IpAddress network;        ///< ip4, ip6: as written, host bits and all
  unsigned prefix4 = 32;    ///< a, mx, ip4
  unsigned prefix6 = 128;   ///< a, mx, ip6
};

struct Modifier {
  std::string name;   ///< lower case
  std::string value;  ///< macro string
};

struct Record {
  std::vector<Mechanism> mechanisms;
  std::optional<std::string> redirect;  ///< domain-spec
  std::optional<std::string> exp;       ///< domain-spec
  std::vector<Modifier> unknown_modifiers;

  [[nodiscard]] bool has_all() const;
};

struct SyntaxError {
  std::string term;    ///< as written
  std::string reason;  ///< "unknown mechanism", …
  [[nodiscard]] std::string text() const;
};

/// RFC 7208 4.5: "v=spf1", any case, followed by a space or the end.
[[nodiscard]] bool is_spf_record(std::string_view text);
/// The record after its strings are joined.
[[nodiscard]] posthorn::Result<Record, SyntaxError> parse_record(std::string_view text);

struct RecordReview {
  bool valid = false;  ///< check_host would evaluate it
  Record record;
  Findings findings;
};
/// Every fault and smell that one record shows without asking the DNS, each with the record as it should read.
[[nodiscard]] RecordReview review_record(std::string_view text);
/// One record with the terms of all, each once; the most careful `all` at its end.
[[nodiscard]] std::string merged(const std::vector<std::string>& records);

}  // namespace posthorn::spf
