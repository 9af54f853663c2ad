#include "flow/smtp_service/pump.h"

namespace posthorn::smtp_service {

namespace server = smtp::server;

namespace {

server::PeerFacts peer_facts(const net::Stream& stream) {
  return {stream.peer().address.unmapped(), stream.peer().port};
}

server::TlsFacts tls_facts(const net::Stream& stream) {
  server::TlsFacts facts;
  if (const auto info = stream.tls_info()) {
    facts.version = info->version;
    facts.cipher = info->cipher;
    facts.cipher_bits = info->cipher_bits;
    facts.server_name = info->server_name;
  }
  facts.bindings.tls_exporter = stream.channel_binding(net::ChannelBinding::tls_exporter).value_or("");
  facts.bindings.tls_server_end_point = stream.channel_binding(net::ChannelBinding::tls_server_end_point).value_or("");
  return facts;
}

}  // namespace

Pump::Pump(net::Loop& loop, std::unique_ptr<net::Stream> stream, std::shared_ptr<const ServiceSettings> settings,
           HandlerFactory& handlers, SessionId id, const runtime::Logger& log, net::ConnectionLimits::Place place)
    : loop_(loop),
      stream_(std::move(stream)),
      settings_(std::move(settings)),
      machine_(settings_->machine, peer_facts(*stream_)),
      log_(log.for_session(id)),
      place_(std::move(place)),
      handler_(handlers.make(SessionContext{machine_, id, log_})) {}

Task<> Pump::run() {
  if (settings_->machine.role == server::Role::submissions && !co_await shake_hands()) co_return;
  while (!ended_) {
    server::Event event = machine_.next();
    if (const auto* octets = std::get_if<server::MessageOctets>(&event); octets && handler_->take_now(octets->octets))
      continue;
    co_await std::visit([this](auto& what) { return on(what); }, event);
  }
}

Task<> Pump::on(server::NeedInput&) {
  if (!co_await flush()) co_return;
  // A session may wait for minutes: it then holds no buffer.
  input_.give_back();
  stream_->set_deadline(input_deadline());
  const auto ready = co_await stream_->wait_readable();
  if (!ready) {
    lost(ready.error());
    co_return;
  }
  input_ = loop_.borrow_buffer();
  const auto got = stream_->read_now(input_.span());
  if (!got) {
    lost(got.error());
  } else if (*got > 0) {
    machine_.receive({input_.span().data(), *got});
  }
}

Task<> Pump::on(server::FlushOutput&) {
  co_await flush();
}

Task<> Pump::on(server::Connected&) {
  decide(co_await handler_->connected());
}

Task<> Pump::on(server::Hello& hello) {
  decide(co_await handler_->hello(hello));
}

Task<> Pump::on(server::Mail& mail) {
  decide(co_await handler_->mail(mail));
}

Task<> Pump::on(server::Recipient& recipient) {
  decide(co_await handler_->recipient(recipient));
}

Task<> Pump::on(server::MessageBegins&) {
  message_deadline_ = loop_.clock().now() + settings_->time_outs.transaction;
  decide(co_await handler_->message_begins());
}

Task<> Pump::on(server::MessageOctets& event) {
  co_await handler_->message_octets(event.octets);
}

Task<> Pump::on(server::MessageEnds&) {
  message_deadline_ = TimePoint::max();
  machine_.reply(co_await handler_->message_ends());
}

Task<> Pump::on(server::MessageAborted& event) {
  message_deadline_ = TimePoint::max();
  const std::string id = handler_->transaction_dropped(&event.reply);
  if (!id.empty()) machine_.mark_refusal(id);
  co_return;
}

Task<> Pump::on(server::Reset&) {
  static_cast<void>(handler_->transaction_dropped(nullptr));
  co_return;
}

Task<> Pump::on(server::StartTls&) {
  if (!co_await flush()) co_return;
  if (!co_await shake_hands()) machine_.on_disconnect();
}

Task<> Pump::on(server::CheckPassword& question) {
  auto answer = co_await handler_->check_password(question);
  if (answer) {
    machine_.answer_password(*answer);
  } else {
    machine_.reply(answer.error().reply);
  }
}

Task<> Pump::on(server::FindScramVerifier& question) {
  auto answer = co_await handler_->find_scram_verifier(question);
  if (answer) {
    machine_.answer_scram_verifier(std::move(*answer));
  } else {
    machine_.reply(answer.error().reply);
  }
}

Task<> Pump::on(server::Authenticated& event) {
  handler_->authenticated(event);
  co_return;
}

Task<> Pump::on(server::AuthenticationFailed& event) {
  handler_->authentication_failed(event);
  co_return;
}

Task<> Pump::on(server::Refused& event) {
  handler_->refused(event);
  co_return;
}

Task<> Pump::on(server::Close& event) {
  ended_ = true;
  handler_->closed(event.reason);
  const bool written = co_await flush();
  if (!written || event.reason == server::CloseReason::disconnected) co_return;
  // With input unread a close is a reset, which could overtake our last words.
  co_await stream_->close(event.reason == server::CloseReason::quit ? net::Linger::no : net::Linger::yes);
}

void Pump::decide(Answer answer) {
  if (answer) {
    machine_.reply(*answer);
  } else {
    machine_.accept();
  }
}

Task<bool> Pump::shake_hands() {
  stream_->set_deadline(loop_.clock().now() + settings_->time_outs.tls);
  const auto shaken = co_await stream_->start_tls(*settings_->tls);
  if (!shaken) {
    log_.info("TLS handshake failed", {{"peer", stream_->peer().text()}, {"reason", shaken.error().reason}});
    co_return false;
  }
  machine_.on_tls_established(tls_facts(*stream_));
  co_return true;
}

Task<bool> Pump::flush() {
  const std::string output = machine_.take_output();
  if (output.empty()) co_return true;
  command_deadline_.reset();  // every command is answered: the next one has its time from here
  stream_->set_deadline(loop_.clock().now() + settings_->time_outs.write);
  const auto written = co_await stream_->write(output);
  if (!written && !ended_) machine_.on_disconnect();
  co_return written.has_value();
}

void Pump::lost(net::StreamError error) {
  if (error == net::StreamError::timed_out) {
    machine_.on_timeout();
  } else if (error == net::StreamError::interrupted) {
    machine_.on_shutdown();
  } else {
    machine_.on_disconnect();
  }
}

/// A command has to be whole in its time: one octet a minute does not push the deadline on. Message data has a deadline
/// for each read, and one for all of it.
TimePoint Pump::input_deadline() {
  const TimePoint now = loop_.clock().now();
  if (machine_.deadline() == server::Deadline::message_data)
    return std::min(now + settings_->time_outs.data, message_deadline_);
  if (!command_deadline_) command_deadline_ = now + settings_->time_outs.command;
  return *command_deadline_;
}

}  // namespace posthorn::smtp_service
