// One DKIM-Signature field taken apart (RFC 6376 3.5), judged by syntax alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/finding.h"
#include "foundation/base/result.h"
#include "standards/dkim/algorithm.h"
#include "standards/dns/name.h"
#include "standards/message/header.h"

namespace posthorn::dkim {

inline constexpr std::size_t signature_octets_max = 64 * KiB;  // ours: of one field
inline constexpr std::size_t signed_headers_max = 1000;        // ours: entries of one h=

struct Signature {
  Algorithm algorithm = Algorithm::rsa_sha256;
  Canonicalizations canonicalizations;
  dns::Name domain;                          ///< d=, A-labels, lower case
  dns::Name selector;                        ///< s=
  std::string identity;                      ///< i=; "@" and d= where absent
  std::vector<std::string> signed_headers;   ///< h=, as written, in order
  std::string body_hash;                     ///< bh=, octets
  std::string signature;                     ///< b=, octets
  std::optional<std::uint64_t> body_length;  ///< l=
  std::optional<std::int64_t> timestamp;     ///< t=, seconds since 1970
  std::optional<std::int64_t> expiration;    ///< x=
  std::size_t b_begin = 0;  ///< where the value of b= stands in the field's value, for canonical_signature_field
  std::size_t b_end = 0;

  /// SELECTOR._domainkey.DOMAIN; empty where that is no legal name.
  [[nodiscard]] std::optional<dns::Name> key_name() const;
};

struct SignatureError {
  std::string reason;  ///< "d= is missing"
  // What could be read all the same, so that the result can be told apart from others:
  std::string domain, selector, algorithm;
};

/// `value`: what stands after "DKIM-Signature:".
[[nodiscard]] posthorn::Result<Signature, SignatureError> parse_signature(Octets value);

/// An ARC-Message-Signature (RFC 8617 4.1.2): the same but for v=, which is not there, and i=, which is the
/// instance and left to the caller; From need not be among the signed headers.
[[nodiscard]] posthorn::Result<Signature, SignatureError> parse_arc_message_signature(Octets value);

/// A domain of d=, s= or i= as the DNS has it: lower case, U-labels turned to A-labels (RFC 8616).
[[nodiscard]] std::optional<dns::Name> parse_domain(std::string_view text);

struct SignatureReview {
  bool valid = false;
  std::optional<Signature> signature;
  std::string problem;  ///< why no verifier takes it; empty where one would
  Findings findings;
};
[[nodiscard]] SignatureReview review_signature(Octets value);

}  // namespace posthorn::dkim
