// The octets of one message for FETCH: in memory where it is small, else read piece by piece, so that a message of a
// gigabyte is answered in flat memory.
#pragma once

#include <memory>
#include <optional>

#include "flow/access/imap_context.h"
#include "standards/imap/section.h"

namespace posthorn::access {

/// Messages up to this are read whole; larger ones in pieces of kPieceOctets.
inline constexpr std::uint64_t kWholeOctetsMax = 1 * MiB;
inline constexpr std::size_t kPieceOctets = 256 * KiB;
/// BINARY decodes a part in memory; RFC 3516 4.3 lets a server refuse what it cannot.
inline constexpr std::uint64_t kDecodedOctetsMax = 64 * MiB;

class Content {
 public:
  /// `read` has the whole message or its first octets; it outlives this.
  Content(ImapContext& context, const mailbox::ReadMessage& read) : context_(context), read_(read) {}

  [[nodiscard]] std::uint64_t size() const { return read_.row.octets.size; }
  /// Its parts; kept for the next command that asks for one of them.
  [[nodiscard]] Task<std::shared_ptr<const message::PartTree>> structure();
  /// What a section is.
  [[nodiscard]] Task<Result<imap::SectionContent, imap::SectionError>> find(const imap::FetchSection& section);
  /// Writes it as an item of the open FETCH response; NIL where the octets cannot be read. False: the client is gone.
  [[nodiscard]] Task<bool> write(const imap::FetchSection& section, const imap::SectionContent& content);
  /// The octets of a range; views into what is there, or `storage` filled. nullopt: they cannot be read.
  [[nodiscard]] Task<std::optional<Octets>> octets_of(imap::OctetRange range, OctetString& storage);

 private:
  [[nodiscard]] Task<bool> write_range(const imap::FetchSection& section, imap::OctetRange range);
  [[nodiscard]] Task<bool> write_decoded(const imap::FetchSection& section, const imap::SectionContent& content);
  [[nodiscard]] Task<message::PartTree> parse_in_pieces();
  [[nodiscard]] Task<message::Header> header();

  ImapContext& context_;
  const mailbox::ReadMessage& read_;
  std::optional<message::Header> header_;
};

}  // namespace posthorn::access
