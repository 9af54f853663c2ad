// What word processors and zone files leave in text that people paste: quotation marks.
#pragma once

#include <string>
#include <string_view>

namespace posthorn::text {

/// “ ” „ ‘ ’ « » in UTF-8.
[[nodiscard]] bool has_typographic_quotes(std::string_view text);
/// Without those, without ASCII double quotes, and trimmed.
[[nodiscard]] std::string without_quotes(std::string_view text);

}  // namespace posthorn::text
