#include "standards/message/encoded_word.h"

#include <optional>
#include <vector>

#include <fmt/format.h>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::message {
namespace {

struct EncodedWord {
  std::string charset;
  char encoding = 'Q';  ///< upper case
  std::string octets;   ///< decoded, in the charset
  std::size_t length = 0;
};

bool is_hex(char c) {
  return text::is_digit(c) || (text::to_lower(c) >= 'a' && text::to_lower(c) <= 'f');
}
int hex_value(char c) {
  return text::is_digit(c) ? c - '0' : text::to_lower(c) - 'a' + 10;
}

/// "Q" (RFC 2047 4.2): "_" is a space, "=XX" an octet.
std::string decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '_' ? ' ' : text[i]);
    }
  }
  return out;
}

/// encoded-word = "=?" charset "?" encoding "?" encoded-text "?="; charset may carry "*language" (RFC 2231 5).
/// Longer than 75 octets, and with spaces in Q text, the world writes them; both are read.
std::optional<EncodedWord> read_encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const auto charset_end = text.find('?', 2);
  if (charset_end == std::string_view::npos || charset_end == 2 || charset_end + 3 >= text.size()) return std::nullopt;
  const char encoding = text::to_upper(text[charset_end + 1]);
  if ((encoding != 'B' && encoding != 'Q') || text[charset_end + 2] != '?') return std::nullopt;
  const std::size_t begin = charset_end + 3;
  const auto end = text.find("?=", begin);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view charset = text.substr(2, charset_end - 2);
  if (charset.find_first_of(" \t=?") != std::string_view::npos) return std::nullopt;
  EncodedWord word;
  word.charset = text::lower(charset.substr(0, charset.find('*')));
  word.encoding = encoding;
  const std::string_view encoded = text.substr(begin, end - begin);
  word.octets = encoding == 'B' ? codec::base64_decode_lenient(encoded) : decode_q(encoded);
  word.length = end + 2;
  return word;
}

/// Decoded text without the controls that would make lines of it.
std::string presentable(std::string utf8) {
  for (char& c : utf8)
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  return utf8;
}

}  // namespace

std::string decode_encoded_words(Octets unfolded) {
  std::string out;
  std::string bare;                    // what stands between encoded-words
  std::optional<EncodedWord> pending;  // neighbours of one charset are joined before conversion
  const auto flush_word = [&] {
    if (pending) out += presentable(to_utf8(pending->octets, pending->charset));
    pending.reset();
  };
  const auto flush_bare = [&] {
    if (!bare.empty()) out += presentable(is_utf8(bare) ? bare : to_utf8(bare, "windows-1252"));
    bare.clear();
  };
  for (std::size_t i = 0; i < unfolded.size();) {
    auto word = unfolded[i] == '=' ? read_encoded_word(unfolded.substr(i)) : std::nullopt;
    if (!word) {
      bare.push_back(unfolded[i++]);
      continue;
    }
    i += word->length;
    const bool neighbours = pending && text::trim(bare).empty();
    if (neighbours) {
      bare.clear();  // RFC 2047 6.2
    } else {
      flush_word();
      flush_bare();
    }
    if (neighbours && pending->charset == word->charset) {
      pending->octets += word->octets;
    } else {
      flush_word();
      pending = std::move(word);
    }
  }
  flush_word();
  flush_bare();
  return out;
}

namespace {

/// Octets that may stand for themselves in Q text anywhere (RFC 2047 5 (3)).
bool is_q_safe(char c) {
  return text::is_alnum(c) || std::string_view{"!*+-/"}.find(c) != std::string_view::npos;
}

std::string encode_q(std::string_view octets) {
  std::string out;
  for (const char c : octets) {
    if (c == ' ') {
      out.push_back('_');
    } else if (is_q_safe(c)) {
      out.push_back(c);
    } else {
      out += fmt::format("={:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

/// One character of UTF-8 from the front.
std::string_view first_character(std::string_view utf8) {
  std::size_t length = 1;
  while (length < utf8.size() && (static_cast<unsigned char>(utf8[length]) & 0xc0) == 0x80) ++length;
  return utf8.substr(0, length);
}

/// Encoded-words of at most 75 octets, no character split between two (RFC 2047 2, 5).
std::string encode_run(std::string_view utf8) {
  const bool q = encode_q(utf8).size() <= (utf8.size() + 2) / 3 * 4;
  constexpr std::size_t room = encoded_word_octets_max - 12;  // without "=?utf-8?q?" and "?="
  std::string out, chunk;
  const auto flush = [&] {
    if (chunk.empty()) return;
    if (!out.empty()) out.push_back(' ');
    out += q ? "=?utf-8?q?" + encode_q(chunk) + "?=" : "=?utf-8?b?" + codec::base64_encode(chunk) + "?=";
    chunk.clear();
  };
  while (!utf8.empty()) {
    const std::string_view character = first_character(utf8);
    const std::string longer = chunk + std::string{character};
    const std::size_t size = q ? encode_q(longer).size() : (longer.size() + 2) / 3 * 4;
    if (size > room) flush();
    chunk += character;
    utf8.remove_prefix(character.size());
  }
  flush();
  return out;
}

bool is_atext(char c) {
  return text::is_alnum(c) || std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

std::string quoted_phrase(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

constexpr std::size_t bare_word_octets_max = 900;  // a longer one could not be folded under 998 octets a line

using WordPosition = std::vector<std::string_view>::const_iterator;

std::string join(WordPosition begin, WordPosition end) {
  std::string out;
  for (auto word = begin; word != end; ++word) {
    if (word != begin) out.push_back(' ');
    out += *word;
  }
  return out;
}

bool must_encode(std::string_view text) {
  return text.find("=?") != std::string_view::npos ||
         std::ranges::any_of(text, [](char c) { return c < ' ' || c == 0x7f; });
}

}  // namespace

std::string encode_words(std::string_view utf8_text, EncodedWordContext context) {
  std::string valid = to_utf8(utf8_text, "utf-8");
  if (context == EncodedWordContext::phrase) {
    if (must_encode(valid)) return encode_run(valid);
    const bool atoms = !valid.empty() && std::ranges::all_of(valid, [](char c) { return is_atext(c) || c == ' '; });
    return atoms ? valid : quoted_phrase(valid);
  }
  // Words that need it are encoded together with those between them; the rest stays readable.
  const auto words = text::split(valid, ' ');
  const auto needs = [](std::string_view word) { return must_encode(word) || word.size() > bare_word_octets_max; };
  const auto first = std::ranges::find_if(words, needs);
  if (first == words.end()) return valid;
  const auto last = std::ranges::find_if(words.rbegin(), words.rend(), needs).base();
  std::string out = join(words.begin(), first);
  if (first != words.begin()) out.push_back(' ');
  out += encode_run(join(first, last));
  if (last != words.end()) out += " " + join(last, words.end());
  return out;
}

}  // namespace posthorn::message
