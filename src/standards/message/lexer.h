// Lexical pieces of structured fields (RFC 5322 3.2), tolerant and bounded; used inside this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthorn::message {

inline constexpr std::size_t nested_comments_max = 64;  // our bound; deeper ones end the reading

/// Walks over one field value.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return done() ? '\0' : text_[at_]; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  void skip(std::size_t octets = 1) { at_ = std::min(at_ + octets, text_.size()); }
  /// Skips `c` if it is next.
  bool accept(char c);

  /// FWS only.
  void skip_space();
  /// CFWS; the inside of the last comment skipped goes to `comment` where given.
  void skip_cfws(std::string* comment = nullptr);
  /// comment (3.2.2): next is "("; returns its inside with quoted-pairs undone, inner comments kept with their
  /// parentheses.
  std::string comment();
  /// quoted-string (3.2.4): next is a double quote; returns its content unquoted, line ends dropped.
  std::string quoted_string();
  /// Octets up to white space or one of `specials`.
  std::string_view word(std::string_view specials);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace posthorn::message
