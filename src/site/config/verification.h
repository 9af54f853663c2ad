// Verification: what the configuration says about mail from outside whose origin is checked (`verification.*`). The
// room flow/verification acts on it; a domain may choose otherwise for its own recipients (directory::Domain).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "foundation/base/ip_address.h"
#include "foundation/base/time.h"

namespace posthorn::config {

/// What becomes of mail that fails DMARC under p=reject. Under p=quarantine it goes to Junk in all three.
enum class DmarcHandling : std::uint8_t {
  lenient,   ///< never refused: to Junk, or to the inbox where something speaks for indirect mail
  standard,  ///< refused, but for what looks like indirect mail (a list, a listed forwarder): to Junk
  strict,    ///< refused, lists and all; only listed forwarders are spared (to Junk)
};
inline constexpr std::array<std::string_view, 3> dmarc_handling_words{"lenient", "standard", "strict"};
[[nodiscard]] std::string_view text(DmarcHandling handling);
[[nodiscard]] std::optional<DmarcHandling> parse_dmarc_handling(std::string_view text);

/// What becomes of mail whose origin cannot be checked now, because the DNS does not answer.
enum class DnsFailure : std::uint8_t {
  deliver,  ///< delivered, and the failure recorded
  defer,    ///< 451: the sender's server comes again
};
inline constexpr std::array<std::string_view, 2> dns_failure_words{"deliver", "defer"};
[[nodiscard]] std::string_view text(DnsFailure failure);
[[nodiscard]] std::optional<DnsFailure> parse_dns_failure(std::string_view text);

/// What is refused beside DMARC's policy. Only the first two are on by default: their owners say that no mail comes
/// from there at all.
enum class Refusal : std::uint8_t {
  null_mx,      ///< the sender's domain takes no mail (RFC 7505): 550 5.7.27
  spf_no_mail,  ///< the sender's record is exactly "v=spf1 -all": 550 5.7.23
  spf_fail,     ///< SPF says fail: 550 5.7.23
  spf_error,    ///< the sender's SPF record is broken: 550 5.7.24
  iprev,        ///< the host's address has no name that leads back to it: 550 5.7.25
  dkim,         ///< no valid signature: 550 5.7.20, or 5.7.21 where policy refuses the valid ones
  dkim_author,  ///< no valid signature of the author's domain: 550 5.7.22
};
inline constexpr std::array<std::string_view, 7> refusal_words{"null_mx", "spf_no_mail", "spf_fail",   "spf_error",
                                                               "iprev",   "dkim",        "dkim_author"};
[[nodiscard]] std::string_view text(Refusal refusal);
[[nodiscard]] std::optional<Refusal> parse_refusal(std::string_view text);

struct Network {
  IpAddress address;
  unsigned prefix = 0;
  friend bool operator==(const Network&, const Network&) = default;
};
/// A domain (A-labels, lower case; names below it count too) or the addresses of a network.
using Forwarder = std::variant<std::string, Network>;
[[nodiscard]] std::string text(const Forwarder& forwarder);
/// "forwarder.example", "192.0.2.1" or "2001:db8::/32".
[[nodiscard]] std::optional<Forwarder> parse_forwarder(std::string_view text);

struct Verification {
  bool enabled = true;
  /// From the end of the message on; what the DNS has not answered by then is a temporary failure.
  Duration time_max = std::chrono::seconds(10);
  DmarcHandling dmarc = DmarcHandling::standard;
  DnsFailure dns_failure = DnsFailure::deliver;
  std::vector<Refusal> refuse{Refusal::null_mx, Refusal::spf_no_mail};
  std::vector<Forwarder> forwarders;
};

}  // namespace posthorn::config
