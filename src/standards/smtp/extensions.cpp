#include "standards/smtp/extensions.h"

#include "foundation/text/ascii.h"

namespace posthorn::smtp {
namespace {

void append_limits(std::string& out, const Extensions& offered) {
  if (!offered.rcptmax && !offered.mailmax) return;
  out += "\nLIMITS";
  if (offered.rcptmax) out += " RCPTMAX=" + std::to_string(*offered.rcptmax);
  if (offered.mailmax) out += " MAILMAX=" + std::to_string(*offered.mailmax);
}

void append_auth(std::string& out, const Extensions& offered) {
  if (offered.auth.empty()) return;
  out += "\nAUTH";
  for (const auto mechanism : offered.auth) out += " " + std::string(sasl::name(mechanism));
}

// limits-ehlo-keyword = "LIMITS" 1*(SP limit-name "=" limit-value) (RFC 9422 2); other limits are ignored.
void parse_limits(const std::vector<std::string_view>& words, Extensions& found) {
  for (auto word : words) {
    const auto limit_name = text::take_until(word, '=');
    const auto value = text::parse_number(word);
    if (!value || *value == 0 || *value > 1'000'000) continue;
    if (text::iequals(limit_name, "RCPTMAX")) found.rcptmax = static_cast<std::uint32_t>(*value);
    if (text::iequals(limit_name, "MAILMAX")) found.mailmax = static_cast<std::uint32_t>(*value);
  }
}

void parse_auth(const std::vector<std::string_view>& words, Extensions& found) {
  found.auth_offered = true;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (const auto mechanism = sasl::parse_mechanism(words[i])) found.auth.push_back(*mechanism);
  }
}

struct Flag {
  std::string_view keyword;
  bool Extensions::* member;
};
constexpr Flag flags[] = {
    {"PIPELINING", &Extensions::pipelining}, {"8BITMIME", &Extensions::eight_bit_mime},
    {"SMTPUTF8", &Extensions::smtputf8},     {"ENHANCEDSTATUSCODES", &Extensions::enhanced_status_codes},
    {"CHUNKING", &Extensions::chunking},     {"DSN", &Extensions::dsn},
    {"STARTTLS", &Extensions::starttls},     {"REQUIRETLS", &Extensions::requiretls},
};

// ehlo-line = ehlo-keyword *( SP ehlo-param )
void parse_line(std::string_view line, Extensions& found) {
  const auto words = text::words(line);
  if (words.empty()) return;
  for (const auto& flag : flags) {
    if (text::iequals(words[0], flag.keyword)) found.*flag.member = true;
  }
  if (text::iequals(words[0], "SIZE")) {
    found.size = true;
    found.size_octets_max = words.size() > 1 ? text::parse_number(words[1]).value_or(0) : 0;
  }
  if (text::iequals(words[0], "LIMITS")) parse_limits(words, found);
  if (text::iequals(words[0], "AUTH")) parse_auth(words, found);
}

}  // namespace

std::string extensions_text(const Extensions& offered) {
  std::string out;
  if (offered.size) out += "\nSIZE " + std::to_string(offered.size_octets_max);
  for (const auto& flag : flags) {
    if (offered.*flag.member) out += "\n" + std::string(flag.keyword);
  }
  append_limits(out, offered);
  append_auth(out, offered);
  return out.empty() ? out : out.substr(1);
}

Extensions parse_extensions(std::string_view reply_text) {
  Extensions found;
  (void)text::take_until(reply_text, '\n');  // the greeting line
  while (!reply_text.empty()) parse_line(text::take_until(reply_text, '\n'), found);
  return found;
}

std::string_view with_protocol(WithProtocol what) {
  static constexpr std::string_view names[2][2][2] = {
      {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
      {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}},
  };
  // RFC 3848 has no keyword for HELO under TLS: such a session is "SMTP".
  if (!what.esmtp) return "SMTP";
  return names[what.smtputf8 ? 1 : 0][what.tls ? 1 : 0][what.authenticated ? 1 : 0];
}

}  // namespace posthorn::smtp
