// TakenBefore: which messages an import has taken of a source already.
//
// A message is known by what it is, not by where it stands: its octets without the header fields in which mail programs
// keep its flags (Status and the like). So a source may have been changed in between, its messages read, flagged, put
// in another order. One that stands twice in the source is known twice.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"

namespace posthorn::cli {

/// 16 characters of base64.
[[nodiscard]] std::string message_digest(Octets message);
inline constexpr std::size_t message_digest_length = 16;

class TakenBefore {
 public:
  /// Digests one behind the other, as they were kept with a part.
  void add(std::string_view digests);
  /// After the last add().
  void finish();
  [[nodiscard]] bool empty() const { return known_.empty(); }
  /// Whether such a message was taken before; each one known answers once.
  [[nodiscard]] bool find(std::string_view digest);

 private:
  using Digest = std::array<char, message_digest_length>;
  std::vector<Digest> known_;  ///< ascending
  std::vector<bool> found_;
};

}  // namespace posthorn::cli
