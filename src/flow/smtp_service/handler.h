// SessionHandler: what a door (reception, submission) decides about one SMTP session. The pump (pump.h) speaks the
// protocol and asks it; everything is called on the session's loop, one call at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "foundation/base/bytes.h"
#include "foundation/base/id.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "platform/runtime/log.h"
#include "standards/smtp/server.h"

namespace posthorn::smtp_service {

/// nullopt accepts with the standard reply; otherwise the reply to give (2yz accepts, 4yz and 5yz refuse).
using Answer = std::optional<smtp::Reply>;

/// What a handler may look at; outlives it.
struct SessionContext {
  const smtp::server::Session& machine;  ///< peer, TLS, HELO name, protocol
  SessionId id;
  runtime::Logger log;  ///< every line bears the session's id
};

class SessionHandler {
 public:
  virtual ~SessionHandler() = default;

  [[nodiscard]] virtual Task<Answer> connected() = 0;
  [[nodiscard]] virtual Task<Answer> hello(const smtp::server::Hello& hello) = 0;
  [[nodiscard]] virtual Task<Answer> mail(const smtp::server::Mail& mail) = 0;
  [[nodiscard]] virtual Task<Answer> recipient(const smtp::server::Recipient& recipient) = 0;
  [[nodiscard]] virtual Task<Answer> message_begins() = 0;
  /// Takes octets without waiting where it can; false: message_octets() must be awaited with the same.
  [[nodiscard]] virtual bool take_now(Octets octets) = 0;
  [[nodiscard]] virtual Task<> message_octets(Octets octets) = 0;
  /// The message is whole. Returns when it is on stable storage, or refused.
  [[nodiscard]] virtual Task<smtp::Reply> message_ends() = 0;
  /// The transaction ends without a message: RSET, a new EHLO, an aborted message (then with the reply given).
  /// Gives the id under which its story is kept; empty: there is none.
  virtual std::string transaction_dropped(const smtp::Reply* reason) = 0;
  /// The machine refused something by itself (syntax, order, limits).
  virtual void refused(const smtp::server::Refused& refused) = 0;
  virtual void closed(smtp::server::CloseReason reason) = 0;

  // Authentication: only submission is asked. Right or wrong, or a 4yz reply where it cannot be checked now.
  struct CannotCheck {
    smtp::Reply reply;
  };
  [[nodiscard]] virtual Task<Result<bool, CannotCheck>> check_password(const smtp::server::CheckPassword& question);
  [[nodiscard]] virtual Task<Result<std::optional<sasl::ScramVerifier>, CannotCheck>> find_scram_verifier(
      const smtp::server::FindScramVerifier& question);
  virtual void authenticated(const smtp::server::Authenticated&) {}
  virtual void authentication_failed(const smtp::server::AuthenticationFailed&) {}
};

/// Makes the handler of each session. Thread-safe; outlives the sessions.
class HandlerFactory {
 public:
  virtual ~HandlerFactory() = default;
  [[nodiscard]] virtual std::unique_ptr<SessionHandler> make(SessionContext context) = 0;
  /// Whether a new session may offer SCRAM, where its settings name it: only with a login that can use it.
  [[nodiscard]] virtual bool offers_scram() { return true; }
};

}  // namespace posthorn::smtp_service
