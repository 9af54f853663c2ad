// What the sessions of IMAP and POP3 share and an administrator may change; replaced on reload, live sessions keep
// theirs.
#pragma once

#include <memory>
#include <string>

#include "foundation/base/bytes.h"
#include "foundation/base/time.h"
#include "platform/net/tls.h"

namespace posthorn::access {

struct TimeOuts {
  Duration login = std::chrono::minutes(1);  ///< from the connection to the login
  /// RFC 9051 5.4: at least 30 minutes; clients renew IDLE after 29 (RFC 2177).
  Duration imap_idle = std::chrono::minutes(31);
  Duration pop3_idle = std::chrono::minutes(10);  ///< RFC 1939 3: at least 10 minutes
  Duration command = std::chrono::minutes(5);     ///< a command that has begun is whole by then; a literal goes on
  Duration tls = std::chrono::seconds(30);        ///< handshake
  Duration write = std::chrono::minutes(2);       ///< a client that does not read
};

struct Settings {
  std::string host_name;
  TimeOuts time_outs;
  std::shared_ptr<const net::ServerTls> tls;
  std::string unknown_login_secret;  ///< see sasl::ServerContext
  /// RFC 7889 APPENDLIMIT: the largest message APPEND and REPLACE take.
  std::uint64_t append_octets_max = 2 * GiB;
  /// NOTIFY (RFC 5465 5.8): mailboxes that something happened to at once; beyond it the client is to ask again.
  std::size_t notified_at_once_max = 1'000;
};

}  // namespace posthorn::access
