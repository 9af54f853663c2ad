// What a FETCH asks for (fetch-att of RFC 9051 9, with RFC 7162, 8474, 8514, 8970). Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "standards/imap/numbers.h"

namespace posthorn::imap {

inline constexpr std::size_t section_depth_max = 100;  // as deep as message::mime_depth_max takes messages apart
inline constexpr std::size_t header_names_max = 1000;  // of one HEADER.FIELDS
inline constexpr std::size_t fetch_sections_max = 1000;

/// section-spec: a part number and what of it.
struct SectionSpec {
  enum class Text : unsigned char { whole, header, header_fields, header_fields_not, text, mime };
  std::vector<std::uint32_t> part;  ///< empty: the message itself
  Text text = Text::whole;
  std::vector<std::string> fields;  ///< of HEADER.FIELDS(.NOT), as written, in order

  /// "1.2.HEADER.FIELDS (From To)": as a response echoes it between the brackets.
  [[nodiscard]] std::string wire() const;
  /// "1.2" for PartTree::at_path.
  [[nodiscard]] std::string path() const;
  friend bool operator==(const SectionSpec&, const SectionSpec&) = default;
};

/// "<offset.length>"
struct Partial {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  ///< at least 1
  friend bool operator==(const Partial&, const Partial&) = default;
};

struct FetchSection {
  enum class Kind : unsigned char {
    body,           ///< BODY[…]
    binary,         ///< BINARY[…]: decoded (RFC 3516)
    binary_size,    ///< BINARY.SIZE[…]
    rfc822,         ///< RFC 3501: BODY[] under the name RFC822
    rfc822_header,  ///< BODY.PEEK[HEADER]
    rfc822_text,    ///< BODY[TEXT]
  };
  Kind kind = Kind::body;
  SectionSpec section;
  std::optional<Partial> partial;
  bool peek = false;  ///< \Seen stays as it is
  friend bool operator==(const FetchSection&, const FetchSection&) = default;
};

struct FetchItems {
  bool uid = false;
  bool flags = false;
  bool internal_date = false;
  bool size = false;  ///< RFC822.SIZE
  bool envelope = false;
  bool body = false;  ///< BODYSTRUCTURE without extension data
  bool body_structure = false;
  bool mod_seq = false;
  bool email_id = false;
  bool thread_id = false;
  bool save_date = false;
  bool preview = false;
  bool preview_lazy = false;  ///< RFC 8970 4: only where it costs nothing
  std::vector<FetchSection> sections;

  /// Whether it marks messages \Seen.
  [[nodiscard]] bool sets_seen() const;
  /// Whether the view in memory answers it: uid, flags, internal date, size, modseq and ids.
  [[nodiscard]] bool needs_content() const {
    return envelope || body || body_structure || preview || !sections.empty();
  }
};

}  // namespace posthorn::imap
