// TLSA records as SMTP uses them (RFC 6698, RFC 7671, RFC 7672), and how they are found for an MX host. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "standards/dns/resolver.h"

namespace posthorn::dane {

// RFC 6698 2.1.3: what of the certificate or key a record holds.
inline constexpr std::uint8_t matching_full = 0, matching_sha256 = 1, matching_sha512 = 2;

inline constexpr std::uint16_t smtp_port = 25;  // TLSA records of MX hosts stand under _25._tcp (RFC 7672 2.2.3)
inline constexpr std::size_t records_max = 32;  // ours

// RFC 6698 2.1.1 and RFC 7218.
inline constexpr std::uint8_t pkix_ta = 0, pkix_ee = 1, dane_ta = 2, dane_ee = 3;

/// "3 1 1 HEX": rdata in presentation form, white space in the hexadecimal part allowed; a whole zone line
/// ("_25._tcp.mx.example. 3600 IN TLSA 3 1 1 …") is read too.
[[nodiscard]] Result<dns::Tlsa, std::string> parse_tlsa(std::string_view text);
/// One record a line; blank lines and those that begin with ";" or "#" are passed over.
[[nodiscard]] Result<std::vector<dns::Tlsa>, std::string> parse_tlsa_file(std::string_view text);
/// "3 1 1 hex".
[[nodiscard]] std::string text(const dns::Tlsa& record);
/// Why SMTP cannot use it (RFC 7672 3.1: usages 0 and 1; unknown selector, matching type or a digest of the wrong
/// length: RFC 7671 4); "" when it can.
[[nodiscard]] std::string why_unusable(const dns::Tlsa& record);

/// What the DNS says about a host (RFC 7672 2.2).
enum class TlsaState : unsigned char {
  insecure,     ///< the host's addresses, or the lookup, are not DNSSEC-validated: no DANE
  absent,       ///< validated: there are no TLSA records
  usable,       ///< at least one record SMTP can use: authentication is required
  unusable,     ///< records, none of which can be used: encryption is required, nobody is authenticated (2.2)
  unavailable,  ///< bogus, SERVFAIL or a time-out: this host must not be used now (2.1.2)
};
[[nodiscard]] std::string_view text(TlsaState state);

struct TlsaLookup {
  TlsaState state = TlsaState::insecure;
  dns::Name base;                    ///< TLSA base domain: SNI and the first reference name (2.2.3)
  std::vector<dns::Tlsa> records;    ///< all of them, usable or not
  std::string reason;                ///< one sentence
  std::vector<dns::Answer> answers;  ///< what was asked for it, for stories; the addresses are the caller's
};
/// `addresses`: what lookup_addresses said of `host`. Asks for no TLSA record unless the host's address chain (or, for
/// an alias, its first CNAME) is validated: servers of unsigned zones often do not answer for TLSA (2.2.2).
[[nodiscard]] Task<TlsaLookup> find_tlsa(dns::Resolver& resolver, dns::Name host, dns::AddressLookup addresses,
                                         std::uint16_t port = smtp_port);

}  // namespace posthorn::dane
