#include "standards/address/header_parse.h"

#include <algorithm>

#include "foundation/text/ascii.h"
#include "standards/address/grammar.h"

namespace posthorn::address {
namespace {

enum class Kind : unsigned char { atom, quoted, literal, special, comment, end };

struct Token {
  Kind kind = Kind::end;
  std::string value;  // unquoted; a literal keeps its brackets
};

bool is_fws(char c) {
  return text::is_wsp(c) || c == '\r' || c == '\n';
}

// Cuts a field body into tokens; white space and comments stand only between them.
class Scanner {
 public:
  explicit Scanner(std::string_view body) : rest_(body) {}

  Result<Token, AddressError> next() {
    skip_white_space();
    if (rest_.empty()) return Token{};
    switch (rest_.front()) {
      case '(':
        return comment();
      case '"':
        return quoted();
      case '[':
        return literal();
      default:
        break;
    }
    if (is_atext(rest_.front())) return atom();
    constexpr std::string_view specials = "<>@,;:.";
    if (specials.find(rest_.front()) == std::string_view::npos) return fail(AddressError::syntax);
    Token token{Kind::special, std::string(1, rest_.front())};
    rest_.remove_prefix(1);
    return token;
  }

 private:
  void skip_white_space() {
    while (!rest_.empty() && is_fws(rest_.front())) rest_.remove_prefix(1);
  }

  Token atom() {
    std::size_t length = 0;
    while (length < rest_.size() && is_atext(rest_[length])) ++length;
    Token token{Kind::atom, std::string(rest_.substr(0, length))};
    rest_.remove_prefix(length);
    return token;
  }

  // One octet, a quoted-pair as the octet it stands for; fold marks are dropped. False at the end.
  bool take(std::string& out) {
    char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\\') {
      if (rest_.empty()) return false;
      c = rest_.front();
      rest_.remove_prefix(1);
    } else if (c == '\r' || c == '\n') {
      return true;
    }
    if (c == '\0' || c == '\r' || c == '\n') return false;
    out += c;
    return true;
  }

  // comment = "(" *([FWS] ccontent) [FWS] ")", nested, without recursion.
  Result<Token, AddressError> comment() {
    Token token{Kind::comment, {}};
    std::size_t depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '(' && ++depth > comment_depth_max) return fail(AddressError::syntax);
      if (c == ')' && --depth == 0) {
        rest_.remove_prefix(1);
        return token;
      }
      const bool is_outermost = c == '(' && depth == 1;
      if (is_outermost) {
        rest_.remove_prefix(1);
      } else if (!take(token.value)) {
        break;
      }
    }
    return fail(AddressError::syntax);
  }

  // quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE
  Result<Token, AddressError> quoted() {
    Token token{Kind::quoted, {}};
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
      if (!take(token.value)) return fail(AddressError::syntax);
    }
    if (rest_.empty()) return fail(AddressError::syntax);
    rest_.remove_prefix(1);
    return token;
  }

  // domain-literal = "[" *([FWS] dtext) [FWS] "]"
  Result<Token, AddressError> literal() {
    Token token{Kind::literal, {}};
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (is_fws(c)) continue;
      token.value += c;
      if (c == ']') return token;
    }
    return fail(AddressError::syntax);
  }

  std::string_view rest_;
};

// One token of look-ahead; comments are put aside, since the last one may serve as a display name.
class Parser {
 public:
  Parser(std::string_view body, std::size_t mailboxes_max) : scanner_(body), mailboxes_max_(mailboxes_max) {}

  // address-list = (address *("," address)) / obs-addr-list
  Result<AddressList, AddressError> parse() {
    advance();
    while (!failed_ && !at_end()) {
      if (take_special(',')) continue;
      address();
      if (!failed_ && !at_end() && !take_special(',')) fail_with(AddressError::syntax);
    }
    const bool is_empty = list_.mailboxes.empty() && list_.groups.empty();
    if (is_empty && !failed_) fail_with(AddressError::syntax);
    if (failed_) return fail(error_);
    return std::move(list_);
  }

 private:
  // A word of a phrase or local part: what it says, and whether quotes stood around it.
  struct Words {
    std::vector<Token> tokens;
  };

  void fail_with(AddressError error) {
    if (!failed_) error_ = error;
    failed_ = true;
    token_ = Token{};
  }

  void advance() {
    do {
      auto token = scanner_.next();
      if (!token) return fail_with(token.error());
      token_ = std::move(*token);
      if (token_.kind == Kind::comment) last_comment_ = token_.value;
    } while (token_.kind == Kind::comment);
  }

  [[nodiscard]] bool at_end() const { return token_.kind == Kind::end; }
  [[nodiscard]] bool is_special(char c) const { return token_.kind == Kind::special && token_.value[0] == c; }
  bool take_special(char c) {
    if (!is_special(c)) return false;
    advance();
    return true;
  }

