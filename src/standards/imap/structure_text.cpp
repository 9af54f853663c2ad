// Strings of facts, and what becomes of a fact on its way to a session.
#include "standards/imap/structure_text.h"

#include "foundation/text/ascii.h"
#include "standards/imap/quoting.h"
#include "standards/imap/structure.h"
#include "standards/message/encoded_word.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::imap {

void append_fact_string(std::string& output, std::string_view octets) {
  const bool is_plain = text::is_ascii(octets) || text::is_utf8(octets);
  std::string clean = is_plain ? std::string(octets) : message::to_utf8(octets, "windows-1252");
  for (char& c : clean) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  append_quoted(output, clean);
}

void append_fact_nstring(std::string& output, const std::optional<std::string>& octets) {
  if (octets) {
    append_fact_string(output, *octets);
  } else {
    output += "NIL";
  }
}

namespace {

// The string at the start of `fact`, quotes included.
std::string_view take_quoted(std::string_view& fact) {
  std::size_t end = 1;
  while (end < fact.size() && fact[end] != '"') end += fact[end] == '\\' ? 2 : 1;
  const auto taken = fact.substr(0, end + 1);
  fact.remove_prefix(taken.size());
  return taken;
}

std::string unquoted(std::string_view quoted) {
  std::string value;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\') ++i;
    value += quoted[i];
  }
  return value;
}

}  // namespace

std::string downgraded(std::string_view fact) {
  std::string output;
  while (!fact.empty()) {
    if (fact.front() != '"') {
      output += fact.front();
      fact.remove_prefix(1);
      continue;
    }
    const auto quoted = take_quoted(fact);
    if (text::is_ascii(quoted)) {
      output += quoted;
      continue;
    }
    append_quoted(output, message::encode_words(unquoted(quoted), message::EncodedWordContext::unstructured));
  }
  return output;
}

namespace {

/// Copies one item of a list: a string, a word, or a list with everything in it. Iterative: parts nest 100 deep.
void copy_item(std::string_view& fact, std::string& output) {
  std::size_t depth = 0;
  do {
    if (fact.empty()) return;
    if (fact.front() == '"') {
      output += take_quoted(fact);
    } else {
      depth += fact.front() == '(' ? 1 : 0;
      depth -= fact.front() == ')' ? 1 : 0;
      output += fact.front();
      fact.remove_prefix(1);
    }
  } while (depth > 0 || (!fact.empty() && fact.front() != ' ' && fact.front() != ')' && fact.front() != '('));
}

void skip_to_close(std::string_view& fact) {
  std::string unused;
  while (!fact.empty() && fact.front() != ')') {
    if (fact.front() == ' ') {
      fact.remove_prefix(1);
    } else {
      copy_item(fact, unused);
    }
  }
}

void copy_items(std::string_view& fact, std::string& output, std::size_t count) {
  for (std::size_t i = 0; i < count && !fact.empty() && fact.front() != ')'; ++i) {
    if (fact.front() == ' ') {
      output += ' ';
      fact.remove_prefix(1);
    }
    copy_item(fact, output);
  }
}

void copy_body(std::string_view& fact, std::string& output);

// body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
void copy_multipart(std::string_view& fact, std::string& output) {
  while (fact.starts_with('(')) copy_body(fact, output);
  copy_items(fact, output, 1);
}

// body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]
void copy_one_part(std::string_view& fact, std::string& output) {
  const bool is_text = fact.starts_with("\"TEXT\"");
  const bool may_be_message = fact.starts_with("\"MESSAGE\"");
  const auto begin = output.size();
  copy_items(fact, output, 2);
  const auto type = std::string_view(output).substr(begin);
  const bool is_message = may_be_message && (type.ends_with("\"RFC822\"") || type.ends_with("\"GLOBAL\""));
  copy_items(fact, output, 5);  // parameters, id, description, encoding, octets
  if (is_text) copy_items(fact, output, 1);
  if (!is_message || !fact.starts_with(" (")) return;
  copy_items(fact, output, 1);  // envelope
  fact.remove_prefix(1);
  output += ' ';
  copy_body(fact, output);
  copy_items(fact, output, 1);  // lines
}

// Depth is that of the parts: message::mime_depth_max.
void copy_body(std::string_view& fact, std::string& output) {
  if (!fact.starts_with('(')) return;
  fact.remove_prefix(1);
  output += '(';
  if (fact.starts_with('(')) {
    copy_multipart(fact, output);
  } else {
    copy_one_part(fact, output);
  }
  skip_to_close(fact);
  if (!fact.empty()) fact.remove_prefix(1);
  output += ')';
}

}  // namespace

std::string without_extension_data(std::string_view body_structure) {
  std::string output;
  copy_body(body_structure, output);
  return output;
}

}  // namespace posthorn::imap
