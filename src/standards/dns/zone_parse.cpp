// RFC 1035 5: master files.
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "standards/dns/wire.h"
#include "standards/dns/zone.h"

namespace posthorn::dns {
namespace {

constexpr std::size_t entry_tokens_max = 70'000;  // more octets of TXT than RDLENGTH can hold

struct Token {
  std::string raw;  ///< escapes kept
  bool quoted = false;
};

/// One entry: a line, or several where parentheses join them.
struct Entry {
  std::vector<Token> tokens;
  bool owner_omitted = false;  ///< the first line begins with white space
  std::size_t line = 0;
};

struct Reason {
  std::string text;
};
template <class T>
using Parsed = std::expected<T, Reason>;

std::unexpected<Reason> wrong(std::string reason) {
  return std::unexpected{Reason{std::move(reason)}};
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

// ---- lines into entries

class EntryReader {
 public:
  explicit EntryReader(std::string_view text) : text_(text) {}

  /// The next entry that has tokens, or the steering comment before it; false at the end.
  Parsed<bool> next(Entry& entry, std::string_view& comment);
  [[nodiscard]] std::size_t line() const { return line_; }

 private:
  Parsed<bool> take(Entry& entry);
  Parsed<Token> quoted_token();
  Parsed<Token> plain_token();
  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t depth_ = 0;  ///< of parentheses
};

Parsed<bool> EntryReader::next(Entry& entry, std::string_view& comment) {
  while (at_ < text_.size()) {
    entry = Entry{{}, is_space(text_[at_]), line_};
    comment = {};
    std::size_t first = at_;
    while (first < text_.size() && is_space(text_[first])) ++first;
    if (text_.substr(first).starts_with(";;")) {
      at_ = first;
      skip_comment();
      comment = text_.substr(first + 2, at_ - first - 2);
      if (at_ < text_.size()) ++at_, ++line_;
      return true;
    }
    const auto ended = take(entry);
    if (!ended) return std::unexpected{ended.error()};
    if (!entry.tokens.empty()) return true;
  }
  return false;
}

/// Reads tokens to the end of the entry.
Parsed<bool> EntryReader::take(Entry& entry) {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') {
      ++at_, ++line_;
      if (depth_ == 0) return true;
    } else if (is_space(c)) {
      ++at_;
    } else if (c == ';') {
      skip_comment();
    } else if (c == '(') {
      ++at_, ++depth_;
    } else if (c == ')') {
      if (depth_ == 0) return wrong("a closing parenthesis without an opening one");
      ++at_, --depth_;
    } else {
      if (entry.tokens.size() == entry_tokens_max) return wrong("too many words in one record");
      auto token = c == '"' ? quoted_token() : plain_token();
      if (!token) return std::unexpected{token.error()};
      entry.tokens.push_back(std::move(*token));
    }
  }
  if (depth_ > 0) return wrong("a parenthesis is not closed");
  return true;
}

Parsed<Token> EntryReader::quoted_token() {
  Token token{{}, true};
  for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    if (text_[at_] == '"') {
      ++at_;
      return token;
    }
    token.raw.push_back(text_[at_]);
    if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') token.raw.push_back(text_[++at_]);
  }
  return wrong("a quoted string is not closed on its line");
}

Parsed<Token> EntryReader::plain_token() {
  Token token;
  while (at_ < text_.size() && text_[at_] != '\n' && !is_space(text_[at_]) &&
         std::string_view{"();\""}.find(text_[at_]) == std::string_view::npos) {
    token.raw.push_back(text_[at_++]);
    if (token.raw.back() == '\\' && at_ < text_.size() && text_[at_] != '\n') token.raw.push_back(text_[at_++]);
  }
  return token;
}

// ---- words into values

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

