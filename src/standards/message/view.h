// A message as a person or a program looks at it: the plain structs behind `parse message` and `parse address
// --context header`. The command line turns them into JSON; nothing here knows of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standards/message/mime.h"

namespace posthorn::message {

struct FieldView {
  std::string name;
  std::string raw;      ///< the value as it stands, folds kept; UTF-8 (other octets read as Windows-1252)
  std::string decoded;  ///< unfolded, encoded-words decoded
};

struct PartView {
  std::string path;  ///< PartTree::path
  std::string type;  ///< "text/plain"
  std::optional<std::string> disposition, file_name, charset;
  std::string encoding;
  std::vector<FieldView> header;  ///< empty for the first part: MessageView has it
  std::uint64_t offset = 0;       ///< of the body, in the CRLF form
  std::uint64_t length = 0;
  std::uint64_t decoded_length = 0;
  std::optional<std::string> text;  ///< of text parts, decoded to UTF-8
  std::vector<PartView> parts;
};

struct MessageView {
  std::vector<FieldView> header;
  std::vector<PartView> parts;  ///< one: the message's body
  bool truncated = false;       ///< a bound of mime.h was met
};
/// `message` in its CRLF form.
[[nodiscard]] MessageView view_message(Octets message);

struct MailboxView {
  std::string display;  ///< encoded-words decoded; empty when there is none
  std::string local_part, domain;
  std::optional<std::string> group;
};
/// A From, To, Cc… value; nullopt where it is no address list.
[[nodiscard]] std::optional<std::vector<MailboxView>> view_address_list(Octets field_body);

/// The preview of RFC 8970: at most `characters` UTF-8 characters of the first text part, white space folded, tags
/// of HTML left out. Empty where there is no text.
inline constexpr std::size_t preview_characters_max = 200;
[[nodiscard]] std::string preview(const PartTree& tree, Octets message,
                                  std::size_t characters = preview_characters_max);

/// Bare LF becomes CRLF, so that files of either kind are read alike; bare CR stays.
[[nodiscard]] std::string with_crlf(std::string_view text);

}  // namespace posthorn::message
