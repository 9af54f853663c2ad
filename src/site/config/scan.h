// A look over a TOML text before toml++ reads it: octets above 127 belong into strings and comments only (TOML 1.0:
// bare keys and punctuation are ASCII). toml++ 3.3 runs into undefined behaviour where one stands elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace posthorn::config {

/// The line (from 1) of the first octet above 127 outside strings and comments.
[[nodiscard]] std::optional<std::uint32_t> stray_octet_line(std::string_view toml);

}  // namespace posthorn::config
