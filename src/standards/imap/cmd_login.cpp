// LOGIN and AUTHENTICATE (RFC 9051 6.2, RFC 4959), under TLS only.
#include <algorithm>

#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/imap/server_core.h"

namespace posthorn::imap::server {
namespace {

constexpr std::size_t nonce_octets = 18;

Fault no(ResponseCode code, std::string_view text) {
  return {.is_bad = false, .code = std::move(code), .text = std::string(text)};
}

// RFC 9051 6.2.2: the same words for an unknown login and a wrong password. With SCRAM they are also the same for a
// password that has no verifier, and help whoever has one of those.
Fault wrong_credentials(sasl::Mechanism mechanism) {
  return no(code::authentication_failed(),
            sasl::sends_password(mechanism)
                ? "Login or password not right"
                : "Login or password not right; SCRAM is for application logins, a main password needs PLAIN or LOGIN");
}

sasl::ServerContext context_of(const Core& core) {
  const auto offered = core.offered();
  return {.bindings = core.tls ? core.tls->bindings : sasl::ChannelBindings{},
          .nonce = codec::base64_encode(core.random(nonce_octets)),
          .unknown_login_secret = core.settings->unknown_login_secret,
          .offered_plus = std::ranges::find(offered, sasl::Mechanism::scram_sha_256_plus) != offered.end()};
}

}  // namespace

// login = "LOGIN" SP userid SP password
void cmd_login(Core& core, Scanner& in, bool) {
  auto authcid = in.astring();
  in.space();
  auto password = in.astring();
  in.end();
  if (!in.ok()) return core.refuse(*in.fault());
  if (!core.may_login()) {
    return core.refuse(no(code::privacy_required(), "Say STARTTLS first: logins are taken only under TLS"));
  }
  core.mechanism = sasl::Mechanism::plain;
  core.is_login_command = true;
  core.authcid = authcid;
  core.push(CheckPassword{sasl::Mechanism::plain, true, std::move(authcid), {}, std::move(password)});
}

// authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64); initial-resp = base64 / "="
void cmd_authenticate(Core& core, Scanner& in, bool) {
  const auto name = in.atom();
  std::optional<std::string> initial;
  if (in.accept(' ')) {
    const auto word = in.rest();
    initial = word == "=" ? std::optional<std::string>("") : codec::base64_decode(word);
    if (!initial) return core.refuse(bad("The initial response is not base64"));
  }
  if (!in.ok()) return core.refuse(*in.fault());
  if (!core.may_login()) {
    return core.refuse(no(code::privacy_required(), "Say STARTTLS first: logins are taken only under TLS"));
  }
  const auto mechanism = sasl::parse_mechanism(name);
  const auto offered = core.offered();
  if (!mechanism || std::ranges::find(offered, *mechanism) == offered.end()) {
    return core.refuse(no(code::cannot(), "Mechanism not offered; CAPABILITY lists those that are"));
  }
  core.mechanism = *mechanism;
  core.is_login_command = false;
  core.authcid.clear();
  core.exchange = std::make_unique<sasl::ServerExchange>(*mechanism, context_of(core));
  core.sasl_step(core.exchange->begin(initial));
}

void auth_response(Core& core, std::string_view line) {
  if (line == "*") return core.authentication_failed(bad("Authentication cancelled"), "cancelled");
  const auto octets = codec::base64_decode(line);
  if (!octets) return core.authentication_failed(bad("The response is not base64"), "not base64");
  core.sasl_step(core.exchange->respond(*octets));
}

void Core::sasl_step(sasl::Step step) {
  if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    writer.continuation(codec::base64_encode(challenge->octets));
    reading = Reading::auth_response;
    return;
  }
  reading = Reading::line;
  if (auto* need = std::get_if<sasl::NeedPassword>(&step)) {
    authcid = need->authcid;
    return push(
        CheckPassword{mechanism, false, std::move(need->authcid), std::move(need->authzid), std::move(need->password)});
  }
  if (auto* need = std::get_if<sasl::NeedScramVerifier>(&step)) {
    authcid = need->authcid;
    return push(FindScramVerifier{std::move(need->authcid), std::move(need->authzid)});
  }
  if (const auto* success = std::get_if<sasl::Success>(&step)) return authenticated(success->authcid, success->authzid);
  const auto reason = std::get<sasl::Failure>(step).reason;
  if (reason == sasl::FailureReason::malformed) {
    return authentication_failed(bad("The response does not follow the mechanism"), "malformed response");
  }
  authentication_failed(wrong_credentials(mechanism), reason == sasl::FailureReason::channel_binding
                                                          ? "channel binding does not fit"
                                                          : "wrong login or password");
}

void Core::authenticated(const std::string& who, const std::string& as) {
  exchange.reset();
  login = who;
  state = State::authenticated;
  auth_failures = 0;
  // RFC 9051 6.2.3: the capabilities of the new state save a round trip.
  respond(Condition::ok, {"CAPABILITY " + capability_words(capability_facts())}, "Logged in");
  push(Authenticated{mechanism, who, as});
}

void Core::authentication_failed(const Fault& fault, std::string reason) {
  exchange.reset();
  reading = Reading::line;
  push(AuthenticationFailed{mechanism, authcid, std::move(reason)});
  refuse(fault);
  if (++auth_failures < settings->limits.auth_attempts_max || closed) return;
  bye({}, "Too many failed logins", CloseReason::too_many_errors);
}

void Core::answer_password(bool right) {
  if (open != Open::password) return login_unavailable();
  open = Open::nothing;
  if (closed) return;
  if (!is_login_command) return sasl_step(exchange->password_checked(right));
  if (!right) return authentication_failed(wrong_credentials(mechanism), "wrong login or password");
  authenticated(std::string(authcid), {});
}

void Core::answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier) {
  if (open != Open::scram) return login_unavailable();
  open = Open::nothing;
  if (!closed) sasl_step(exchange->scram_verifier(std::move(verifier)));
}

// RFC 5530 3: UNAVAILABLE, so that clients keep the password and try again.
void Core::login_unavailable() {
  open = Open::nothing;
  if (closed) return;
  exchange.reset();
  push(AuthenticationFailed{mechanism, authcid, "could not be checked"});
  refuse(no(code::unavailable(), "Logins cannot be checked now; try again later"));
}

}  // namespace posthorn::imap::server
