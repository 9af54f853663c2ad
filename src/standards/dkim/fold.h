// Writing tag lists as header fields, folded so that no line exceeds 78 octets (RFC 5322 2.1.1) where it can be
// helped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn::dkim {

inline constexpr std::size_t folded_line_octets = 78;

class FoldedField {
 public:
  explicit FoldedField(std::string_view name);

  /// "name=value;", on a new line where it no longer fits.
  void add(std::string_view name, std::string_view value);
  /// A colon list, folded after colons.
  void add_list(std::string_view name, const std::vector<std::string>& elements);
  void add_base64(std::string_view name, std::string_view base64);
  /// Ends with "name=", to which append_folded_base64 adds the signature; no final CRLF.
  [[nodiscard]] std::string finish_with_empty(std::string_view name);

 private:
  void place(std::size_t octets);

  std::string text_;
  std::size_t line_begin_ = 0;
};

/// Appends to a field under construction, folding wherever a line is full.
void append_folded_base64(std::string& field, std::string_view base64);

}  // namespace posthorn::dkim
