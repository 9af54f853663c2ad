// The structure of a message (RFC 2045, 2046): a tree of parts with exact octet offsets, made in one pass.
//
// MimeParser takes the message piece by piece and keeps the part headers and boundaries only; bodies are found later
// by their offsets. Depth, number of parts and octets of part headers are bounded; what exceeds them stays inside its
// parent's body, unread (`PartTree::truncated`). Offsets count the octets as pushed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standards/message/header.h"
#include "standards/message/parameters.h"
#include "standards/message/transfer_encoding.h"

namespace posthorn::message {

// No standard bounds these; the largest real messages nest below 20 and hold below 1,000 parts.
inline constexpr std::size_t mime_depth_max = 100;
inline constexpr std::size_t mime_parts_max = 10'000;
inline constexpr std::size_t mime_header_octets_total_max = 8 * MiB;
inline constexpr std::size_t boundary_octets_max = 70;  // RFC 2046 5.1.1; longer ones are honoured up to 998

/// One body part; indices point into PartTree::parts.
struct Part {
  Header header;
  std::uint64_t header_offset = 0;  ///< octets of the message before the part's header
  std::uint64_t body_offset = 0;    ///< after the empty line
  std::uint64_t body_length = 0;    ///< undecoded; without the line end that belongs to the boundary (RFC 2046 5.1.1)
  std::uint64_t body_lines = 0;     ///< line ends in the body (RFC 9051 BODYSTRUCTURE)
  ParameterizedValue content_type;  ///< with the default filled in: text/plain, or message/rfc822 in a digest
  TransferEncoding encoding = TransferEncoding::seven_bit;
  std::optional<ParameterizedValue> disposition;
  std::optional<std::size_t> parent;
  std::vector<std::size_t> children;  ///< of a multipart: its parts; of message/rfc822: the one embedded message
  std::size_t depth = 0;
  /// A multipart that ended without its close-delimiter, or had no boundary.
  bool unterminated = false;

  [[nodiscard]] bool is_multipart() const { return content_type.value.starts_with("multipart/"); }
  /// message/rfc822 or message/global whose content was taken apart.
  [[nodiscard]] bool is_message() const;
  [[nodiscard]] bool is_text() const { return content_type.value.starts_with("text/"); }
  [[nodiscard]] std::string_view type() const;
  [[nodiscard]] std::string_view subtype() const;
  /// From the disposition's "filename" or the type's "name", decoded.
  [[nodiscard]] std::optional<std::string> file_name() const;
};

struct PartTree {
  std::vector<Part> parts;  ///< in the order of the message; parts[0] is the message itself
  bool truncated = false;   ///< a bound was met
  /// IMAP part number (RFC 9051 6.4.5.1): "1.2"; "" for a message that is a multipart, "1" for one of one part. A
  /// multipart inside a message/rfc822 has the number of that part, which at_path gives to the outer one.
  [[nodiscard]] std::string path(std::size_t part) const;
  /// The part of that number; nullopt when there is none.
  [[nodiscard]] std::optional<std::size_t> at_path(std::string_view path) const;
};

/// The octets of a part's body in the message the tree was made from.
[[nodiscard]] Octets body_of(const Part& part, Octets message);
/// A text part decoded to UTF-8.
[[nodiscard]] std::string text_of(const Part& part, Octets message);

class MimeParser {
 public:
  MimeParser();
  ~MimeParser();
  MimeParser(MimeParser&&) noexcept;
  MimeParser& operator=(MimeParser&&) noexcept;

  void push(Octets octets);
  /// The message is over; call once.
  [[nodiscard]] PartTree finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] PartTree parse_mime(Octets message);

}  // namespace posthorn::message
