// Paths as they stand in MAIL and RCPT commands: RFC 5321 4.1.2 with the UTF-8 of RFC 6531 3.3.
// A path is followed by parameters, and its quoted strings may hold ">" and spaces, so parsers take a prefix
// and say what is left.
#pragma once

#include <string_view>

#include "foundation/base/result.h"
#include "standards/address/mailbox.h"

namespace posthorn::address {

// RFC 5321 4.5.3.1.1–4.5.3.1.3, in octets.
inline constexpr std::size_t local_part_octets_max = 64;
inline constexpr std::size_t domain_octets_max = 255;
/// With the brackets. Real senders use the whole 64 and 255, so the sum is accepted and not 256.
inline constexpr std::size_t path_octets_max = local_part_octets_max + domain_octets_max + 3;
/// A dropped source route may make it longer; bounded all the same.
inline constexpr std::size_t source_route_octets_max = 1024;

/// What RFC 6531 adds: whether octets above 127 may stand in the address.
enum class Utf8 : bool { refused, allowed };

template <class Path>
struct PathPrefix {
  Path path;
  std::string_view rest;  ///< of the argument, behind ">"
};

/// Reverse-path = Path / "<>". A source route ("@a,@b:") is accepted and dropped.
[[nodiscard]] Result<PathPrefix<ReversePath>, AddressError> parse_reverse_path(std::string_view text, Utf8 utf8);
/// Forward-path, or "<Postmaster>" in any case.
[[nodiscard]] Result<PathPrefix<ForwardPath>, AddressError> parse_forward_path(std::string_view text, Utf8 utf8);

/// Mailbox = Local-part "@" ( Domain / address-literal ); stops at the first octet that cannot belong to it.
[[nodiscard]] Result<PathPrefix<Mailbox>, AddressError> parse_mailbox_prefix(std::string_view text, Utf8 utf8);

}  // namespace posthorn::address
