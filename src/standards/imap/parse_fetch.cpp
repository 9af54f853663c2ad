// FETCH (RFC 9051 6.4.5, RFC 3516, 7162, 8474, 8514, 8970, 9394).
#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"
#include "standards/imap/parse.h"

namespace posthorn::imap {
namespace {

using Text = SectionSpec::Text;
using SectionKind = FetchSection::Kind;

struct ItemName {
  std::string_view name;
  bool FetchItems::* item;
};
constexpr std::array<ItemName, 11> item_names{{
    {"UID", &FetchItems::uid},
    {"FLAGS", &FetchItems::flags},
    {"INTERNALDATE", &FetchItems::internal_date},
    {"RFC822.SIZE", &FetchItems::size},
    {"ENVELOPE", &FetchItems::envelope},
    {"BODYSTRUCTURE", &FetchItems::body_structure},
    {"MODSEQ", &FetchItems::mod_seq},
    {"EMAILID", &FetchItems::email_id},
    {"THREADID", &FetchItems::thread_id},
    {"SAVEDATE", &FetchItems::save_date},
    {"BODY", &FetchItems::body},
}};

struct SectionName {
  std::string_view name;
  SectionKind kind;
  bool peek;
};
constexpr std::array<SectionName, 5> section_names{{
    {"BODY", SectionKind::body, false},
    {"BODY.PEEK", SectionKind::body, true},
    {"BINARY", SectionKind::binary, false},
    {"BINARY.PEEK", SectionKind::binary, true},
    {"BINARY.SIZE", SectionKind::binary_size, true},
}};

// header-list = "(" header-fld-name *(SP header-fld-name) ")"
void header_list(Scanner& in, SectionSpec& section) {
  in.space();
  in.expect('(');
  do {
    if (section.fields.size() == header_names_max) return in.fail("Too many header fields");
    section.fields.push_back(in.astring());
    // header-fld-name = astring; what no field can be named is not echoed.
    const bool is_printable =
        std::ranges::all_of(section.fields.back(), [](char c) { return text::is_visible(c) || c == ' '; });
    if (!is_printable) return in.fail("Not the name of a header field");
  } while (in.ok() && in.accept(' '));
  in.expect(')');
}

// section-msgtext / "MIME"
void section_text(Scanner& in, SectionSpec& section) {
  if (in.accept_word("HEADER.FIELDS.NOT")) {
    section.text = Text::header_fields_not;
    return header_list(in, section);
  }
  if (in.accept_word("HEADER.FIELDS")) {
    section.text = Text::header_fields;
    return header_list(in, section);
  }
  if (in.accept_word("HEADER")) {
    section.text = Text::header;
  } else if (in.accept_word("TEXT")) {
    section.text = Text::text;
  } else if (in.accept_word("MIME") && !section.part.empty()) {
    section.text = Text::mime;  // section-text: only of a part
  } else {
    in.fail("Unknown section");
  }
}

// section-spec = section-msgtext / (section-part ["." section-text])
void section_spec(Scanner& in, SectionSpec& section, bool text_permitted) {
  while (in.ok() && in.peek() != ']') {
    if (!text::is_digit(in.peek())) {
      if (!text_permitted) return in.fail("Only part numbers are allowed here");
      return section_text(in, section);
    }
    if (section.part.size() == section_depth_max) return in.fail("A section is nested too deeply");
    section.part.push_back(in.nz_number());
    if (in.peek() == ']') return;
    in.expect('.');
    if (in.peek() == ']') return in.fail("A section ends in a dot");
  }
}

// partial = "<" number64 "." nz-number64 ">"
void partial(Scanner& in, FetchSection& section) {
  if (!in.accept('<')) return;
  Partial range;
  range.offset = in.number64();
  in.expect('.');
  range.length = in.number64();
  in.expect('>');
  if (in.ok() && range.length == 0) return in.fail("A partial range has no octets");
  section.partial = range;
}

void add_section(Scanner& in, FetchItems& items, FetchSection section) {
  if (items.sections.size() == fetch_sections_max) return in.fail("Too many sections");
  items.sections.push_back(std::move(section));
}

// section = "[" [section-spec] "]"; next is "["
void bracketed(Scanner& in, FetchItems& items, std::string_view name) {
  for (const auto& row : section_names) {
    if (!text::iequals(row.name, name)) continue;
    FetchSection section;
    section.kind = row.kind;
    section.peek = row.peek;
    in.expect('[');
    section_spec(in, section.section, row.kind == SectionKind::body);
    in.expect(']');
    if (row.kind != SectionKind::binary_size) partial(in, section);
    return add_section(in, items, std::move(section));
  }
  in.fail("Unknown FETCH item");
}

// RFC822, RFC822.HEADER, RFC822.TEXT of RFC 3501
bool rfc822_item(Scanner& in, FetchItems& items, std::string_view name) {
  FetchSection section;
  if (text::iequals(name, "RFC822")) {
    section.kind = SectionKind::rfc822;
  } else if (text::iequals(name, "RFC822.HEADER")) {
    section.kind = SectionKind::rfc822_header;
    section.section.text = Text::header;
    section.peek = true;
  } else if (text::iequals(name, "RFC822.TEXT")) {
    section.kind = SectionKind::rfc822_text;
    section.section.text = Text::text;
  } else {
    return false;
  }
  add_section(in, items, std::move(section));
  return true;
}

// "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"] (RFC 8970 6)
void preview(Scanner& in, FetchItems& items) {
  items.preview = true;
  if (!in.rest().starts_with(" (")) return;
  in.space();
  in.expect('(');
  if (!in.accept_word("LAZY")) return in.fail("Unknown modifier of PREVIEW");
  items.preview_lazy = true;
  in.expect(')');
}

// fetch-att
void fetch_att(Scanner& in, FetchItems& items) {
  const auto name = in.name();
  if (!in.ok()) return;
  if (in.peek() == '[') return bracketed(in, items, name);
  if (text::iequals(name, "PREVIEW")) return preview(in, items);
  if (rfc822_item(in, items, name)) return;
  for (const auto& row : item_names) {
    if (!text::iequals(row.name, name)) continue;
    items.*row.item = true;
    return;
  }
  in.fail("Unknown FETCH item");
}

// "ALL" / "FULL" / "FAST"
bool macro(Scanner& in, FetchItems& items) {
  const bool is_full = in.accept_word("FULL");
  const bool is_all = is_full || in.accept_word("ALL");
  if (!is_all && !in.accept_word("FAST")) return false;
  items.flags = items.internal_date = items.size = true;
  items.envelope = is_all;
  items.body = is_full;
  return true;
}

void fetch_atts(Scanner& in, FetchItems& items) {
  do fetch_att(in, items);
  while (in.ok() && in.accept(' '));
}

void fetch_items(Scanner& in, FetchItems& items) {
  if (!in.accept('(')) {
    if (!macro(in, items)) fetch_att(in, items);
    return;
  }
  fetch_atts(in, items);
  in.expect(')');
}

// fetch-modifier: CHANGEDSINCE and VANISHED (RFC 7162 7), PARTIAL (RFC 9394 4)
void fetch_modifier(Scanner& in, FetchCommand& command) {
  if (in.accept_word("CHANGEDSINCE")) {
    in.space();
    command.changed_since = in.number64();
  } else if (in.accept_word("VANISHED")) {
    command.vanished = true;
  } else if (in.accept_word("PARTIAL")) {
    in.space();
    command.partial = PartialRange::parse(in.name());
    if (in.ok() && !command.partial) in.fail("Not a partial range");
  } else {
    in.fail("Unknown modifier of FETCH");
  }
}

void check_modifiers(Scanner& in, const FetchCommand& command, const ParseContext& context) {
  // RFC 7162 3.2.6: VANISHED needs UID FETCH, CHANGEDSINCE and QRESYNC enabled.
  if (command.vanished && (!command.is_uid || !command.changed_since || !context.qresync)) {
    in.fail("VANISHED needs UID FETCH, CHANGEDSINCE and ENABLE QRESYNC");
  }
  // RFC 9394 3.3
  if (command.partial && !command.is_uid) in.fail("PARTIAL needs UID FETCH");
}

}  // namespace

FetchItems parse_fetch_items(Scanner& in) {
  FetchItems items;
  fetch_atts(in, items);
  return items;
}

std::optional<SectionSpec> parse_section(std::string_view text) {
  const auto bracketed_text = std::string(text) + ']';
  Scanner in(bracketed_text, true);
  SectionSpec section;
  section_spec(in, section, true);
  in.expect(']');
  in.end();
  if (!in.ok()) return std::nullopt;
  return section;
}

FetchCommand parse_fetch(Scanner& in, bool is_uid, const ParseContext& context) {
  FetchCommand command;
  command.is_uid = is_uid;
  command.set = in.sequence_set();
  in.space();
  fetch_items(in, command.items);
  if (in.accept(' ')) {
    in.expect('(');
    do fetch_modifier(in, command);
    while (in.ok() && in.accept(' '));
    in.expect(')');
    check_modifiers(in, command, context);
  }
  in.end();
  // RFC 9051 6.4.9: a UID FETCH implies UID; RFC 7162 3.1.4.1: CHANGEDSINCE implies MODSEQ.
  command.items.uid = command.items.uid || is_uid;
  command.items.mod_seq = command.items.mod_seq || command.changed_since.has_value();
  return command;
}

}  // namespace posthorn::imap
