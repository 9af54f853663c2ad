// ARC (RFC 8617, Experimental, on its way to Historic): the chain of custody that forwarders leave. A hint about
// listed forwarders, never a reason by itself to trust a message.
//
// A set is three fields with the same i=: ARC-Authentication-Results, ARC-Message-Signature, ARC-Seal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "standards/authentication_results/authentication_results.h"
#include "standards/dkim/message_scan.h"
#include "standards/dkim/sign.h"
#include "standards/dkim/verify.h"
#include "standards/dns/resolver.h"

namespace posthorn::arc {

inline constexpr unsigned sets_max = 50;  // RFC 8617 4.2.1: i= is 1 to 50

enum class ChainStatus : unsigned char { none, pass, fail };
[[nodiscard]] std::string_view text(ChainStatus status);

/// What one set says and how it stood up.
struct SetOutcome {
  unsigned instance = 0;
  std::string sealer;    ///< d= of the ARC-Seal
  std::string selector;  ///< s= of the ARC-Seal
  std::string cv;        ///< cv= as the sealer wrote it
  dkim::Mathematics seal = dkim::Mathematics::unchecked;
  dkim::Mathematics message_signature = dkim::Mathematics::unchecked;  ///< checked for the newest set only
  dkim::Mathematics body_hash = dkim::Mathematics::unchecked;
  /// What the sealer says it had found; absent where its text does not parse.
  std::optional<authentication_results::AuthenticationResults> results;
};

struct Outcome {
  ChainStatus result = ChainStatus::none;
  unsigned sets = 0;              ///< how many; as counted before anything failed
  std::string reason;             ///< why it failed; empty otherwise
  bool temporary = false;         ///< it failed for want of a DNS answer
  std::vector<SetOutcome> chain;  ///< oldest first; empty where the structure is broken
};

/// RFC 8617 5.2. The scan must be finished.
[[nodiscard]] Task<Outcome> verify(const dkim::MessageScan& scan, dns::Resolver& resolver, TimePoint now);

struct SealOptions {
  std::string authserv_id;
  /// h= of the ARC-Message-Signature; absent: dkim::signed_header_list without the oversigning.
  std::optional<std::vector<std::string>> headers;
  TimePoint now{};
};

enum class SealError : unsigned char {
  no_results,      ///< the message has no Authentication-Results of this authserv-id
  chain_too_long,  ///< fifty sets already (RFC 8617 5.1)
  chain_failed,    ///< the newest set already says cv=fail: nothing may be added (RFC 8617 5.1.2)
};
[[nodiscard]] std::string_view text(SealError error);

/// The three fields of the next set, ARC-Seal first, each with its CRLF: they go on top of the message. `chain` is
/// what verify() said of the same scan, which must hold dkim::signing_body_hash(relaxed).
[[nodiscard]] Result<std::string, SealError> seal(const dkim::MessageScan& scan, const Outcome& chain,
                                                  const dkim::Signer& signer, const SealOptions& options);

}  // namespace posthorn::arc
