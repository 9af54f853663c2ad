#include "flow/smtp_service/handler.h"

namespace posthorn::smtp_service {

// A door that offers no AUTH is never asked; if it were, the answer is no.
Task<Result<bool, SessionHandler::CannotCheck>> SessionHandler::check_password(const smtp::server::CheckPassword&) {
  co_return false;
}

Task<Result<std::optional<sasl::ScramVerifier>, SessionHandler::CannotCheck>> SessionHandler::find_scram_verifier(
    const smtp::server::FindScramVerifier&) {
  co_return std::optional<sasl::ScramVerifier>{};
}

}  // namespace posthorn::smtp_service
