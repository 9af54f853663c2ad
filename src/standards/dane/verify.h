// Whether a server's certificate chain matches its TLSA records (RFC 7671, RFC 7672 3). Pure.
//
// Usage 3: the certificate or its key is the one published; name and dates do not count (RFC 7671 5.1).
// Usage 2: a trust anchor that issued the chain is published; the chain must hold at `now` and the certificate bear one
// of the names (RFC 7671 5.2). Any record that matches is enough; a usage 2 match with a wrong name is no match, and
// a usage 3 match is one whatever the usage 2 records say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/time.h"
#include "foundation/crypto/certificate.h"
#include "standards/dns/record.h"

namespace posthorn::dane {

enum class Match : unsigned char {
  match,
  mismatch,
  unusable,  ///< no record can be used by SMTP: the connection is encrypted, nobody is authenticated
};
[[nodiscard]] std::string_view text(Match match);

struct Verdict {
  Match match = Match::unusable;
  int usage = -1;      ///< of the record that matched
  int depth = -1;      ///< of what it matched: 0 the server's certificate, 1 its issuer …
  std::string record;  ///< the record that matched, as text
  std::string reason;  ///< one sentence
  /// Why it did not match: for TLS reports.
  bool names_differ = false;
  bool expired = false;
};

/// `chain`: as the server sent it, its own certificate first. `names`: the TLSA base domain, then the further
/// reference identifiers of RFC 7672 3.2.2.
[[nodiscard]] Verdict verify_chain(const std::vector<dns::Tlsa>& records, const std::vector<crypto::Certificate>& chain,
                                   const std::vector<std::string>& names, TimePoint now);
/// The same over DER, as net::Stream::peer_chain() gives it. A certificate that cannot be read matches nothing but a
/// usage 3 selector 0 record over its octets.
[[nodiscard]] Verdict verify_chain_der(const std::vector<dns::Tlsa>& records, const std::vector<OctetString>& chain,
                                       const std::vector<std::string>& names, TimePoint now);

}  // namespace posthorn::dane
