#include "entrance/cli/pasted_record.h"

#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace {

/// What stands before the data: `example.org. 600 IN TXT`, `example.org descriptive text`, `example.org text =`.
constexpr std::array<std::string_view, 5> last_words{"txt", "spf", "text", "=", "("};

bool is_prefix(std::string_view prefix) {
  const auto words = text::words(prefix);
  if (words.empty()) return true;
  return std::ranges::find(last_words, text::lower(words.back())) != last_words.end();
}

bool names_type_spf(std::string_view prefix) {
  return std::ranges::any_of(text::words(prefix), [](std::string_view word) { return text::iequals(word, "SPF"); });
}

/// RFC 1035 5.1: what remains after the last character-string of a line.
bool is_rest(std::string_view rest) {
  rest = text::trim_lines(rest);
  return rest.empty() || rest.starts_with(')') || rest.starts_with(';');
}

/// RFC 1035 5.1 <character-string> in quotation marks, one or more; false where the text is something else.
bool take_strings(std::string_view data, PastedRecord& out) {
  while (!data.empty() && data.front() == '"') {
    data.remove_prefix(1);
    bool closed = false;
    while (!data.empty() && !closed) {
      if (data.front() == '\\' && data.size() > 1)
        data.remove_prefix(1);
      else if (data.front() == '"')
        closed = true;
      if (!closed) out.text += data.front();
      data.remove_prefix(1);
    }
    if (!closed) return false;
    ++out.strings;
    while (!data.empty() && text::is_wsp(data.front())) data.remove_prefix(1);
  }
  return is_rest(data);
}

/// Where the data begins: the first quotation mark or version tag.
std::size_t data_begin(std::string_view line) {
  const std::string lower = text::lower(line);
  return std::min({line.size(), lower.find('"'), lower.find("v=")});
}

struct Line {
  PastedRecord record;
  bool begins = false;  ///< a record begins here
  bool opens = false;   ///< and goes on until a parenthesis closes
  bool closes = false;
};

Line read_line(std::string_view line) {
  Line out;
  const std::size_t begin = data_begin(line);
  const std::string_view prefix = line.substr(0, begin);
  const std::string_view data = line.substr(begin);
  if (!data.empty() && is_prefix(prefix)) {
    out.begins = !text::trim(prefix).empty() || text::istarts_with(data, "v=") || text::istarts_with(data, "\"v=");
    out.record.type_spf = names_type_spf(prefix);
    out.opens = prefix.contains('(');
    out.closes = data.contains(')');
    if (data.front() != '"') {
      out.record.text = data;
      return out;
    }
    if (take_strings(data, out.record)) return out;
    out.record = {};
  }
  out.record.text = line;
  return out;
}

}  // namespace

std::vector<PastedRecord> read_pasted(std::string_view text) {
  std::vector<PastedRecord> out;
  bool open = false;
  for (const std::string_view raw : text::split(text, '\n')) {
    const std::string_view whole = text::trim_lines(raw);
    if (whole.empty()) continue;
    Line line = read_line(whole);
    const bool goes_on = !out.empty() && (open || !line.begins);
    open = (line.opens || (open && goes_on)) && !line.closes;
    if (!goes_on) {
      out.push_back(std::move(line.record));
      continue;
    }
    // Character-strings are joined as they are; a line that was broken by hand was broken at a space.
    if (line.record.strings == 0) out.back().text += ' ';
    out.back().text += line.record.text;
    out.back().strings += line.record.strings;
  }
  if (out.empty()) out.emplace_back();
  return out;
}

}  // namespace posthorn::cli
