#include "standards/pop3/dot_stuffer.h"

namespace posthorn::pop3::server {

void DotStuffer::push(std::string_view octets, std::string& out) {
  while (!octets.empty() && !enough_) {
    // A line begins after any LF, also a bare one: clients that read it as a line end must find the dot stuffed.
    if (line_octets_ == 0 && octets.front() == '.') out += '.';
    const std::size_t end = octets.find('\n');
    const std::string_view piece = octets.substr(0, end == std::string_view::npos ? end : end + 1);
    out.append(piece);
    octets.remove_prefix(piece.size());
    line_octets_ += piece.size();
    const char before = piece.size() > 1 ? piece[piece.size() - 2] : last_;
    last_ = piece.back();
    if (last_ != '\n') continue;
    const bool was_empty = line_octets_ == 1 || (line_octets_ == 2 && before == '\r');
    line_octets_ = 0;
    end_line(was_empty);
  }
}

void DotStuffer::end_line(bool was_empty) {
  // RFC 1939 7 TOP: the headers, the empty line, then so many lines of the body.
  if (!body_lines_) return;
  if (in_body_) --*body_lines_;
  if (was_empty) in_body_ = true;
  enough_ = in_body_ && *body_lines_ == 0;
}

void DotStuffer::finish(std::string& out) {
  if (last_ != '\n') out += "\r\n";
  out += ".\r\n";
}

}  // namespace posthorn::pop3::server
