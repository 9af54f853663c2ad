// Cuts the command stream into lines without copying where it can, and without holding more than the limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthorn::smtp::server {

class LineReader {
 public:
  enum class Status : unsigned char {
    need_input,
    line,
    too_long,  ///< it ended, and was dropped
    bare,      ///< a bare LF, bare CR or NUL: nobody knows where this line ends (RFC 5321 2.3.8)
    endless,   ///< more than endless_line_octets_max without an end
  };

  /// Takes one line off the front of `input`. `line` is without CRLF and valid until the next call.
  [[nodiscard]] Status read(std::string_view& input, std::size_t limit, std::string_view& line);
  /// Octets of an unfinished line are waiting.
  [[nodiscard]] bool has_partial() const { return !partial_.empty() || dropped_ > 0; }

 private:
  void keep(std::string_view octets, std::size_t limit);
  [[nodiscard]] Status finish(std::string_view octets, std::size_t limit, std::string_view& line);

  std::string partial_;
  std::string current_;
  std::size_t dropped_ = 0;
};

}  // namespace posthorn::smtp::server
