// CAA records by themselves (RFC 8659): the property as it is written in zone files, and what is wrong with it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/finding.h"
#include "foundation/base/result.h"
#include "standards/dns/record.h"

namespace posthorn::dns {

inline constexpr std::uint8_t caa_critical = 128;  // RFC 8659 4.1: issuer-critical flag

/// `0 issue "ca.example.net"`; a whole zone line ("example.org. CAA 0 issue …") is read too.
[[nodiscard]] Result<Caa, std::string> parse_caa(std::string_view text);

/// RFC 8659 4.2: issuer-domain-name of issue and issuewild; empty: nobody may issue (";").
[[nodiscard]] std::string caa_issuer(const Caa& record);

/// `valid`: a CA would understand it. Findings: tag-unknown, quotes-typographic.
struct CaaReview {
  bool valid = false;
  std::optional<Caa> record;
  std::string problem;  ///< why a CA does not understand it; empty where it does
  Findings findings;
};
[[nodiscard]] CaaReview review_caa(std::string_view text);

}  // namespace posthorn::dns
