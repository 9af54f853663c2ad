#include "standards/imap/fetch_items.h"

#include <algorithm>

#include "standards/imap/quoting.h"

namespace posthorn::imap {

std::string SectionSpec::path() const {
  std::string numbers;
  for (const auto number : part) {
    if (!numbers.empty()) numbers += '.';
    numbers += std::to_string(number);
  }
  return numbers;
}

std::string SectionSpec::wire() const {
  std::string output = path();
  if (text == Text::whole) return output;
  if (!output.empty()) output += '.';
  switch (text) {
    case Text::whole:
      break;
    case Text::header:
      return output += "HEADER";
    case Text::text:
      return output += "TEXT";
    case Text::mime:
      return output += "MIME";
    case Text::header_fields:
      output += "HEADER.FIELDS (";
      break;
    case Text::header_fields_not:
      output += "HEADER.FIELDS.NOT (";
      break;
  }
  for (const auto& field : fields) {
    // An astring may hold "]"; quoted, no reader takes it for the end of the section.
    if (field.find(']') == std::string::npos) {
      append_astring(output, field);
    } else {
      append_quoted(output, field);
    }
    output += ' ';
  }
  output.back() = ')';
  return output;
}

bool FetchItems::sets_seen() const {
  return std::ranges::any_of(sections, [](const FetchSection& section) {
    return !section.peek && section.kind != FetchSection::Kind::binary_size;
  });
}

}  // namespace posthorn::imap
