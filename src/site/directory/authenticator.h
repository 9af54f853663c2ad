// Authenticator: who is this? The main password (Argon2id, on the worker pool) or an application login's generated
// secret (through its SCRAM verifier), with scopes, throttled guessing and batched "last used".
//
// Unknown user and wrong secret take the same time and get the same words. Guessing is slowed by address and by
// account; an address from which the account was opened before is never shut out by what strangers do.
// Thread-safe. Outlived by Directory, WorkerPool, Clock and Store.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "foundation/base/ip_address.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/worker_pool.h"
#include "platform/storage/store.h"
#include "site/directory/directory.h"
#include "site/directory/guess_limiter.h"
#include "site/directory/proven_secrets.h"
#include "standards/sasl/mechanism.h"

namespace posthorn::directory {

/// Who a session belongs to.
struct Identity {
  storage::AccountId account;
  std::string address;     ///< the account's primary address
  storage::LoginId login;  ///< null: the main password was used
  std::string login_name;  ///< what was sent as user name, in our form; for logs and stories
};

enum class AuthFailure : std::uint8_t {
  wrong_credentials,  ///< unknown user or wrong secret: 535 5.7.8
  throttled,          ///< too many wrong guesses: 454 4.7.0, without looking at the secret
  busy,               ///< the worker pool is full: 454 4.7.0
  disabled,           ///< the secret is right, the account is switched off: 535 5.7.8, the log says why
  out_of_scope,       ///< the secret is right, this login is not for this protocol: 535 5.7.8, the log says why
};
[[nodiscard]] std::string_view explain(AuthFailure failure);

class Authenticator {
 public:
  Authenticator(Directory& directory, storage::Store& store, runtime::WorkerPool& workers, runtime::Clock& clock,
                GuessLimits limits);

  /// PLAIN, LOGIN, IMAP LOGIN, POP3 PASS. `user` is an account's address with its main password or with the secret
  /// of one of its application logins, or an application login's name with its secret.
  [[nodiscard]] Task<Result<Identity, AuthFailure>> password(std::string user, std::string secret, IpAddress from,
                                                             Scope scope);

  /// SCRAM: the verifier for sasl::ServerExchange::scram_verifier(). Only application logins have one; nullopt for
  /// everybody else (the exchange then goes on with a false salt).
  [[nodiscard]] Result<std::optional<sasl::ScramVerifier>, AuthFailure> scram_verifier(std::string_view user,
                                                                                       const IpAddress& from);
  /// The same where a login that may not use `scope`, or whose account is off, counts as unknown: for protocols whose
  /// success cannot be taken back. The log says why.
  [[nodiscard]] Result<std::optional<sasl::ScramVerifier>, AuthFailure> scram_verifier(std::string_view user,
                                                                                       const IpAddress& from,
                                                                                       Scope scope);
  /// What the exchange came to.
  [[nodiscard]] Result<Identity, AuthFailure> scram_finished(std::string_view user, bool proven, const IpAddress& from,
                                                             Scope scope);

  /// For sasl::ServerContext.
  [[nodiscard]] const std::string& unknown_login_secret() const { return directory_.unknown_login_secret(); }

  /// Writes what logins were last used; the server calls it about once a minute and at the end.
  void flush_last_used();

 private:
  struct Used {
    TimePoint at;
    std::string from;
  };
  [[nodiscard]] Result<Identity, AuthFailure> admit(const Account& account, const storage::LoginRow* login,
                                                    const std::string& user, const IpAddress& from, Scope scope);
  void note_used(storage::LoginId login, const IpAddress& from, Scope scope);

  Directory& directory_;
  storage::Store& store_;
  runtime::WorkerPool& workers_;
  runtime::Clock& clock_;
  GuessLimiter guesses_;
  ProvenSecrets proven_;
  std::mutex mutex_;
  std::unordered_map<std::int64_t, Used> used_;
};

}  // namespace posthorn::directory
