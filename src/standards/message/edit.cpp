#include "standards/message/edit.h"

#include <algorithm>

#include "foundation/text/ascii.h"
#include "standards/message/lexer.h"

namespace posthorn::message {

std::string authserv_id_of(Octets value) {
  // RFC 8601 2.2: authres-payload = [CFWS] authserv-id …; authserv-id = value, a token or a quoted-string.
  Lexer lexer{value};
  lexer.skip_cfws();
  if (lexer.peek() == '"') return lexer.quoted_string();
  return std::string{lexer.word(";()<>@,:\\\"/[]?=")};
}

void HeaderEdit::remove(const Field& field) {
  removed_.push_back({field.offset, field.raw.size()});
}

void HeaderEdit::remove_all(std::string_view name) {
  for (const Field& field : header_.fields())
    if (field.is(name)) remove(field);
}

void HeaderEdit::remove_authentication_results(std::string_view authserv_id) {
  for (const Field& field : header_.fields())
    if (field.is("Authentication-Results") && text::iequals(authserv_id_of(field.value), authserv_id)) remove(field);
}

void HeaderEdit::put_on_top(std::string_view field) {
  top_.insert(0, field);
}

std::vector<OctetRange> HeaderEdit::kept_ranges(std::uint64_t message_octets) const {
  std::vector<OctetRange> removed = removed_;
  std::ranges::sort(removed, {}, &OctetRange::offset);
  std::vector<OctetRange> kept;
  std::uint64_t at = 0;
  for (const OctetRange& gap : removed) {
    if (gap.offset > at) kept.push_back({at, gap.offset - at});
    at = std::max(at, gap.offset + gap.length);
  }
  if (message_octets > at) kept.push_back({at, message_octets - at});
  return kept;
}

std::string HeaderEdit::apply(Octets message) const {
  std::string out = top_;
  for (const OctetRange& range : kept_ranges(message.size()))
    out += message.substr(static_cast<std::size_t>(range.offset), static_cast<std::size_t>(range.length));
  return out;
}

}  // namespace posthorn::message
