// Replies (RFC 5321 4.2) with enhanced status codes (RFC 3463, 2034, 5248): values, their wire form, and a
// bounded incremental parser for the client.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/bytes.h"

namespace posthorn::smtp {

/// Three digits, 200 to 599.
struct ReplyCode {
  std::uint16_t value = 0;

  [[nodiscard]] constexpr bool is_positive() const { return value >= 200 && value < 400; }
  [[nodiscard]] constexpr bool is_completion() const { return value >= 200 && value < 300; }
  [[nodiscard]] constexpr bool is_intermediate() const { return value >= 300 && value < 400; }
  [[nodiscard]] constexpr bool is_temporary() const { return value >= 400 && value < 500; }
  [[nodiscard]] constexpr bool is_permanent() const { return value >= 500 && value < 600; }
  friend constexpr auto operator<=>(ReplyCode, ReplyCode) = default;
};

/// class.subject.detail (RFC 3463 2): class 2, 4 or 5, the others 0 to 999.
struct EnhancedStatus {
  std::uint8_t status_class = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;

  /// "5.1.1" and nothing else.
  [[nodiscard]] static std::optional<EnhancedStatus> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  friend constexpr auto operator<=>(const EnhancedStatus&, const EnhancedStatus&) = default;
};

/// One reply. `text` has its lines separated by '\n', without codes; control characters in it are replaced when
/// it is written, so text may quote a peer.
struct Reply {
  ReplyCode code;
  std::optional<EnhancedStatus> enhanced;
  std::string text;

  Reply() = default;
  Reply(std::uint16_t reply_code, EnhancedStatus status, std::string reply_text)
      : code{reply_code}, enhanced(status), text(std::move(reply_text)) {}
  /// Without an enhanced status: greeting, EHLO, 354, 334.
  Reply(std::uint16_t reply_code, std::string reply_text) : code{reply_code}, text(std::move(reply_text)) {}

  /// "550 5.1.1 No such mailbox" in one line, for logs, stories and Diagnostic-Code; lines joined by a space.
  [[nodiscard]] std::string one_line() const;
  /// Appends the wire form, every line at most 512 octets (RFC 5321 4.5.3.1.5; longer ones are cut in two).
  /// `utf8`: whether octets above 127 may stand in it (RFC 6531 3.7.4.1), else they become '?'.
  void append_wire(std::string& out, bool utf8 = false) const;

  friend bool operator==(const Reply&, const Reply&) = default;
};

// Bounds of what a peer may send as one reply.
inline constexpr std::size_t reply_line_octets_max = 2048;  ///< RFC 5321 says 512; real ones are longer
inline constexpr std::size_t reply_lines_max = 128;
inline constexpr std::size_t reply_octets_max = 16 * KiB;  ///< text kept; what exceeds it is dropped

/// Reads replies from a stream in pieces of any size. Lenient where the world is: bare LF ends a line, a code
/// without text is fine. Strict where it matters: the codes of a multi-line reply agree.
class ReplyParser {
 public:
  enum class State : unsigned char { need_input, complete, garbage };

  /// Consumes from the front of `octets` up to the end of one reply.
  [[nodiscard]] State feed(std::string_view& octets);
  /// After `complete`: the reply; the parser starts anew. After `garbage`: what was understood, its text the
  /// offending line.
  [[nodiscard]] Reply take();
  /// Whether a reply has begun.
  [[nodiscard]] bool is_partial() const { return !line_.empty() || lines_ > 0; }

 private:
  [[nodiscard]] State end_line();
  void append_text(std::string_view text);

  std::string line_;
  Reply reply_;
  std::size_t lines_ = 0;
};

}  // namespace posthorn::smtp
