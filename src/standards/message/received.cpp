#include "standards/message/received.h"

#include <algorithm>

#include "foundation/base/ip_address.h"
#include "foundation/text/ascii.h"
#include "standards/message/date_time.h"
#include "standards/message/lexer.h"

namespace posthorn::message {
namespace {

constexpr std::size_t clause_words_max = 200;

/// One clause: keyword, value, and the comment right after the value.
struct Clause {
  std::string keyword, value, comment;
};

bool is_keyword(std::string_view word) {
  for (const std::string_view keyword : {"from", "by", "via", "with", "id", "for"})
    if (text::iequals(word, keyword)) return true;
  return false;
}

/// A word, a quoted string, or "<…>"; next is neither white space nor a comment nor ";".
std::string read_word(Lexer& lexer) {
  if (lexer.peek() == '"') {
    std::string local = "\"" + lexer.quoted_string() + "\"";
    if (lexer.peek() == '@') local += lexer.word("(;");
    return local;
  }
  if (lexer.accept('<')) {
    std::string path{lexer.word(">")};
    (void)lexer.accept('>');
    return path;
  }
  return std::string{lexer.word("(;")};
}

/// Reads clauses up to ";" or the end.
std::vector<Clause> read_clauses(Lexer& lexer) {
  std::vector<Clause> clauses;
  for (std::size_t words = 0; words < clause_words_max; ++words) {
    std::string comment;
    lexer.skip_cfws(&comment);
    if (!clauses.empty() && clauses.back().comment.empty()) clauses.back().comment = std::move(comment);
    if (lexer.done() || lexer.peek() == ';') break;
    std::string word = read_word(lexer);
    if (is_keyword(word) && (clauses.empty() || !clauses.back().value.empty())) {
      clauses.push_back({text::lower(word), {}, {}});
    } else if (!clauses.empty() && clauses.back().value.empty()) {
      clauses.back().value = std::move(word);
    }
    // Further words ("with Microsoft SMTP Server", "via TCP with …") belong to nobody and are passed over.
  }
  return clauses;
}

/// The first IP address among the words of a comment, or an address literal: "mx.example [192.0.2.1]".
std::string address_in(std::string_view words) {
  std::string word;
  for (std::size_t i = 0; i <= words.size(); ++i) {
    const char c = i < words.size() ? words[i] : ' ';
    if (text::is_alnum(c) || c == '.' || c == ':') {
      word.push_back(c);
      continue;
    }
    std::string_view candidate = word;
    if (text::istarts_with(candidate, "ipv6:")) candidate.remove_prefix(5);
    if (const auto address = IpAddress::parse(candidate); address) return address->text();
    // "192.0.2.1:25"
    if (const auto address = IpAddress::parse(candidate.substr(0, candidate.find(':')))) return address->text();
    word.clear();
  }
  return {};
}

}  // namespace

Received parse_received(Octets value) {
  const std::string unfolded = unfold(value);
  Lexer lexer{unfolded};
  Received received;
  for (Clause& clause : read_clauses(lexer)) {
    if (clause.keyword == "from" && received.from.empty()) {
      received.from_address = address_in(clause.comment);
      if (received.from_address.empty() && clause.value.starts_with('['))
        received.from_address = address_in(clause.value);
      received.from = std::move(clause.value);
      received.from_comment = std::move(clause.comment);
    } else if (clause.keyword == "by" && received.by.empty()) {
      received.by = std::move(clause.value);
    } else if (clause.keyword == "via" && received.via.empty()) {
      received.via = std::move(clause.value);
    } else if (clause.keyword == "with" && received.with.empty()) {
      received.with = std::move(clause.value);
    } else if (clause.keyword == "id" && received.id.empty()) {
      received.id = std::move(clause.value);
    } else if (clause.keyword == "for" && received.for_.empty()) {
      received.for_ = std::move(clause.value);
    }
  }
  // The date stands after the last ";" (some write more of them).
  const auto semicolon = unfolded.rfind(';');
  if (semicolon != std::string::npos)
    if (const auto date = parse_date_time(std::string_view{unfolded}.substr(semicolon + 1))) received.at = date->at;
  return received;
}

std::vector<Hop> hops(const Header& header) {
  std::vector<Hop> found;
  for (const Field& field : header.all("Received")) {
    if (found.size() == hops_max) break;
    found.push_back({parse_received(field.value), std::nullopt});
  }
  std::ranges::reverse(found);
  std::optional<TimePoint> before;
  for (Hop& hop : found) {
    if (hop.received.at && before) hop.delay = *hop.received.at - *before;
    if (hop.received.at) before = hop.received.at;
  }
  return found;
}

std::size_t received_count(const Header& header) {
  return header.count("Received");
}

}  // namespace posthorn::message
