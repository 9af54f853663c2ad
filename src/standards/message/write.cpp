#include "standards/message/write.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/message/encoded_word.h"

namespace posthorn::message {
namespace {

/// One field of words: folded between words where a line would exceed the preferred length (RFC 5322 2.2.3).
class FoldedField {
 public:
  explicit FoldedField(std::string_view name) {
    out_.reserve(usual_octets);
    out_ += name;
    out_ += ':';
    column_ = out_.size();
    name_end_ = out_.size();
  }

  /// The pieces stand together in one word.
  void word(std::initializer_list<std::string_view> pieces) {
    finish_word();
    for (const std::string_view piece : pieces) word_ += piece;
  }
  void words(std::string_view text) {
    for (const std::string_view each : text::words(text)) word({each});
  }
  /// Behind the last word.
  void attach(std::string_view mark) { word_ += mark; }

  [[nodiscard]] std::string take() {
    finish_word();
    out_ += "\r\n";
    return std::move(out_);
  }

 private:
  static constexpr std::size_t usual_octets = 256;

  void finish_word() {
    if (word_.empty()) return;
    const bool fits = column_ + 1 + word_.size() <= line_octets_preferred || out_.size() == name_end_;
    out_ += fits ? " " : "\r\n\t";
    column_ = (fits ? column_ : 0) + 1 + word_.size();
    out_ += word_;
    word_.clear();
  }

  std::string out_;
  std::string word_;
  std::size_t column_ = 0;
  std::size_t name_end_ = 0;
};

bool is_control(char c) {
  return (c >= 0 && c < ' ') || c == 0x7f;
}

/// Without the octets that could end a field, a comment or a word.
std::string one_word(std::string_view text) {
  std::string out(text.substr(0, line_octets_max - line_octets_preferred));
  std::ranges::replace_if(out, [](char c) { return is_control(c) || c == ' '; }, '?');
  return out;
}

/// The From-domain of RFC 5321 4.4: a Domain or an address literal. Anything else goes into the comment.
bool is_domain_or_literal(std::string_view helo) {
  if (helo.empty() || helo.size() > 255) return false;
  const bool literal = helo.size() > 2 && helo.front() == '[' && helo.back() == ']';
  if (literal) helo = helo.substr(1, helo.size() - 2);
  return std::ranges::all_of(helo, [literal](char c) {
    return text::is_alnum(c) || c == '.' || c == '-' || c == '_' || text::is_non_ascii(c) || (literal && c == ':');
  });
}

/// What stands between is told without the octets that would end the line.
std::string one_line(std::string_view before, std::string_view text, std::string_view after) {
  std::string out;
  out.reserve(before.size() + text.size() + after.size());
  out += before;
  std::ranges::replace_copy_if(text, std::back_inserter(out), is_control, '?');
  out += after;
  return out;
}

std::string address_literal(const IpAddress& address) {
  return (address.is_v6() ? "[IPv6:" : "[") + address.text() + "]";
}

/// from HELO (name [address]); an odd HELO is told as "unknown (name [address] helo=…)".
void add_from(FoldedField& field, const ReceivedTrace& trace) {
  const bool usable = is_domain_or_literal(trace.helo);
  field.word({"from ", usable ? std::string_view(trace.helo) : "unknown"});
  std::string info = "(";
  if (!trace.client_name.empty()) info += one_word(comment_text(trace.client_name)) + " ";
  info += address_literal(*trace.client);
  if (!usable && !trace.helo.empty()) info += " helo=" + one_word(comment_text(trace.helo.substr(0, 255)));
  field.words(info);
  field.attach(")");
}

void add_comment(FoldedField& field, std::string_view text) {
  if (!text.empty()) field.words("(" + comment_text(text) + ")");
}

}  // namespace

std::string comment_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '(' || c == ')' || c == '\\') out.push_back('\\');
    out.push_back(is_control(c) && c != '\t' ? '?' : c);
  }
  return out;
}

std::string write_date(TimePoint at) {
  return fmt::format("Date: {}\r\n", rfc5322_date(at));
}

std::string write_message_id(std::string_view unique, std::string_view domain) {
  return fmt::format("Message-ID: <{}@{}>\r\n", one_word(unique), one_word(domain));
}

std::string write_return_path(std::string_view path) {
  return one_line("Return-Path: <", path, ">\r\n");
}

std::string write_delivered_to(std::string_view mailbox) {
  return one_line("Delivered-To: ", mailbox, "\r\n");
}

std::string write_unstructured(std::string_view name, std::string_view utf8_text) {
  FoldedField field(name);
  field.words(encode_words(utf8_text, EncodedWordContext::unstructured));
  return field.take();
}

std::string write_received(const ReceivedTrace& trace) {
  FoldedField field("Received");
  if (trace.client) add_from(field, trace);
  field.word({"by ", one_word(trace.by)});
  add_comment(field, trace.by_comment);
  field.word({"with ", one_word(trace.with)});
  add_comment(field, trace.tls);
  if (!trace.id.empty()) field.word({"id ", one_word(trace.id)});
  // A quoted local part may hold a space; such a recipient is left out rather than told wrongly.
  if (trace.for_ && one_word(*trace.for_) == *trace.for_) field.word({"for <", *trace.for_, ">"});
  field.attach(";");
  field.words(rfc5322_date(trace.at));
  return field.take();
}

}  // namespace posthorn::message
