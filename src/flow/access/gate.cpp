#include "flow/access/gate.h"

namespace posthorn::access {
namespace {

std::optional<NotNow> not_now(directory::AuthFailure failure) {
  if (failure == directory::AuthFailure::throttled) return NotNow::throttled;
  if (failure == directory::AuthFailure::busy) return NotNow::busy;
  return std::nullopt;
}

/// Naming oneself is harmless.
bool acts_as_other(std::string_view authcid, std::string_view authzid) {
  return !authzid.empty() && authzid != authcid;
}

}  // namespace

std::string_view explain(NotNow reason) {
  return reason == NotNow::throttled ? "too many wrong passwords; wait a quarter of an hour"
                                     : "too many are logging in at this moment; try again";
}

Task<Result<bool, NotNow>> Gate::check_password(std::string authcid, std::string authzid, std::string password) {
  const bool as_other = acts_as_other(authcid, authzid);
  auto identity = co_await authenticator_.password(authcid, std::move(password), peer_, scope_);
  if (!identity) {
    log_.info("login refused", {{"login", authcid}, {"reason", directory::explain(identity.error())}});
    if (const auto reason = not_now(identity.error())) co_return fail(*reason);
    co_return false;
  }
  if (as_other) co_return false;
  identity_ = std::move(*identity);
  co_return true;
}

Result<std::optional<sasl::ScramVerifier>, NotNow> Gate::find_scram_verifier(std::string_view authcid,
                                                                             std::string_view authzid) {
  auto verifier = authenticator_.scram_verifier(authcid, peer_, scope_);
  if (!verifier) {
    if (const auto reason = not_now(verifier.error())) return fail(*reason);
    return std::optional<sasl::ScramVerifier>{};
  }
  // The exchange then fails as for a login that does not exist, before its success could be announced.
  if (acts_as_other(authcid, authzid)) return std::optional<sasl::ScramVerifier>{};
  return std::move(*verifier);
}

bool Gate::succeeded(sasl::Mechanism mechanism, std::string_view authcid) {
  if (!sasl::sends_password(mechanism)) {
    auto identity = authenticator_.scram_finished(authcid, true, peer_, scope_);
    if (!identity) {
      log_.info("login refused", {{"login", authcid}, {"reason", directory::explain(identity.error())}});
      return false;
    }
    identity_ = std::move(*identity);
  }
  log_.info("logged in", {{"login", authcid}, {"mechanism", sasl::name(mechanism)}, {"peer", peer_.text()}});
  return is_current();
}

void Gate::failed(sasl::Mechanism mechanism, std::string_view authcid, std::string_view reason) {
  if (!sasl::sends_password(mechanism)) (void)authenticator_.scram_finished(authcid, false, peer_, scope_);
  identity_.reset();
  log_.info("login failed", {{"login", authcid}, {"reason", reason}, {"peer", peer_.text()}});
}

bool Gate::is_current() const {
  if (!identity_) return false;
  const auto snapshot = directory_.snapshot();
  const auto* account = snapshot->account(identity_->account);
  if (account == nullptr || !account->row.enabled) return false;
  return identity_->login.value == 0 || snapshot->login(identity_->login) != nullptr;
}

}  // namespace posthorn::access
