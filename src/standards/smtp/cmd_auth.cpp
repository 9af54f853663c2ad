// AUTH (RFC 4954), on submission and under TLS only.
#include <algorithm>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {
namespace {

constexpr std::size_t nonce_octets = 18;

bool has(const std::vector<sasl::Mechanism>& offered, sasl::Mechanism mechanism) {
  return std::ranges::find(offered, mechanism) != offered.end();
}

Reply not_base64() {
  return Reply(501, {5, 5, 2}, "The response is not base64");
}

std::optional<Reply> why_not(const Core& core) {
  if (core.settings->role == Role::reception)
    return Reply(502, {5, 5, 1}, "AUTH is not offered on this port; log in on 587 or 465");
  if (!core.tls) return Reply(538, {5, 7, 11}, "Say STARTTLS first: logins are taken only under TLS");
  if (!core.is_esmtp) return Reply(503, {5, 5, 1}, "Say EHLO first");
  if (!core.login.empty()) return Reply(503, {5, 5, 1}, "Already logged in; one AUTH a connection (RFC 4954 4)");
  return std::nullopt;
}

sasl::ServerContext context_of(const Core& core) {
  const auto offered = core.offered().auth;
  return {.bindings = core.tls->bindings,
          .nonce = codec::base64_encode(core.random(nonce_octets)),
          .unknown_login_secret = core.settings->unknown_login_secret,
          .offered_plus = has(offered, sasl::Mechanism::scram_sha_256_plus)};
}

/// The same words for an unknown login, a wrong secret and a login without a verifier.
Reply not_right(sasl::Mechanism mechanism) {
  return Reply(535, {5, 7, 8},
               sasl::sends_password(mechanism) ? "Login or password not right"
                                               : "Login or password not right; SCRAM is for application logins, a main "
                                                 "password needs PLAIN or LOGIN");
}

}  // namespace

// auth-command = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response] CRLF
// initial-response = base64 / "="
void cmd_auth(Core& core, std::string_view arguments) {
  if (const auto refusal = why_not(core)) return core.refuse(*refusal);
  const auto words = text::words(arguments);
  if (words.empty() || words.size() > 2) return core.refuse(Reply(501, {5, 5, 4}, "Write AUTH mechanism [response]"));
  const auto mechanism = sasl::parse_mechanism(words[0]);
  if (!mechanism || !has(core.offered().auth, *mechanism)) {
    return core.refuse(Reply(504, {5, 5, 4}, "Mechanism not offered; EHLO lists those that are"));
  }
  std::optional<std::string> initial;
  if (words.size() == 2) {
    initial = words[1] == "=" ? std::optional<std::string>("") : codec::base64_decode(words[1]);
    if (!initial) return core.refuse(not_base64());
  }
  core.mechanism = *mechanism;
  core.authcid.clear();
  core.exchange = std::make_unique<sasl::ServerExchange>(*mechanism, context_of(core));
  core.sasl_step(core.exchange->begin(initial));
}

void auth_response(Core& core, std::string_view line) {
  if (line == "*") {
    core.exchange.reset();
    core.reading = Reading::commands;
    return core.refuse(Reply(501, {5, 7, 0}, "Authentication cancelled"));
  }
  const auto octets = codec::base64_decode(line);
  if (!octets) {
    core.exchange.reset();
    core.reading = Reading::commands;
    return core.refuse(not_base64());
  }
  core.sasl_step(core.exchange->respond(*octets));
}

void Core::sasl_step(sasl::Step step) {
  if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    say(Reply(334, codec::base64_encode(challenge->octets)));
    reading = Reading::auth_response;
    return;
  }
  reading = Reading::commands;
  if (auto* need = std::get_if<sasl::NeedPassword>(&step)) {
    authcid = need->authcid;
    return push(
        CheckPassword{mechanism, std::move(need->authcid), std::move(need->authzid), std::move(need->password)});
  }
  if (auto* need = std::get_if<sasl::NeedScramVerifier>(&step)) {
    authcid = need->authcid;
    return push(FindScramVerifier{std::move(need->authcid), std::move(need->authzid)});
  }
  if (const auto* success = std::get_if<sasl::Success>(&step)) return authenticated(*success);
  switch (std::get<sasl::Failure>(step).reason) {
    case sasl::FailureReason::malformed:
      return authentication_failed(Reply(501, {5, 5, 2}, "The response does not follow the mechanism"),
                                   "malformed response");
    case sasl::FailureReason::channel_binding:
      return authentication_failed(not_right(mechanism), "channel binding does not fit");
    case sasl::FailureReason::wrong_credentials:
      return authentication_failed(not_right(mechanism), "wrong login or password");
  }
}

void Core::authenticated(const sasl::Success& success) {
  exchange.reset();
  login = success.authcid;
  say(Reply(235, {2, 7, 0}, "Logged in"));
  push(Authenticated{mechanism, success.authcid, success.authzid});
}

void Core::authentication_failed(const Reply& reply, std::string reason) {
  exchange.reset();
  push(AuthenticationFailed{mechanism, authcid, std::move(reason)});
  if (++auth_failures >= settings->limits.auth_attempts_max) {
    say(reply);
    return end_session({4, 7, 0}, "Too many failed logins", CloseReason::too_many_errors);
  }
  refuse(reply);
}

}  // namespace posthorn::smtp::server
