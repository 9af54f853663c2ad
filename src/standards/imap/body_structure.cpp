// BODYSTRUCTURE (RFC 9051 7.5.2).
#include "foundation/text/ascii.h"
#include "standards/imap/structure.h"
#include "standards/imap/structure_text.h"

namespace posthorn::imap {
namespace {

using message::Part;
using message::PartTree;

// body-fld-param = "(" string SP string *(SP string SP string) ")" / nil
void append_parameters(std::string& output, const message::ParameterizedValue& value) {
  if (value.parameters.empty()) {
    output += "NIL";
    return;
  }
  output += '(';
  for (const auto& parameter : value.parameters) {
    if (output.back() != '(') output += ' ';
    append_fact_string(output, text::upper(parameter.name));
    output += ' ';
    append_fact_string(output, parameter.value);
  }
  output += ')';
}

// body-fld-dsp = "(" string SP body-fld-param ")" / nil
void append_disposition(std::string& output, const Part& part) {
  if (!part.disposition || part.disposition->value.empty()) {
    output += "NIL";
    return;
  }
  output += '(';
  append_fact_string(output, text::upper(part.disposition->value));
  output += ' ';
  append_parameters(output, *part.disposition);
  output += ')';
}

// body-fld-lang = nstring / "(" string *(SP string) ")" (RFC 3282: languages apart by commas)
void append_language(std::string& output, const Part& part) {
  const auto value = part.header.value("Content-Language");
  if (!value || value->empty()) {
    output += "NIL";
    return;
  }
  output += '(';
  for (const auto language : text::split(*value, ',')) {
    if (output.back() != '(') output += ' ';
    append_fact_string(output, text::trim(language));
  }
  output += ')';
}

std::string encoding_name(const Part& part) {
  const auto field = part.header.value("Content-Transfer-Encoding");
  if (part.encoding == message::TransferEncoding::unknown && field) return text::upper(*field);
  return text::upper(message::text(part.encoding));
}

// body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
void append_fields(std::string& output, const Part& part) {
  append_parameters(output, part.content_type);
  output += ' ';
  append_fact_nstring(output, part.header.value("Content-ID"));
  output += ' ';
  append_fact_nstring(output, part.header.value("Content-Description"));
  output += ' ';
  append_fact_string(output, encoding_name(part));
  output += ' ';
  output += std::to_string(part.body_length);
}

// SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]
void append_extension_end(std::string& output, const Part& part) {
  output += ' ';
  append_disposition(output, part);
  output += ' ';
  append_language(output, part);
  output += ' ';
  append_fact_nstring(output, part.header.value("Content-Location"));
}

void append_body(std::string& output, const PartTree& tree, std::size_t index);

// body-type-mpart [SP body-fld-param SP …]
void append_multipart(std::string& output, const PartTree& tree, const Part& part) {
  for (const auto child : part.children) append_body(output, tree, child);
  output += ' ';
  append_fact_string(output, text::upper(part.subtype()));
  output += ' ';
  append_parameters(output, part.content_type);
  append_extension_end(output, part);
}

void append_one_part(std::string& output, const PartTree& tree, const Part& part) {
  append_fact_string(output, text::upper(part.type()));
  output += ' ';
  append_fact_string(output, text::upper(part.subtype()));
  output += ' ';
  append_fields(output, part);
  if (part.is_message() && !part.children.empty()) {
    output += ' ';
    output += write_envelope(tree.parts[part.children.front()].header);
    output += ' ';
    append_body(output, tree, part.children.front());
  }
  if (part.is_text() || (part.is_message() && !part.children.empty())) {
    output += ' ';
    output += std::to_string(part.body_lines);
  }
  // body-fld-md5
  output += ' ';
  append_fact_nstring(output, part.header.value("Content-MD5"));
  append_extension_end(output, part);
}

// A multipart without parts has no form of its own in the grammar: it is shown as an empty text part, as others do.
void append_empty_multipart(std::string& output, const Part& part) {
  output += R"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0 NIL NIL NIL NIL) )";
  append_fact_string(output, text::upper(part.subtype()));
  output += ' ';
  append_parameters(output, part.content_type);
  append_extension_end(output, part);
}

// Depth: message::mime_depth_max.
void append_body(std::string& output, const PartTree& tree, std::size_t index) {
  const auto& part = tree.parts[index];
  output += '(';
  if (!part.is_multipart()) {
    append_one_part(output, tree, part);
  } else if (part.children.empty()) {
    append_empty_multipart(output, part);
  } else {
    append_multipart(output, tree, part);
  }
  output += ')';
}

}  // namespace

std::string write_body_structure(const PartTree& tree) {
  std::string output;
  append_body(output, tree, 0);
  return output;
}

}  // namespace posthorn::imap
