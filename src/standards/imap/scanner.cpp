#include "standards/imap/scanner.h"

#include <algorithm>

#include "foundation/base/number.h"
#include "foundation/text/ascii.h"
#include "standards/imap/mailbox_name.h"
#include "standards/imap/quoting.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::imap {
namespace {

// ASTRING-CHAR = ATOM-CHAR / resp-specials
bool is_astring_char(char c) {
  return is_atom_char(c) || c == ']';
}
// list-char = ATOM-CHAR / list-wildcards / resp-specials
bool is_list_char(char c) {
  return is_astring_char(c) || c == '%' || c == '*';
}
bool ends_word(char c) {
  return c == ' ' || c == '(' || c == ')' || c == '[' || c == ']' || c == '<' || c == '\r';
}

}  // namespace

void Scanner::fail(Fault fault) {
  if (!fault_) fault_ = std::move(fault);
  rest_ = {};
}

std::string_view Scanner::take(std::size_t count) {
  const auto taken = rest_.substr(0, count);
  rest_.remove_prefix(taken.size());
  return taken;
}

template <class Predicate>
std::string_view Scanner::take_while(Predicate predicate) {
  std::size_t count = 0;
  while (count < rest_.size() && predicate(rest_[count])) ++count;
  return take(count);
}

bool Scanner::accept(char c) {
  if (!rest_.starts_with(c)) return false;
  rest_.remove_prefix(1);
  return true;
}

bool Scanner::accept_word(std::string_view word) {
  if (!text::istarts_with(rest_, word)) return false;
  if (rest_.size() > word.size() && !ends_word(rest_[word.size()])) return false;
  rest_.remove_prefix(word.size());
  return true;
}

void Scanner::expect(char c) {
  if (accept(c)) return;
  if (c == ' ') return fail(at_end() ? "Missing argument" : "A space is missing");
  fail(std::string("Expected \"") + c + '"');
}

void Scanner::end() {
  if (ok() && !at_end()) fail("Too many arguments");
}

std::string_view Scanner::atom() {
  const auto taken = take_while(is_atom_char);
  if (taken.empty()) fail("An atom is missing");
  return taken;
}

std::string_view Scanner::name() {
  const auto taken = take_while([](char c) { return !ends_word(c) && text::is_visible(c); });
  if (taken.empty()) fail("A name is missing");
  return taken;
}

// ---- strings ---------------------------------------------------------------------------------------------------

// quoted = DQUOTE *QUOTED-CHAR DQUOTE
std::string Scanner::quoted() {
  std::string value;
  accept('"');
  for (;;) {
    const auto stop = rest_.find_first_of("\"\\\r\n");
    if (stop == std::string_view::npos || rest_[stop] == '\r' || rest_[stop] == '\n') {
      fail("A quoted string has no end");
      return {};
    }
    value += take(stop);
    if (accept('"')) return value;
    accept('\\');
    // Strictly only quoted-specials follow a backslash; some clients quote other characters too.
    value += take(1);
  }
}

// literal = "{" number64 ["+" / "-"] "}" CRLF *CHAR8; the machine has read its octets
std::string Scanner::literal() {
  const auto line_end = rest_.find("\r\n");
  const auto mark = line_end == std::string_view::npos ? std::nullopt : literal_mark(rest_.substr(0, line_end));
  if (!mark || mark->length != line_end || rest_.size() - line_end - 2 < mark->size_octets) {
    fail("Not a literal");
    return {};
  }
  take(line_end + 2);
  return std::string(take(mark->size_octets));
}

std::string Scanner::string() {
  if (peek() == '"') return quoted();
  if (at_string()) return literal();
  fail("A string is missing");
  return {};
}

std::string Scanner::astring() {
  if (at_string() && peek() != '~') return string();
  if (peek() == '~' && rest_.starts_with("~{")) return string();
  const auto taken = take_while(is_astring_char);
  if (taken.empty()) fail(at_end() ? "Missing argument" : "A string is missing");
  return std::string(taken);
}

std::optional<std::string> Scanner::nstring() {
  if (accept_word("NIL")) return std::nullopt;
  return string();
}

