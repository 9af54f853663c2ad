// Connection: one SMTP session with one address of a host, as a client: the pump around smtp::client::Session.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "flow/queue/body.h"
#include "flow/queue/courier.h"
#include "flow/relay/protection.h"
#include "flow/relay/relay.h"
#include "flow/relay/targets.h"
#include "platform/net/stream.h"
#include "site/journal/dialogue.h"
#include "standards/smtp/client.h"

namespace posthorn::relay {

struct Login {
  std::string user, password;
};

/// How a connection is to be made.
struct ConnectionPlan {
  Target target;  ///< addresses are not used
  IpAddress address;
  smtp::client::TlsUse tls = smtp::client::TlsUse::opportunistic;
  bool verify = false;  ///< the certificate must be the host's (a route's own setting)
  std::shared_ptr<const Protection> protection = std::make_shared<const Protection>();
  std::optional<Login> login;
};

/// What TLS came to on a connection, for TLS reports.
struct TlsResult {
  std::optional<tls_rpt::ResultType> failure;
  std::string reason;
};

class Connection {
 public:
  Connection(const RelayOffice::Shared& office, net::Loop& loop, ConnectionPlan plan);

  /// From nothing to a session that takes mail, or not: then failure() says how it ended.
  [[nodiscard]] Task<bool> open();
  /// One transaction; precondition: open() or the transaction before left is_ready().
  [[nodiscard]] Task<smtp::client::TransactionOutcome> transact(smtp::client::Envelope envelope, queue::Body& body);
  /// QUIT, a short wait, close.
  [[nodiscard]] Task<> quit();

  [[nodiscard]] bool is_ready() const { return ready_; }
  [[nodiscard]] const smtp::client::Outcome& failure() const { return failure_; }
  /// The handshake came to nothing (a mere "no" to STARTTLS apart): worth another try in plain where that is allowed.
  [[nodiscard]] bool tls_failed() const {
    const bool answered = failure_.cause == smtp::client::Cause::reply;
    return tls_failed_ || (failure_.stage == smtp::client::Stage::starttls && !answered);
  }
  /// A mere "no" to STARTTLS: another host may have it.
  [[nodiscard]] bool tls_refused() const {
    return failure_.stage == smtp::client::Stage::starttls && failure_.cause == smtp::client::Cause::reply;
  }
  /// The peer takes no further mail on this connection, as its MAILMAX (RFC 9422) said.
  [[nodiscard]] bool is_spent() const {
    const auto mailmax = extensions().mailmax;
    return mailmax && messages_ >= *mailmax;
  }
  [[nodiscard]] const ConnectionPlan& plan() const { return plan_; }
  [[nodiscard]] const smtp::Extensions& extensions() const { return session_.peer_extensions(); }
  [[nodiscard]] std::size_t messages() const { return messages_; }
  /// The peer is the one that DANE, an enforced MTA-STS policy or a verified route names (RFC 8689 4.2.1).
  [[nodiscard]] bool is_authenticated() const { return authenticated_; }
  /// Nullopt where it did not come to the question.
  [[nodiscard]] std::optional<TlsResult> tls_result() const;
  [[nodiscard]] std::string endpoint_text() const;
  [[nodiscard]] std::string tls_text() const;
  [[nodiscard]] std::vector<std::string> transcript() const;
  /// Forgets the dialogue so far; the next transaction begins with a clean sheet.
  void forget_dialogue() { dialogue_ = journal::Dialogue(); }

 private:
  enum class Step : std::uint8_t { ready, done, closed };
  [[nodiscard]] Task<Step> advance();
  [[nodiscard]] Task<bool> flush();
  [[nodiscard]] Task<> hear_last_words();
  [[nodiscard]] Task<> take_input();
  [[nodiscard]] Task<> shake_hands();
  [[nodiscard]] net::ClientHandshake handshake() const;
  [[nodiscard]] std::string judge_peer();
  [[nodiscard]] std::string judge_by_dane();
  [[nodiscard]] std::string judge_by_certificate();
  [[nodiscard]] Task<> give_body();
  [[nodiscard]] Task<bool> dial();
  [[nodiscard]] Duration patience() const;
  void lost(net::StreamError error);
  void note_sent(Octets octets);
  void note_received(Octets octets);

  const RelayOffice::Shared& office_;
  net::Loop& loop_;
  ConnectionPlan plan_;
  smtp::client::Session session_;
  std::unique_ptr<net::Stream> stream_;
  std::optional<smtp::client::TransactionOutcome> outcome_;
  smtp::client::Outcome failure_;
  queue::Body* body_ = nullptr;
  bool in_body_ = false;
  bool ready_ = false;
  bool tls_failed_ = false;
  bool authenticated_ = false;
  std::optional<TlsResult> tls_result_;
  std::string proof_;  // how the peer was judged, for the story
  std::size_t messages_ = 0;
  std::optional<net::TlsInfo> tls_info_;
  journal::Dialogue dialogue_;
  std::string received_line_;         // the beginning of a reply line
  std::vector<std::string> secrets_;  // of the login, in every form that goes over the wire
};

}  // namespace posthorn::relay
