// Reads the octets of a message off the wire: finds the end, takes the dots off, and makes sure that only CRLF
// ends a line. Works on the borrowed octets; nothing is copied or held back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace posthorn::smtp::server {

enum class TextFault : unsigned char {
  none,
  bare_lf,
  bare_cr,
  nul,
  line_too_long,  ///< over text_line_octets_max
};

class TextScanner {
 public:
  enum class Framing : bool {
    counted,  ///< BDAT: the chunk's size ends it, dots mean nothing
    dotted,   ///< DATA: CRLF "." CRLF ends it (RFC 5321 4.1.1.4), dots are doubled (4.5.2)
  };
  explicit TextScanner(Framing framing = Framing::dotted) : framing_(framing) {}

  enum class Status : unsigned char { need_input, piece, end };
  /// Takes octets off the front of `input`. `piece`: a run of the message, never empty, checked unless fault()
  /// says otherwise. After a fault the search for the true end goes on, and pieces are only to be counted.
  [[nodiscard]] Status next(std::string_view& input, std::string_view& piece);

  [[nodiscard]] TextFault fault() const { return fault_; }
  /// Whether the last octet ended a line (or there was none yet).
  [[nodiscard]] bool at_line_start() const { return state_ == State::line_start; }

 private:
  enum class State : unsigned char {
    line_start,
    in_line,
    after_cr,
    after_dot,     ///< "." at the start of a line, not given out
    after_dot_cr,  ///< then CR
  };
  void note(TextFault fault) {
    if (fault_ == TextFault::none) fault_ = fault;
  }
  [[nodiscard]] bool is_dot_ahead(std::string_view input) const;
  [[nodiscard]] std::size_t run(std::string_view text);
  void end_line(std::size_t length);
  void check(std::string_view piece);

  Framing framing_;
  State state_ = State::line_start;
  TextFault fault_ = TextFault::none;
  std::size_t line_length_ = 0;  ///< of the line in progress
  std::size_t line_ends_ = 0;    ///< CRLFs whose LF stands in the present piece
};

}  // namespace posthorn::smtp::server
