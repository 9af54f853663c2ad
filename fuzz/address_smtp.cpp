// Paths of MAIL and RCPT: what parses is written in a form that parses to the same value.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "standards/address/smtp_parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn::address;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto path = parse_reverse_path(text, Utf8::allowed)) {
    const auto again = ReversePath::parse(path->path.wire());
    if (!again || *again != path->path) std::abort();
    if (path->path.wire().find_first_of("\r\n") != std::string::npos) std::abort();
  }
  if (const auto path = parse_forward_path(text, Utf8::refused)) {
    const auto again = ForwardPath::parse(path->path.text());
    if (!again || *again != path->path) std::abort();
  }
  (void)Domain::parse(text);
  return 0;
}
