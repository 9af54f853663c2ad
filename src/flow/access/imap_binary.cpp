#include "flow/access/imap_binary.h"

#include "standards/message/mime.h"

namespace posthorn::access {
namespace {

constexpr char kNul = '\0';
constexpr Octets kEncodedField = "Content-Transfer-Encoding: base64\r\n";

struct Change {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  OctetString instead;
};

bool is_leaf(const message::Part& part) {
  return part.children.empty() && !part.is_multipart();
}

bool is_encoded(message::TransferEncoding encoding) {
  return encoding == message::TransferEncoding::base64 || encoding == message::TransferEncoding::quoted_printable;
}

void encode_part(const message::Part& part, Octets message, std::vector<Change>& changes) {
  const Octets body = message::body_of(part, message);
  if (!is_leaf(part) || is_encoded(part.encoding) || !body.contains(kNul)) return;
  const auto field = part.header.first("Content-Transfer-Encoding");
  const std::uint64_t place = part.header_offset + (field ? field->offset : 0);
  changes.push_back({place, field ? field->raw.size() : 0, OctetString(kEncodedField)});
  changes.push_back({part.body_offset, part.body_length, message::encode_base64_body(body)});
}

}  // namespace

std::optional<OctetString> without_nul(Octets message) {
  if (!message.contains(kNul)) return OctetString(message);
  const message::PartTree tree = message::parse_mime(message);
  std::vector<Change> changes;
  for (const message::Part& part : tree.parts) encode_part(part, message, changes);
  std::ranges::sort(changes, {}, &Change::offset);
  OctetString out;
  std::uint64_t at = 0;
  for (const Change& change : changes) {
    out.append(message.substr(at, change.offset - at)).append(change.instead);
    at = change.offset + change.length;
  }
  out.append(message.substr(at));
  if (Octets(out).contains(kNul)) return std::nullopt;
  return out;
}

}  // namespace posthorn::access
