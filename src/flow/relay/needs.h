// What a message needs of the host that takes it, by its octets: its sender may have declared more than it holds.
#pragma once

#include <memory>
#include <string>

#include "flow/queue/courier.h"
#include "foundation/base/result.h"
#include "platform/storage/store.h"

namespace posthorn::relay {

struct Needs {
  /// RFC 6152 3: an octet above 127 anywhere.
  bool eight_bit_mime = false;
  /// RFC 6531 3.6: such an octet in the header section, or where MIME header fields of a body part may stand.
  bool smtputf8 = false;
};

/// Finds the needs of a message that is given in pieces of any size, from its first octet on.
class NeedsReader {
 public:
  void feed(Octets piece);
  [[nodiscard]] Needs needs() const;

 private:
  std::string beginning_;  // where the header section stands
  bool is_ascii_ = true;
};

/// Looks at the whole message, a piece at a time.
[[nodiscard]] Task<Result<Needs, Problem>> read_needs(storage::Store& store, std::shared_ptr<const queue::Mail> mail);

}  // namespace posthorn::relay
