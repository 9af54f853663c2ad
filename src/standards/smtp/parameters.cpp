#include "standards/smtp/parameters.h"

#include <charconv>

#include <fmt/format.h>

#include "foundation/codec/xtext.h"
#include "foundation/text/ascii.h"

namespace posthorn::smtp {
namespace {

Reply not_understood(std::string_view keyword) {
  // RFC 5321 4.1.1.11: 555 for parameters that are not known.
  return Reply(555, {5, 5, 4}, "Parameter " + text::printable(keyword, 40) + " is not offered here");
}

Reply bad_value(std::string_view keyword, std::string_view wanted) {
  return Reply(501, {5, 5, 4}, "Parameter " + std::string(keyword) + " must be " + std::string(wanted));
}

Reply twice(std::string_view keyword) {
  return Reply(501, {5, 5, 4}, "Parameter " + std::string(keyword) + " stands there twice");
}

// esmtp-param = esmtp-keyword ["=" esmtp-value]
struct Parameter {
  std::string_view keyword;
  std::optional<std::string_view> value;
};

bool is_keyword(std::string_view text) {
  if (text.empty() || !text::is_alnum(text.front())) return false;
  for (const char c : text) {
    if (!text::is_alnum(c) && c != '-') return false;
  }
  return true;
}

std::optional<Parameter> parse_parameter(std::string_view word) {
  const auto equals = word.find('=');
  Parameter parameter{word.substr(0, equals), std::nullopt};
  if (!is_keyword(parameter.keyword)) return std::nullopt;
  if (equals != std::string_view::npos) parameter.value = word.substr(equals + 1);
  return parameter;
}

// Applies `one(parameter)` to each; the first refusal ends it. Parameters are set apart by SP, and so is the
// first from the path.
template <class One>
std::optional<Reply> for_each_parameter(std::string_view text, One one) {
  if (!text.empty() && !text::is_wsp(text.front())) {
    return Reply(501, {5, 5, 2}, "A space must stand between the path and its parameters");
  }
  for (const auto word : text::words(text)) {
    const auto parameter = parse_parameter(word);
    if (!parameter) return Reply(501, {5, 5, 4}, "Not a parameter: " + text::printable(word, 40));
    if (auto refusal = one(*parameter)) return refusal;
  }
  return std::nullopt;
}

// Which MAIL parameters stood there already.
struct MailSeen {
  bool size = false, body = false, smtputf8 = false, ret = false, envid = false, auth = false, requiretls = false;
};

std::optional<Reply> take_size(const Parameter& p, MailParameters& out) {
  out.size = text::parse_number(p.value.value_or(""));  // size-value = 1*20DIGIT
  if (!out.size) return bad_value("SIZE", "a number of octets");
  return std::nullopt;
}

std::optional<Reply> take_body(const Parameter& p, MailParameters& out) {
  const auto value = p.value.value_or("");
  if (text::iequals(value, "8BITMIME")) {
    out.body = Body::eight_bit_mime;
  } else if (!text::iequals(value, "7BIT")) {
    return bad_value("BODY", "7BIT or 8BITMIME");
  }
  return std::nullopt;
}

std::optional<Reply> take_ret(const Parameter& p, MailParameters& out) {
  const auto value = p.value.value_or("");
  if (text::iequals(value, "FULL")) {
    out.ret = Ret::full;
  } else if (text::iequals(value, "HDRS")) {
    out.ret = Ret::headers;
  } else {
    return bad_value("RET", "FULL or HDRS");
  }
  return std::nullopt;
}

std::optional<Reply> take_envid(const Parameter& p, MailParameters& out) {
  const auto value = p.value.value_or("");
  auto decoded = codec::xtext_decode(value);
  if (!decoded || decoded->empty() || value.size() > envid_octets_max ||
      decoded->find_first_of("\r\n\0", 0, 3) != std::string::npos) {
    return bad_value("ENVID", "1 to 100 characters of xtext (RFC 3461 4)");
  }
  out.envid = std::move(*decoded);
  return std::nullopt;
}

std::optional<Reply> take_auth(const Parameter& p, MailParameters& out) {
  out.auth = codec::xtext_decode(p.value.value_or("="));
  if (!out.auth || out.auth->empty()) return bad_value("AUTH", "a mailbox in xtext, or <>");
  return std::nullopt;
}

struct MailRow {
  std::string_view keyword;
  bool MailSeen::* seen;
  bool Extensions::* offered;  // nullptr: decided by auth_offered
  std::optional<Reply> (*take)(const Parameter&, MailParameters&);
};

std::optional<Reply> no_value(const Parameter& p) {
  if (p.value) return Reply(501, {5, 5, 4}, "Parameter " + text::printable(p.keyword, 40) + " takes no value");
  return std::nullopt;
}
std::optional<Reply> take_smtputf8(const Parameter& p, MailParameters& out) {
  out.smtputf8 = true;
  return no_value(p);
}
std::optional<Reply> take_requiretls(const Parameter& p, MailParameters& out) {
  out.requiretls = true;
  return no_value(p);
}

constexpr MailRow mail_rows[] = {
    {"SIZE", &MailSeen::size, &Extensions::size, take_size},
    {"BODY", &MailSeen::body, &Extensions::eight_bit_mime, take_body},
    {"SMTPUTF8", &MailSeen::smtputf8, &Extensions::smtputf8, take_smtputf8},
    {"RET", &MailSeen::ret, &Extensions::dsn, take_ret},
    {"ENVID", &MailSeen::envid, &Extensions::dsn, take_envid},
    {"AUTH", &MailSeen::auth, &Extensions::auth_offered, take_auth},
    {"REQUIRETLS", &MailSeen::requiretls, &Extensions::requiretls, take_requiretls},
};

std::optional<Reply> take_mail_parameter(const Parameter& p, const Extensions& offered, MailSeen& seen,
                                         MailParameters& out) {
  for (const auto& row : mail_rows) {
    if (!text::iequals(p.keyword, row.keyword) || !(offered.*row.offered)) continue;
    if (seen.*row.seen) return twice(row.keyword);
    seen.*row.seen = true;
    return row.take(p, out);
  }
  return not_understood(p.keyword);
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto put = [&out](std::uint32_t octet) { out += static_cast<char>(octet); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3f));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3f));
    put(0x80 | (code_point >> 6 & 0x3f));
  }
  put(0x80 | (code_point & 0x3f));
}

