#include "standards/smtp/text_scanner.h"

#include <cstring>

#include "standards/smtp/server.h"

namespace posthorn::smtp::server {

namespace {

// An octet counts the LFs of a block, so that the compiler adds sixteen at once.
std::size_t count_lf(std::string_view text) {
  constexpr std::size_t block_octets = 240;
  std::size_t total = 0;
  while (!text.empty()) {
    const auto block = text.substr(0, block_octets);
    std::uint8_t in_block = 0;
    for (const char c : block) in_block = static_cast<std::uint8_t>(in_block + (c == '\n' ? 1 : 0));
    total += in_block;
    text.remove_prefix(block.size());
  }
  return total;
}

}  // namespace

bool TextScanner::is_dot_ahead(std::string_view input) const {
  return framing_ == Framing::dotted && state_ == State::line_start && input.starts_with('.');
}

TextScanner::Status TextScanner::next(std::string_view& input, std::string_view& piece) {
  while (!input.empty()) {
    if (is_dot_ahead(input)) {
      // RFC 5321 4.5.2: alone on its line it ends the message, else it is taken off.
      state_ = State::after_dot;
      input.remove_prefix(1);
      continue;
    }
    if (state_ == State::after_dot && input.front() == '\r') {
      state_ = State::after_dot_cr;
      input.remove_prefix(1);
      continue;
    }
    if (state_ == State::after_dot_cr && input.front() == '\n') {
      input.remove_prefix(1);
      state_ = State::line_start;
      return Status::end;
    }
    if (state_ == State::after_dot_cr) note(TextFault::bare_cr);
    const auto size = run(input);
    piece = input.substr(0, size);
    input.remove_prefix(size);
    check(piece);
    return Status::piece;
  }
  return Status::need_input;
}

// The length of the run that can be given out as it is: up to a dot at the start of a line, or everything.
std::size_t TextScanner::run(std::string_view text) {
  std::size_t line_begin = 0;
  std::size_t at = 0;
  line_ends_ = 0;
  if (state_ == State::after_cr) {
    if (text.front() == '\n') {
      end_line(1);
      line_begin = at = 1;
    } else {
      note(TextFault::bare_cr);
    }
  }
  if (at == 0) state_ = State::in_line;
  while (at < text.size() && !is_dot_ahead(text.substr(at))) {
    const auto* found = static_cast<const char*>(std::memchr(text.data() + at, '\r', text.size() - at));
    if (found == nullptr) {
      state_ = State::in_line;
      at = text.size();
      break;
    }
    at = static_cast<std::size_t>(found - text.data()) + 1;
    state_ = State::after_cr;
    if (at == text.size()) break;
    if (text[at] == '\n') {
      ++at;
      end_line(at - line_begin);
      line_begin = at;
    } else {
      note(TextFault::bare_cr);
      state_ = State::in_line;
    }
  }
  line_length_ += at - line_begin;
  if (line_length_ > text_line_octets_max) note(TextFault::line_too_long);
  return at;
}

void TextScanner::end_line(std::size_t length) {
  if (line_length_ + length > text_line_octets_max) note(TextFault::line_too_long);
  line_length_ = 0;
  ++line_ends_;
  state_ = State::line_start;
}

// Two passes at memory speed instead of a test an octet: no NUL, and no LF but those of the CRLFs found.
void TextScanner::check(std::string_view piece) {
  if (fault_ != TextFault::none) return;
  if (std::memchr(piece.data(), '\0', piece.size()) != nullptr) note(TextFault::nul);
  if (count_lf(piece) != line_ends_) note(TextFault::bare_lf);
}

}  // namespace posthorn::smtp::server
