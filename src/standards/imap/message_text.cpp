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

const Needle& content_type_field() {
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

// ASCII throughout, no encoded-words, one text part as it stands: then the octets are the text.
bool MessageText::is_plain() {
  if (is_plain_) return *is_plain_;
  is_plain_ = false;
  if (!text::is_ascii(message_) || encoded_word_mark().in_ascii(raw_header())) return false;
  if (!content_type_field().in_ascii(raw_header())) return *(is_plain_ = true);
  const auto encoding = header().value("Content-Transfer-Encoding");
  if (encoding) {
    const auto known = message::parse_transfer_encoding(*encoding);
    if (known != message::TransferEncoding::seven_bit && known != message::TransferEncoding::eight_bit) return false;
  }
  const auto type = header().value("Content-Type");
  if (!type) return *(is_plain_ = true);
  const auto parsed = message::parse_parameterized(*type);
  const auto charset = parsed.parameter("charset").value_or("");
  is_plain_ = (parsed.value.empty() || parsed.value.starts_with("text/")) && is_ascii_compatible(charset);
  return *is_plain_;
}

// ---- questions -------------------------------------------------------------------------------------------------

bool MessageText::header_has(std::string_view name, const Needle& needle) {
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
  const bool is_decoded = text::is_ascii(octets) && !encoded_word_mark().in_ascii(octets);
  if (is_decoded && (!has_folds || !needle.has_space())) return false;
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
