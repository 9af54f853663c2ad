#include "site/directory/authenticator.h"

#include <utility>
#include <vector>

#include "foundation/crypto/hash.h"
#include "foundation/crypto/password.h"
#include "site/directory/address_key.h"
#include "site/directory/password_text.h"
#include "site/directory/plan.h"
#include "site/directory/scram_logins.h"

namespace posthorn::directory {
namespace {

/// Names longer than any address are nobody's (RFC 5321 4.5.3.1: 64 + 1 + 255, doubled by quoting at most).
constexpr std::size_t user_octets_max = 512;
constexpr std::size_t secret_octets_max = 1024;
/// Logins whose last use waits to be written.
constexpr std::size_t used_max = 10'000;

/// What a client sent as user name, in the form logins and addresses are stored in.
std::string user_key(std::string_view user) {
  if (user.size() > user_octets_max) return {};
  if (const auto mailbox = address::Mailbox::parse(user); mailbox && mailbox->domain() != nullptr) {
    return address_key(mailbox->local_part, *mailbox->domain());
  }
  return local_part_key(user);
}

bool scram_proves(const storage::LoginRow& login, std::string_view secret) {
  const sasl::ScramVerifier made = sasl::make_scram_verifier(secret, login.salt, login.iterations);
  return crypto::constant_time_equals(made.stored_key, login.stored_key);
}

/// One derivation that proves nothing, so that accounts with and without logins answer alike.
void prove_nothing(std::string_view secret) {
  [[maybe_unused]] const auto made = sasl::make_scram_verifier(secret, std::string(16, 'x'));
}

/// What a secret may open, looked up before the work goes to a worker.
struct Candidates {
  std::optional<storage::LoginRow> login;  ///< the one application login it can be
  std::string password_hash;               ///< of the account, where its main password may be tried
};

enum class Opened : std::uint8_t { nothing, login, main_password };

/// The same work for every wrong secret: one SCRAM derivation and one Argon2id verification.
Opened try_secret(const Candidates& candidates, const std::string& secret) {
  if (candidates.login) {
    if (scram_proves(*candidates.login, secret)) return Opened::login;
  } else {
    prove_nothing(secret);
  }
  if (candidates.password_hash.empty()) {
    crypto::verify_nobody(secret);
    return Opened::nothing;
  }
  const std::string typed = password_text(secret);
  bool is_right = crypto::verify_password(typed, candidates.password_hash);
  // A hash of an older version is of the octets as they were typed.
  if (!is_right && typed != secret) is_right = crypto::verify_password(secret, candidates.password_hash);
  return is_right ? Opened::main_password : Opened::nothing;
}

Candidates candidates_for(const Snapshot& snapshot, const std::string& user, std::string_view secret,
                          const Account*& account) {
  Candidates found;
  if (const storage::LoginRow* login = snapshot.login(user)) {
    account = snapshot.account(login->account);
    found.login = *login;
    return found;
  }
  account = snapshot.account_of(user);
  if (account == nullptr) return found;
  found.password_hash = account->row.password_hash;
  for (const std::string& name : account->logins) {
    const storage::LoginRow* login = snapshot.login(name);
    if (login == nullptr || !tag_matches(*login, secret)) continue;
    found.login = *login;
    break;
  }
  return found;
}

}  // namespace

std::string_view explain(AuthFailure failure) {
  switch (failure) {
    case AuthFailure::wrong_credentials:
      return "unknown user or wrong secret";
    case AuthFailure::throttled:
      return "too many wrong guesses lately";
    case AuthFailure::busy:
      return "too many log-ins at once";
    case AuthFailure::disabled:
      return "the account is switched off";
    case AuthFailure::out_of_scope:
      break;
  }
  return "this application login is not for this protocol";
}

Authenticator::Authenticator(Directory& directory, storage::Store& store, runtime::WorkerPool& workers,
                             runtime::Clock& clock, GuessLimits limits)
    : directory_(directory), store_(store), workers_(workers), clock_(clock), guesses_(limits) {}

Task<Result<Identity, AuthFailure>> Authenticator::password(std::string user, std::string secret, IpAddress from,
                                                            Scope scope) {
  const std::string key = user_key(user);
  if (!guesses_.permits(from, key, clock_.now())) co_return fail(AuthFailure::throttled);
  if (secret.size() > secret_octets_max) secret.clear();
  const std::shared_ptr<const Snapshot> snapshot = directory_.snapshot();
  const Account* account = nullptr;
  const Candidates candidates = candidates_for(*snapshot, key, secret, account);

  if (candidates.login && account != nullptr && proven_.knows(*candidates.login, secret))
    co_return admit(*account, &*candidates.login, key, from, scope);
  std::function<Opened()> work = [candidates, secret] { return try_secret(candidates, secret); };
  const std::optional<Opened> opened = co_await workers_.run(std::move(work));
  if (!opened) co_return fail(AuthFailure::busy);
  if (*opened == Opened::login) proven_.remember(*candidates.login, secret);
  if (*opened == Opened::nothing || account == nullptr) {
    guesses_.wrong(from, key, clock_.now());
    co_return fail(AuthFailure::wrong_credentials);
  }
  const storage::LoginRow* login = *opened == Opened::login ? &*candidates.login : nullptr;
  co_return admit(*account, login, key, from, scope);
}

Result<std::optional<sasl::ScramVerifier>, AuthFailure> Authenticator::scram_verifier(std::string_view user,
                                                                                      const IpAddress& from) {
  const std::string key = user_key(user);
  if (!guesses_.permits(from, key, clock_.now())) return fail(AuthFailure::throttled);
  const std::shared_ptr<const Snapshot> snapshot = directory_.snapshot();
  const storage::LoginRow* login = snapshot->login(key);
  if (login == nullptr) return std::nullopt;
  return sasl::ScramVerifier{login->salt, login->iterations, login->stored_key, login->server_key};
}

Result<std::optional<sasl::ScramVerifier>, AuthFailure> Authenticator::scram_verifier(std::string_view user,
                                                                                      const IpAddress& from,
                                                                                      Scope scope) {
  auto verifier = scram_verifier(user, from);
  if (!verifier || !*verifier) return verifier;
  const std::shared_ptr<const Snapshot> snapshot = directory_.snapshot();
  const storage::LoginRow* login = snapshot->login(user_key(user));
  const Account* account = login == nullptr ? nullptr : snapshot->account(login->account);
  if (account == nullptr || !account->row.enabled || !has_scope(login->scope, scope)) return std::nullopt;
  return verifier;
}

Result<Identity, AuthFailure> Authenticator::scram_finished(std::string_view user, bool proven, const IpAddress& from,
                                                            Scope scope) {
  const std::string key = user_key(user);
  const std::shared_ptr<const Snapshot> snapshot = directory_.snapshot();
  const storage::LoginRow* login = snapshot->login(key);
  const Account* account = login == nullptr ? nullptr : snapshot->account(login->account);
  if (!proven || account == nullptr) {
    guesses_.wrong(from, key, clock_.now());
    return fail(AuthFailure::wrong_credentials);
  }
  return admit(*account, login, key, from, scope);
}

Result<Identity, AuthFailure> Authenticator::admit(const Account& account, const storage::LoginRow* login,
                                                   const std::string& user, const IpAddress& from, Scope scope) {
  guesses_.right(from, user, clock_.now());
  // Revoked while the secret was checked: the present directory decides.
  const std::shared_ptr<const Snapshot> present = directory_.snapshot();
  const Account* still = present->account(account.row.id);
  if (still == nullptr || (login != nullptr && present->login(login->id) == nullptr)) {
    return fail(AuthFailure::wrong_credentials);
  }
  if (!still->row.enabled) return fail(AuthFailure::disabled);
  if (login == nullptr) return Identity{account.row.id, account.row.address, {}, account.row.address};
  if (!has_scope(login->scope, scope)) return fail(AuthFailure::out_of_scope);
  note_used(login->id, from, scope);
  return Identity{account.row.id, account.row.address, login->id, login->name};
}

void Authenticator::note_used(storage::LoginId login, const IpAddress& from, Scope scope) {
  const std::lock_guard lock(mutex_);
  if (used_.size() >= used_max && !used_.contains(login.value)) return;
  used_[login.value] = {clock_.now(), fmt::format("{} {}", from.text(), name(scope))};
}

void Authenticator::flush_last_used() {
  std::unordered_map<std::int64_t, Used> used;
  {
    const std::lock_guard lock(mutex_);
    used = std::exchange(used_, {});
  }
  const std::shared_ptr<const Snapshot> snapshot = directory_.snapshot();
  for (const auto& [id, use] : used) {
    const storage::LoginRow* login = snapshot->login(storage::LoginId{id});
    if (login == nullptr) continue;
    storage::LoginRow row = *login;
    row.last_used = use.at;
    row.last_used_from = use.from;
    // A unit each: the precondition keeps a login that was revoked meanwhile from coming back.
    store_.commit_later(storage::Unit{{storage::NameTaken{"login", row.name}}, {storage::PutLogin{std::move(row)}}});
  }
}

}  // namespace posthorn::directory
