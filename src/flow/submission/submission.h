// Submission: the door for authors with a login (the MSA of RFC 6409), ports 587 and 465. Nothing before
// authentication, nothing but the login's own addresses in the envelope and in From, rates bounded, the few mends that
// RFC 6409 8 allows; then delivery.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/delivery/transaction.h"
#include "flow/smtp_service/handler.h"
#include "flow/submission/rate_limiter.h"
#include "site/directory/authenticator.h"
#include "site/directory/scram_logins.h"

namespace posthorn::submission {

class Submission final : public smtp_service::HandlerFactory {
 public:
  /// `doorway` is copied; what it points to, and the authenticator, outlive the sessions.
  Submission(delivery::Doorway doorway, directory::Authenticator& authenticator, RateLimiter& rates);

  [[nodiscard]] std::unique_ptr<smtp_service::SessionHandler> make(smtp_service::SessionContext context) override;
  [[nodiscard]] bool offers_scram() override { return scram_logins_.any(); }

  /// Whether a session of this door is logged in with credentials that were just revoked.
  [[nodiscard]] static bool is_revoked(smtp_service::SessionHandler& session, const directory::Revocation& revocation);

  /// A message of an administrator or script on this machine (`message send`): the same road without SMTP. `from` must
  /// be an address that is here.
  struct LocalMessage {
    std::string from;
    std::vector<std::string> to;
    OctetString octets;  ///< LF or CRLF line ends
    std::string by;      ///< who asked, for the story
  };
  [[nodiscard]] Task<Result<MailId, Problem>> submit_local(LocalMessage message);

 private:
  friend class SubmissionHandler;
  delivery::Doorway doorway_;
  directory::Authenticator& authenticator_;
  RateLimiter& rates_;
  directory::ScramLogins scram_logins_;
  runtime::Counter& accepted_;
  runtime::Counter& refused_;
};

}  // namespace posthorn::submission
