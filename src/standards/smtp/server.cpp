#include "standards/smtp/server.h"

#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {

Session::Session(const Settings& settings, PeerFacts peer) : core_(std::make_unique<Core>(settings, peer)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Event Session::next() {
  return core_->next();
}
void Session::receive(std::string_view octets) {
  core_->receive(octets);
}
std::string Session::take_output() {
  return std::exchange(core_->output, {});
}

void Session::accept() {
  core_->accept();
}
void Session::reply(const Reply& reply) {
  core_->answer(reply);
}
void Session::mark_refusal(std::string_view id) {
  if (core_->message && core_->message->refusal) core_->message->refusal->text.append(" (").append(id).append(")");
}
void Session::answer_password(bool right) {
  core_->answer_password(right);
}
void Session::answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier) {
  core_->answer_scram_verifier(std::move(verifier));
}

void Session::on_tls_established(TlsFacts facts) {
  core_->on_tls_established(std::move(facts));
}
void Session::on_timeout() {
  core_->on_timeout();
}
void Session::on_shutdown() {
  core_->on_shutdown();
}
void Session::on_disconnect() {
  core_->on_disconnect();
}

Deadline Session::deadline() const {
  return core_->deadline();
}
const PeerFacts& Session::peer() const {
  return core_->peer;
}
const TlsFacts* Session::tls() const {
  return core_->tls.get();
}
std::string_view Session::hello_name() const {
  return core_->hello_name;
}
bool Session::is_esmtp() const {
  return core_->is_esmtp;
}
std::string_view Session::login() const {
  return core_->login;
}
WithProtocol Session::protocol() const {
  return core_->protocol();
}
bool Session::is_early_talker() const {
  return core_->is_early_talker;
}
bool Session::in_transaction() const {
  return core_->transaction != nullptr;
}
std::uint32_t Session::messages_accepted() const {
  return core_->messages_accepted;
}
Extensions Session::offered() const {
  return core_->offered();
}

}  // namespace posthorn::smtp::server