/// A character-string (RFC 1035 5.1): \X and \DDD undone.
Parsed<std::string> character_string(const Token& token) {
  std::string out;
  for (std::size_t i = 0; i < token.raw.size(); ++i) {
    if (token.raw[i] != '\\') {
      out.push_back(token.raw[i]);
      continue;
    }
    if (++i == token.raw.size()) return wrong("a backslash escapes nothing");
    if (token.raw[i] < '0' || token.raw[i] > '9') {
      out.push_back(token.raw[i]);
      continue;
    }
    unsigned value = 256;
    if (i + 3 <= token.raw.size()) {
      const char* digits = token.raw.data() + i;
      if (std::from_chars(digits, digits + 3, value).ptr != digits + 3) value = 256;
    }
    if (value > 255) return wrong("\\DDD needs three digits, at most 255");
    out.push_back(static_cast<char>(value));
    i += 2;
  }
  return out;
}

template <class T>
Parsed<T> number(const Token& token, std::string_view what) {
  T value{};
  const char* end = token.raw.data() + token.raw.size();
  const auto [stop, error] = std::from_chars(token.raw.data(), end, value);
  if (error != std::errc{} || stop != end) return wrong(fmt::format("{} \"{}\" is not a number", what, token.raw));
  return value;
}

/// Seconds, or BIND's "1h30m"; at most 2^31-1 (RFC 2181 8).
std::optional<std::uint32_t> parse_ttl(std::string_view word) {
  std::uint64_t total = 0, value = 0;
  bool digits = false;
  if (word.empty() || word[0] < '0' || word[0] > '9') return std::nullopt;
  for (const char c : word) {
    if (c >= '0' && c <= '9') {
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
      digits = true;
    } else {
      static constexpr std::string_view units = "smhdw";
      static constexpr std::array<std::uint64_t, 5> seconds{1, 60, 3600, 86400, 604800};
      const auto unit = units.find(static_cast<char>(c | 0x20));
      if (!digits || unit == std::string_view::npos) return std::nullopt;
      total += value * seconds[unit];
      value = 0;
      digits = false;
    }
    if (value > 0x7fffffff || total > 0x7fffffff) return std::nullopt;
  }
  total += value;
  if (total > 0x7fffffff) return std::nullopt;
  return static_cast<std::uint32_t>(total);
}

Parsed<std::string> hex_octets(std::span<const Token> tokens) {
  std::string out;
  int high = -1;
  for (const Token& token : tokens) {
    for (const char c : token.raw) {
      const auto digit =
          std::string_view{"0123456789abcdef"}.find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
      if (digit == std::string_view::npos) return wrong(fmt::format("\"{}\" is not hexadecimal", token.raw));
      if (high < 0) {
        high = static_cast<int>(digit);
      } else {
        out.push_back(static_cast<char>(high * 16 + static_cast<int>(digit)));
        high = -1;
      }
    }
  }
  if (high >= 0) return wrong("an odd number of hexadecimal digits");
  return out;
}

// ---- records

class RecordReader {
 public:
  RecordReader(std::span<const Token> words, const Name& origin) : words_(words), origin_(origin) {}

  Parsed<RecordData> read(RecordType type);

 private:
  Parsed<Name> name(const Token& token) const {
    auto parsed = Name::parse_relative(token.raw, origin_);
    if (!parsed) return wrong(fmt::format("\"{}\": {}", token.raw, text(parsed.error())));
    return std::move(*parsed);
  }
  [[nodiscard]] std::optional<Reason> expect(std::size_t count) const {
    if (words_.size() == count) return std::nullopt;
    return Reason{fmt::format("{} values are needed, there are {}", count, words_.size())};
  }
  Parsed<RecordData> read_address(bool v4) const;
  Parsed<RecordData> read_mx() const;
  Parsed<RecordData> read_txt() const;
  Parsed<RecordData> read_soa() const;
  Parsed<RecordData> read_srv() const;
  Parsed<RecordData> read_tlsa() const;
  Parsed<RecordData> read_caa() const;
  Parsed<RecordData> read_generic(RecordType type) const;
  template <class T>
  Parsed<RecordData> read_name() const {
    if (const auto reason = expect(1)) return std::unexpected{*reason};
    auto target = name(words_[0]);
    if (!target) return std::unexpected{target.error()};
    return T{std::move(*target)};
  }

