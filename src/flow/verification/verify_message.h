// Everything the standards say about one message's origin, in one call: iprev, SPF for both identities, DKIM, ARC,
// DMARC; and how it stands in our Authentication-Results field. Nothing is decided here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "foundation/base/ip_address.h"
#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "standards/arc/arc.h"
#include "standards/authentication_results/authentication_results.h"
#include "standards/dkim/message_scan.h"
#include "standards/dkim/verify.h"
#include "standards/dmarc/evaluate.h"
#include "standards/dns/resolver.h"
#include "standards/iprev/iprev.h"
#include "standards/spf/check_host.h"

namespace posthorn::verification {

/// What is known of the SMTP session a message came in; a message from a file has none.
struct Session {
  IpAddress ip;
  std::string mail_from;  ///< without brackets; empty for the null sender
  std::string helo;
  std::string receiver;  ///< our host name
};

/// What can be asked as soon as MAIL has been seen.
struct SessionVerdicts {
  iprev::Outcome iprev;
  spf::Outcome mail_from;
  spf::Outcome helo;
  std::optional<dns::MxLookup> sender_mx;  ///< of the MAIL FROM domain; absent: not asked
};

struct Verdicts {
  std::optional<SessionVerdicts> session;
  std::vector<dkim::VerifiedSignature> dkim;
  arc::Outcome arc;
  dmarc::Outcome dmarc;
};

[[nodiscard]] Task<SessionVerdicts> verify_session(dns::Resolver& resolver, Session session, TimePoint now);

/// The scan must be finished. Without a session DMARC goes by DKIM alone.
[[nodiscard]] Task<Verdicts> verify_message(dns::Resolver& resolver, const dkim::MessageScan& scan,
                                            std::optional<SessionVerdicts> session, TimePoint now);

inline constexpr std::size_t reason_octets_max = 200;  // ours: of one result in Authentication-Results

/// RFC 8601 2.7: each mechanism's result with the properties that readers of the field look for. Reasons are cut.
[[nodiscard]] authentication_results::AuthenticationResults describe(const Verdicts& verdicts, std::string authserv_id);

}  // namespace posthorn::verification
