#include "standards/message/maildir_name.h"

#include "foundation/text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t keywords_max = 26;

}  // namespace

MaildirName parse_maildir_name(std::string_view file_name) {
  MaildirName name;
  const std::size_t colon = file_name.find(":2,");
  const std::string_view flags = colon == std::string_view::npos ? "" : file_name.substr(colon + 3);
  std::string_view base = file_name.substr(0, file_name.find(':'));
  name.unique = text::take_until(base, ',');
  while (!base.empty()) {
    const std::string_view field = text::take_until(base, ',');
    if (field.starts_with("S=")) name.size = text::parse_number(field.substr(2));
    if (field.starts_with("W=")) name.crlf_size = text::parse_number(field.substr(2));
  }
  for (const char flag : flags) {
    if (flag == 'S') name.seen = true;
    if (flag == 'R') name.answered = true;
    if (flag == 'F') name.flagged = true;
    if (flag == 'T') name.deleted = true;
    if (flag == 'D') name.draft = true;
    if (flag >= 'a' && flag <= 'z') name.keywords.push_back(static_cast<std::size_t>(flag - 'a'));
  }
  return name;
}

std::string format_maildir_name(const MaildirName& name) {
  std::string out = name.unique;
  if (name.size) out += fmt::format(",S={}", *name.size);
  if (name.crlf_size) out += fmt::format(",W={}", *name.crlf_size);
  // In ASCII order, as the format asks.
  out += ":2,";
  if (name.draft) out += 'D';
  if (name.flagged) out += 'F';
  if (name.answered) out += 'R';
  if (name.seen) out += 'S';
  if (name.deleted) out += 'T';
  for (const std::size_t keyword : name.keywords)
    if (keyword < keywords_max) out += static_cast<char>('a' + keyword);
  return out;
}

std::vector<std::string> maildir_levels(std::string_view folder) {
  std::vector<std::string> levels;
  if (folder.starts_with('.')) folder.remove_prefix(1);
  while (!folder.empty()) levels.emplace_back(text::take_until(folder, '.'));
  return levels;
}

std::string maildir_folder(const std::vector<std::string>& levels) {
  std::string folder;
  for (const std::string& level : levels) folder += "." + level;
  return folder;
}

}  // namespace posthorn::message
