// USER, PASS, AUTH, STLS, CAPA, UTF8, LANG: what stands before the login, and what is offered.
#include <algorithm>

#include "foundation/codec/base64.h"
#include "foundation/crypto/random.h"
#include "foundation/text/ascii.h"
#include "standards/pop3/server_core.h"

namespace posthorn::pop3::server {
namespace {

constexpr std::size_t nonce_octets = 18;
// The same for an unknown login, a wrong password, and with SCRAM for a password that has no verifier.
constexpr std::string_view wrong_credentials = "Login or password not right";
constexpr std::string_view wrong_for_scram =
    "Login or password not right; SCRAM is for application logins, a main password needs PLAIN, LOGIN or USER";

bool has(const std::vector<sasl::Mechanism>& among, sasl::Mechanism mechanism) {
  return std::ranges::find(among, mechanism) != among.end();
}

std::string random_octets(const Core& core, std::size_t count) {
  return core.settings.random ? core.settings.random(count) : crypto::random_octets(count);
}

}  // namespace

std::vector<sasl::Mechanism> Core::offered() const {
  std::vector<sasl::Mechanism> offered;
  if (!tls) return offered;  // RFC 8314 3.3: no login in clear
  for (const sasl::Mechanism each : settings.mechanisms)
    if (each != sasl::Mechanism::scram_sha_256_plus || bindings.any()) offered.push_back(each);
  return offered;
}

// RFC 1939 7: "USER name"; every name is taken, so that nobody learns which there are.
void cmd_user(Core& core, std::string_view arguments) {
  if (!core.tls) return core.refuse("Say STLS first: logins are taken only under TLS");
  if (arguments.empty()) return core.refuse("USER needs a name");
  core.user = arguments;
  core.ok("Send PASS");
}

// RFC 1939 7: the rest of the line is the password, spaces included.
void cmd_pass(Core& core, std::string_view arguments) {
  if (core.user.empty()) return core.refuse("Say USER first");
  core.mechanism = sasl::Mechanism::plain;
  core.authcid = std::exchange(core.user, {});
  core.ask(Waiting::password, CheckPassword{core.mechanism, core.authcid, "", std::string(arguments)});
}

// RFC 5034 4: "AUTH" mechanism [SP initial-response]; without arguments the list, as clients before it ask.
void cmd_auth(Core& core, std::string_view arguments) {
  const auto words = text::words(arguments);
  if (words.empty()) {
    core.ok("Mechanisms");
    for (const sasl::Mechanism each : core.offered()) core.output += std::string(sasl::name(each)) + "\r\n";
    core.output += ".\r\n";
    return;
  }
  if (!core.tls) return core.refuse("Say STLS first: logins are taken only under TLS");
  const auto mechanism = sasl::parse_mechanism(words[0]);
  if (words.size() > 2 || !mechanism || !has(core.offered(), *mechanism))
    return core.refuse("Mechanism not offered; CAPA lists those that are");
  std::optional<std::string> initial;
  if (words.size() == 2) {
    // RFC 5034 4: "=" is an empty initial response.
    initial = words[1] == "=" ? std::optional<std::string>("") : codec::base64_decode(words[1]);
    if (!initial) return core.refuse("The response is not base64");
  }
  core.begin_exchange(*mechanism, initial);
}

void Core::begin_exchange(sasl::Mechanism which, std::optional<std::string_view> initial) {
  mechanism = which;
  authcid.clear();
  sasl::ServerContext context{.bindings = bindings,
                              .nonce = codec::base64_encode(random_octets(*this, nonce_octets)),
                              .unknown_login_secret = settings.unknown_login_secret,
                              .offered_plus = has(offered(), sasl::Mechanism::scram_sha_256_plus)};
  exchange = std::make_unique<sasl::ServerExchange>(which, std::move(context));
  step(exchange->begin(initial));
}

void Core::auth_response(std::string_view line) {
  reading = Reading::commands;
  const auto octets = line == "*" ? std::nullopt : codec::base64_decode(line);
  if (!octets) {
    exchange.reset();
    return refuse(line == "*" ? "Authentication cancelled" : "The response is not base64");
  }
  step(exchange->respond(*octets));
}

void Core::step(sasl::Step step) {
  if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
    output += "+ " + codec::base64_encode(challenge->octets) + "\r\n";
    reading = Reading::auth_response;
  } else if (auto* password = std::get_if<sasl::NeedPassword>(&step)) {
    authcid = password->authcid;
    ask(Waiting::password, CheckPassword{mechanism, authcid, password->authzid, std::move(password->password)});
  } else if (auto* verifier = std::get_if<sasl::NeedScramVerifier>(&step)) {
    authcid = verifier->authcid;
    ask(Waiting::scram_verifier, FindScramVerifier{authcid, verifier->authzid});
  } else if (auto* success = std::get_if<sasl::Success>(&step)) {
    exchange.reset();
    ask(Waiting::maildrop, OpenMaildrop{mechanism, success->authcid, success->authzid});
  } else if (std::get<sasl::Failure>(step).reason == sasl::FailureReason::malformed) {
    exchange.reset();
    events.emplace_back(AuthenticationFailed{mechanism, authcid, "malformed response"});
    refuse("The response does not follow the mechanism");
  } else {
    const bool binding = std::get<sasl::Failure>(step).reason == sasl::FailureReason::channel_binding;
    login_failed(binding ? "channel binding does not fit" : "wrong login or password");
  }
}

