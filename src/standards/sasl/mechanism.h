// SASL mechanisms (RFC 4422) that Posthorn speaks, and what both ends share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn::sasl {

enum class Mechanism : unsigned char {
  plain,               ///< RFC 4616
  login,               ///< never a standard; Outlook and old devices need it
  scram_sha_256,       ///< RFC 5802, 7677
  scram_sha_256_plus,  ///< the same, bound to the TLS channel
};

/// "PLAIN", "SCRAM-SHA-256-PLUS"…
[[nodiscard]] std::string_view name(Mechanism mechanism);
/// Any case.
[[nodiscard]] std::optional<Mechanism> parse_mechanism(std::string_view text);
/// Whether the password itself crosses the wire (then only under TLS).
[[nodiscard]] constexpr bool sends_password(Mechanism m) {
  return m == Mechanism::plain || m == Mechanism::login;
}

/// What ties an authentication to its TLS channel; empty where the channel cannot say.
struct ChannelBindings {
  /// RFC 9266: 32 octets exported with the label "EXPORTER-Channel-Binding" and an empty context (TLS 1.3, or
  /// 1.2 with extended master secret).
  std::string tls_exporter;
  /// RFC 5929 4: the hash of the server's certificate.
  std::string tls_server_end_point;

  [[nodiscard]] bool any() const { return !tls_exporter.empty() || !tls_server_end_point.empty(); }
};

/// What a server keeps of a password for SCRAM (RFC 5802 3): enough to check, not enough to log in elsewhere.
struct ScramVerifier {
  std::string salt;
  std::uint32_t iterations = 0;
  std::string stored_key;  ///< 32 octets
  std::string server_key;  ///< 32 octets

  friend bool operator==(const ScramVerifier&, const ScramVerifier&) = default;
};

/// RFC 7677 4 asks for at least 4096.
inline constexpr std::uint32_t scram_iterations_default = 4096;
/// A client refuses to work longer than this for a server it does not know.
inline constexpr std::uint32_t scram_iterations_max = 1'000'000;

/// `salt`: 16 random octets. The password is prepared as RFC 4013 in its part that concerns ASCII; other
/// passwords are taken as their UTF-8 octets. Takes milliseconds.
[[nodiscard]] ScramVerifier make_scram_verifier(std::string_view password, std::string salt,
                                                std::uint32_t iterations = scram_iterations_default);

}  // namespace posthorn::sasl
