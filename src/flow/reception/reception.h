// Reception: the door for the world's mail (the rMTA of RFC 5598), port 25. Decides at RCPT what can be decided there,
// relays for nobody, and answers 250 when delivery has the message on stable storage.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "flow/delivery/transaction.h"
#include "flow/reception/verdict_counters.h"
#include "flow/smtp_service/handler.h"
#include "flow/verification/observer.h"
#include "flow/verification/verification.h"
#include "site/config/verification.h"

namespace posthorn::reception {

class Reception final : public smtp_service::HandlerFactory {
 public:
  /// What checks where messages come from. Without a resolver, or switched off by the rules, nothing is checked.
  struct Trust {
    verification::Surroundings around;
    std::vector<verification::Observer*> observers;  ///< outlive the sessions
  };

  /// `doorway` is copied; what it points to outlives the sessions.
  explicit Reception(delivery::Doorway doorway, Trust trust = {}, config::Verification rules = {});

  /// SIGHUP; for messages that end from now on. Thread-safe.
  void reconfigure(config::Verification rules);

  [[nodiscard]] std::unique_ptr<smtp_service::SessionHandler> make(smtp_service::SessionContext context) override;

 private:
  [[nodiscard]] bool verifies() const;
  void observe(const smtp::server::Session& machine, delivery::Arrival& arrival, const verification::Verdicts& verdicts,
               const verification::Decision& decision);

  delivery::Doorway doorway_;
  Trust trust_;
  std::atomic<std::shared_ptr<const config::Verification>> rules_;
  runtime::Counter& accepted_;
  runtime::Counter& refused_;
  VerdictCounters verdicts_;
  friend class ReceptionHandler;
};

}  // namespace posthorn::reception