void Core::login_failed(std::string reason) {
  exchange.reset();
  events.emplace_back(AuthenticationFailed{mechanism, authcid, std::move(reason)});
  // RFC 3206 4: the credentials are what is wrong.
  err("AUTH", sasl::sends_password(mechanism) ? wrong_credentials : wrong_for_scram);
  if (++auth_failures >= settings.limits.auth_attempts_max) close(CloseReason::too_many_errors);
}

// RFC 2595 4.
void cmd_stls(Core& core, std::string_view arguments) {
  if (core.tls) return core.refuse("TLS is active already");
  if (!core.settings.stls || !arguments.empty()) return core.refuse("STLS is not offered");
  // RFC 6856 2.1: STLS must not follow UTF8.
  if (core.utf8) return core.refuse("STLS comes before UTF8");
  core.ok("Begin TLS");
  // RFC 2595 2.3, as RFC 3207 6 for SMTP: what was sent in clear behind it is not ours to trust.
  if (!core.input.empty()) return core.close(CloseReason::protocol);
  core.ask(Waiting::tls, StartTls{});
}

// RFC 2449 5. The list holds what works at this moment.
void cmd_capa(Core& core, std::string_view) {
  core.ok("Capabilities");
  core.output += "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n";
  if (core.state == State::authorization && core.tls) core.output += "USER\r\n";
  const auto offered = core.offered();
  if (!offered.empty()) {
    core.output += "SASL";
    for (const sasl::Mechanism each : offered) core.output += " " + std::string(sasl::name(each));
    core.output += "\r\n";
  }
  if (core.settings.stls && !core.tls) core.output += "STLS\r\n";
  // RFC 2449 6.7: what is here stays until its owner deletes it.
  core.output += "EXPIRE NEVER\r\nUTF8 USER\r\nLANG\r\nIMPLEMENTATION Posthorn\r\n.\r\n";
}

// RFC 6856 2.1. Headers are sent as they are from here on; without it flow/access downgrades those with UTF-8 in them.
void cmd_utf8(Core& core, std::string_view arguments) {
  if (!arguments.empty()) return core.refuse("UTF8 takes no argument");
  core.utf8 = true;
  core.ok("UTF8 enabled");
}

// RFC 6856 3: texts for people are in English.
void cmd_lang(Core& core, std::string_view arguments) {
  if (arguments.empty()) {
    core.ok("Languages");
    core.output += "en English\r\n.\r\n";
  } else if (arguments == "*" || text::iequals(arguments, "en") || text::iequals(arguments, "i-default")) {
    core.ok(text::iequals(arguments, "i-default") ? "i-default Texts are in English" : "en Texts are in English");
  } else {
    core.refuse("There are texts in English only");
  }
}

}  // namespace posthorn::pop3::server
