#include "standards/imap/url.h"

#include <algorithm>
#include <charconv>

#include "foundation/codec/hex.h"
#include "foundation/codec/percent.h"
#include "foundation/text/ascii.h"
#include "standards/imap/mailbox_name.h"
#include "standards/imap/parse.h"

namespace posthorn::imap {
namespace {

constexpr std::string_view scheme = "imap://";
constexpr std::string_view unreserved = "-._~";
constexpr std::string_view sub_delims_sh = "!$'()*+,";
constexpr std::size_t user_octets_max = 512;

// bchar = achar / ":" / "@" / "/", without its pct-encoded
bool is_bchar(char c) {
  return text::is_alpha(c) || text::is_digit(c) || unreserved.contains(c) || sub_delims_sh.contains(c) || c == '&' ||
         c == '=' || c == ':' || c == '@' || c == '/';
}

/// What is left of the URL.
class UrlReader {
 public:
  explicit UrlReader(std::string_view rest) : rest_(rest) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  bool accept(std::string_view word) {
    if (!text::istarts_with(rest_, word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  // number / nz-number; nullopt also where it does not fit
  template <class Number>
  std::optional<Number> number() {
    Number value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{} || end == rest_.data()) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  /// 1*bchar as written, up to what is none.
  std::string_view bchars() {
    const auto end = std::ranges::find_if_not(rest_, [](char c) { return is_bchar(c) || c == '%'; });
    return take(static_cast<std::size_t>(end - rest_.begin()));
  }
  std::string_view until(std::string_view any_of) { return take(std::min(rest_.find_first_of(any_of), rest_.size())); }

 private:
  std::string_view take(std::size_t count) {
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest_;
};

// iserver = [iuserinfo "@"] host [":" port]; iuserinfo = enc-user [iauth] / [enc-user] iauth
std::optional<UrlServer> read_server(std::string_view text) {
  UrlServer server;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    // ";AUTH=…" says how to log in; this session is.
    const auto user = codec::percent_decode(text.substr(0, std::min(at, text.find(';'))));
    if (!user || user->size() > user_octets_max) return std::nullopt;
    server.user = *user;
    text.remove_prefix(at + 1);
  }
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && !text.ends_with(']')) {
    const auto port = text::parse_number(text.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return std::nullopt;
    server.port = static_cast<std::uint16_t>(*port);
    text = text.substr(0, colon);
  }
  if (text.empty()) return std::nullopt;
  server.host = text;
  return server;
}

bool has_dot_segment(std::string_view path) {
  return std::ranges::any_of(text::split(path, '/'),
                             [](std::string_view segment) { return segment == "." || segment == ".."; });
}

// imailbox-ref = enc-mailbox [uidvalidity]; leaves the reader in front of ";UID="
bool read_mailbox(UrlReader& in, MessageUrl& url) {
  auto encoded = in.bchars();
  if (encoded.empty()) return true;
  const bool ends_in_slash = encoded.ends_with('/');
  if (ends_in_slash) encoded.remove_suffix(1);
  const auto decoded = codec::percent_decode(encoded);
  if (!decoded || decoded->empty() || has_dot_segment(encoded)) return false;
  // RFC 5092 3: names are UTF-8 in URLs, whatever the session has enabled.
  auto name = read_mailbox_name(*decoded, true);
  if (!name) return false;
  url.mailbox = std::move(*name);
  if (ends_in_slash) return true;
  // uidvalidity = ";UIDVALIDITY=" nz-number
  if (!in.accept(";UIDVALIDITY=")) return false;
  url.uid_validity = in.number<std::uint32_t>();
  return url.uid_validity && *url.uid_validity != 0 && in.accept("/");
}

// isection-only = ";SECTION=" enc-section
bool read_section(UrlReader& in, MessageUrl& url) {
  if (!in.accept(";SECTION=")) return true;
  auto encoded = in.bchars();
  // The "/" in front of ";PARTIAL=" is no part of it.
  if (in.peek() == ';' && !encoded.ends_with('/')) return false;
  if (in.peek() == ';') encoded.remove_suffix(1);
  const auto decoded = codec::percent_decode(encoded);
  if (!decoded || decoded->empty()) return false;
  auto section = parse_section(*decoded);
  if (!section) return false;
  url.section = std::move(*section);
  return true;
}

// ipartial-only = ";PARTIAL=" number ["." nz-number]
bool read_partial(UrlReader& in, MessageUrl& url) {
  if (!in.accept(";PARTIAL=")) return true;
  const auto offset = in.number<std::uint64_t>();
  if (!offset) return false;
  url.partial = Partial{.offset = *offset, .length = ~std::uint64_t{0}};
  if (!in.accept(".")) return true;
  const auto length = in.number<std::uint64_t>();
  if (!length || *length == 0) return false;
  url.partial->length = *length;
  return true;
}

// iuid-only = ";UID=" nz-number, then ["/" isection-only] ["/" ipartial-only]
bool read_message(UrlReader& in, MessageUrl& url) {
  if (!in.accept(";UID=")) return false;
  const auto uid = in.number<std::uint32_t>();
  if (!uid || *uid == 0) return false;
  url.uid = *uid;
  if (in.at_end()) return true;
  if (!in.accept("/") || in.at_end()) return false;
  return read_section(in, url) && read_partial(in, url) && in.at_end();
}

}  // namespace

std::optional<MessageUrl> parse_message_url(std::string_view text) {
  if (text.size() > url_octets_max) return std::nullopt;
  MessageUrl url;
  UrlReader in(text);
  // imapurl = "imap://" iserver ipath-query; inetwork-path = "//" iserver ipath-query
  const bool is_absolute = in.accept(scheme) || in.accept("//");
  if (is_absolute) {
    url.server = read_server(in.until("/?#"));
    if (!url.server) return std::nullopt;
  }
  const bool is_rooted = in.accept("/");
  // RFC 3986 4.2: a colon in the first segment makes it another scheme.
  if (!is_absolute && !is_rooted && text.substr(0, text.find_first_of("/;")).contains(':')) return std::nullopt;
  if (is_absolute && !is_rooted) return std::nullopt;
  if (!read_mailbox(in, url)) return std::nullopt;
  if (is_rooted && url.mailbox.empty()) return std::nullopt;
  url.is_beside_selected = !is_rooted && !url.mailbox.empty();
  if (!read_message(in, url)) return std::nullopt;
  return url;
}

std::string mailbox_beside(std::string_view selected, std::string_view name) {
  const auto last = selected.rfind(hierarchy_separator);
  return std::string(selected.substr(0, last == std::string_view::npos ? 0 : last + 1)) + std::string(name);
}

std::string url_response_text(std::string_view url) {
  std::string out;
  for (const char c : url.substr(0, url_octets_max)) {
    if (text::is_visible(c) && c != ']') {
      out += c;
    } else {
      out += '%' + text::upper(codec::hex_encode(std::string_view(&c, 1)));
    }
  }
  return out.empty() ? "%00" : out;
}

}  // namespace posthorn::imap
