#include "standards/test_support/transcripts.h"

#include "foundation/codec/hex.h"
#include "foundation/text/ascii.h"

namespace posthorn::test_support {

namespace fs = std::filesystem;

// The source tree stands above the build folder.
fs::path transcripts(std::string_view protocol) {
  for (const auto& start : {fs::current_path(), fs::read_symlink("/proc/self/exe").parent_path()}) {
    for (auto above = start; above.has_relative_path(); above = above.parent_path()) {
      if (const auto found = above / "tests" / "transcripts" / protocol; fs::is_directory(found)) return found;
    }
  }
  return {};
}

std::string unescape(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\' || i + 1 >= line.size()) {
      out += line[i];
      continue;
    }
    const char c = line[++i];
    if (c == 'x') {
      out += codec::hex_decode(line.substr(i + 1, 2)).value_or("?");
      i += 2;
    } else if (c == '*') {
      const auto open = line.find('{', i);
      const auto close = line.find('}', i);
      const auto piece = unescape(line.substr(open + 1, close - open - 1));
      const auto count = text::parse_number(line.substr(i + 1, open - i - 1)).value_or(0);
      for (std::uint64_t k = 0; k < count; ++k) out += piece;
      i = close;
    } else {
      out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

}  // namespace posthorn::test_support
