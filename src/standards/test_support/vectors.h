// The vector files of other projects that the tests are run against. They stand beside the source tree, or where
// POSTHORN_SHARED_DATA says.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::test_support {

/// The octets of a vector file, "spf/openspf/rfc7208-tests.yml"; nullopt where the files are not there.
[[nodiscard]] std::optional<std::string> vector_file(std::string_view path);

/// LF line ends become CRLF; CRLF stays.
[[nodiscard]] std::string with_crlf(std::string_view text);

}  // namespace posthorn::test_support

/// Declares `variable` with the octets of a vector file; skips the running test where the file is not there.
#define POSTHORN_VECTORS_OR_SKIP(variable, path)                                                     \
  const auto variable##_file = ::posthorn::test_support::vector_file(path);                          \
  if (!variable##_file) GTEST_SKIP() << "no vector file " << (path) << "; set POSTHORN_SHARED_DATA"; \
  const std::string& variable = *variable##_file /* NOLINT(bugprone-macro-parentheses): a declaration's name */
