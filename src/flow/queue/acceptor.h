// Acceptor: the way in for messages of our own (delivery status reports, what the server has to tell). The queue
// declares it, flow/delivery implements it, because there is one way in (DESIGN: the acceptance law).
#pragma once

#include <string>

#include "foundation/base/bytes.h"
#include "foundation/base/id.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "platform/storage/unit.h"

namespace posthorn::queue {

/// A finished message of ours: null reverse-path, one recipient.
struct OwnMessage {
  MailId id;
  std::string recipient;  ///< the reverse-path of the mail reported on, without brackets
  OctetString octets;     ///< CRLF line ends, complete (Date, Message-ID), no Received
  bool eight_bit = false;
  bool smtputf8 = false;
  bool require_tls = false;                        ///< RFC 8689 4.3: the mail reported on asked for it
  std::string what = "a delivery report of ours";  ///< the first line of its story
};

class Acceptor {
 public:
  virtual ~Acceptor() = default;

  /// Decides for the one recipient (mailbox or queue) and plans the unit that accepts the message, its story
  /// included, without committing it: the queue adds the removal of what the report reports, so that both are one
  /// unit. A permanent Problem: there is nobody who could get it (an unknown local user); the queue then records the
  /// reported recipients as undeliverable. A temporary one: the queue asks again later. Thread-safe.
  [[nodiscard]] virtual Task<Result<storage::Unit, Problem>> plan(OwnMessage message) = 0;
};

}  // namespace posthorn::queue
