// Ids: 64-bit, time-ordered, written as 13 characters that survive being read out on the telephone.
// The upper 44 bits are milliseconds since 1970, the lower 20 a counter seeded at random, so ids made later
// sort later and rows keyed by them are appended, not scattered. platform/runtime's IdSource makes them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn {

/// Crockford base32 in lower case (no i, l, o, u), always 13 characters.
[[nodiscard]] std::string id_text(std::uint64_t value);
/// Accepts either case and reads i, l as 1 and o as 0; nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_id(std::string_view text);

/// A 64-bit id that cannot be mistaken for another kind of id.
template <class Tag>
struct Id {
  std::uint64_t value = 0;

  [[nodiscard]] std::string text() const { return id_text(value); }
  [[nodiscard]] bool is_null() const { return value == 0; }
  [[nodiscard]] static std::optional<Id> parse(std::string_view text) {
    if (const auto v = parse_id(text)) return Id{*v};
    return std::nullopt;
  }
  friend auto operator<=>(Id, Id) = default;
};

/// One mail transaction: from MAIL to the end of data. Names its story, its stored octets and its queue row,
/// and is what the peer is told ("250 2.0.0 Accepted as 5jq2h0n3v8x1c").
using MailId = Id<struct MailTag>;
/// One stored copy in one mailbox (RFC 8474 EMAILID; the POP3 UIDL). Stays the same through COPY-less moves.
using EmailId = Id<struct EmailTag>;
/// One network session, for log lines and stories.
using SessionId = Id<struct SessionTag>;

}  // namespace posthorn

template <class Tag>
struct std::hash<posthorn::Id<Tag>> {
  std::size_t operator()(posthorn::Id<Tag> id) const noexcept {
    return static_cast<std::size_t>(id.value * 0x9e3779b97f4a7c15ULL);
  }
};
