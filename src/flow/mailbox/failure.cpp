#include "flow/mailbox/failure.h"

#include <algorithm>

#include "foundation/text/ascii.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::mailbox {

OperationFailure failure(OperationError error, std::string why) {
  return {error, std::move(why)};
}

OperationFailure failure_of(const storage::CommitFailure& failed, OperationError otherwise, std::string why) {
  switch (failed.error) {
    case storage::CommitError::no_space:
      return {OperationError::no_space, "The disk is full; try again later."};
    case storage::CommitError::damaged:
      return {OperationError::damaged, "The store is damaged here; the server's log says more."};
    case storage::CommitError::shutting_down:
      return {OperationError::shutting_down, "The server is stopping; try again later."};
    case storage::CommitError::precondition_failed:
      break;
  }
  return {otherwise, std::move(why)};
}

std::optional<std::string> mailbox_name(std::string_view name) {
  if (name.ends_with('/')) name.remove_suffix(1);
  if (name.empty() || name.size() > mailbox_name_octets_max || !message::is_utf8(name)) return std::nullopt;
  // RFC 9051 5.1: no control characters; "%" and "*" would be taken for wildcards.
  const bool bad = std::ranges::any_of(name, [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x20 || octet == 0x7f || c == '*' || c == '%';
  });
  if (bad || name.find("//") != std::string_view::npos || name.front() == '/') return std::nullopt;
  if (std::ranges::count(name, '/') >= static_cast<std::ptrdiff_t>(mailbox_depth_max)) return std::nullopt;
  std::string result(name);
  // RFC 9051 5.1: INBOX in any case, also as the first level of a name below it.
  const std::string_view first = std::string_view(result).substr(0, result.find('/'));
  if (text::iequals(first, "INBOX")) result.replace(0, 5, "INBOX");
  return result;
}

namespace {

/// ABNF atom (RFC 9051 9): flag-keyword.
bool is_atom(std::string_view word) {
  constexpr std::string_view specials = "(){ %*\"\\]";
  return !word.empty() && std::ranges::all_of(word, [&](char c) {
    return c > 0x20 && c < 0x7f && specials.find(c) == std::string_view::npos;
  });
}

}  // namespace

Outcome<std::vector<std::string>> checked_keywords(std::vector<std::string> keywords) {
  for (const std::string& keyword : keywords) {
    if (!is_atom(keyword)) return fail(failure(OperationError::bad_name, "Not a keyword."));
    if (keyword.size() > keyword_octets_max) return fail(failure(OperationError::limit, "A keyword is too long."));
  }
  std::ranges::sort(keywords,
                    [](const std::string& a, const std::string& b) { return text::lower(a) < text::lower(b); });
  const auto again = std::ranges::unique(keywords, [](const auto& a, const auto& b) { return text::iequals(a, b); });
  keywords.erase(again.begin(), again.end());
  if (keywords.size() > keywords_per_email_max) return fail(failure(OperationError::limit, "Too many keywords."));
  return keywords;
}

}  // namespace posthorn::mailbox
