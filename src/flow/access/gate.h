// Gate: the login of one IMAP or POP3 session: the questions of its machine, answered by the site's Authenticator.
// Unknown user, wrong password, and a login without the scope sound alike; the log says which it was.
//
// On the session's loop. What it points to outlives it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/ip_address.h"
#include "foundation/base/task.h"
#include "platform/runtime/log.h"
#include "site/directory/authenticator.h"
#include "site/directory/directory.h"
#include "standards/sasl/mechanism.h"

namespace posthorn::access {

/// Why a login cannot be checked at this moment; the client keeps its password (RFC 5530 UNAVAILABLE, RFC 3206
/// [SYS/TEMP]).
enum class NotNow : unsigned char {
  throttled,  ///< too many wrong guesses
  busy,       ///< the workers that hash passwords have more than they can do
};
[[nodiscard]] std::string_view explain(NotNow reason);

class Gate {
 public:
  Gate(directory::Directory& directory, directory::Authenticator& authenticator, directory::Scope scope, IpAddress peer,
       runtime::Logger log)
      : directory_(directory), authenticator_(authenticator), scope_(scope), peer_(peer), log_(std::move(log)) {}

  /// PLAIN, LOGIN, POP3 PASS. `authzid`: empty or the same as authcid; acting as somebody else is refused.
  [[nodiscard]] Task<Result<bool, NotNow>> check_password(std::string authcid, std::string authzid,
                                                          std::string password);
  /// SCRAM: nullopt (no such login, or not one for this protocol) goes on with a false salt and fails at its end.
  [[nodiscard]] Result<std::optional<sasl::ScramVerifier>, NotNow> find_scram_verifier(std::string_view authcid,
                                                                                       std::string_view authzid);
  /// How the exchange ended. False: the login was revoked while it went on; the session must close.
  [[nodiscard]] bool succeeded(sasl::Mechanism mechanism, std::string_view authcid);
  void failed(sasl::Mechanism mechanism, std::string_view authcid, std::string_view reason);

  /// Who is logged in; nullopt before.
  [[nodiscard]] const std::optional<directory::Identity>& identity() const { return identity_; }
  /// Whether the login still stands and its account is still on.
  [[nodiscard]] bool is_current() const;

 private:
  directory::Directory& directory_;
  directory::Authenticator& authenticator_;
  directory::Scope scope_;
  IpAddress peer_;
  runtime::Logger log_;
  std::optional<directory::Identity> identity_;
};

}  // namespace posthorn::access
