// BODY[…] and BINARY[…] (RFC 9051 6.4.5, RFC 3516): which octets of a message a section stands for. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "standards/imap/fetch_items.h"
#include "standards/message/mime.h"

namespace posthorn::imap {

/// Whether the section can be answered without the message's structure: the whole message, its HEADER or HEADER.FIELDS.
enum class SectionNeed : unsigned char { whole_message, header_only, structure };
[[nodiscard]] SectionNeed needs(const FetchSection& section);

/// What a section is. Either a range of the message as it stands, to be streamed, or octets made for it.
struct SectionContent {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::optional<std::string> made;  ///< HEADER.FIELDS; then offset and length mean nothing
  /// BINARY: the range is to be decoded so.
  message::TransferEncoding encoding = message::TransferEncoding::seven_bit;
};

enum class SectionError : unsigned char {
  no_such_part,  ///< BODY answers NIL or "" (RFC 9051 6.4.5)
  unknown_cte,   ///< BINARY of a part whose encoding nobody knows: NO [UNKNOWN-CTE]
};

/// By the tree of the whole message of `size` octets. `message_header` may be any octets from the message's start that
/// hold all headers asked for: HEADER.FIELDS of nested messages use the tree's own.
[[nodiscard]] Result<SectionContent, SectionError> resolve_section(const FetchSection& section,
                                                                   const message::PartTree& tree, std::uint64_t size);
/// The same for SectionNeed::whole_message and header_only.
[[nodiscard]] SectionContent resolve_header_section(const FetchSection& section, const message::Header& header,
                                                    std::uint64_t size);
/// header-fields of a header, in the message's order, folds kept, with the empty line (RFC 9051 6.4.5).
[[nodiscard]] std::string selected_fields(const message::Header& header, const std::vector<std::string>& names,
                                          bool is_not);

/// `<offset.length>` of a content that has `length` octets: past its end it is empty.
struct OctetRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
[[nodiscard]] OctetRange window(const std::optional<Partial>& partial, std::uint64_t length);

/// All at once, for what is in memory: the octets to write, decoded for BINARY, partial applied.
[[nodiscard]] Result<std::string, SectionError> section_octets(const FetchSection& section,
                                                               const message::PartTree& tree, Octets message);

}  // namespace posthorn::imap
