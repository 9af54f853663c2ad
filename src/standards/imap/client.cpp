#include "standards/imap/client.h"

#include "foundation/base/number.h"
#include "foundation/text/ascii.h"
#include "standards/imap/mailbox_name.h"
#include "standards/imap/quoting.h"
#include "standards/imap/scanner.h"

namespace posthorn::imap::client {
namespace {

bool is_status_name(std::string_view name) {
  return name == "OK" || name == "NO" || name == "BAD" || name == "BYE" || name == "PREAUTH";
}

/// Takes the elements of one response apart; a list that is open is kept on a stack, not on the machine's.
class Elements {
 public:
  explicit Elements(std::string_view text) : rest_(text) {}

  std::optional<std::vector<Value>> read() {
    open_.emplace_back();
    while (!rest_.empty()) {
      if (!element()) return std::nullopt;
    }
    if (open_.size() != 1) return std::nullopt;
    return std::move(open_.front());
  }

 private:
  bool element() {
    switch (rest_.front()) {
      case ' ':
        rest_.remove_prefix(1);
        return true;
      case '(':
        rest_.remove_prefix(1);
        open_.emplace_back();
        return open_.size() <= value_depth_max;
      case ')':
        return close();
      case '"':
        return quoted();
      case '{':
        return literal();
      case '~':  // of a literal8 only before its mark: `~` alone is an atom
        return rest_.starts_with("~{") ? literal() : atom();
      default:
        return atom();
    }
  }

  bool close() {
    if (open_.size() < 2) return false;
    rest_.remove_prefix(1);
    Value list;
    list.kind = Value::Kind::list;
    list.items = std::move(open_.back());
    open_.pop_back();
    open_.back().push_back(std::move(list));
    return true;
  }

  void add(Value::Kind kind, std::string text) { open_.back().push_back({kind, std::move(text), {}}); }

  bool quoted() {
    std::string text;
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != '"'; ++at) {
      if (rest_[at] == '\\') ++at;
      if (at < rest_.size()) text += rest_[at];
    }
    if (at >= rest_.size()) return false;
    rest_.remove_prefix(at + 1);
    add(Value::Kind::string, std::move(text));
    return true;
  }

  bool literal() {
    const auto line_end = rest_.find("\r\n");
    const auto mark = line_end == std::string_view::npos ? std::nullopt : literal_mark(rest_.substr(0, line_end));
    if (!mark || mark->length != line_end || rest_.size() - line_end - 2 < mark->size_octets) return false;
    rest_.remove_prefix(line_end + 2);
    add(Value::Kind::string, std::string(rest_.substr(0, static_cast<std::size_t>(mark->size_octets))));
    rest_.remove_prefix(static_cast<std::size_t>(mark->size_octets));
    return true;
  }

  // An atom with what stands in its brackets: BODY[HEADER.FIELDS (From "To")]<0>
  bool atom() {
    std::size_t at = 0;
    bool in_brackets = false;
    bool in_quotes = false;
    for (; at < rest_.size(); ++at) {
      const char c = rest_[at];
      if (c == '\r' || c == '\n') return false;
      if (in_brackets && c == '"') in_quotes = !in_quotes;
      if (in_quotes) {
        at += c == '\\' ? 1 : 0;
        continue;
      }
      if (c == '[') in_brackets = true;
      if (c == ']') in_brackets = false;
      if (!in_brackets && (c == ' ' || c == '(' || c == ')' || c == '"')) break;
    }
    const auto text = rest_.substr(0, at);
    rest_.remove_prefix(text.size());
    add(text::iequals(text, "NIL") ? Value::Kind::nil : Value::Kind::atom, std::string(text));
    return at > 0;
  }

  std::string_view rest_;
  std::vector<std::vector<Value>> open_;
};

// resp-text = ["[" resp-text-code "]" SP] text
void read_text(std::string_view rest, Response& response) {
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end != std::string_view::npos) {
      response.code = rest.substr(1, end - 1);
      rest.remove_prefix(end + 1);
      if (rest.starts_with(' ')) rest.remove_prefix(1);
    }
  }
  response.text = rest;
}