// RFC 6533 3: EmbeddedUnicodeChar = "\x{" HEXPOINT "}", or the UTF-8 octets themselves.
std::optional<std::string> decode_utf8_address(std::string_view encoded) {
  std::string out;
  while (!encoded.empty()) {
    if (!encoded.starts_with("\\x{")) {
      out += encoded.front();
      encoded.remove_prefix(1);
      continue;
    }
    const auto end = encoded.find('}');
    if (end == std::string_view::npos || end > 9) return std::nullopt;
    std::uint32_t code_point = 0;
    const auto [stop, error] = std::from_chars(encoded.data() + 3, encoded.data() + end, code_point, 16);
    if (error != std::errc{} || stop != encoded.data() + end || code_point > 0x10ffff) return std::nullopt;
    append_utf8(out, code_point);
    encoded.remove_prefix(end + 1);
  }
  if (!text::is_utf8(out)) return std::nullopt;
  return out;
}

// One character at the front of well-formed UTF-8, taken off.
std::uint32_t take_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  std::uint32_t code_point = length == 1 ? first : first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length && i < text.size(); ++i) {
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  text.remove_prefix(std::min(length, text.size()));
  return code_point;
}

// utf-8-addr-xtext: ASCII only, so it may go to any peer with DSN, whether it has SMTPUTF8 or not.
std::string encode_utf8_address(std::string_view value) {
  std::string out;
  while (!value.empty()) {
    const auto code_point = take_code_point(value);
    const bool is_plain =
        code_point > ' ' && code_point < 0x7f && code_point != '+' && code_point != '=' && code_point != '\\';
    if (is_plain) {
      out += static_cast<char>(code_point);
    } else {
      out += fmt::format("\\x{{{:X}}}", code_point);
    }
  }
  return out;
}

// orcpt-parameter = "ORCPT=" addr-type ";" xtext; RFC 6533 3 adds the type "utf-8" with an encoding of its own.
std::optional<OriginalRecipient> parse_orcpt(std::string_view value) {
  if (value.size() > orcpt_octets_max) return std::nullopt;
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos || !is_keyword(value.substr(0, semicolon))) return std::nullopt;
  OriginalRecipient recipient{text::lower(value.substr(0, semicolon)), {}};
  const auto encoded = value.substr(semicolon + 1);
  auto decoded = recipient.type == "utf-8" ? decode_utf8_address(encoded) : codec::xtext_decode(encoded);
  if (!decoded || decoded->empty() || decoded->find_first_of("\r\n\0", 0, 3) != std::string::npos) return std::nullopt;
  recipient.value = std::move(*decoded);
  return recipient;
}

