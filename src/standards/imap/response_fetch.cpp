// FETCH responses (RFC 9051 7.5.2 and the extensions).
#include "foundation/text/ascii.h"
#include "standards/imap/date.h"
#include "standards/imap/flags.h"
#include "standards/imap/quoting.h"
#include "standards/imap/response.h"
#include "standards/imap/structure.h"

namespace posthorn::imap {

void ResponseWriter::fetch_begin(SequenceNumber sequence_number) {
  output_ += "* ";
  number(sequence_number);
  output_ += " FETCH (";
  is_first_item_ = true;
}

void ResponseWriter::fetch_item(std::string_view name) {
  if (!is_first_item_) output_ += ' ';
  is_first_item_ = false;
  output_ += name;
}

void ResponseWriter::fetch_end() {
  output_ += ")\r\n";
}

void ResponseWriter::fetch_uid(Uid uid) {
  fetch_item("UID ");
  number(uid);
}

void ResponseWriter::fetch_flags(std::uint8_t system, std::span<const std::string> keywords) {
  fetch_item("FLAGS (");
  append_flags(output_, encoding_.rev2 ? system & storable_flags : system, keywords);
  output_ += ')';
}

void ResponseWriter::fetch_mod_seq(ModSeq mod_seq) {
  fetch_item("MODSEQ (");
  number(mod_seq);
  output_ += ')';
}

void ResponseWriter::fetch_size(std::uint64_t octets) {
  fetch_item("RFC822.SIZE ");
  number(octets);
}

void ResponseWriter::fetch_internal_date(TimePoint at) {
  fetch_item("INTERNALDATE \"");
  append_date_time(output_, at);
  output_ += '"';
}

void ResponseWriter::fetch_save_date(std::optional<TimePoint> at) {
  fetch_item("SAVEDATE ");
  if (!at) {
    output_ += "NIL";
    return;
  }
  output_ += '"';
  append_date_time(output_, *at);
  output_ += '"';
}

void ResponseWriter::fetch_email_id(std::string_view id) {
  fetch_item("EMAILID (");
  output_ += id;
  output_ += ')';
}

void ResponseWriter::fetch_thread_id(std::string_view id) {
  // RFC 8474 5.2: NIL where the server has none
  fetch_item(id.empty() ? "THREADID NIL" : "THREADID (");
  if (id.empty()) return;
  output_ += id;
  output_ += ')';
}

namespace {

void append_fact(std::string& output, std::string_view fact, bool utf8) {
  if (utf8 || text::is_ascii(fact)) {
    output += fact;
  } else {
    output += downgraded(fact);
  }
}

std::string_view section_name(FetchSection::Kind kind) {
  switch (kind) {
    case FetchSection::Kind::body:
      return "BODY[";
    case FetchSection::Kind::binary:
      return "BINARY[";
    case FetchSection::Kind::binary_size:
      return "BINARY.SIZE[";
    case FetchSection::Kind::rfc822:
      return "RFC822";
    case FetchSection::Kind::rfc822_header:
      return "RFC822.HEADER";
    case FetchSection::Kind::rfc822_text:
      return "RFC822.TEXT";
  }
  return {};
}

// "BODY[1.HEADER]<0> "
std::string item_name(const FetchSection& section) {
  std::string name(section_name(section.kind));
  if (name.ends_with('[')) {
    name += section.section.wire();
    name += ']';
  }
  if (section.partial) name += '<' + std::to_string(section.partial->offset) + '>';
  name += ' ';
  return name;
}

}  // namespace

void ResponseWriter::fetch_envelope(std::string_view fact) {
  fetch_item("ENVELOPE ");
  append_fact(output_, fact, encoding_.utf8_accept);
}

void ResponseWriter::fetch_body_structure(std::string_view fact) {
  fetch_item("BODYSTRUCTURE ");
  append_fact(output_, fact, encoding_.utf8_accept);
}

void ResponseWriter::fetch_body(std::string_view fact) {
  fetch_item("BODY ");
  append_fact(output_, without_extension_data(fact), encoding_.utf8_accept);
}

void ResponseWriter::fetch_preview(const std::optional<std::string>& utf8) {
  fetch_item("PREVIEW ");
  // RFC 8970 3.1: always UTF-8, so a literal where the session knows no UTF-8 in quoted strings.
  nstring(utf8);
}

void ResponseWriter::fetch_section(const FetchSection& section, std::optional<std::string_view> octets) {
  if (octets) {
    fetch_section_begin(section, octets->size());
    // literal8 for what has NUL: only BINARY may send it (RFC 3516 4.2)
    if (section.kind == FetchSection::Kind::binary && octets->find('\0') != std::string_view::npos) {
      const auto mark = output_.rfind('{');
      output_.insert(mark, 1, '~');
    }
    output_ += *octets;
    return;
  }
  fetch_item(item_name(section));
  output_ += "NIL";
}

void ResponseWriter::fetch_section_begin(const FetchSection& section, std::uint64_t octets) {
  fetch_item(item_name(section));
  output_ += '{';
  number(octets);
  output_ += "}\r\n";
}

void ResponseWriter::fetch_binary_size(const FetchSection& section, std::uint64_t octets) {
  fetch_item(item_name(section));
  number(octets);
}

}  // namespace posthorn::imap
