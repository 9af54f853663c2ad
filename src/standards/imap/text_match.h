// Case-insensitive substring search on UTF-8 (RFC 9051 6.4.4; i;unicode-casemap of RFC 5051 without its decomposition,
// so that "cafe" is not found in "café"). Used inside this room. Pure; a Needle may be used by several threads.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/bytes.h"

namespace posthorn::imap {

/// Full case folding of Unicode, composed (NFC). Invalid UTF-8 comes back as it is with ASCII letters folded.
[[nodiscard]] std::string folded(std::string_view utf8);
/// What SORT compares (RFC 5256 2.1, i;unicode-casemap of RFC 5051): upper case, decomposed, so that "[" and "_" come
/// behind the letters.
[[nodiscard]] std::string collated(std::string_view utf8);

class Needle {
 public:
  explicit Needle(std::string_view utf8);

  [[nodiscard]] bool empty() const { return folded_.empty(); }
  [[nodiscard]] bool is_ascii() const { return is_ascii_; }
  [[nodiscard]] bool has_space() const { return has_space_; }
  /// Letters, digits and ".-_+@" only: no header syntax can come between its octets unseen (message_text.cpp).
  [[nodiscard]] bool is_plain_word() const { return is_plain_word_; }
  /// Octets whose ASCII letters fold and whose other octets stand for themselves. Precondition: is_ascii().
  [[nodiscard]] bool in_ascii(Octets octets) const { return find_in_ascii(octets) != Octets::npos; }
  /// Where it stands first; npos: nowhere.
  [[nodiscard]] std::size_t find_in_ascii(Octets octets) const;
  /// UTF-8 text.
  [[nodiscard]] bool in(std::string_view utf8) const;

 private:
  [[nodiscard]] bool is_at(const char* text) const;

  std::string folded_;
  bool is_ascii_ = true;
  bool has_space_ = false;
  bool is_plain_word_ = false;
  // Two of its octets that are rare in mail, looked for first.
  std::size_t first_ = 0;
  std::size_t second_ = 0;
};

}  // namespace posthorn::imap
