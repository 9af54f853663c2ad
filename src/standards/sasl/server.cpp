#include "standards/sasl/server.h"

#include "foundation/codec/base64.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"
#include "standards/sasl/scram.h"

namespace posthorn::sasl {
namespace {

constexpr std::size_t fake_salt_octets = 16;

enum class Stage : unsigned char {
  begin,
  plain_response,
  login_name,
  login_password,
  password_check,
  scram_first,
  scram_lookup,
  scram_final,
  scram_end,
  over,
};

bool is_credential(std::string_view text) {
  return !text.empty() && text.size() <= credential_octets_max && text::is_utf8(text) &&
         text.find('\0') == std::string_view::npos;
}

}  // namespace

struct ServerExchange::State {
  State(Mechanism m, ServerContext c) : mechanism(m), context(std::move(c)) {}

  Step fail_with(FailureReason reason) {
    stage = Stage::over;
    return Failure{reason};
  }
  Step plain(std::string_view message);
  Step login_name(std::string_view name);
  Step login_password(std::string_view password);
  Step scram_first(std::string_view message);
  Step scram_challenge();
  Step scram_final(std::string_view message);
  [[nodiscard]] std::optional<FailureReason> check_binding_flag() const;
  [[nodiscard]] std::string expected_binding() const;

  Mechanism mechanism;
  ServerContext context;
  Stage stage = Stage::begin;
  std::string authcid;
  std::string authzid;
  scram::Gs2Header gs2;
  std::string client_first_bare;
  std::string client_nonce;
  std::string server_first;
  ScramVerifier verifier;
  bool is_known = false;
};

// RFC 4616 2: message = [authzid] UTF8NUL authcid UTF8NUL passwd
Step ServerExchange::State::plain(std::string_view message) {
  const auto first = message.find('\0');
  const auto second = first == std::string_view::npos ? first : message.find('\0', first + 1);
  if (second == std::string_view::npos) return fail_with(FailureReason::malformed);
  const auto as = message.substr(0, first);
  const auto who = message.substr(first + 1, second - first - 1);
  const auto password = message.substr(second + 1);
  if (!is_credential(who) || !is_credential(password) || (!as.empty() && !is_credential(as))) {
    return fail_with(FailureReason::malformed);
  }
  authcid = who;
  authzid = as;
  stage = Stage::password_check;
  return NeedPassword{authcid, authzid, std::string(password)};
}

Step ServerExchange::State::login_name(std::string_view name) {
  if (!is_credential(name)) return fail_with(FailureReason::malformed);
  authcid = name;
  stage = Stage::login_password;
  return Challenge{"Password:"};
}

Step ServerExchange::State::login_password(std::string_view password) {
  if (!is_credential(password)) return fail_with(FailureReason::malformed);
  stage = Stage::password_check;
  return NeedPassword{authcid, {}, std::string(password)};
}

// client-first-message = gs2-header client-first-message-bare
// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
Step ServerExchange::State::scram_first(std::string_view message) {
  const auto header = scram::take_gs2_header(message);
  if (!header) return fail_with(FailureReason::malformed);
  gs2 = *header;
  client_first_bare = message;
  const auto name = scram::take_attribute(message, 'n');
  const auto nonce = scram::take_attribute(message, 'r');
  const auto decoded = name ? scram::decode_name(*name) : std::nullopt;
  if (!decoded || !nonce || !is_credential(*decoded) || !scram::is_nonce(*nonce) ||
      gs2.authzid.size() > credential_octets_max) {
    return fail_with(FailureReason::malformed);
  }
  if (const auto failure = check_binding_flag()) return fail_with(*failure);
  authcid = *decoded;
  authzid = gs2.authzid;
  client_nonce = *nonce;
  stage = Stage::scram_lookup;
  return NeedScramVerifier{authcid, authzid};
}

// RFC 5802 6: "p" belongs to -PLUS and only to it; "y" where -PLUS was offered means that somebody took it out.
std::optional<FailureReason> ServerExchange::State::check_binding_flag() const {
  const bool is_plus = mechanism == Mechanism::scram_sha_256_plus;
  const bool is_used = gs2.flag == scram::BindingFlag::used;
  if (is_plus != is_used) return is_plus ? FailureReason::channel_binding : FailureReason::malformed;
  if (is_used && scram::binding_data(context.bindings, gs2.binding_name) == nullptr)
    return FailureReason::channel_binding;
  if (gs2.flag == scram::BindingFlag::not_offered && context.offered_plus) return FailureReason::channel_binding;
  return std::nullopt;
}

// server-first-message = nonce "," salt "," iteration-count
Step ServerExchange::State::scram_challenge() {
  server_first = "r=" + client_nonce + context.nonce + ",s=" + codec::base64_encode(verifier.salt) +
                 ",i=" + std::to_string(verifier.iterations);
  stage = Stage::scram_final;
  return Challenge{server_first};
}

std::string ServerExchange::State::expected_binding() const {
  std::string expected = scram::gs2_header_text(gs2);
  const auto* data = scram::binding_data(context.bindings, gs2.binding_name);
  if (gs2.flag == scram::BindingFlag::used && data != nullptr) expected += *data;
  return expected;
}

// client-final-message = channel-binding "," nonce ["," extensions] "," proof
Step ServerExchange::State::scram_final(std::string_view message) {
  const auto proof_at = message.rfind(",p=");
  if (proof_at == std::string_view::npos) return fail_with(FailureReason::malformed);
  const auto without_proof = message.substr(0, proof_at);
  const auto proof = codec::base64_decode(message.substr(proof_at + 3));
  auto rest = without_proof;
  const auto binding_text = scram::take_attribute(rest, 'c');
  const auto nonce = scram::take_attribute(rest, 'r');
  const auto binding = binding_text ? codec::base64_decode(*binding_text) : std::nullopt;
  if (!binding || !nonce || !proof || proof->size() != crypto::sha256_size_octets)
    return fail_with(FailureReason::malformed);
  if (*nonce != client_nonce + context.nonce) return fail_with(FailureReason::wrong_credentials);
  if (!crypto::constant_time_equals(*binding, expected_binding())) return fail_with(FailureReason::channel_binding);
  const std::string auth_message = client_first_bare + "," + server_first + "," + std::string(without_proof);
  const auto signature = crypto::hmac_sha256(verifier.stored_key, auth_message);
  const auto client_key = scram::xor_octets(*proof, signature);
  const bool is_right = crypto::constant_time_equals(crypto::sha256(client_key), verifier.stored_key);
  if (!is_right || !is_known) return fail_with(FailureReason::wrong_credentials);
  stage = Stage::scram_end;
  return Challenge{"v=" + codec::base64_encode(crypto::hmac_sha256(verifier.server_key, auth_message))};
}

ServerExchange::ServerExchange(Mechanism mechanism, ServerContext context)
    : state_(std::make_unique<State>(mechanism, std::move(context))) {}
ServerExchange::~ServerExchange() = default;
ServerExchange::ServerExchange(ServerExchange&&) noexcept = default;
ServerExchange& ServerExchange::operator=(ServerExchange&&) noexcept = default;

Step ServerExchange::begin(std::optional<std::string_view> initial_response) {
  switch (state_->mechanism) {
    case Mechanism::plain:
      state_->stage = Stage::plain_response;
      break;
    case Mechanism::login:
      state_->stage = Stage::login_name;
      if (!initial_response) return Challenge{"Username:"};
      break;
    case Mechanism::scram_sha_256:
    case Mechanism::scram_sha_256_plus:
      state_->stage = Stage::scram_first;
      break;
  }
  // RFC 4422 3.3: a mechanism where the client begins answers its absence with an empty challenge.
  return initial_response ? respond(*initial_response) : Step(Challenge{});
}

Step ServerExchange::respond(std::string_view octets) {
  switch (state_->stage) {
    case Stage::plain_response:
      return state_->plain(octets);
    case Stage::login_name:
      return state_->login_name(octets);
    case Stage::login_password:
      return state_->login_password(octets);
    case Stage::scram_first:
      return state_->scram_first(octets);
    case Stage::scram_final:
      return state_->scram_final(octets);
    case Stage::scram_end:
      if (!octets.empty()) break;
      state_->stage = Stage::over;
      return Success{state_->authcid, state_->authzid};
    default:
      break;
  }
  return state_->fail_with(FailureReason::malformed);
}

Step ServerExchange::password_checked(bool right) {
  if (state_->stage != Stage::password_check) return state_->fail_with(FailureReason::malformed);
  if (!right) return state_->fail_with(FailureReason::wrong_credentials);
  state_->stage = Stage::over;
  return Success{state_->authcid, state_->authzid};
}

// RFC 5802 9: a login that does not exist goes the same way, with a salt that is always the same for it.
Step ServerExchange::scram_verifier(std::optional<ScramVerifier> verifier) {
  if (state_->stage != Stage::scram_lookup) return state_->fail_with(FailureReason::malformed);
  state_->is_known = verifier.has_value();
  if (verifier) {
    state_->verifier = std::move(*verifier);
  } else {
    const auto false_octets = crypto::hmac_sha256(state_->context.unknown_login_secret, "salt of " + state_->authcid);
    state_->verifier = {.salt = false_octets.substr(0, fake_salt_octets),
                        .iterations = scram_iterations_default,
                        .stored_key = crypto::sha256(false_octets),
                        .server_key = crypto::sha256(false_octets)};
  }
  return state_->scram_challenge();
}

}  // namespace posthorn::sasl
