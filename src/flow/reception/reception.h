// Reception: the door for the world's mail (the rMTA of RFC 5598), port 25. Decides at RCPT what can be decided there,
// relays for nobody, and answers 250 when delivery has the message on stable storage.
#pragma once

#include <memory>

#include "flow/delivery/transaction.h"
#include "flow/smtp_service/handler.h"

namespace posthorn::reception {

class Reception final : public smtp_service::HandlerFactory {
 public:
  /// `doorway` is copied; what it points to outlives the sessions.
  explicit Reception(delivery::Doorway doorway);

  [[nodiscard]] std::unique_ptr<smtp_service::SessionHandler> make(smtp_service::SessionContext context) override;

 private:
  delivery::Doorway doorway_;
  runtime::Counter& accepted_;
  runtime::Counter& refused_;
  friend class ReceptionHandler;
};

}  // namespace posthorn::reception
