// The client's half of one SASL exchange. Pure, as the server's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "foundation/base/result.h"
#include "standards/sasl/mechanism.h"

namespace posthorn::sasl {

struct Credentials {
  std::string authcid;
  std::string authzid;  ///< empty: the same
  std::string password;
};

/// The strongest mechanism offered that these conditions permit: -PLUS where a binding exists, then
/// SCRAM-SHA-256, then (under TLS only) PLAIN, LOGIN. nullopt when none fits.
[[nodiscard]] std::optional<Mechanism> choose_mechanism(std::span<const Mechanism> offered,
                                                        const ChannelBindings& bindings, bool under_tls);

enum class ClientError : unsigned char {
  malformed,          ///< the server's message does not follow the mechanism's grammar
  server_not_proven,  ///< the server did not know our password: it is not the one we meant
  too_costly,         ///< more iterations than scram_iterations_max
  server_refused,     ///< "e=" in the server's final message
};

class ClientExchange {
 public:
  /// `nonce`: printable without comma, fresh: 18 random octets in base64. `offered_plus`: whether the server offered a
  /// -PLUS mechanism.
  ClientExchange(Mechanism mechanism, Credentials credentials, ChannelBindings bindings, std::string nonce,
                 bool offered_plus);
  ~ClientExchange();
  ClientExchange(ClientExchange&&) noexcept;
  ClientExchange& operator=(ClientExchange&&) noexcept;

  /// What may stand in the command itself; nullopt: the mechanism waits for a challenge (LOGIN).
  [[nodiscard]] std::optional<std::string> initial_response();
  /// The answer to a challenge.
  Result<std::string, ClientError> respond(std::string_view challenge);
  /// Whether the server's success may be believed (SCRAM: it proved that it knows the password).
  [[nodiscard]] bool may_succeed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthorn::sasl
