// What SEARCH sees of one message: its header fields and texts, decoded when first asked for. Used inside this room;
// one object a message, on the stack of the search.
#pragma once

#include <optional>
#include <string_view>

#include "foundation/base/bytes.h"
#include "standards/imap/date.h"
#include "standards/imap/text_match.h"
#include "standards/message/mime.h"

namespace posthorn::imap {

class MessageText {
 public:
  /// `message`: whole, or its header alone.
  explicit MessageText(Octets message) : message_(message) {}

  /// A field of that name whose decoded text holds the needle; an empty needle asks for the field. Fields of addresses
  /// are also compared as "name <mailbox@host>", so that comments and folds inside an address do not hide it.
  [[nodiscard]] bool header_has(std::string_view field, const Needle& needle);
  [[nodiscard]] bool body_has(const Needle& needle);
  [[nodiscard]] bool text_has(const Needle& needle);
  [[nodiscard]] std::optional<Day> sent_day();

 private:
  [[nodiscard]] const message::Header& header();
  [[nodiscard]] const message::PartTree& tree();
  [[nodiscard]] bool is_plain();
  [[nodiscard]] bool find_plain();
  [[nodiscard]] bool is_plain_header();
  [[nodiscard]] bool is_absent_from_header(const Needle& needle);
  [[nodiscard]] Octets raw_header();
  [[nodiscard]] Octets raw_body();
  [[nodiscard]] bool header_text_has(const Needle& needle);
  [[nodiscard]] bool parts_have(const Needle& needle);
  void find_header_end();

  Octets message_;
  std::optional<std::size_t> body_offset_;
  std::optional<bool> is_plain_;
  std::optional<bool> is_plain_header_;
  std::optional<message::Header> header_;
  std::optional<message::PartTree> tree_;
};

}  // namespace posthorn::imap
