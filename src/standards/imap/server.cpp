#include "standards/imap/server.h"

#include "standards/imap/server_core.h"

namespace posthorn::imap::server {

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
  return core_->writer.take();
}
std::size_t Session::output_size() const {
  return core_->writer.size();
}

void Session::accept() {
  core_->accept();
}
void Session::refuse(std::string_view text) {
  core_->refuse_connection(text);
}
void Session::answer_password(bool right) {
  core_->answer_password(right);
}
void Session::answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier) {
  core_->answer_scram_verifier(std::move(verifier));
}
void Session::unavailable() {
  core_->login_unavailable();
}
void Session::refuse_append(const ResponseCode& code, std::string_view text) {
  core_->refuse_append(code, text);
}

ResponseWriter& Session::responses() {
  return core_->writer;
}
void Session::complete(Condition condition, const ResponseCode& code, std::string_view text) {
  core_->complete(condition, code, text);
}
void Session::enable_condstore() {
  core_->enable_condstore();
}
void Session::deselect() {
  core_->deselect();
}
void Session::end(const ResponseCode& code, std::string_view text) {
  core_->end(code, text, CloseReason::ended);
}

void Session::on_tls_established(TlsFacts facts) {
  core_->on_tls_established(std::move(facts));
}
void Session::on_timeout() {
  core_->on_timeout();
}
void Session::on_shutdown() {
  core_->end(code::unavailable(), "Going down for maintenance; come again", CloseReason::shutdown);
}
void Session::on_disconnect() {
  core_->on_disconnect();
}

Deadline Session::deadline() const {
  return core_->deadline();
}
State Session::state() const {
  return core_->state;
}
const PeerFacts& Session::peer() const {
  return core_->peer;
}
const TlsFacts* Session::tls() const {
  return core_->tls.get();
}
std::string_view Session::login() const {
  return core_->login;
}
const Encoding& Session::encoding() const {
  return core_->writer.encoding();
}
bool Session::is_idling() const {
  return core_->is_idling;
}
bool Session::is_between_commands() const {
  return core_->open == Open::nothing && !core_->closed && core_->is_between_commands();
}
bool Session::has_input() const {
  return !core_->input.empty();
}
std::string Session::capabilities() const {
  return capability_words(core_->capability_facts());
}

}  // namespace posthorn::imap::server
