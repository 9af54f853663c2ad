#include "site/config/ascii_form.h"

#include "foundation/codec/hex.h"
#include "foundation/text/ascii.h"

namespace posthorn::config {

std::string ascii_form(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  for (const char c : utf8) {
    if (c == '~') {
      out += "~~";
    } else if (text::is_non_ascii(c)) {
      out += '~';
      out += codec::hex_encode(std::string_view(&c, 1));
    } else {
      out += c;
    }
  }
  return out;
}

std::string from_ascii_form(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') {
      out += text[i];
    } else if (text.substr(i + 1).starts_with('~')) {
      out += '~';
      i += 1;
    } else if (const auto octet = codec::hex_decode(text.substr(i + 1, 2)); octet && octet->size() == 1) {
      out += *octet;
      i += 2;
    } else {
      out += '~';  // written as an escape ("\u007e")
    }
  }
  return out;
}

}  // namespace posthorn::config
