// The configuration parser: any text either gives a Config that exports to text which reads back, or faults.
#include "site/config/config.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = posthorn::config::parse(text, "fuzz.toml", "/base");
  if (!config) {
    if (config.error().empty()) std::abort();
    return 0;
  }
  const std::string out = posthorn::config::export_toml(*config);
  const auto again = posthorn::config::parse(out, "again.toml", "/base");
  if (!again || posthorn::config::export_toml(*again) != out) std::abort();
  return 0;
}
