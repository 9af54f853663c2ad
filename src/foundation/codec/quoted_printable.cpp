#include "foundation/codec/quoted_printable.h"

#include "foundation/codec/hex.h"

namespace posthorn::codec {
namespace {

constexpr std::size_t line_length_max = 76;  // RFC 2045 6.7 (5), the soft break's "=" included

// Writes encoded pieces and breaks lines softly between them.
class Lines {
 public:
  void put(std::string_view piece) {
    if (length_ + piece.size() > line_length_max - 1) {
      out_ += "=\r\n";
      length_ = 0;
    }
    out_ += piece;
    length_ += piece.size();
  }
  void put_escaped(char c) {
    static constexpr char digits[] = "0123456789ABCDEF";
    const auto octet = static_cast<unsigned char>(c);
    const char escape[3] = {'=', digits[octet >> 4], digits[octet & 0xf]};
    put({escape, 3});
  }
  void end_line() {
    out_ += "\r\n";
    length_ = 0;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t length_ = 0;
};

bool at_crlf(std::string_view text, std::size_t i) {
  return text.substr(i, 2) == "\r\n";
}

// RFC 2045 6.7 (3): WSP stands for itself unless a line ends behind it.
bool is_literal(std::string_view text, std::size_t i) {
  const char c = text[i];
  if (c == ' ' || c == '\t') return i + 1 < text.size() && !at_crlf(text, i + 1);
  return c > ' ' && c < 0x7f && c != '=';
}

}  // namespace

std::string quoted_printable_encode(std::string_view text) {
  Lines lines;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (at_crlf(text, i)) {
      lines.end_line();
      ++i;
    } else if (is_literal(text, i)) {
      lines.put(text.substr(i, 1));
    } else {
      lines.put_escaped(text[i]);
    }
  }
  return lines.take();
}

namespace {

void append_decoded_line(std::string& out, std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto octet = line[i] == '=' && i + 2 < line.size() ? hex_decode(line.substr(i + 1, 2)) : std::nullopt;
    if (octet) {
      out += *octet;
      i += 2;
    } else {
      out += line[i];
    }
  }
}

}  // namespace

std::string quoted_printable_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    const bool has_cr = line.ends_with('\r') && end != std::string_view::npos;
    if (has_cr) line.remove_suffix(1);
    while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    const bool soft = line.ends_with('=');
    append_decoded_line(out, soft ? line.substr(0, line.size() - 1) : line);
    if (end == std::string_view::npos) break;
    if (!soft) out += has_cr ? "\r\n" : "\n";
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace posthorn::codec