std::optional<Reply> take_rcpt_parameter(const Parameter& p, const Extensions& offered, RcptParameters& out) {
  if (offered.dsn && text::iequals(p.keyword, "NOTIFY")) {
    if (out.notify.given) return twice("NOTIFY");
    const auto notify = Notify::parse(p.value.value_or(""));
    if (!notify) return bad_value("NOTIFY", "NEVER, or a list of SUCCESS, FAILURE, DELAY");
    out.notify = *notify;
    return std::nullopt;
  }
  if (offered.dsn && text::iequals(p.keyword, "ORCPT")) {
    if (out.orcpt) return twice("ORCPT");
    out.orcpt = parse_orcpt(p.value.value_or(""));
    if (!out.orcpt) return bad_value("ORCPT", "a type, a semicolon and xtext (RFC 3461 4.2)");
    return std::nullopt;
  }
  return not_understood(p.keyword);
}

}  // namespace

std::string Notify::text() const {
  if (!given) return {};
  std::string out;
  if (success) out += ",SUCCESS";
  if (failure) out += ",FAILURE";
  if (delay) out += ",DELAY";
  return out.empty() ? "NEVER" : out.substr(1);
}

// notify-esmtp-value = "NEVER" / 1#notify-list-element
std::optional<Notify> Notify::parse(std::string_view text) {
  Notify notify{.given = true, .success = false, .failure = false, .delay = false};
  if (text::iequals(text, "NEVER")) return notify;
  for (const auto element : text::split(text, ',')) {
    if (text::iequals(element, "SUCCESS")) {
      notify.success = true;
    } else if (text::iequals(element, "FAILURE")) {
      notify.failure = true;
    } else if (text::iequals(element, "DELAY")) {
      notify.delay = true;
    } else {
      return std::nullopt;
    }
  }
  return notify;
}

Result<MailParameters, Reply> parse_mail_parameters(std::string_view text, const Extensions& offered) {
  MailParameters out;
  MailSeen seen;
  const auto one = [&](const Parameter& p) { return take_mail_parameter(p, offered, seen, out); };
  if (auto refusal = for_each_parameter(text, one)) return fail(std::move(*refusal));
  return out;
}

Result<RcptParameters, Reply> parse_rcpt_parameters(std::string_view text, const Extensions& offered) {
  RcptParameters out;
  const auto one = [&](const Parameter& p) { return take_rcpt_parameter(p, offered, out); };
  if (auto refusal = for_each_parameter(text, one)) return fail(std::move(*refusal));
  return out;
}

std::string mail_parameters_text(const MailParameters& parameters, const Extensions& offered) {
  std::string out;
  if (offered.size && parameters.size) out += " SIZE=" + std::to_string(*parameters.size);
  if (offered.eight_bit_mime && parameters.body == Body::eight_bit_mime) out += " BODY=8BITMIME";
  if (offered.smtputf8 && parameters.smtputf8) out += " SMTPUTF8";
  if (offered.requiretls && parameters.requiretls) out += " REQUIRETLS";
  if (offered.dsn && parameters.ret) out += *parameters.ret == Ret::full ? " RET=FULL" : " RET=HDRS";
  if (offered.dsn && !parameters.envid.empty()) out += " ENVID=" + codec::xtext_encode(parameters.envid);
  if (offered.auth_offered && parameters.auth) out += " AUTH=" + codec::xtext_encode(*parameters.auth);
  return out;
}

std::string rcpt_parameters_text(const RcptParameters& parameters, const Extensions& offered) {
  std::string out;
  if (!offered.dsn) return out;
  if (parameters.notify.given) out += " NOTIFY=" + parameters.notify.text();
  if (parameters.orcpt) {
    const auto& [type, value] = *parameters.orcpt;
    out += " ORCPT=" + type + ";" + (type == "utf-8" ? encode_utf8_address(value) : codec::xtext_encode(value));
  }
  return out;
}

}  // namespace posthorn::smtp
