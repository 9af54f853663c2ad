#include "standards/smtp/client.h"

#include "standards/smtp/client_core.h"

namespace posthorn::smtp::client {

Session::Session(Settings settings) : core_(std::make_unique<Core>(std::move(settings))) {}
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

void Session::send(Envelope envelope) {
  core_->send(std::move(envelope));
}
void Session::quit() {
  core_->quit();
}
void Session::body(std::string_view octets, bool is_last) {
  core_->body(octets, is_last);
}
void Session::abort_body(std::string why) {
  core_->abort_body(std::move(why));
}

void Session::on_tls_established(sasl::ChannelBindings bindings) {
  core_->on_tls_established(std::move(bindings));
}
void Session::on_tls_failed(std::string why) {
  core_->on_tls_failed(std::move(why));
}
void Session::on_timeout() {
  core_->on_lost(Cause::timeout, "The peer did not answer in time");
}
void Session::on_disconnect(std::string why) {
  core_->on_lost(Cause::disconnected, std::move(why));
}

Deadline Session::deadline() const {
  return core_->deadline();
}
const Extensions& Session::peer_extensions() const {
  return core_->peer;
}
const std::string& Session::greeting() const {
  return core_->greeting;
}
const std::string& Session::hello_text() const {
  return core_->hello_text;
}
bool Session::is_esmtp() const {
  return core_->is_esmtp;
}
bool Session::is_tls() const {
  return core_->is_tls;
}
std::uint32_t Session::messages_sent() const {
  return core_->messages_sent;
}

}  // namespace posthorn::smtp::client
