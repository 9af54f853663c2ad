#include "standards/message/message_id.h"

#include "standards/message/lexer.h"

namespace posthorn::message {
namespace {

/// The inside of "<…>", next is "<". White space and comments in it go (RFC 5322 4.5.4 obs-id-left is a phrase).
std::optional<std::string> bracketed(Lexer& lexer) {
  std::string id;
  lexer.skip();
  while (!lexer.done()) {
    lexer.skip_cfws();
    if (lexer.accept('>')) return id.empty() ? std::nullopt : std::optional{std::move(id)};
    if (lexer.peek() == '"') {
      const std::size_t begin = lexer.at();
      const std::string_view before = lexer.rest();
      (void)lexer.quoted_string();
      id += before.substr(0, lexer.at() - begin);
    } else {
      id += lexer.word("\"(>");
    }
  }
  return std::nullopt;
}

std::vector<std::string> read_ids(std::string_view text, std::size_t limit) {
  std::vector<std::string> ids;
  std::optional<std::string> bare;
  Lexer lexer{text};
  while (ids.size() < limit) {
    lexer.skip_cfws();
    if (lexer.done()) break;
    if (lexer.peek() == '<') {
      if (auto id = bracketed(lexer)) ids.push_back(std::move(*id));
    } else if (lexer.peek() == '"') {
      (void)lexer.quoted_string();  // a phrase of the obsolete syntax
    } else {
      const auto word = lexer.word("<(\"");
      if (!bare && word.find('@') != std::string_view::npos) bare = std::string{word};
    }
  }
  if (ids.empty() && bare) ids.push_back(std::move(*bare));
  return ids;
}

}  // namespace

std::optional<std::string> parse_message_id(std::string_view text) {
  auto ids = read_ids(text, 1);
  if (ids.empty()) return std::nullopt;
  return std::move(ids.front());
}

std::vector<std::string> parse_message_ids(std::string_view text) {
  return read_ids(text, message_ids_max);
}

}  // namespace posthorn::message
