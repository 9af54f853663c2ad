// Charsets to UTF-8, through the C library's iconv.
#include <array>
#include <cerrno>

#include <iconv.h>

#include "foundation/text/ascii.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::message {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::size_t charset_name_octets_max = 40;

// Windows-1252, 0x80 to 0x9f; the five unassigned ones are controls, as browsers have it.
constexpr std::array<char32_t, 32> windows_1252{0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                                0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d,   0x017d, 0x8f,
                                                0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                                0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xe0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

std::string from_windows_1252(Octets octets) {
  std::string out;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    append_utf8(out, octet >= 0x80 && octet < 0xa0 ? windows_1252[octet - 0x80u] : octet);
  }
  return out;
}

/// What is valid stays, every other octet becomes U+FFFD.
std::string repaired_utf8(Octets octets) {
  std::string out;
  for (std::size_t i = 0; i < octets.size();) {
    std::size_t length = 1;
    const auto lead = static_cast<unsigned char>(octets[i]);
    if (lead >= 0xf0) {
      length = 4;
    } else if (lead >= 0xe0) {
      length = 3;
    } else if (lead >= 0x80) {
      length = 2;
    }
    const Octets sequence = octets.substr(i, length);
    const bool valid = text::is_utf8(sequence);
    out += valid ? sequence : replacement;
    i += valid ? sequence.size() : 1;
  }
  return out;
}

struct Alias {
  std::string_view name, iconv_name;
};
// What mail writes where iconv knows another name, and labels that are used for a larger set than they name.
constexpr std::array aliases{Alias{"gb2312", "GB18030"},
                             Alias{"gbk", "GB18030"},
                             Alias{"x-gbk", "GB18030"},
                             Alias{"ks_c_5601-1987", "CP949"},
                             Alias{"euc-kr", "CP949"},
                             Alias{"shift_jis", "CP932"},
                             Alias{"x-sjis", "CP932"},
                             Alias{"unicode-1-1-utf-7", "UTF-7"},
                             Alias{"iso-8859-8-i", "ISO-8859-8"},
                             Alias{"big5", "BIG5-HKSCS"},
                             Alias{"tis-620", "CP874"},
                             Alias{"iso-8859-9", "CP1254"}};

/// A name that iconv may be given: no "//TRANSLIT" and its like.
std::optional<std::string> iconv_name(std::string_view charset) {
  if (charset.empty() || charset.size() > charset_name_octets_max) return std::nullopt;
  const std::string name = text::lower(charset);
  for (const Alias& alias : aliases)
    if (alias.name == name) return std::string{alias.iconv_name};
  const bool safe = std::ranges::all_of(
      name, [](char c) { return text::is_alnum(c) || std::string_view{"-_.:+"}.find(c) != std::string_view::npos; });
  return safe ? std::optional{name} : std::nullopt;
}

class Converter {
 public:
  explicit Converter(const char* from) : handle_(iconv_open("UTF-8", from)) {}
  ~Converter() {
    if (usable()) iconv_close(handle_);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  [[nodiscard]] bool usable() const {
    return handle_ != reinterpret_cast<iconv_t>(-1);  // NOLINT(performance-no-int-to-ptr): what iconv_open answers
  }

  std::string convert(Octets octets) {
    std::string out, copy{octets};
    char* in = copy.data();
    std::size_t left = copy.size();
    while (left > 0) {
      std::array<char, 4096> buffer;
      char* to = buffer.data();
      std::size_t room = buffer.size();
      const bool failed = iconv(handle_, &in, &left, &to, &room) == static_cast<std::size_t>(-1);
      const int error = errno;
      out.append(buffer.data(), buffer.size() - room);
      if (!failed || error == E2BIG) continue;
      out += replacement;  // EILSEQ, or EINVAL at the end
      ++in;
      --left;
    }
    return out;
  }

 private:
  iconv_t handle_;
};

}  // namespace

bool is_utf8(Octets octets) {
  return text::is_utf8(octets);
}
bool has_8bit(Octets octets) {
  return !text::is_ascii(octets);
}

std::string to_utf8(Octets octets, std::string_view charset) {
  charset = text::trim(charset);
  if (text::iequals(charset, "utf-8") || text::iequals(charset, "utf8")) return repaired_utf8(octets);
  const bool latin = text::iequals(charset, "iso-8859-1") || text::iequals(charset, "windows-1252");
  if (latin) return from_windows_1252(octets);
  const bool ascii = text::iequals(charset, "us-ascii") || text::iequals(charset, "ascii") || charset.empty();
  if (const auto name = ascii ? std::nullopt : iconv_name(charset)) {
    Converter converter{name->c_str()};
    if (converter.usable()) return repaired_utf8(converter.convert(octets));
  }
  return is_utf8(octets) ? std::string{octets} : from_windows_1252(octets);
}

}  // namespace posthorn::message
