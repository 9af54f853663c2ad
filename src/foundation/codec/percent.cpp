#include "foundation/codec/percent.h"

#include "foundation/codec/hex.h"

namespace posthorn::codec {

// pct-encoded = "%" HEXDIG HEXDIG
std::optional<std::string> percent_decode(std::string_view encoded) {
  std::string out;
  while (!encoded.empty()) {
    if (encoded.front() != '%') {
      out += encoded.front();
      encoded.remove_prefix(1);
      continue;
    }
    const auto octet = hex_decode(encoded.substr(1, 2));
    if (!octet || octet->size() != 1) return std::nullopt;
    out += *octet;
    encoded.remove_prefix(3);
  }
  return out;
}

}  // namespace posthorn::codec