  std::span<const Token> words_;
  const Name& origin_;
};

Parsed<RecordData> RecordReader::read(RecordType type) {
  if (!words_.empty() && !words_[0].quoted && words_[0].raw == "\\#") return read_generic(type);
  switch (type) {
    case RecordType::a:
      return read_address(true);
    case RecordType::aaaa:
      return read_address(false);
    case RecordType::mx:
      return read_mx();
    case RecordType::txt:
    case RecordType::spf:
      return read_txt();
    case RecordType::cname:
      return read_name<Cname>();
    case RecordType::ns:
      return read_name<Ns>();
    case RecordType::ptr:
      return read_name<Ptr>();
    case RecordType::soa:
      return read_soa();
    case RecordType::srv:
      return read_srv();
    case RecordType::tlsa:
      return read_tlsa();
    case RecordType::caa:
      return read_caa();
    default:
      return wrong("the data of this type can only be written as \\# LENGTH HEX (RFC 3597)");
  }
}

Parsed<RecordData> RecordReader::read_address(bool v4) const {
  if (const auto reason = expect(1)) return std::unexpected{*reason};
  const auto address = v4 ? IpAddress::parse_v4(words_[0].raw) : IpAddress::parse_v6(words_[0].raw);
  if (!address) return wrong(fmt::format("\"{}\" is not an IPv{} address", words_[0].raw, v4 ? 4 : 6));
  if (v4) return A{*address};
  return Aaaa{*address};
}

Parsed<RecordData> RecordReader::read_mx() const {
  if (const auto reason = expect(2)) return std::unexpected{*reason};
  const auto preference = number<std::uint16_t>(words_[0], "preference");
  if (!preference) return std::unexpected{preference.error()};
  auto exchange = name(words_[1]);
  if (!exchange) return std::unexpected{exchange.error()};
  return Mx{*preference, std::move(*exchange)};
}

Parsed<RecordData> RecordReader::read_txt() const {
  if (words_.empty()) return wrong("at least one character-string is needed");
  Txt txt;
  for (const Token& token : words_) {
    auto string = character_string(token);
    if (!string) return std::unexpected{string.error()};
    if (string->size() > 255)
      return wrong(fmt::format("a character-string of {} octets; at most 255, write several", string->size()));
    txt.strings.push_back(std::move(*string));
  }
  return txt;
}

Parsed<RecordData> RecordReader::read_soa() const {
  if (const auto reason = expect(7)) return std::unexpected{*reason};
  auto primary = name(words_[0]), responsible = name(words_[1]);
  if (!primary) return std::unexpected{primary.error()};
  if (!responsible) return std::unexpected{responsible.error()};
  std::array<std::uint32_t, 5> values{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string_view word = words_[i + 2].raw;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), values[i]);
    if (error == std::errc{} && end == word.data() + word.size()) continue;
    const auto seconds = i == 0 ? std::nullopt : parse_ttl(word);
    if (!seconds) return wrong(fmt::format("\"{}\" is not a number", word));
    values[i] = *seconds;
  }
  return Soa{std::move(*primary), std::move(*responsible), values[0], values[1], values[2], values[3], values[4]};
}

Parsed<RecordData> RecordReader::read_srv() const {
  if (const auto reason = expect(4)) return std::unexpected{*reason};
  const auto priority = number<std::uint16_t>(words_[0], "priority");
  if (!priority) return std::unexpected{priority.error()};
  const auto weight = number<std::uint16_t>(words_[1], "weight");
  if (!weight) return std::unexpected{weight.error()};
  const auto port = number<std::uint16_t>(words_[2], "port");
  if (!port) return std::unexpected{port.error()};
  auto target = name(words_[3]);
  if (!target) return std::unexpected{target.error()};
  return Srv{*priority, *weight, *port, std::move(*target)};
}

