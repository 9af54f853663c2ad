#include "standards/imap/flags.h"

#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"
#include "standards/imap/quoting.h"

namespace posthorn::imap {
namespace {

struct NamedFlag {
  SystemFlag flag;
  std::string_view name;
};
constexpr std::array<NamedFlag, 6> flag_names{{{SystemFlag::answered, "\\Answered"},
                                               {SystemFlag::flagged, "\\Flagged"},
                                               {SystemFlag::deleted, "\\Deleted"},
                                               {SystemFlag::seen, "\\Seen"},
                                               {SystemFlag::draft, "\\Draft"},
                                               {SystemFlag::recent, "\\Recent"}}};

// IANA "IMAP and JMAP Keywords": common use, and those of RFC 9979.
constexpr std::array<std::string_view, 25> keywords_registered{
    "$Forwarded", "$MDNSent",       "$Junk",         "$NotJunk",         "$Phishing",
    "$Important", "$SubmitPending", "$Submitted",    "$autosent",        "$canunsubscribe",
    "$followed",  "$hasattachment", "$hasmemo",      "$hasnoattachment", "$imported",
    "$istrusted", "$MailFlagBit0",  "$MailFlagBit1", "$MailFlagBit2",    "$maskedemail",
    "$memo",      "$muted",         "$new",          "$notify",          "$unsubscribed"};

}  // namespace

bool Flags::add_keyword(std::string_view keyword) {
  if (has_keyword(keyword)) return false;
  keywords.emplace_back(canonical_keyword(keyword));
  return true;
}

bool Flags::has_keyword(std::string_view keyword) const {
  return std::ranges::any_of(keywords, [&](const std::string& k) { return text::iequals(k, keyword); });
}

bool is_keyword(std::string_view text) {
  return !text.empty() && text.size() <= keyword_octets_max && std::ranges::all_of(text, is_atom_char);
}

std::optional<SystemFlag> parse_system_flag(std::string_view text) {
  for (const auto& [flag, name] : flag_names) {
    if (flag != SystemFlag::recent && text::iequals(name, text)) return flag;
  }
  return std::nullopt;
}

std::string_view name(SystemFlag flag) {
  for (const auto& row : flag_names) {
    if (row.flag == flag) return row.name;
  }
  return {};
}

void append_flags(std::string& output, std::uint8_t system, std::span<const std::string> keywords) {
  const auto before = output.size();
  for (const auto& [flag, name] : flag_names) {
    if ((system & static_cast<std::uint8_t>(flag)) == 0) continue;
    if (output.size() != before) output += ' ';
    output += name;
  }
  for (const auto& keyword : keywords) {
    if (output.size() != before) output += ' ';
    output += keyword;
  }
}

std::span<const std::string_view> registered_keywords() {
  return keywords_registered;
}

std::string_view canonical_keyword(std::string_view keyword) {
  if (!keyword.starts_with('$')) return keyword;
  for (const auto registered : keywords_registered) {
    if (text::iequals(registered, keyword)) return registered;
  }
  return keyword;
}

}  // namespace posthorn::imap
