// The server's half of one SASL exchange. Pure: base64, the protocol around it, credentials and time are the
// caller's. One object is one attempt.
//
//   ServerExchange exchange(mechanism, context);
//   Step step = exchange.begin(initial_response);             // nullopt: the client sent none
//   for (;;) switch on step:
//     Challenge          send it, wait for the client's answer, step = exchange.respond(octets)
//     NeedPassword       look the login up, check the password, step = exchange.password_checked(bool)
//     NeedScramVerifier  look it up, step = exchange.scram_verifier(verifier or nullopt)
//     Success            the identities stand in it
//     Failure            the reason stands in it; the reply is the same for all of them
// Secrets live in the steps only as long as the caller keeps them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "standards/sasl/mechanism.h"

namespace posthorn::sasl {

/// Longest name or password taken, in octets.
inline constexpr std::size_t credential_octets_max = 1024;

enum class FailureReason : unsigned char {
  malformed,          ///< the client's message does not follow the mechanism's grammar
  wrong_credentials,  ///< unknown login or wrong password; deliberately one value
  channel_binding,    ///< bound to another channel, or a downgrade was noticed (GS2 flag "y")
};

struct Challenge {
  std::string octets;  ///< not yet base64
};
struct NeedPassword {
  std::string authcid;  ///< who logs in
  std::string authzid;  ///< as whom; empty: the same
  std::string password;
};
struct NeedScramVerifier {
  std::string authcid;
  std::string authzid;
};
struct Success {
  std::string authcid;
  std::string authzid;  ///< empty: the same
};
struct Failure {
  FailureReason reason = FailureReason::malformed;
};
using Step = std::variant<Challenge, NeedPassword, NeedScramVerifier, Success, Failure>;

struct ServerContext {
  ChannelBindings bindings;
  /// Fresh for every exchange, printable without comma: 18 random octets in base64.
  std::string nonce;
  /// Secret of this server that stays the same over restarts: from it come the salts shown for logins that do
  /// not exist, so that asking twice tells nothing.
  std::string unknown_login_secret;
  /// Whether a -PLUS mechanism was offered on this connection; a client that saw none says "y" (RFC 5802 6).
  bool offered_plus = false;
};

class ServerExchange {
 public:
  ServerExchange(Mechanism mechanism, ServerContext context);
  ~ServerExchange();
  ServerExchange(ServerExchange&&) noexcept;
  ServerExchange& operator=(ServerExchange&&) noexcept;

  [[nodiscard]] Step begin(std::optional<std::string_view> initial_response);
  [[nodiscard]] Step respond(std::string_view octets);
  [[nodiscard]] Step password_checked(bool right);
  /// nullopt: no such login, or it has no verifier. The exchange goes on with a false salt and fails at its end.
  [[nodiscard]] Step scram_verifier(std::optional<ScramVerifier> verifier);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthorn::sasl
