// Tag lists (RFC 6376 3.2): "v=1; a=rsa-sha256; …", the form of DKIM-Signature, of key records, and of the ARC
// fields. Strict: an empty element, a duplicate tag or a value with control octets makes the list unusable.
// Views point into the text that was parsed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace posthorn::dkim {

inline constexpr std::size_t tags_max = 64;  // ours: the longest list in use has 14

/// FWS of RFC 6376 2.8, an octet of it.
[[nodiscard]] bool is_fws(char c);

struct Tag {
  std::string_view name;
  std::string_view value;        ///< without white space at its ends, folds inside kept
  std::size_t value_offset = 0;  ///< of the value's first octet, white space included, after the "="
  std::size_t value_end = 0;     ///< of the ";" or the end
};

struct TagListError {
  std::string reason;  ///< "tag d= appears twice"
};

class TagList {
 public:
  [[nodiscard]] static posthorn::Result<TagList, TagListError> parse(std::string_view text);

  [[nodiscard]] const std::vector<Tag>& tags() const { return tags_; }
  /// Tag names are case-sensitive.
  [[nodiscard]] const Tag* find(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const;
  /// The value with all folding white space removed (for base64 and lists).
  [[nodiscard]] std::optional<std::string> squeezed(std::string_view name) const;

 private:
  std::vector<Tag> tags_;
};

/// Without spaces, tabs, CR and LF.
[[nodiscard]] std::string without_fws(std::string_view text);
/// The elements between colons, trimmed; empty elements are kept.
[[nodiscard]] std::vector<std::string> colon_list(std::string_view text);

}  // namespace posthorn::dkim
