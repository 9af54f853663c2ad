// Session and Door: what IMAP and POP3 have in common for the service (service.h) that listens for them.
//
// Threads: a session is made, run and ended on its loop. A door makes sessions on any loop and outlives them.
#pragma once

#include <memory>

#include "foundation/base/id.h"
#include "foundation/base/task.h"
#include "platform/net/connection_limits.h"
#include "platform/net/loop.h"
#include "platform/net/stream.h"
#include "platform/runtime/log.h"
#include "site/directory/authenticator.h"

namespace posthorn::access {

/// A client that was let in; the session owns all of it.
struct Connection {
  net::Loop* loop = nullptr;
  std::unique_ptr<net::Stream> stream;
  SessionId id;
  runtime::Logger log;  ///< every line bears the session's id
  net::ConnectionLimits::Place place;
  bool implicit_tls = false;  ///< the handshake comes first (RFC 8314 3)
};

enum class EndReason : unsigned char {
  shutdown,  ///< the server stops
  revoked,   ///< the login was revoked, or its account switched off
};

class Session {
 public:
  virtual ~Session() = default;

  /// The whole session. The object lives until it returns.
  [[nodiscard]] virtual Task<> run() = 0;
  /// Ends in order: at once where the client is waited for, else when the command in progress is answered.
  virtual void end(EndReason reason) = 0;
  /// Who it belongs to; nullptr before the login.
  [[nodiscard]] virtual const directory::Identity* identity() const = 0;
};

/// One protocol: makes its sessions.
class Door {
 public:
  virtual ~Door() = default;

  [[nodiscard]] virtual std::unique_ptr<Session> make(Connection connection) = 0;

  enum class Full : unsigned char { total, address };
  /// What a client hears that cannot be let in, in the protocol's words, with its line end.
  [[nodiscard]] virtual Octets refusal(Full full) const = 0;
};

}  // namespace posthorn::access
