// MIME structure: the same tree in whatever pieces it comes, all offsets inside the message and the parent. What is
// sent to readers without UTF-8 in headers: no UTF-8 in them, as long as was told before, in whatever pieces it comes.
#include "standards/message/mime.h"

#include <cstdlib>

#include "foundation/text/ascii.h"
#include "standards/message/downgrade.h"

namespace {

void check_downgrade(const posthorn::message::PartTree& tree, std::string_view octets) {
  using namespace posthorn::message;
  const std::vector<Replacement> replacements = downgrade(tree);
  for (const Replacement& each : replacements) {
    if (each.offset + each.length > octets.size()) std::abort();
    // What is no UTF-8 is left as it was.
    for (const Field& field : Header::parse(each.ascii + "\r\n").fields())
      if (!posthorn::text::is_ascii(field.raw) && posthorn::text::is_utf8(field.raw)) std::abort();
  }
  Downgrader whole(replacements), pieces(replacements);
  const std::string sent = whole.push(octets);
  if (sent.size() != downgraded_octets(octets.size(), replacements)) std::abort();
  std::string other;
  for (std::size_t i = 0; i < octets.size(); i += 5) other += pieces.push(octets.substr(i, 5));
  if (other != sent) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::message;
  const std::string_view octets{reinterpret_cast<const char*>(data), size};
  const PartTree tree = parse_mime(octets);
  check_downgrade(tree, octets);
  MimeParser parser;
  for (std::size_t i = 0; i < size; i += 5) parser.push(octets.substr(i, 5));
  const PartTree pieces = parser.finish();
  if (pieces.parts.size() != tree.parts.size()) std::abort();
  for (std::size_t i = 0; i < tree.parts.size(); ++i) {
    const Part &part = tree.parts[i], &other = pieces.parts[i];
    if (part.body_offset != other.body_offset || part.body_length != other.body_length) std::abort();
    if (part.body_lines != other.body_lines) std::abort();
    if (part.body_offset + part.body_length > size) std::abort();
    if (part.parent) {
      const Part& parent = tree.parts[*part.parent];
      if (part.header_offset < parent.body_offset) std::abort();
    }
    if (!is_utf8(text_of(part, octets))) std::abort();
    const auto body = body_of(part, octets);
    if (decoded_length(body, part.encoding) != decode_body(body, part.encoding).size()) std::abort();
    (void)tree.path(i);
  }
  return 0;
}
