// Pump: one SMTP session: moves octets between the stream and the machine, asks the handler what the machine may not
// decide, and keeps the deadlines (RFC 5321 4.5.3.2). Decides nothing itself.
#pragma once

#include <memory>
#include <optional>

#include "flow/smtp_service/handler.h"
#include "platform/net/connection_limits.h"
#include "platform/net/loop.h"
#include "platform/net/stream.h"
#include "platform/net/tls.h"

namespace posthorn::smtp_service {

struct TimeOuts {
  Duration command = std::chrono::minutes(5);    ///< RFC 5321 4.5.3.2.7
  Duration data = std::chrono::minutes(3);       ///< between two reads of message data
  Duration transaction = std::chrono::hours(1);  ///< for the data of one message: against slow senders
  Duration tls = std::chrono::seconds(30);       ///< handshake
  Duration write = std::chrono::minutes(2);      ///< a peer that does not read its replies
};

/// What the sessions of one listener share; replaced on reload, live sessions keep theirs.
struct ServiceSettings {
  smtp::server::Settings machine;
  TimeOuts time_outs;
  std::shared_ptr<const net::ServerTls> tls;  ///< null: no TLS
};

class Pump {
 public:
  Pump(net::Loop& loop, std::unique_ptr<net::Stream> stream, std::shared_ptr<const ServiceSettings> settings,
       HandlerFactory& handlers, SessionId id, const runtime::Logger& log, net::ConnectionLimits::Place place);
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  /// The whole session. The pump lives until it returns.
  [[nodiscard]] Task<> run();
  /// Orderly end: 421 4.3.2 at the next moment where nothing is open. On the loop.
  void shut_down() { stream_->interrupt(); }
  [[nodiscard]] SessionHandler& handler() { return *handler_; }

 private:
  // One for each event of the machine.
  Task<> on(smtp::server::NeedInput& event);
  Task<> on(smtp::server::FlushOutput& event);
  Task<> on(smtp::server::Connected& event);
  Task<> on(smtp::server::Hello& event);
  Task<> on(smtp::server::Mail& event);
  Task<> on(smtp::server::Recipient& event);
  Task<> on(smtp::server::MessageBegins& event);
  Task<> on(smtp::server::MessageOctets& event);
  Task<> on(smtp::server::MessageEnds& event);
  Task<> on(smtp::server::MessageAborted& event);
  Task<> on(smtp::server::Reset& event);
  Task<> on(smtp::server::StartTls& event);
  Task<> on(smtp::server::CheckPassword& event);
  Task<> on(smtp::server::FindScramVerifier& event);
  Task<> on(smtp::server::Authenticated& event);
  Task<> on(smtp::server::AuthenticationFailed& event);
  Task<> on(smtp::server::Refused& event);
  Task<> on(smtp::server::Close& event);

  void decide(Answer answer);
  [[nodiscard]] Task<bool> shake_hands();
  [[nodiscard]] Task<bool> flush();
  void lost(net::StreamError error);
  [[nodiscard]] TimePoint input_deadline();

  net::Loop& loop_;
  std::unique_ptr<net::Stream> stream_;
  std::shared_ptr<const ServiceSettings> settings_;
  smtp::server::Session machine_;
  runtime::Logger log_;
  net::ConnectionLimits::Place place_;
  std::unique_ptr<SessionHandler> handler_;
  net::BorrowedBuffer input_;  ///< what the machine borrows, until it needs more
  TimePoint message_deadline_ = TimePoint::max();
  std::optional<TimePoint> command_deadline_;  ///< of the command being waited for
  bool ended_ = false;
};

}  // namespace posthorn::smtp_service
