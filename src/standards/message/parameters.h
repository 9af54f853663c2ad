// Content-Type, Content-Disposition and their parameters (RFC 2045 5.1, RFC 2183, RFC 2231).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"

namespace posthorn::message {

inline constexpr std::size_t parameters_max = 128;           // of one field
inline constexpr std::size_t parameter_sections_max = 1000;  // RFC 2231 3: name*0 … name*999

struct Parameter {
  std::string name;   ///< lower case, without RFC 2231 suffixes
  std::string value;  ///< UTF-8 where the parameter was extended or encoded; otherwise as written
  friend bool operator==(const Parameter&, const Parameter&) = default;
};

/// "value; name=value…" of Content-Type and Content-Disposition.
struct ParameterizedValue {
  std::string value;  ///< lower case, e.g. "multipart/mixed", "attachment"; empty where nothing could be read
  std::vector<Parameter> parameters;
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};
/// Tolerant: unquoted specials, missing semicolons at the end, encoded-words in quotes (the world does it).
/// RFC 2231: sections joined in number order, percent-decoding, charset converted; an extended form wins over a
/// plain one of the same name.
[[nodiscard]] ParameterizedValue parse_parameterized(Octets value);

/// "name=value", quoted or in RFC 2231 form as needed, for a field that is written.
[[nodiscard]] std::string write_parameter(std::string_view name, std::string_view utf8_value);

}  // namespace posthorn::message
