#include "standards/imap/message_text.h"

#include <algorithm>

#include "foundation/text/ascii.h"
#include "standards/imap/address_list.h"
#include "standards/message/encoded_word.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::imap {
namespace {

bool has_address(const ListedAddress& address, const Needle& needle) {
  std::string text = message::decode_encoded_words(address.name.value_or(""));
  text += text.empty() ? "<" : " <";
  text += address.mailbox.value_or("");
  if (address.host) text += '@' + *address.host;
  text += '>';
  return needle.in(text);
}

bool is_address_field(std::string_view name) {
  for (const auto field : {"From", "To", "Cc", "Bcc", "Sender", "Reply-To"}) {
    if (text::iequals(name, field)) return true;
  }
  return false;
}

std::string decoded_value(const message::Field& field) {
  return message::decode_encoded_words(field.unfolded());
}

bool field_has(const message::Field& field, const Needle& needle) {
  if (needle.empty() || needle.in(decoded_value(field))) return true;
  if (!is_address_field(field.name)) return false;
  return std::ranges::any_of(read_addresses(field.unfolded()),
                             [&](const ListedAddress& address) { return has_address(address, needle); });
}

bool any_field_has(const message::Header& header, const Needle& needle) {
  return std::ranges::any_of(header.fields(), [&](const message::Field& field) {
    return needle.in(std::string(field.name) + ": " + decoded_value(field));
  });
}

const Needle& content_field() {
  static const Needle needle("\ncontent-t");  // Content-Type and Content-Transfer-Encoding
  return needle;
}
const Needle& encoded_word_mark() {
  static const Needle needle("=?");
  return needle;
}
const Needle& quoted_printable_word() {
  static const Needle needle("quoted-printable");
  return needle;
}
const Needle& base64_word() {
  static const Needle needle("base64");
  return needle;
}

// Charsets in which ASCII octets stand for ASCII characters.
bool is_ascii_compatible(std::string_view charset) {
  return charset.empty() || text::iequals(charset, "us-ascii") || text::iequals(charset, "utf-8") ||
         text::istarts_with(charset, "iso-8859-") || text::istarts_with(charset, "windows-125");
}

// Whether the first line of a Content-Type or Content-Transfer-Encoding field leaves the body as it stands. A field
// that says more on its next line is no such, and the body is taken apart.
bool is_bare_content_field(std::string_view line) {
  const auto name = text::take_until(line, ':');
  const auto value = text::trim(line);
  if (text::iequals(name, "Content-Transfer-Encoding")) {
    return text::iequals(value, "7bit") || text::iequals(value, "8bit");
  }
  if (!text::iequals(name, "Content-Type") || !text::istarts_with(value, "text/") || value.ends_with(';')) return false;
  const auto parsed = message::parse_parameterized(value);
  return is_ascii_compatible(parsed.parameter("charset").value_or(""));
}

}  // namespace

// ---- the message as octets -------------------------------------------------------------------------------------

void MessageText::find_header_end() {
  if (body_offset_) return;
  const auto end = message_.find("\r\n\r\n");
  body_offset_ = end == Octets::npos ? message_.size() : end + 4;
}

Octets MessageText::raw_header() {
  find_header_end();
  return message_.substr(0, *body_offset_);
}

Octets MessageText::raw_body() {
  find_header_end();
  return message_.substr(*body_offset_);
}

const message::Header& MessageText::header() {
  if (!header_) header_ = message::Header::parse(message_);
  return *header_;
}

const message::PartTree& MessageText::tree() {
  if (!tree_) tree_ = message::parse_mime(message_);
  return *tree_;
}

// ASCII and without encoded-words.
bool MessageText::is_plain_header() {
  if (!is_plain_header_) {
    is_plain_header_ = text::is_ascii(raw_header()) && raw_header().find("=?") == Octets::npos;
  }
  return *is_plain_header_;
}

// ASCII throughout, no encoded-words, one text part as it stands: then the octets are the text.
bool MessageText::is_plain() {
  if (!is_plain_) is_plain_ = find_plain();
  return *is_plain_;
}

bool MessageText::find_plain() {
  if (!is_plain_header() || !text::is_ascii(raw_body())) return false;
  auto rest = raw_header();
  for (auto at = content_field().find_in_ascii(rest); at != Octets::npos; at = content_field().find_in_ascii(rest)) {
    rest.remove_prefix(at + 1);
    if (!is_bare_content_field(rest.substr(0, rest.find("\r\n")))) return false;
  }
  return true;
}

// ---- questions -------------------------------------------------------------------------------------------------

// A word that stands nowhere in the header's octets stands in no field, unless something was taken out between its
// octets: comments, quoting, white space round an "@".
bool MessageText::is_absent_from_header(const Needle& needle) {
  if (needle.empty() || !needle.is_plain_word() || !is_plain_header()) return false;
  const auto octets = raw_header();
  if (needle.in_ascii(octets)) return false;
  for (const auto mark : {"(", "\\", " @", "@ ", "@\r", "\n @", "\"@"}) {
    if (octets.find(mark) != Octets::npos) return false;
  }
  return true;
}

bool MessageText::header_has(std::string_view name, const Needle& needle) {
  if (is_absent_from_header(needle)) return false;
  return std::ranges::any_of(header().fields(),
                             [&](const message::Field& field) { return field.is(name) && field_has(field, needle); });
}

std::optional<Day> MessageText::sent_day() {
  const auto value = header().value("Date");
  return value ? sent_day_of(*value) : std::nullopt;
}

bool MessageText::header_text_has(const Needle& needle) {
  const auto octets = raw_header();
  if (needle.is_ascii() && needle.in_ascii(octets)) return true;
  // Without folds, encoded-words and 8-bit the octets are the text.
  const bool has_folds = octets.find("\r\n ") != Octets::npos || octets.find("\r\n\t") != Octets::npos;
  if (is_plain_header() && (!has_folds || !needle.has_space())) return false;
  return any_field_has(header(), needle);
}

bool MessageText::body_has(const Needle& needle) {
  if (needle.empty()) return true;
  if (is_plain()) return needle.is_ascii() && needle.in_ascii(raw_body());
  return parts_have(needle);
}

bool MessageText::text_has(const Needle& needle) {
  if (needle.empty() || header_text_has(needle)) return true;
  return body_has(needle);
}

// The texts of the parts, the headers of parts inside a multipart and of embedded messages.
bool MessageText::parts_have(const Needle& needle) {
  const auto body = raw_body();
  // Where every part stands as it is, what is not in the octets is in no part.
  const bool is_bare = text::is_ascii(body) && !quoted_printable_word().in_ascii(message_) &&
                       !base64_word().in_ascii(message_) && !encoded_word_mark().in_ascii(body) &&
                       body.find('\x1b') == Octets::npos && !needle.has_space();
  if (is_bare && (!needle.is_ascii() || !needle.in_ascii(body))) return false;
  const auto& parts = tree().parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && any_field_has(parts[i].header, needle)) return true;
    if (parts[i].is_text() && needle.in(message::text_of(parts[i], message_))) return true;
  }
  return false;
}

}  // namespace posthorn::imap
