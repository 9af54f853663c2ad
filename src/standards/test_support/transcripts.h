// What the golden sessions of every protocol share (tests/transcripts): where they stand, and how their lines are
// escaped.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace posthorn::test_support {

/// tests/transcripts/PROTOCOL, from the build folder or from where the binary stands; empty where it is not there.
[[nodiscard]] std::filesystem::path transcripts(std::string_view protocol);

/// "\r\n\0\t\\" and "\xHH"; "\*N{…}" repeats what stands in the braces.
[[nodiscard]] std::string unescape(std::string_view line);

}  // namespace posthorn::test_support