Parsed<RecordData> RecordReader::read_tlsa() const {
  if (words_.size() < 4) return wrong("usage, selector, matching type and data are needed");
  const auto usage = number<std::uint8_t>(words_[0], "usage");
  if (!usage) return std::unexpected{usage.error()};
  const auto selector = number<std::uint8_t>(words_[1], "selector");
  if (!selector) return std::unexpected{selector.error()};
  const auto matching_type = number<std::uint8_t>(words_[2], "matching type");
  if (!matching_type) return std::unexpected{matching_type.error()};
  auto data = hex_octets(words_.subspan(3));
  if (!data) return std::unexpected{data.error()};
  return Tlsa{*usage, *selector, *matching_type, std::move(*data)};
}

Parsed<RecordData> RecordReader::read_caa() const {
  if (const auto reason = expect(3)) return std::unexpected{*reason};
  const auto flags = number<std::uint8_t>(words_[0], "flags");
  if (!flags) return std::unexpected{flags.error()};
  auto tag = character_string(words_[1]), value = character_string(words_[2]);
  if (!tag) return std::unexpected{tag.error()};
  if (!value) return std::unexpected{value.error()};
  // RFC 8659 4.1: US-ASCII letters and digits.
  const bool is_tag = std::ranges::all_of(
      *tag, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
  if (tag->empty() || tag->size() > 255 || !is_tag) return wrong("the tag has 1 to 255 letters and digits");
  return Caa{*flags, std::move(*tag), std::move(*value)};
}

/// RFC 3597 5: \# LENGTH HEX.
Parsed<RecordData> RecordReader::read_generic(RecordType type) const {
  if (words_.size() < 2) return wrong("\\# needs a length");
  const auto length = number<std::uint16_t>(words_[1], "length");
  if (!length) return std::unexpected{length.error()};
  auto octets = hex_octets(words_.subspan(2));
  if (!octets) return std::unexpected{octets.error()};
  if (octets->size() != *length) return wrong(fmt::format("\\# {} is followed by {} octets", *length, octets->size()));
  auto data = read_record_data(type, *octets);
  if (!data) return wrong(std::string{text(data.error())});
  return std::move(*data);
}

// ---- the file

class ZoneReader {
 public:
  explicit ZoneReader(std::string_view text) : entries_(text) {}
  Result<Zone, ZoneFileError> read();

 private:
  std::optional<Reason> directive(const Entry& entry);
  std::optional<Reason> record(const Entry& entry);
  std::optional<Reason> comment(std::string_view text);
  Parsed<RecordType> header(const Entry& entry, std::size_t& word);

  EntryReader entries_;
  Zone zone_;
  Name origin_;
  std::optional<Name> owner_;
  std::uint32_t default_ttl_ = zone_default_ttl_seconds;
  std::uint32_t ttl_ = zone_default_ttl_seconds;
};

Result<Zone, ZoneFileError> ZoneReader::read() {
  Entry entry;
  std::string_view steering;
  for (;;) {
    const auto more = entries_.next(entry, steering);
    if (!more) return fail(ZoneFileError{entry.line, more.error().text});
    if (!*more) return std::move(zone_);
    std::optional<Reason> reason;
    if (entry.tokens.empty()) {
      reason = comment(steering);
    } else if (!entry.owner_omitted && !entry.tokens[0].quoted && entry.tokens[0].raw.starts_with('$')) {
      reason = directive(entry);
    } else {
      reason = record(entry);
    }
    if (reason) return fail(ZoneFileError{entry.line, std::move(reason->text)});
  }
}

std::optional<Reason> ZoneReader::directive(const Entry& entry) {
  const std::string_view word = entry.tokens[0].raw;
  if (!same_word(word, "$TTL") && !same_word(word, "$ORIGIN"))
    return Reason{fmt::format("{} is not known here; $TTL and $ORIGIN are", word)};
  if (entry.tokens.size() != 2) return Reason{fmt::format("{} takes one value", word)};
  const std::string& value = entry.tokens[1].raw;
  if (same_word(word, "$TTL")) {
    const auto ttl = parse_ttl(value);
    if (!ttl) return Reason{fmt::format("$TTL \"{}\" is not a number of seconds", value)};
    default_ttl_ = *ttl;
    return std::nullopt;
  }
  const auto origin = Name::parse_relative(value, origin_);
  if (!origin) return Reason{fmt::format("$ORIGIN \"{}\": {}", value, text(origin.error()))};
  origin_ = *origin;
  return std::nullopt;
}

/// [<TTL>] [<class>] <type>, or [<class>] [<TTL>] <type>.
Parsed<RecordType> ZoneReader::header(const Entry& entry, std::size_t& word) {
  ttl_ = default_ttl_;
  bool ttl_seen = false, class_seen = false;
  for (; word < entry.tokens.size(); ++word) {
    const std::string_view raw = entry.tokens[word].raw;
    if (same_word(raw, "CH") || same_word(raw, "HS") || same_word(raw, "CS"))
      return wrong(fmt::format("class {} is not the Internet's (IN)", raw));
    if (!class_seen && same_word(raw, "IN")) {
      class_seen = true;
    } else if (const auto ttl = parse_ttl(raw); !ttl_seen && ttl) {
      ttl_ = *ttl;
      ttl_seen = true;
    } else {
      const auto type = parse_record_type(raw);
      if (!type) return wrong(fmt::format("\"{}\" is no record type", raw));
      ++word;
      return *type;
    }
  }
  return wrong("the record's type is missing");
}

std::optional<Reason> ZoneReader::record(const Entry& entry) {
  std::size_t word = 0;
  if (!entry.owner_omitted) {
    auto owner = Name::parse_relative(entry.tokens[word++].raw, origin_);
    if (!owner) return Reason{fmt::format("\"{}\": {}", entry.tokens[0].raw, text(owner.error()))};
    owner_ = std::move(*owner);
  }
  if (!owner_) return Reason{"the first record has no name"};
  const auto type = header(entry, word);
  if (!type) return type.error();
  const std::span<const Token> words{entry.tokens.data() + word, entry.tokens.size() - word};
  auto data = RecordReader{words, origin_}.read(*type);
  if (!data) return Reason{fmt::format("{}: {}", text(*type), data.error().text)};
  zone_.add(Record{*owner_, *type, ttl_, std::move(*data)});
  return std::nullopt;
}

/// `;; timeout|servfail|bogus NAME [TYPE]`, `;; secure NAME`; other comments say nothing to us.
std::optional<Reason> ZoneReader::comment(std::string_view line) {
  std::vector<std::string_view> words;
  while (words.size() < 4) {
    while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
    if (line.empty()) break;
    const auto end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  if (words.empty()) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, Status>, 3> failures{
      {{"timeout", Status::timeout}, {"servfail", Status::servfail}, {"bogus", Status::bogus}}};
  const auto* failure = std::ranges::find(failures, words[0], &std::pair<std::string_view, Status>::first);
  const bool secure = words[0] == "secure";
  if (failure == failures.end() && !secure) return std::nullopt;
  if (words.size() < 2 || words.size() > (secure ? 2u : 3u))
    return Reason{fmt::format(";; {} takes a name{}", words[0], secure ? "" : " and at most one type")};
  const auto name = Name::parse_relative(words[1], origin_);
  if (!name) return Reason{fmt::format(";; {}: \"{}\": {}", words[0], words[1], text(name.error()))};
  if (secure) {
    zone_.mark_secure(*name);
    return std::nullopt;
  }
  std::optional<RecordType> type;
  if (words.size() == 3) {
    type = parse_record_type(words[2]);
    if (!type) return Reason{fmt::format(";; {}: \"{}\" is no record type", words[0], words[2])};
  }
  zone_.fail_with(*name, type, failure->second);
  return std::nullopt;
}

}  // namespace

Result<Zone, ZoneFileError> Zone::parse(std::string_view text) {
  if (text.size() > zone_file_octets_max) return fail(ZoneFileError{0, "the file is too large"});
  return ZoneReader{text}.read();
}

}  // namespace posthorn::dns
