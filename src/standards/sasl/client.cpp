#include "standards/sasl/client.h"

#include <algorithm>

#include "foundation/codec/base64.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"
#include "standards/sasl/scram.h"

namespace posthorn::sasl {

std::optional<Mechanism> choose_mechanism(std::span<const Mechanism> offered, const ChannelBindings& bindings,
                                          bool under_tls) {
  constexpr Mechanism best_first[] = {Mechanism::scram_sha_256_plus, Mechanism::scram_sha_256, Mechanism::plain,
                                      Mechanism::login};
  for (const auto candidate : best_first) {
    const bool is_offered = std::ranges::find(offered, candidate) != offered.end();
    const bool is_bound = candidate != Mechanism::scram_sha_256_plus || bindings.any();
    if (is_offered && is_bound && (under_tls || !sends_password(candidate))) return candidate;
  }
  return std::nullopt;
}

namespace {
enum class ClientStage : unsigned char {
  begin,
  login_name,
  login_password,
  scram_server_first,
  scram_server_final,
  over
};
}

struct ClientExchange::State {
  Mechanism mechanism;
  Credentials credentials;
  ChannelBindings bindings;
  std::string nonce;  // as it stands in messages
  bool offered_plus;
  ClientStage stage = ClientStage::begin;
  scram::Gs2Header gs2{};
  std::string client_first_bare{};
  std::string server_signature{};
  bool is_proven = false;

  [[nodiscard]] std::string plain_message() const;
  std::string scram_first();
  Result<std::string, ClientError> scram_final(std::string_view server_first);
  Result<std::string, ClientError> check_server_final(std::string_view server_final);
};

std::string ClientExchange::State::plain_message() const {
  std::string message = credentials.authzid;
  message += '\0';
  message += credentials.authcid;
  message += '\0';
  return message += credentials.password;
}

std::string ClientExchange::State::scram_first() {
  if (mechanism == Mechanism::scram_sha_256_plus) {
    // RFC 9266 4: tls-exporter is the default; the certificate's hash where the channel cannot export.
    gs2.flag = scram::BindingFlag::used;
    gs2.binding_name = bindings.tls_exporter.empty() ? "tls-server-end-point" : "tls-exporter";
  } else if (bindings.any() && !offered_plus) {
    gs2.flag = scram::BindingFlag::not_offered;
  }
  gs2.authzid = credentials.authzid;
  client_first_bare = "n=" + scram::encode_name(credentials.authcid) + ",r=" + nonce;
  stage = ClientStage::scram_server_first;
  return scram::gs2_header_text(gs2) + client_first_bare;
}

// server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
Result<std::string, ClientError> ClientExchange::State::scram_final(std::string_view server_first) {
  auto rest = server_first;
  const auto server_nonce = scram::take_attribute(rest, 'r');
  const auto salt_text = scram::take_attribute(rest, 's');
  const auto iterations_text = scram::take_attribute(rest, 'i');
  const auto salt = salt_text ? codec::base64_decode(*salt_text) : std::nullopt;
  const auto iterations = iterations_text ? text::parse_number(*iterations_text) : std::nullopt;
  const bool extends_ours = server_nonce && server_nonce->size() > nonce.size() && server_nonce->starts_with(nonce);
  if (!extends_ours || !salt || salt->empty() || !iterations || *iterations == 0) return fail(ClientError::malformed);
  if (*iterations > scram_iterations_max) return fail(ClientError::too_costly);

  std::string binding = scram::gs2_header_text(gs2);
  const auto* data = scram::binding_data(bindings, gs2.binding_name);
  if (gs2.flag == scram::BindingFlag::used && data != nullptr) binding += *data;
  const std::string without_proof = "c=" + codec::base64_encode(binding) + ",r=" + std::string(*server_nonce);
  const std::string auth_message = client_first_bare + "," + std::string(server_first) + "," + without_proof;

  const auto salted = crypto::pbkdf2_sha256(credentials.password, *salt, static_cast<unsigned>(*iterations));
  const auto client_key = crypto::hmac_sha256(salted, "Client Key");
  const auto signature = crypto::hmac_sha256(crypto::sha256(client_key), auth_message);
  server_signature = crypto::hmac_sha256(crypto::hmac_sha256(salted, "Server Key"), auth_message);
  stage = ClientStage::scram_server_final;
  return without_proof + ",p=" + codec::base64_encode(scram::xor_octets(client_key, signature));
}

// server-final-message = (server-error / verifier) ["," extensions]
Result<std::string, ClientError> ClientExchange::State::check_server_final(std::string_view server_final) {
  stage = ClientStage::over;
  auto rest = server_final;
  if (scram::take_attribute(rest, 'e')) return fail(ClientError::server_refused);
  const auto verifier = scram::take_attribute(rest, 'v');
  const auto signature = verifier ? codec::base64_decode(*verifier) : std::nullopt;
  if (!signature) return fail(ClientError::malformed);
  if (!crypto::constant_time_equals(*signature, server_signature)) return fail(ClientError::server_not_proven);
  is_proven = true;
  return std::string();
}

ClientExchange::ClientExchange(Mechanism mechanism, Credentials credentials, ChannelBindings bindings,
                               std::string nonce, bool offered_plus)
    : state_(new State{mechanism, std::move(credentials), std::move(bindings), std::move(nonce), offered_plus}) {}
ClientExchange::~ClientExchange() = default;
ClientExchange::ClientExchange(ClientExchange&&) noexcept = default;
ClientExchange& ClientExchange::operator=(ClientExchange&&) noexcept = default;

std::optional<std::string> ClientExchange::initial_response() {
  switch (state_->mechanism) {
    case Mechanism::plain:
      state_->stage = ClientStage::over;
      return state_->plain_message();
    case Mechanism::login:
      state_->stage = ClientStage::login_name;
      return std::nullopt;
    case Mechanism::scram_sha_256:
    case Mechanism::scram_sha_256_plus:
      break;
  }
  return state_->scram_first();
}

Result<std::string, ClientError> ClientExchange::respond(std::string_view challenge) {
  switch (state_->stage) {
    case ClientStage::login_name:
      state_->stage = ClientStage::login_password;
      return state_->credentials.authcid;
    case ClientStage::login_password:
      state_->stage = ClientStage::over;
      return state_->credentials.password;
    case ClientStage::scram_server_first:
      return state_->scram_final(challenge);
    case ClientStage::scram_server_final:
      return state_->check_server_final(challenge);
    default:
      return fail(ClientError::malformed);
  }
}

bool ClientExchange::may_succeed() const {
  if (sends_password(state_->mechanism)) return state_->stage == ClientStage::over;
  return state_->is_proven;
}

}  // namespace posthorn::sasl