std::optional<Response> read_response(std::string_view text) {
  Response response;
  if (text.starts_with('+')) {
    response.kind = Response::Kind::continuation;
    text.remove_prefix(text.starts_with("+ ") ? 2 : 1);
    read_text(text, response);
    return response;
  }
  const auto tag = text::take_until(text, ' ');
  if (tag.empty()) return std::nullopt;
  if (tag != "*") {
    response.kind = Response::Kind::tagged;
    response.tag = tag;
  }
  auto name = text::take_until(text, ' ');
  response.number = read_number<std::uint32_t>(name);
  if (response.number) name = text::take_until(text, ' ');
  response.name = text::upper(name);
  if (response.name.empty()) return std::nullopt;
  if (is_status_name(response.name)) {
    read_text(text, response);
    return response;
  }
  if (response.kind == Response::Kind::tagged) return std::nullopt;
  auto values = Elements(text).read();
  if (!values) return std::nullopt;
  response.values = std::move(*values);
  return response;
}

}  // namespace

// ---- values ----------------------------------------------------------------------------------------------------

const Value* Value::after(std::string_view name) const {
  for (std::size_t i = 0; i + 1 < items.size(); ++i) {
    if (items[i].kind == Kind::atom && text::iequals(items[i].text, name)) return &items[i + 1];
  }
  return nullptr;
}

std::optional<std::uint64_t> Value::number() const {
  return kind == Kind::atom ? read_number<std::uint64_t>(text) : std::nullopt;
}

bool Response::is_status() const {
  return is_status_name(name);
}

// ---- the reader ------------------------------------------------------------------------------------------------

void ResponseReader::push(Octets octets) {
  if (is_broken_) return;
  if (begin_ > 0) {
    octets_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  octets_ += octets;
}

// Where the response at `begin_` ends, before its CRLF: at the first line that no literal continues.
std::optional<std::size_t> ResponseReader::whole_response() {
  scanned_ = std::max(scanned_, begin_);
  for (;;) {
    const auto end = octets_.find("\r\n", scanned_);
    if (end == std::string::npos) {
      if (octets_.size() - begin_ > response_octets_max) is_broken_ = true;
      return std::nullopt;
    }
    const auto mark = literal_mark(std::string_view(octets_).substr(scanned_, end - scanned_));
    if (!mark) return end;
    if (mark->size_octets > response_octets_max) is_broken_ = true;
    if (is_broken_ || octets_.size() - (end + 2) < mark->size_octets) return std::nullopt;
    scanned_ = end + 2 + static_cast<std::size_t>(mark->size_octets);
  }
}

std::optional<Response> ResponseReader::next() {
  if (is_broken_) return std::nullopt;
  const auto end = whole_response();
  if (!end) return std::nullopt;
  auto response = read_response(std::string_view(octets_).substr(begin_, *end - begin_));
  begin_ = scanned_ = *end + 2;
  if (!response) is_broken_ = true;
  return response;
}

// ---- commands --------------------------------------------------------------------------------------------------

CommandWriter::CommandWriter(std::string_view tag, std::string_view name) : text_(tag) {
  word(name);
}

CommandWriter& CommandWriter::word(std::string_view atom) {
  text_ += ' ';
  text_ += atom;
  return *this;
}

CommandWriter& CommandWriter::astring(std::string_view octets) {
  if (!is_quotable(octets, false)) return literal(octets);
  text_ += ' ';
  append_astring(text_, octets);
  return *this;
}

CommandWriter& CommandWriter::mailbox(std::string_view utf8) {
  return astring(encode_modified_utf7(utf8));
}

CommandWriter& CommandWriter::literal(std::string_view octets) {
  text_ += octets.find('\0') == std::string_view::npos ? " {" : " ~{";
  text_ += std::to_string(octets.size()) + "+}\r\n";
  text_ += octets;
  return *this;
}

std::string CommandWriter::line() {
  return text_ + "\r\n";
}

}  // namespace posthorn::imap::client