  // Words and dots up to something else: a phrase (obs-phrase has dots) or a local part, known by what follows.
  Words words() {
    Words result;
    while (token_.kind == Kind::atom || token_.kind == Kind::quoted || is_special('.')) {
      result.tokens.push_back(std::move(token_));
      advance();
    }
    return result;
  }

  static std::string phrase(const Words& words) {
    std::string out;
    for (const auto& token : words.tokens) {
      const bool is_dot = token.kind == Kind::special;
      if (!out.empty() && !is_dot) out += ' ';
      out += token.value;
    }
    return out;
  }

  // local-part = dot-atom / quoted-string / obs-local-part: words with a dot between any two.
  static Result<LocalPart, AddressError> local_part(const Words& words) {
    std::string value;
    bool want_word = true;
    for (const auto& token : words.tokens) {
      if ((token.kind == Kind::special) == want_word) return fail(AddressError::syntax);
      value += token.value;
      want_word = !want_word;
    }
    if (want_word) return fail(AddressError::syntax);
    return LocalPart::from_value(value);
  }

  // address = mailbox / group
  void address() {
    last_comment_.clear();
    Words first = words();
    if (!is_special(':')) return mailbox(first, std::nullopt);
    if (first.tokens.empty()) return fail_with(AddressError::syntax);
    group(phrase(first));
  }

  // group = display-name ":" [group-list] ";"
  void group(std::string display_name) {
    advance();
    const auto index = list_.groups.size();
    if (index >= mailboxes_max_) return fail_with(AddressError::too_many);
    list_.groups.push_back(std::move(display_name));
    while (!failed_ && !take_special(';')) {
      if (take_special(',')) continue;
      last_comment_.clear();
      mailbox(words(), index);
      if (!failed_ && !is_special(',') && !is_special(';')) fail_with(AddressError::syntax);
    }
  }

  // mailbox = name-addr / addr-spec
  void mailbox(const Words& before, std::optional<std::size_t> group) {
    if (take_special('<')) return name_addr(phrase(before), group);
    add(before, {}, group);
  }

  // angle-addr = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr
  void name_addr(std::string display_name, std::optional<std::size_t> group) {
    if (is_special('@') || is_special(',')) drop_route();
    const Words local = words();
    const auto had = list_.mailboxes.size();
    add(local, std::move(display_name), group);
    if (failed_) return;
    if (!take_special('>')) return fail_with(AddressError::syntax);
    name_by_comment(had);
  }

  // obs-route = obs-domain-list ":"
  void drop_route() {
    while (take_special(',') || take_special('@')) {
      while (token_.kind == Kind::atom || token_.kind == Kind::literal || is_special('.')) advance();
    }
    if (!take_special(':')) fail_with(AddressError::syntax);
  }

  // addr-spec = local-part "@" domain, its local part already read.
  void add(const Words& local, std::string display_name, std::optional<std::size_t> group) {
    if (failed_) return;
    if (list_.mailboxes.size() >= mailboxes_max_) return fail_with(AddressError::too_many);
    auto left = local_part(local);
    if (!left || !take_special('@')) return fail_with(left ? AddressError::syntax : left.error());
    auto right = host();
    if (failed_) return;
    if (!right) return fail_with(right.error());
    list_.mailboxes.push_back({std::move(display_name), Mailbox{std::move(*left), std::move(*right)}, group});
    name_by_comment(list_.mailboxes.size() - 1);
  }

  // "ann@example.org (Ann)": the old way to give a name.
  void name_by_comment(std::size_t index) {
    auto& name = list_.mailboxes[index].display_name;
    if (name.empty()) name = last_comment_;
  }

  // domain = dot-atom / domain-literal / obs-domain
  Result<std::variant<Domain, AddressLiteral>, AddressError> host() {
    if (token_.kind == Kind::literal) {
      const auto literal = AddressLiteral::parse(token_.value);
      advance();
      if (!literal) return fail(literal.error());
      return *literal;
    }
    std::string name;
    while (token_.kind == Kind::atom || is_special('.')) {
      name += token_.value;
      advance();
    }
    if (name.ends_with('.')) name.pop_back();  // a root dot is not in the grammar, and is in the wild
    auto domain = Domain::parse(name);
    if (!domain) return fail(domain.error());
    return std::move(*domain);
  }

  Scanner scanner_;
  std::size_t mailboxes_max_;
  Token token_;
  std::string last_comment_;
  AddressList list_;
  bool failed_ = false;
  AddressError error_ = AddressError::syntax;
};

}  // namespace

Result<AddressList, AddressError> parse_address_list(std::string_view field_body, std::size_t mailboxes_max) {
  return Parser(field_body, mailboxes_max).parse();
}

}  // namespace posthorn::address
