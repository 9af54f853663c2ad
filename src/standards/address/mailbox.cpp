#include "standards/address/mailbox.h"

#include "foundation/text/ascii.h"
#include "standards/address/grammar.h"
#include "standards/address/smtp_parse.h"

namespace posthorn::address {

Result<LocalPart, AddressError> LocalPart::from_value(std::string_view value) {
  if (value.size() > local_part_octets_max) return fail(AddressError::local_part_too_long);
  for (const char c : value) {
    if (!text::is_visible(c) && !text::is_wsp(c) && !text::is_non_ascii(c)) return fail(AddressError::syntax);
  }
  if (!text::is_utf8(value)) return fail(AddressError::not_utf8);
  return LocalPart(std::string(value));
}

// Local-part = Dot-string / Quoted-string
Result<LocalPart, AddressError> LocalPart::parse(std::string_view wire) {
  if (is_dot_string(wire)) return from_value(wire);
  if (quoted_string_length(wire) != wire.size()) return fail(AddressError::syntax);
  return from_value(unquote(wire));
}

std::string LocalPart::wire() const {
  return is_dot_string(value_) ? value_ : quote(value_);
}
bool LocalPart::is_ascii() const {
  return text::is_ascii(value_);
}
bool LocalPart::equals_ignoring_case(const LocalPart& other) const {
  return text::iequals(value_, other.value_);
}

Result<Mailbox, AddressError> Mailbox::parse(std::string_view text) {
  auto prefix = parse_mailbox_prefix(text, Utf8::allowed);
  if (!prefix) return fail(prefix.error());
  if (!prefix->rest.empty()) return fail(AddressError::syntax);
  return std::move(prefix->path);
}

std::string Mailbox::host_text() const {
  const auto* name = domain();
  return name != nullptr ? name->a_label() : std::get<AddressLiteral>(host).text();
}

std::string Mailbox::text() const {
  return local_part.wire() + "@" + host_text();
}

std::string Mailbox::utf8_text() const {
  const auto* name = domain();
  if (name == nullptr || local_part.is_ascii()) return text();
  return local_part.wire() + "@" + name->u_label();
}

namespace {

// Brackets are optional in configuration, on the command line and in the store.
std::string bracketed(std::string_view text) {
  return text.starts_with('<') ? std::string(text) : "<" + std::string(text) + ">";
}

template <class Path>
Result<Path, AddressError> whole(Result<PathPrefix<Path>, AddressError> prefix) {
  if (!prefix) return fail(prefix.error());
  if (!prefix->rest.empty()) return fail(AddressError::syntax);
  return std::move(prefix->path);
}

}  // namespace

Result<ReversePath, AddressError> ReversePath::parse(std::string_view text) {
  return whole(parse_reverse_path(bracketed(text), Utf8::allowed));
}

std::string ReversePath::wire() const {
  return "<" + text() + ">";
}
std::string ReversePath::text() const {
  return mailbox_ ? mailbox_->text() : std::string();
}

Result<ForwardPath, AddressError> ForwardPath::parse(std::string_view text) {
  return whole(parse_forward_path(bracketed(text), Utf8::allowed));
}

std::string ForwardPath::wire() const {
  return "<" + text() + ">";
}
std::string ForwardPath::text() const {
  return mailbox_ ? mailbox_->text() : std::string("Postmaster");
}

}  // namespace posthorn::address
