#include "standards/smtp/line_reader.h"

#include "standards/smtp/server.h"

namespace posthorn::smtp::server {
namespace {

void release(std::string& text) {
  std::string().swap(text);
}

// A line with its LF: whole means CRLF at the end and neither CR nor NUL before.
bool is_clean(std::string_view with_lf) {
  if (!with_lf.ends_with("\r\n")) return false;
  const auto content = with_lf.substr(0, with_lf.size() - 2);
  return content.find('\r') == std::string_view::npos && content.find('\0') == std::string_view::npos;
}

}  // namespace

LineReader::Status LineReader::read(std::string_view& input, std::size_t limit, std::string_view& line) {
  release(current_);
  const auto lf = input.find('\n');
  if (lf == std::string_view::npos) {
    keep(input, limit);
    input = {};
    return dropped_ > endless_line_octets_max ? Status::endless : Status::need_input;
  }
  const auto piece = input.substr(0, lf + 1);
  input.remove_prefix(lf + 1);
  return finish(piece, limit, line);
}

// Holds an unfinished line, or only counts it once it is longer than any line may be.
void LineReader::keep(std::string_view octets, std::size_t limit) {
  if (dropped_ == 0 && partial_.size() + octets.size() <= limit) {
    partial_.append(octets);
    return;
  }
  dropped_ += partial_.size() + octets.size();
  // The last octet is kept: whether CR stands before the LF to come decides between "too long" and "bare".
  std::string last(1, octets.empty() ? (partial_.empty() ? 'x' : partial_.back()) : octets.back());
  partial_.swap(last);
}

LineReader::Status LineReader::finish(std::string_view octets, std::size_t limit, std::string_view& line) {
  const bool is_too_long = dropped_ > 0 || partial_.size() + octets.size() > limit;
  if (!partial_.empty()) {
    current_.swap(partial_);
    current_.append(is_too_long ? octets.substr(octets.size() - std::min<std::size_t>(octets.size(), 2)) : octets);
    octets = current_;
  }
  dropped_ = 0;
  if (is_too_long) return octets.ends_with("\r\n") ? Status::too_long : Status::bare;
  if (!is_clean(octets)) return Status::bare;
  line = octets.substr(0, octets.size() - 2);
  return Status::line;
}

}  // namespace posthorn::smtp::server
