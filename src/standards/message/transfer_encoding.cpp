#include "standards/message/transfer_encoding.h"

#include "foundation/codec/base64.h"
#include "foundation/codec/quoted_printable.h"
#include "foundation/text/ascii.h"
#include "standards/message/lexer.h"

namespace posthorn::message {
namespace {

constexpr std::size_t counting_chunk_octets = 64 * KiB;

std::uint64_t quoted_printable_length(Octets body) {
  // In pieces that end with a line, so that no escape or soft break is cut.
  std::uint64_t length = 0;
  while (!body.empty()) {
    const auto line_end = body.size() > counting_chunk_octets ? body.find('\n', counting_chunk_octets) : Octets::npos;
    const auto piece = body.substr(0, line_end == Octets::npos ? body.size() : line_end + 1);
    length += decode_quoted_printable(piece).size();
    body.remove_prefix(piece.size());
  }
  return length;
}

std::uint64_t base64_length(Octets body) {
  std::uint64_t characters = 0;
  for (const char c : body) {
    if (c == '=') break;
    if (text::is_alnum(c) || c == '+' || c == '/') ++characters;
  }
  return characters * 6 / 8;
}

}  // namespace

TransferEncoding parse_transfer_encoding(Octets field_value) {
  Lexer lexer{field_value};
  lexer.skip_cfws();
  const std::string word = lexer.peek() == '"' ? lexer.quoted_string() : std::string{lexer.word("(;")};
  if (word.empty() || text::iequals(word, "7bit")) return TransferEncoding::seven_bit;
  if (text::iequals(word, "8bit")) return TransferEncoding::eight_bit;
  if (text::iequals(word, "binary")) return TransferEncoding::binary;
  if (text::iequals(word, "quoted-printable")) return TransferEncoding::quoted_printable;
  if (text::iequals(word, "base64")) return TransferEncoding::base64;
  return TransferEncoding::unknown;
}

std::string_view text(TransferEncoding encoding) {
  switch (encoding) {
    case TransferEncoding::seven_bit:
      return "7bit";
    case TransferEncoding::eight_bit:
      return "8bit";
    case TransferEncoding::binary:
      return "binary";
    case TransferEncoding::quoted_printable:
      return "quoted-printable";
    case TransferEncoding::base64:
      return "base64";
    case TransferEncoding::unknown:
      return "unknown";
  }
  return "";
}

std::string decode_quoted_printable(Octets body) {
  return codec::quoted_printable_decode(body);
}
std::string decode_base64_body(Octets body) {
  return codec::base64_decode_lenient(body);
}

std::string decode_body(Octets body, TransferEncoding encoding) {
  if (encoding == TransferEncoding::quoted_printable) return decode_quoted_printable(body);
  if (encoding == TransferEncoding::base64) return decode_base64_body(body);
  return std::string{body};
}

std::uint64_t decoded_length(Octets body, TransferEncoding encoding) {
  if (encoding == TransferEncoding::quoted_printable) return quoted_printable_length(body);
  if (encoding == TransferEncoding::base64) return base64_length(body);
  return body.size();
}

std::string encode_quoted_printable(Octets octets) {
  return codec::quoted_printable_encode(octets);
}
std::string encode_base64_body(Octets octets) {
  return codec::base64_encode_lines(octets);
}

}  // namespace posthorn::message
