// What both halves of SCRAM share (RFC 5802 5 and 7): messages, names, proofs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "standards/sasl/mechanism.h"

namespace posthorn::sasl::scram {

/// Bound of nonces taken from the other side; every message then fits one line of any protocol.
inline constexpr std::size_t nonce_octets_max = 256;

/// saslname: "," as "=2C", "=" as "=3D".
[[nodiscard]] std::string encode_name(std::string_view name);
[[nodiscard]] std::optional<std::string> decode_name(std::string_view text);
/// printable = %x21-2B / %x2D-7E, 1 to nonce_octets_max of them.
[[nodiscard]] bool is_nonce(std::string_view text);

/// Takes "x=value" off the front of a comma-separated message; nullopt when the next attribute is another.
[[nodiscard]] std::optional<std::string_view> take_attribute(std::string_view& message, char name);

/// gs2-cbind-flag of a client.
enum class BindingFlag : unsigned char {
  not_supported,  ///< "n"
  not_offered,    ///< "y": the client could, and thinks the server cannot
  used,           ///< "p="
};
struct Gs2Header {
  BindingFlag flag = BindingFlag::not_supported;
  std::string binding_name;
  std::string authzid;
};
/// gs2-header = gs2-cbind-flag "," [ authzid ] ","; taken off the front of a client-first-message.
[[nodiscard]] std::optional<Gs2Header> take_gs2_header(std::string_view& message);
[[nodiscard]] std::string gs2_header_text(const Gs2Header& header);

/// The octets of the binding with this name; nullptr when it is unknown or the channel has none.
[[nodiscard]] const std::string* binding_data(const ChannelBindings& bindings, std::string_view name);

[[nodiscard]] std::string xor_octets(std::string_view a, std::string_view b);

}  // namespace posthorn::sasl::scram
