// Body: the octets of a queued message in pieces, out of memory where acceptance left them there, else out of the
// store, never the whole of a big one at once.
#pragma once

#include <memory>

#include "flow/queue/courier.h"
#include "foundation/base/result.h"
#include "platform/storage/store.h"

namespace posthorn::queue {

inline constexpr std::size_t body_piece_octets = 256 * KiB;

class Body {
 public:
  Body(storage::Store& store, std::shared_ptr<const Mail> mail);

  [[nodiscard]] std::uint64_t size() const { return mail_->row.octets.size; }
  /// The next piece, empty at the end; valid until the next call. Where the content is in memory this never waits.
  [[nodiscard]] Task<Result<Octets, Problem>> next();

 private:
  [[nodiscard]] Octets next_in_memory();

  storage::Store& store_;
  std::shared_ptr<const Mail> mail_;
  std::uint64_t offset_ = 0;
  std::size_t range_ = 0;
  OctetString piece_;
};

/// The first `max` octets of the message, all of it where it is shorter.
[[nodiscard]] Task<Result<OctetString, Problem>> read_beginning(storage::Store& store, std::shared_ptr<const Mail> mail,
                                                                std::size_t max);

}  // namespace posthorn::queue