std::string Scanner::read_name(const std::string& wire) {
  if (!ok()) return {};
  auto name = read_mailbox_name(wire, is_utf8_);
  if (!name) {
    // RFC 3501 5.1.3: well-formed as an astring, so no BAD; no mailbox has a control character in its name.
    if (!is_utf8_) return '\x01' + message::to_utf8(wire, "windows-1252");
    fail("A mailbox name is not UTF-8");
    return {};
  }
  return std::move(*name);
}

std::string Scanner::mailbox() {
  return read_name(astring());
}

std::string Scanner::list_mailbox() {
  if (at_string() && (peek() != '~' || rest_.starts_with("~{"))) return read_name(string());
  const auto taken = take_while(is_list_char);
  if (taken.empty()) fail("A mailbox pattern is missing");
  return read_name(std::string(taken));
}

// ---- numbers ---------------------------------------------------------------------------------------------------

std::uint32_t Scanner::number() {
  const auto value = read_number<std::uint32_t>(take_while(text::is_digit));
  if (!value) fail("A number is missing or too large");
  return value.value_or(0);
}

std::uint32_t Scanner::nz_number() {
  const auto value = number();
  if (ok() && value == 0) fail("0 is not allowed here");
  return value;
}

std::uint64_t Scanner::number64() {
  const auto value = read_number<std::uint64_t>(take_while(text::is_digit));
  if (!value || *value > mod_sequence_max) {
    fail("A number is missing or too large");
    return 0;
  }
  return *value;
}

SequenceSet Scanner::sequence_set() {
  auto set = SequenceSet::parse(
      take_while([](char c) { return text::is_digit(c) || c == ':' || c == ',' || c == '*' || c == '$'; }));
  if (!set) fail("Not a sequence set");
  return set ? std::move(*set) : SequenceSet{};
}

NumberSet Scanner::number_set() {
  auto set = NumberSet::parse(take_while([](char c) { return text::is_digit(c) || c == ':' || c == ','; }));
  if (!set) fail("Not a set of numbers");
  return set ? std::move(*set) : NumberSet{};
}

// ---- flags -----------------------------------------------------------------------------------------------------

// flag = "\Answered" / … / flag-keyword / flag-extension
void Scanner::flag(Flags& flags) {
  const bool is_system = accept('\\');
  const auto word = atom();
  if (!ok()) return;
  if (is_system) {
    const auto known = parse_system_flag('\\' + std::string(word));
    // RFC 9051 2.3.2: other system flags are for future standards.
    if (!known) return fail("Unknown system flag");
    return flags.set(*known);
  }
  if (!is_keyword(word)) return fail("A keyword is too long");
  if (flags.keywords.size() == keywords_max)
    return fail({.is_bad = false, .code = code::limit(), .text = "Too many keywords"});
  flags.add_keyword(word);
}

Flags Scanner::bare_flags() {
  Flags flags;
  do flag(flags);
  while (ok() && peek() == ' ' && accept(' '));
  return flags;
}

Flags Scanner::flag_list() {
  Flags flags;
  expect('(');
  if (accept(')')) return flags;
  flags = bare_flags();
  expect(')');
  return flags;
}

// ---- literal marks ---------------------------------------------------------------------------------------------

std::optional<LiteralMark> literal_mark(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const auto open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  auto inside = line.substr(open + 1, line.size() - open - 2);
  LiteralMark mark;
  // RFC 7888: "{n+}" does not wait. "{n-}" never became a standard's syntax.
  if (inside.ends_with('+')) {
    mark.is_synchronizing = false;
    inside.remove_suffix(1);
  }
  if (inside.empty() || !std::ranges::all_of(inside, text::is_digit)) return std::nullopt;
  const auto size = read_number<std::uint64_t>(inside);
  mark.size_octets = std::min(size.value_or(mod_sequence_max), mod_sequence_max);
  mark.is_binary = open > 0 && line[open - 1] == '~';
  mark.length = line.size() - open + (mark.is_binary ? 1 : 0);
  return mark;
}

}  // namespace posthorn::imap
