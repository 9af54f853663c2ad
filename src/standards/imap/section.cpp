#include "standards/imap/section.h"

#include <algorithm>

namespace posthorn::imap {
namespace {

using Text = SectionSpec::Text;

bool is_binary(const FetchSection& section) {
  return section.kind == FetchSection::Kind::binary || section.kind == FetchSection::Kind::binary_size;
}

SectionContent range(std::uint64_t begin, std::uint64_t end) {
  SectionContent content;
  content.offset = begin;
  content.length = end - std::min(begin, end);
  return content;
}

SectionContent made(std::string octets) {
  SectionContent content;
  content.made = std::move(octets);
  return content;
}

// Header or text of a message whose header stands at `header_offset` and which ends at `end`.
SectionContent of_message(const SectionSpec& section, const message::Header& header, std::uint64_t header_offset,
                          std::uint64_t body_offset, std::uint64_t end) {
  switch (section.text) {
    case Text::header:
      return range(header_offset, body_offset);
    case Text::text:
      return range(body_offset, end);
    case Text::header_fields:
    case Text::header_fields_not:
      return made(selected_fields(header, section.fields, section.text == Text::header_fields_not));
    default:
      return range(header_offset, end);
  }
}

// BINARY (RFC 3516 4.2): decoded where the part has an encoding; multiparts and messages stand as they are.
Result<SectionContent, SectionError> decoded(SectionContent content, const message::Part& part) {
  if (part.is_multipart() || part.is_message()) return content;
  if (part.encoding == message::TransferEncoding::unknown) return fail(SectionError::unknown_cte);
  content.encoding = part.encoding;
  return content;
}

}  // namespace

SectionNeed needs(const FetchSection& section) {
  if (!section.section.part.empty()) return SectionNeed::structure;
  if (section.section.text == Text::whole) return SectionNeed::whole_message;
  return SectionNeed::header_only;
}

SectionContent resolve_header_section(const FetchSection& section, const message::Header& header, std::uint64_t size) {
  return of_message(section.section, header, 0, header.body_offset(), size);
}

Result<SectionContent, SectionError> resolve_section(const FetchSection& section, const message::PartTree& tree,
                                                     std::uint64_t size) {
  const auto& root = tree.parts.front();
  if (section.section.part.empty()) return of_message(section.section, root.header, 0, root.body_offset, size);
  const auto index = tree.at_path(section.section.path());
  if (!index) return fail(SectionError::no_such_part);
  const auto& part = tree.parts[*index];
  const auto end = part.body_offset + part.body_length;
  if (section.section.text == Text::whole) {
    auto content = range(part.body_offset, end);
    return is_binary(section) ? decoded(std::move(content), part) : Result<SectionContent, SectionError>(content);
  }
  if (section.section.text == Text::mime) return range(part.header_offset, part.body_offset);
  // RFC 9051 6.4.5.1: HEADER, HEADER.FIELDS and TEXT of a part are those of the message it holds.
  if (!part.is_message() || part.children.empty()) return fail(SectionError::no_such_part);
  const auto& message = tree.parts[part.children.front()];
  return of_message(section.section, message.header, message.header_offset, message.body_offset, end);
}

std::string selected_fields(const message::Header& header, const std::vector<std::string>& names, bool is_not) {
  std::string output;
  for (const auto& field : header.fields()) {
    const bool is_named = std::ranges::any_of(names, [&](const std::string& name) { return field.is(name); });
    if (is_named == is_not) continue;
    output += field.raw;
    if (!output.ends_with('\n')) output += "\r\n";
  }
  // RFC 9051 6.4.5.1: the empty line is part of every header.
  output += "\r\n";
  return output;
}

OctetRange window(const std::optional<Partial>& partial, std::uint64_t length) {
  if (!partial) return {0, length};
  const auto offset = std::min(partial->offset, length);
  return {offset, std::min(partial->length, length - offset)};
}

Result<std::string, SectionError> section_octets(const FetchSection& section, const message::PartTree& tree,
                                                 Octets message) {
  auto content = resolve_section(section, tree, message.size());
  if (!content) return fail(content.error());
  auto octets = content->made ? std::move(*content->made)
                              : message::decode_body(message.substr(static_cast<std::size_t>(content->offset),
                                                                    static_cast<std::size_t>(content->length)),
                                                     content->encoding);
  const auto part = window(section.partial, octets.size());
  return octets.substr(static_cast<std::size_t>(part.offset), static_cast<std::size_t>(part.length));
}

}  // namespace posthorn::imap
