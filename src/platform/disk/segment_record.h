// A record of a segment file: one line of text, the octets of a message, a line end. `less` reads it:
//
//   posthorn 5jq2h0n3v8x1c 12345 9a3f00c2 2026-11-22T00:54:38.123Z <ann@alpha.example> <bob@beta.example>
//   Received: from …
//
//   record   = "posthorn" SP id SP length SP crc SP arrival [SP envelope] LF *OCTET LF
//   id       = 13 base32 ; the content's id (base/id.h)
//   length   = 1*20DIGIT ; octets of the message
//   crc      = 8HEXDIG   ; CRC-32C of the message
//   arrival  = RFC 3339 time, UTC, milliseconds
//   envelope = *%x20-7E  ; for people only
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "foundation/base/bytes.h"
#include "foundation/base/id.h"

namespace posthorn::disk {

/// The longest header line, its LF included: what a reader must fetch to parse one.
inline constexpr std::size_t record_header_octets_max = 640;
inline constexpr std::size_t record_envelope_octets_max = 512;

struct RecordHeader {
  MailId id;
  std::uint64_t length = 0;
  std::uint32_t crc = 0;
  std::string envelope;
};

/// The header line with its LF. The arrival is the time in the id; control and 8-bit octets of the envelope become "?".
[[nodiscard]] std::string format_record_header(const RecordHeader& header);

struct ParsedRecordHeader {
  RecordHeader header;
  std::size_t octets = 0;  ///< of the line with its LF; the message begins there
};
/// Reads the header at the start of `octets`; nullopt where none stands.
[[nodiscard]] std::optional<ParsedRecordHeader> parse_record_header(Octets octets);

/// What a whole record occupies, given its header line.
[[nodiscard]] constexpr std::uint64_t record_octets(std::size_t header_octets, std::uint64_t length) {
  return header_octets + length + 1;
}

}  // namespace posthorn::disk
