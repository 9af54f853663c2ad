// Domain names as the DNS carries them (RFC 1035 3.1, RFC 2181 11): sequences of labels of any octets, compared
// without regard to ASCII case. Names of mail domains in their written form (IDN, host-name rules) are
// standards/address' Domain; this type is what is asked of and read from the DNS, so labels such as "_dmarc" or
// "*" are ordinary.
//
// A Name is a value of at most 255 octets; all members are thread-safe for const use. It is made only by parsing.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace posthorn::dns {

inline constexpr std::size_t label_octets_max = 63;       // RFC 1035 2.3.4
inline constexpr std::size_t name_wire_octets_max = 255;  // RFC 1035 2.3.4, the root's length octet included

enum class NameError : unsigned char {
  empty,           ///< no text at all; the root is "."
  empty_label,     ///< "a..b" or ".a"
  label_too_long,  ///< over 63 octets
  name_too_long,   ///< over 255 octets on the wire
  bad_escape,      ///< "\" at the end, or "\DDD" over 255
};
[[nodiscard]] std::string_view text(NameError error);

class Name {
 public:
  /// The root.
  Name() = default;

  /// Presentation format (RFC 1035 5.1): "\X" and "\DDD" escapes; the trailing dot may be missing, the name is
  /// absolute either way.
  [[nodiscard]] static Result<Name, NameError> parse(std::string_view text);
  /// The text relative to `origin` unless it ends with a dot; "@" is the origin itself (RFC 1035 5.1).
  [[nodiscard]] static Result<Name, NameError> parse_relative(std::string_view text, const Name& origin);
  [[nodiscard]] static Result<Name, NameError> from_labels(const std::vector<std::string_view>& labels);

  /// Presentation format without the trailing dot, "." for the root; case as given; octets that are not printable
  /// ASCII, and those that would be read otherwise, are escaped.
  [[nodiscard]] std::string text() const;
  /// Uncompressed wire form with the root's octet; case as given.
  [[nodiscard]] std::string wire() const { return labels_ + std::string(1, '\0'); }
  [[nodiscard]] std::size_t wire_size() const { return labels_.size() + 1; }
  /// The labels, leftmost first. They point into this name.
  [[nodiscard]] std::vector<std::string_view> labels() const;
  [[nodiscard]] std::size_t label_count() const;
  /// The leftmost label; empty for the root.
  [[nodiscard]] std::string_view first_label() const;

  [[nodiscard]] bool is_root() const { return labels_.empty(); }
  /// Without the leftmost label; the root's parent is the root.
  [[nodiscard]] Name parent() const;
  /// With one more label on the left, e.g. `domain.child("_dmarc")`. The label is taken as octets, unescaped.
  [[nodiscard]] Result<Name, NameError> child(std::string_view label) const;
  /// "this.suffix".
  [[nodiscard]] Result<Name, NameError> under(const Name& suffix) const;
  [[nodiscard]] bool is_at_or_below(const Name& ancestor) const;

  /// Canonical order (RFC 4034 6.1): by labels from the right, case-insensitively; a name stands right before
  /// what is below it.
  friend std::weak_ordering operator<=>(const Name& a, const Name& b);
  friend bool operator==(const Name& a, const Name& b);
  /// The labels in lower case: a key for hash maps.
  [[nodiscard]] std::string lower_case_key() const;

 private:
  std::string labels_;  // length octet and octets of each label, without the root's
};

}  // namespace posthorn::dns

template <>
struct std::hash<posthorn::dns::Name> {
  std::size_t operator()(const posthorn::dns::Name& name) const noexcept {
    return std::hash<std::string>{}(name.lower_case_key());
  }
};
