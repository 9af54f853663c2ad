#include "standards/test_support/vectors.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace posthorn::test_support {
namespace {

/// The folder named by the environment, else the first "shared/data" beside a folder above the working one.
std::filesystem::path data_folder() {
  if (const char* named = std::getenv("POSTHORN_SHARED_DATA")) return named;
  for (auto folder = std::filesystem::current_path(); folder.has_relative_path(); folder = folder.parent_path())
    if (auto candidate = folder.parent_path() / "shared" / "data"; is_directory(candidate)) return candidate;
  return {};
}

}  // namespace

std::optional<std::string> vector_file(std::string_view path) {
  std::ifstream file{data_folder() / path, std::ios::binary};
  if (!file) return std::nullopt;
  std::ostringstream out;
  out << file.rdbuf();
  return std::move(out).str();
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

}  // namespace posthorn::test_support
