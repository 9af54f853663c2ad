#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "standards/authentication_results/authentication_results.h"
#include "standards/message/edit.h"

namespace posthorn::authentication_results {
namespace {

constexpr std::size_t kLineOctets = 78;                   // RFC 5322 2.1.1
constexpr std::string_view kSpecials = "()<>,;\\\"=[]?";  // RFC 2045 tspecials without "/", ":" and "@"

bool is_bare(std::string_view text) {
  const auto plain = [](char c) { return text::is_visible(c) && !kSpecials.contains(c); };
  return !text.empty() && std::ranges::all_of(text, plain);
}

/// Octets that could end a line become "?"; nothing is longer than value_octets_max.
std::string harmless(std::string_view text) {
  std::string out{text.substr(0, value_octets_max)};
  std::ranges::replace_if(out, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return out;
}

/// value = token / quoted-string
std::string value_of(std::string_view text) {
  if (is_bare(text) && text.size() <= value_octets_max) return std::string{text};
  std::string out = "\"";
  for (const char c : harmless(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// Keywords come from us alone; what is not one is replaced all the same.
std::string keyword(std::string_view text) {
  std::string out{text.substr(0, 64)};
  std::ranges::replace_if(out, [](char c) { return !text::is_alnum(c) && c != '-' && c != '_'; }, '-');
  return out.empty() ? "unknown" : out;
}

std::string comment_of(std::string_view text) {
  std::string out = "(";
  for (const char c : harmless(text)) {
    if (c == '(' || c == ')' || c == '\\') out += '\\';
    out += c;
  }
  return out + ')';
}

/// The words of one result; white space of any kind may stand between them.
std::vector<std::string> words_of(const MethodResult& result) {
  std::string first = keyword(result.method);
  if (result.version != 1) first += fmt::format("/{}", result.version);
  std::vector<std::string> out{first + "=" + keyword(result.result)};
  if (!result.comment.empty()) out.push_back(comment_of(result.comment));
  if (!result.reason.empty()) out.push_back("reason=" + value_of(result.reason));
  for (const Property& p : result.properties)
    out.push_back(fmt::format("{}.{}={}", keyword(p.ptype), keyword(p.property), value_of(p.value)));
  return out;
}

std::string head_of(const AuthenticationResults& results) {
  std::string out = value_of(results.authserv_id);
  if (results.version != 1) out += fmt::format(" {}", results.version);
  return out;
}

}  // namespace

std::string value_text(const AuthenticationResults& results) {
  std::string out = head_of(results);
  if (results.results.empty()) return out + "; none";
  for (const MethodResult& result : results.results) out += fmt::format("; {}", fmt::join(words_of(result), " "));
  return out;
}

std::string folded_value_text(const AuthenticationResults& results) {
  std::string out = head_of(results);
  if (results.results.empty()) return out + "; none";
  for (const MethodResult& result : results.results) {
    out += ";\r\n\t";
    std::size_t line = 1;
    for (const std::string& word : words_of(result)) {
      const bool first = line == 1;
      const bool fits = line + 1 + word.size() < kLineOctets;
      if (!first) out += fits ? " " : "\r\n\t";
      line = (first || fits ? line + 1 : 2) + word.size();
      out += word;
    }
  }
  return out;
}

std::string write(const AuthenticationResults& results) {
  return fmt::format("{}: {}\r\n", field_name, folded_value_text(results));
}

bool claims_authserv_id(Octets value, std::string_view authserv_id) {
  std::string claimed = message::authserv_id_of(value);
  if (claimed.ends_with('.')) claimed.pop_back();  // the same host, written absolutely
  return text::iequals(claimed, authserv_id);
}

}  // namespace posthorn::authentication_results
