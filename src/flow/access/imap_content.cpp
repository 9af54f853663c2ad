#include "flow/access/imap_content.h"

#include "standards/message/transfer_encoding.h"

namespace posthorn::access {

Task<message::Header> Content::header() {
  if (header_) co_return *header_;
  message::Header header = message::Header::parse(read_.octets);
  const bool is_cut = !read_.whole && header.body_offset() >= read_.octets.size();
  if (is_cut && read_.octets.size() < message::header_octets_max) {
    const auto more = co_await context_.mailboxes().read(read_.row.octets, 0, message::header_octets_max);
    if (more) header = message::Header::parse(*more);
  }
  header_ = header;
  co_return header;
}

Task<message::PartTree> Content::parse_in_pieces() {
  message::MimeParser parser;
  for (std::uint64_t at = 0; at < size();) {
    const auto piece = co_await context_.mailboxes().read(read_.row.octets, at, kPieceOctets);
    if (!piece || piece->empty()) break;
    parser.push(*piece);
    at += piece->size();
  }
  co_return parser.finish();
}

Task<std::shared_ptr<const message::PartTree>> Content::structure() {
  LastStructure& last = context_.structure;
  if (last.tree && last.email == read_.row.email_id) co_return last.tree;
  message::PartTree tree = read_.whole ? message::parse_mime(read_.octets) : co_await parse_in_pieces();
  last = {read_.row.email_id, std::make_shared<const message::PartTree>(std::move(tree))};
  co_return last.tree;
}

Task<Result<imap::SectionContent, imap::SectionError>> Content::find(const imap::FetchSection& section) {
  if (imap::needs(section) == imap::SectionNeed::whole_message) {
    const message::Header none;
    co_return imap::resolve_header_section(section, none, size());
  }
  if (imap::needs(section) == imap::SectionNeed::header_only) {
    const message::Header fields = co_await header();
    co_return imap::resolve_header_section(section, fields, size());
  }
  const auto tree = co_await structure();
  co_return imap::resolve_section(section, *tree, size());
}

Task<std::optional<Octets>> Content::octets_of(imap::OctetRange range, OctetString& storage) {
  if (range.offset + range.length <= read_.octets.size())
    co_return Octets(read_.octets).substr(range.offset, range.length);
  auto octets = co_await context_.mailboxes().read(read_.row.octets, range.offset, range.length);
  if (!octets || octets->size() != range.length) co_return std::nullopt;
  storage = std::move(*octets);
  co_return Octets(storage);
}

Task<bool> Content::write_range(const imap::FetchSection& section, imap::OctetRange range) {
  OctetString storage;
  if (range.length <= kPieceOctets || range.offset + range.length <= read_.octets.size()) {
    context_.out().fetch_section(section, co_await octets_of(range, storage));
    co_return true;
  }
  context_.out().fetch_section_begin(section, range.length);
  while (range.length > 0) {
    const imap::OctetRange piece{range.offset, std::min<std::uint64_t>(range.length, kPieceOctets)};
    const auto octets = co_await octets_of(piece, storage);
    if (!octets) {
      // The literal's length is said already: nothing that could follow would be understood.
      context_.machine.on_disconnect();
      co_return false;
    }
    context_.out().append(*octets);
    if (!co_await context_.flush()) co_return false;
    range.offset += piece.length;
    range.length -= piece.length;
  }
  co_return true;
}

Task<bool> Content::write_decoded(const imap::FetchSection& section, const imap::SectionContent& content) {
  OctetString storage;
  const imap::OctetRange whole{content.offset, content.length};
  const auto octets = co_await octets_of(whole, storage);
  if (!octets) {
    context_.out().fetch_section(section, std::nullopt);
    co_return true;
  }
  if (section.kind == imap::FetchSection::Kind::binary_size) {
    context_.out().fetch_binary_size(section, message::decoded_length(*octets, content.encoding));
    co_return true;
  }
  const std::string decoded = message::decode_body(*octets, content.encoding);
  const imap::OctetRange range = imap::window(section.partial, decoded.size());
  context_.out().fetch_section(section, Octets(decoded).substr(range.offset, range.length));
  co_return true;
}

Task<bool> Content::write(const imap::FetchSection& section, const imap::SectionContent& content) {
  using Kind = imap::FetchSection::Kind;
  if (content.made) {
    const imap::OctetRange range = imap::window(section.partial, content.made->size());
    context_.out().fetch_section(section, Octets(*content.made).substr(range.offset, range.length));
    co_return true;
  }
  if (section.kind == Kind::binary || section.kind == Kind::binary_size)
    co_return co_await write_decoded(section, content);
  imap::OctetRange range = imap::window(section.partial, content.length);
  range.offset += content.offset;
  co_return co_await write_range(section, range);
}

}  // namespace posthorn::access
