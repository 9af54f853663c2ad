#include "standards/message/write.h"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/message/encoded_word.h"

namespace posthorn::message {
namespace {

/// One field of words: folded between words where a line would exceed the preferred length (RFC 5322 2.2.3).
std::string fold_words(std::string_view name, const std::vector<std::string>& words) {
  std::string out = fmt::format("{}:", name);
  std::size_t column = out.size();
  for (const std::string& word : words) {
    if (word.empty()) continue;
    const bool fits = column + 1 + word.size() <= line_octets_preferred;
    const bool first = out.size() == name.size() + 1;
    out += fits || first ? " " : "\r\n\t";
    column = (fits || first ? column : 0) + 1 + word.size();
    out += word;
  }
  return out + "\r\n";
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : text::words(text)) words.emplace_back(word);
  return words;
}

/// Without the octets that could end a field, a comment or a word.
std::string one_word(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, line_octets_max - line_octets_preferred)) {
    const bool safe = c > ' ' ? c != 0x7f : text::is_non_ascii(c);
    out.push_back(safe ? c : '?');
  }
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

std::string address_literal(const IpAddress& address) {
  return fmt::format("[{}{}]", address.is_v6() ? "IPv6:" : "", address.text());
}

/// from HELO (name [address]); an odd HELO is told as "unknown (name [address] helo=…)".
std::vector<std::string> from_words(const ReceivedTrace& trace) {
  const bool usable = is_domain_or_literal(trace.helo);
  std::vector<std::string> words{"from " + (usable ? trace.helo : "unknown")};
  std::string info = trace.client_name.empty() ? "" : one_word(comment_text(trace.client_name)) + " ";
  info += address_literal(*trace.client);
  if (!usable && !trace.helo.empty()) info += " helo=" + one_word(comment_text(trace.helo.substr(0, 255)));
  for (auto& word : split_words("(" + info + ")")) words.push_back(std::move(word));
  return words;
}

}  // namespace

std::string comment_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '(' || c == ')' || c == '\\') out.push_back('\\');
    const bool control = (c >= 0 && c < ' ' && c != '\t') || c == 0x7f;
    out.push_back(control ? '?' : c);
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
  std::string safe;
  for (const char c : path) safe.push_back((c >= 0 && c < ' ') || c == 0x7f ? '?' : c);
  return fmt::format("Return-Path: <{}>\r\n", safe);
}

std::string write_delivered_to(std::string_view mailbox) {
  std::string safe;
  for (const char c : mailbox) safe.push_back((c >= 0 && c < ' ') || c == 0x7f ? '?' : c);
  return fmt::format("Delivered-To: {}\r\n", safe);
}

std::string write_unstructured(std::string_view name, std::string_view utf8_text) {
  return fold_words(name, split_words(encode_words(utf8_text, EncodedWordContext::unstructured)));
}

std::string write_received(const ReceivedTrace& trace) {
  std::vector<std::string> words;
  if (trace.client) words = from_words(trace);
  words.push_back("by " + one_word(trace.by));
  if (!trace.by_comment.empty())
    for (auto& word : split_words("(" + comment_text(trace.by_comment) + ")")) words.push_back(std::move(word));
  words.push_back("with " + one_word(trace.with));
  if (!trace.tls.empty())
    for (auto& word : split_words("(" + comment_text(trace.tls) + ")")) words.push_back(std::move(word));
  if (!trace.id.empty()) words.push_back("id " + one_word(trace.id));
  // A quoted local part may hold a space; such a recipient is left out rather than told wrongly.
  if (trace.for_ && one_word(*trace.for_) == *trace.for_) words.push_back(fmt::format("for <{}>", *trace.for_));
  words.back() += ";";
  for (auto& word : split_words(rfc5322_date(trace.at))) words.push_back(std::move(word));
  return fold_words("Received", words);
}

}  // namespace posthorn::message
