#include "standards/address/smtp_parse.h"

#include "foundation/text/ascii.h"
#include "standards/address/grammar.h"

namespace posthorn::address {
namespace {

bool is_domain_octet(char c) {
  return text::is_alnum(c) || c == '-' || c == '.' || text::is_non_ascii(c);
}

std::size_t domain_length(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  std::size_t length = 0;
  while (length < text.size() && is_domain_octet(text[length])) ++length;
  return length;
}

// A dot-string's octets; whether the dots stand right is LocalPart::parse's question.
std::size_t local_part_length(std::string_view text) {
  if (text.starts_with('"')) return quoted_string_length(text).value_or(0);
  std::size_t length = 0;
  while (length < text.size() && (is_atext(text[length]) || text[length] == '.')) ++length;
  return length;
}

Result<std::variant<Domain, AddressLiteral>, AddressError> parse_host(std::string_view text) {
  if (text.starts_with('[')) {
    const auto literal = AddressLiteral::parse(text);
    if (!literal) return fail(literal.error());
    return *literal;
  }
  auto domain = Domain::parse(text);
  if (!domain) return fail(domain.error());
  return std::move(*domain);
}

// A-d-l = At-domain *( "," At-domain ), then ":". RFC 5321 C: accepted, and ignored.
Result<std::string_view, AddressError> drop_source_route(std::string_view text) {
  if (!text.starts_with('@')) return text;
  std::size_t dropped = 0;
  for (;;) {
    if (!text.starts_with('@')) return fail(AddressError::syntax);
    const auto length = domain_length(text.substr(1));
    if (length == 0 || 1 + length >= text.size()) return fail(AddressError::syntax);
    dropped += length + 2;
    if (dropped > source_route_octets_max) return fail(AddressError::path_too_long);
    const char behind = text[1 + length];
    text.remove_prefix(length + 2);
    if (behind == ':') return text;
    if (behind != ',') return fail(AddressError::syntax);
  }
}

// Path = "<" [ A-d-l ":" ] Mailbox ">", without its "<".
Result<PathPrefix<Mailbox>, AddressError> parse_path_behind_bracket(std::string_view text, Utf8 utf8) {
  const auto routed = drop_source_route(text);
  if (!routed) return fail(routed.error());
  auto mailbox = parse_mailbox_prefix(*routed, utf8);
  if (!mailbox) return fail(mailbox.error());
  if (!mailbox->rest.starts_with('>')) return fail(AddressError::syntax);
  mailbox->rest.remove_prefix(1);
  return mailbox;
}

}  // namespace

Result<PathPrefix<Mailbox>, AddressError> parse_mailbox_prefix(std::string_view text, Utf8 utf8) {
  const auto local_length = local_part_length(text);
  if (local_length == 0 || local_length >= text.size() || text[local_length] != '@') return fail(AddressError::syntax);
  const auto local_text = text.substr(0, local_length);
  const auto host_text = text.substr(local_length + 1, domain_length(text.substr(local_length + 1)));
  if (utf8 == Utf8::refused && !(text::is_ascii(local_text) && text::is_ascii(host_text))) {
    return fail(AddressError::non_ascii);
  }
  auto local_part = LocalPart::parse(local_text);
  if (!local_part) return fail(local_part.error());
  auto host = parse_host(host_text);
  if (!host) return fail(host.error());
  return PathPrefix<Mailbox>{Mailbox{std::move(*local_part), std::move(*host)},
                             text.substr(local_length + 1 + host_text.size())};
}

Result<PathPrefix<ReversePath>, AddressError> parse_reverse_path(std::string_view text, Utf8 utf8) {
  if (text.starts_with("<>")) return PathPrefix<ReversePath>{ReversePath(), text.substr(2)};
  if (!text.starts_with('<')) return fail(AddressError::syntax);
  auto path = parse_path_behind_bracket(text.substr(1), utf8);
  if (!path) return fail(path.error());
  return PathPrefix<ReversePath>{ReversePath(std::move(path->path)), path->rest};
}

Result<PathPrefix<ForwardPath>, AddressError> parse_forward_path(std::string_view text, Utf8 utf8) {
  constexpr std::string_view bare = "<postmaster>";  // RFC 5321 4.1.1.3: in any case
  if (text::istarts_with(text, bare)) {
    return PathPrefix<ForwardPath>{ForwardPath::postmaster(), text.substr(bare.size())};
  }
  if (!text.starts_with('<')) return fail(AddressError::syntax);
  auto path = parse_path_behind_bracket(text.substr(1), utf8);
  if (!path) return fail(path.error());
  return PathPrefix<ForwardPath>{ForwardPath(std::move(path->path)), path->rest};
}

}  // namespace posthorn::address
