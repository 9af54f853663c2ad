// Lexical pieces of a command (RFC 9051 9); used inside this room. The text is a whole command as it came, without its
// last CRLF: a literal stands in it as "{n}" CRLF and n octets.
//
// The first fault is kept and everything after it answers empty: parsers read straight on and look at ok() at their end
// and in their loops.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "standards/imap/flags.h"
#include "standards/imap/numbers.h"
#include "standards/imap/response.h"

namespace posthorn::imap {

/// Why a command was not taken.
struct Fault {
  bool is_bad = true;  ///< BAD; else NO
  ResponseCode code;
  std::string text;
};

class Scanner {
 public:
  Scanner(std::string_view text, bool is_utf8) : rest_(text), is_utf8_(is_utf8) {}

  [[nodiscard]] bool ok() const { return !fault_; }
  [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }
  void fail(std::string_view why) { fail(Fault{.is_bad = true, .code = {}, .text = std::string(why)}); }
  void fail(Fault fault);

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool is_utf8() const { return is_utf8_; }

  /// Takes `c` if it is next.
  bool accept(char c);
  /// Takes the word, any case, if it is next and ends there (before SP, parentheses, brackets or the end).
  bool accept_word(std::string_view word);
  void expect(char c);
  void space() { expect(' '); }
  /// The command must be over.
  void end();

  /// 1*ATOM-CHAR
  std::string_view atom();
  /// Octets up to SP, "(", ")" , "[", "]" or "<": names of items and keys.
  std::string_view name();
  /// string = quoted / literal
  std::string string();
  /// astring = 1*ASTRING-CHAR / string
  std::string astring();
  /// nstring-free: "NIL" or string
  std::optional<std::string> nstring();
  /// A mailbox name in the session's encoding, as UTF-8.
  std::string mailbox();
  /// list-mailbox: wildcards permitted where it is bare.
  std::string list_mailbox();
  std::uint32_t number();  ///< 32 bits
  std::uint32_t nz_number();
  std::uint64_t number64();  ///< 63 bits
  SequenceSet sequence_set();
  NumberSet number_set();  ///< without "*" and "$"
  /// flag-list without \Recent: "(" [flag *(SP flag)] ")"
  Flags flag_list();
  /// flag *(SP flag) up to the end: STORE permits it bare.
  Flags bare_flags();
  /// Whether a string or literal is next.
  [[nodiscard]] bool at_string() const { return peek() == '"' || peek() == '{' || peek() == '~'; }

 private:
  std::string quoted();
  std::string literal();
  void flag(Flags& flags);
  std::string_view take(std::size_t count);
  template <class Predicate>
  std::string_view take_while(Predicate predicate);
  std::string read_name(const std::string& wire);

  std::string_view rest_;
  bool is_utf8_;
  std::optional<Fault> fault_;
};

/// "{n}", "{n+}", "~{n}" at the end of a line.
struct LiteralMark {
  std::uint64_t size_octets = 0;
  bool is_synchronizing = true;
  bool is_binary = false;
  std::size_t length = 0;  ///< octets of the mark itself
};
/// nullopt: the line ends in none. A size that does not fit 63 bits gives the largest.
[[nodiscard]] std::optional<LiteralMark> literal_mark(std::string_view line);

}  // namespace posthorn::imap
