// Downgraded messages: what a reader gets that cannot take UTF-8 in headers (RFC 6856 2.1, by the ways of RFC 6857):
// the header of the message, those of its parts and those of messages within it are rewritten, nothing else.
//
// Fields in ASCII, and those with octets that are no UTF-8 (old mail; it was never internationalized), stay as they
// are, octet for octet. The others:
//   address fields                           display names as encoded-words; an address with a non-ASCII local part
//                                            becomes an empty group whose name tells it (RFC 6857 3.1.8), a group with
//                                            one in it a group whose name tells them all (3.1.7)
//   Content-Type, Content-Disposition        parameters in the form of RFC 2231 (3.1.4)
//   Keywords                                 encoded-words, phrase by phrase
//   Date, MIME-Version, Content-ID …         what is in comments as encoded-words (3.1.3)
//   Received                                 the same; the clauses FOR and ID go where they cannot be written
//   Message-ID, References …                 renamed "Downgraded-NAME", encoded-words (3.1.10)
//   all others                               encoded-words, as in Subject (3.1.1)
// A header section that ends for lack of a separator, or is over the bounds of MimeParser, is left alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foundation/base/bytes.h"
#include "standards/message/mime.h"

namespace posthorn::message {

/// Octets of a message, and what stands in their place.
struct Replacement {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::string ascii;
};
/// What must be replaced for a reader without UTF-8: header sections, in the order of the message; empty where it can
/// be read as it is.
[[nodiscard]] std::vector<Replacement> downgrade(const PartTree& tree);
/// Of a message of `octets`, once replaced.
[[nodiscard]] std::uint64_t downgraded_octets(std::uint64_t octets, const std::vector<Replacement>& replacements);

/// Replaces in a message that comes piece by piece.
class Downgrader {
 public:
  explicit Downgrader(std::vector<Replacement> replacements) : replacements_(std::move(replacements)) {}
  /// What is sent for the next octets of the message.
  [[nodiscard]] OctetString push(Octets octets);

 private:
  std::vector<Replacement> replacements_;
  std::size_t next_ = 0;
  std::uint64_t position_ = 0;
};

/// One field, its line end included; as it is where it is not internationalized.
[[nodiscard]] std::string downgraded_field(const Field& field);

}  // namespace posthorn::message
