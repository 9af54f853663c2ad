#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/authentication_results/authentication_results.h"

namespace posthorn::authentication_results {
namespace {

constexpr unsigned kCommentDepthMax = 32;  // ours: deeper comments make the field unreadable

/// pvalue and reason: nearly everything up to white space, ";" or a comment.
bool is_value_char(char c) {
  return (text::is_visible(c) || text::is_non_ascii(c)) && !std::string_view{"();\""}.contains(c);
}
/// Keyword (RFC 5321 Ldh-str): method, result, ptype, property. "_" and "." are what the world adds.
bool is_keyword_char(char c) {
  return text::is_alnum(c) || c == '-' || c == '_';
}

class Parser {
 public:
  explicit Parser(Octets text) : text_(text) {}

  /// authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) [CFWS]
  Result<AuthenticationResults, ParseError> run() {
    AuthenticationResults out;
    if (text_.size() > field_octets_max) return error("the field is too long");
    if (!skip()) return error("a comment does not end");
    auto id = value(is_value_char);
    if (!id || id->empty()) return error("the authserv-id is missing");
    out.authserv_id = std::move(*id);
    if (!skip()) return error("a comment does not end");
    if (!at_end() && text::is_digit(peek())) out.version = number();
    if (!skip()) return error("a comment does not end");
    while (!at_end()) {
      if (!take(';')) return error("a semicolon is missing");
      if (!skip()) return error("a comment does not end");
      if (at_end()) break;  // a final semicolon
      if (out.results.empty() && is_no_result()) continue;
      if (out.results.size() == results_max) return error("too many results");
      MethodResult result;
      if (auto fault = read_result(result)) return error(std::move(*fault));
      out.results.push_back(std::move(result));
    }
    return out;
  }

 private:
  using Fault = std::optional<std::string>;

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }
  bool take(char c) {
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] std::unexpected<ParseError> error(std::string reason) const {
    return fail(ParseError{std::move(reason), at_});
  }

  /// [CFWS]; false where a comment does not end. The last comment's inside is kept in comment_.
  bool skip() {
    comment_.clear();
    while (!at_end()) {
      const char c = peek();
      if (text::is_wsp(c) || c == '\r' || c == '\n') {
        ++at_;
      } else if (c == '(') {
        if (!skip_comment()) return false;
      } else {
        return true;
      }
    }
    return true;
  }

  bool skip_comment() {
    comment_.clear();
    unsigned depth = 0;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '\\' && !at_end()) {
        comment_ += text_[at_++];
      } else if (c == '(') {
        if (++depth > kCommentDepthMax) return false;
        if (depth > 1) comment_ += c;
      } else if (c == ')') {
        if (--depth == 0) return true;
        comment_ += c;
      } else if (c != '\r' && c != '\n') {
        comment_ += c;
      }
    }
    return false;
  }

  template <class IsChar>
  std::string_view run_of(IsChar is_char) {
    const std::size_t begin = at_;
    while (!at_end() && is_char(peek())) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  /// value = token / quoted-string
  template <class IsChar>
  std::optional<std::string> value(IsChar is_char) {
    if (at_end() || peek() != '"') return std::string{run_of(is_char)};
    ++at_;
    std::string out;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (c == '\\' && !at_end()) {
        out += text_[at_++];
      } else if (c != '\r' && c != '\n') {
        out += c;
      }
    }
    return std::nullopt;
  }

  unsigned number() {
    const auto value = text::parse_number(run_of(text::is_digit));
    return value && *value < 1'000'000 ? static_cast<unsigned>(*value) : 0;
  }

  /// no-result = [CFWS] ";" [CFWS] "none"
  bool is_no_result() {
    const std::size_t before = at_;
    const bool none = text::iequals(run_of(is_keyword_char), "none");
    const bool ends = skip() && (at_end() || peek() == ';');
    if (!none || !ends) at_ = before;
    return none && ends;
  }

  /// resinfo = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]
  Fault read_result(MethodResult& out) {
    out.method = text::lower(run_of(is_keyword_char));
    if (out.method.empty()) return "a method is missing";
    if (!skip()) return "a comment does not end";
    if (take('/')) {  // method = Keyword [ [CFWS] "/" [CFWS] method-version ]
      if (!skip()) return "a comment does not end";
      out.version = number();
      if (!skip()) return "a comment does not end";
    }
    if (!take('=')) return fmt::format("the result of {} is missing", out.method);
    if (!skip()) return "a comment does not end";
    out.result = text::lower(run_of(is_keyword_char));
    if (out.result.empty()) return fmt::format("the result of {} is missing", out.method);
    if (!skip()) return "a comment does not end";
    out.comment = comment_;
    while (!at_end() && peek() != ';') {
      if (out.properties.size() == properties_max) return "too many properties";
      if (auto fault = read_property(out)) return fault;
      if (!skip()) return "a comment does not end";
    }
    return std::nullopt;
  }

  /// propspec = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue; reasonspec = "reason" [CFWS] "=" [CFWS] value
  Fault read_property(MethodResult& out) {
    Property property;
    property.ptype = text::lower(run_of(is_keyword_char));
    if (property.ptype.empty()) return fmt::format("something unexpected follows the result of {}", out.method);
    if (!skip()) return "a comment does not end";
    const bool is_property = take('.');
    if (is_property) {
      if (!skip()) return "a comment does not end";
      property.property = text::lower(run_of(is_keyword_char));
      if (!skip()) return "a comment does not end";
    }
    if (!take('=')) return fmt::format("{} has no value", property.ptype);
    if (!skip()) return "a comment does not end";
    auto value = this->value(is_value_char);
    if (!value) return "a quoted string does not end";
    // pvalue may be "local-part@domain" whose local part is quoted.
    if (!at_end() && peek() == '@') *value += run_of(is_value_char);
    if (is_property) {
      property.value = std::move(*value);
      out.properties.push_back(std::move(property));
    } else if (property.ptype == "reason") {
      out.reason = std::move(*value);
    }  // another word without a ptype: some write "action=none"; it is skipped
    return std::nullopt;
  }

  Octets text_;
  std::size_t at_ = 0;
  std::string comment_;
};

}  // namespace

std::string_view MethodResult::value(std::string_view ptype, std::string_view property) const {
  for (const Property& p : properties)
    if (p.ptype == ptype && p.property == property) return p.value;
  return {};
}

Result<AuthenticationResults, ParseError> parse(Octets value) {
  return Parser{value}.run();
}

}  // namespace posthorn::authentication_results
