// Flags and keywords (RFC 9051 2.3.2). Values, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::imap {

/// Bits of Flags::system. The first five have the values the store keeps; \Recent is of a session, never stored.
enum class SystemFlag : std::uint8_t { seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16, recent = 32 };

inline constexpr std::uint8_t storable_flags = 31;
inline constexpr std::size_t keyword_octets_max = 255;  // our bound; the longest registered one has 24
inline constexpr std::size_t keywords_max = 200;        // of one message or command

struct Flags {
  std::uint8_t system = 0;
  std::vector<std::string> keywords;  ///< as first written; compared without case (RFC 9051 2.3.2), no doubles

  [[nodiscard]] bool has(SystemFlag flag) const { return (system & static_cast<std::uint8_t>(flag)) != 0; }
  void set(SystemFlag flag) { system |= static_cast<std::uint8_t>(flag); }
  /// False where it was there already.
  bool add_keyword(std::string_view keyword);
  [[nodiscard]] bool has_keyword(std::string_view keyword) const;
  friend bool operator==(const Flags&, const Flags&) = default;
};

/// flag-keyword: an atom of at most keyword_octets_max octets.
[[nodiscard]] bool is_keyword(std::string_view text);
/// "\Seen"… in any case; nullopt for "\Recent" too, which no client may set.
[[nodiscard]] std::optional<SystemFlag> parse_system_flag(std::string_view text);
/// With its backslash.
[[nodiscard]] std::string_view name(SystemFlag flag);
/// "\Seen $Forwarded"; without parentheses.
void append_flags(std::string& output, std::uint8_t system, std::span<const std::string> keywords);

/// Keywords registered with IANA that clients use, in the writing that PERMANENTFLAGS and FLAGS show: RFC 5788's
/// registry, RFC 8457 and RFC 9979 among them. A keyword a client writes in another case is kept in this one.
[[nodiscard]] std::span<const std::string_view> registered_keywords();
/// The registered writing where there is one, else as given.
[[nodiscard]] std::string_view canonical_keyword(std::string_view keyword);

}  // namespace posthorn::imap
