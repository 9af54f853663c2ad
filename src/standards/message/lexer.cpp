#include "standards/message/lexer.h"

#include <algorithm>

namespace posthorn::message {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

bool Lexer::accept(char c) {
  if (peek() != c || done()) return false;
  ++at_;
  return true;
}

void Lexer::skip_space() {
  while (!done() && is_space(text_[at_])) ++at_;
}

void Lexer::skip_cfws(std::string* comment_text) {
  for (;;) {
    skip_space();
    if (peek() != '(') return;
    std::string inside = comment();
    if (comment_text != nullptr) *comment_text = std::move(inside);
  }
}

std::string Lexer::comment() {
  std::string inside;
  std::size_t depth = 0;
  for (; !done(); ++at_) {
    const char c = text_[at_];
    if (c == '\\' && at_ + 1 < text_.size()) {
      inside.push_back(text_[++at_]);
      continue;
    }
    if (c == '(' && ++depth == 1) continue;
    if (c == ')' && --depth == 0) {
      ++at_;
      return inside;
    }
    if (depth > nested_comments_max) break;
    if (c != '\r' && c != '\n') inside.push_back(c);
  }
  at_ = text_.size();  // never closed: nothing after it can be understood
  return inside;
}

std::string Lexer::quoted_string() {
  std::string content;
  for (++at_; !done(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return content;
    }
    if (c == '\\' && at_ + 1 < text_.size()) {
      content.push_back(text_[++at_]);
    } else if (c != '\r' && c != '\n') {
      content.push_back(c);
    }
  }
  return content;
}

std::string_view Lexer::word(std::string_view specials) {
  const std::size_t begin = at_;
  while (!done() && !is_space(text_[at_]) && specials.find(text_[at_]) == std::string_view::npos) ++at_;
  return text_.substr(begin, at_ - begin);
}

}  // namespace posthorn::message
