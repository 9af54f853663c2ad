// Names in a Maildir: of files (unique part, sizes, flags) and of folders (Maildir++). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::message {

struct MaildirName {
  std::string unique;                      ///< up to the first "," or ":"
  std::optional<std::uint64_t> size;       ///< "S=": octets of the file
  std::optional<std::uint64_t> crlf_size;  ///< "W=": octets with CRLF line ends
  bool seen = false, answered = false, flagged = false, deleted = false, draft = false;
  std::vector<std::size_t> keywords;  ///< "a" is 0: places in the folder's dovecot-keywords file, at most 26
};
[[nodiscard]] MaildirName parse_maildir_name(std::string_view file_name);
[[nodiscard]] std::string format_maildir_name(const MaildirName& name);

/// The folder ".A.B" holds the mailbox with the levels A and B; "" is INBOX. Levels as they stand, encoded.
[[nodiscard]] std::vector<std::string> maildir_levels(std::string_view folder);
[[nodiscard]] std::string maildir_folder(const std::vector<std::string>& levels);

}  // namespace posthorn::message
