#include "flow/access/imap_session.h"

#include "flow/access/imap_commands.h"
#include "flow/access/imap_notify.h"
#include "flow/access/imap_updates.h"

namespace posthorn::access {

namespace server = imap::server;

namespace {

server::PeerFacts peer_facts(const net::Stream& stream) {
  return {stream.peer().address.unmapped(), stream.peer().port};
}

server::TlsFacts tls_facts(const net::Stream& stream) {
  server::TlsFacts facts;
  if (const auto info = stream.tls_info()) {
    facts.version = info->version;
    facts.cipher = info->cipher;
  }
  facts.bindings = channel_bindings(stream);
  return facts;
}

std::string_view text(server::CloseReason reason) {
  switch (reason) {
    case server::CloseReason::logout:
      return "logged out";
    case server::CloseReason::refused:
      return "refused";
    case server::CloseReason::protocol:
      return "protocol violated";
    case server::CloseReason::too_many_errors:
      return "too many errors";
    case server::CloseReason::timeout:
      return "silent for too long";
    case server::CloseReason::shutdown:
      return "the server stops";
    case server::CloseReason::ended:
      return "ended by the server";
    case server::CloseReason::disconnected:
      break;
  }
  return "disconnected";
}

}  // namespace

ImapSession::ImapSession(const ImapSurroundings& world, std::shared_ptr<const ImapSettings> settings, bool scram,
                         Connection connection)
    : world_(world),
      settings_(std::move(settings)),
      connection_(std::move(connection)),
      machine_(settings_->machine_for(connection_.implicit_tls, scram), peer_facts(*connection_.stream)),
      context_{world_,
               settings_->common,
               *connection_.loop,
               *connection_.stream,
               machine_,
               connection_.log,
               Gate(*world.directory, *world.authenticator, directory::Scope::imap, machine_.peer().address,
                    connection_.log)},
      login_deadline_(connection_.loop->clock().now() + settings_->common.time_outs.login) {}

ImapSession::~ImapSession() = default;

const directory::Identity* ImapSession::identity() const {
  const auto& identity = context_.gate.identity();
  return identity ? &*identity : nullptr;
}

Task<> ImapSession::run() {
  if (connection_.implicit_tls && !co_await begin_tls()) co_return;
  while (!ended_) {
    server::Event event = machine_.next();
    if (const auto* octets = std::get_if<server::AppendOctets>(&event);
        octets && take_append_now(context_, octets->octets))
      continue;
    co_await std::visit([this](auto& what) { return on(what); }, event);
  }
}

void ImapSession::end(EndReason reason) {
  // A revoked login is the stronger reason.
  if (!ending_ || reason == EndReason::revoked) ending_ = reason;
  wake();
}

void ImapSession::wake() {
  if (input_.waits) connection_.stream->interrupt();
}

bool ImapSession::must_tell() const {
  if (context_.notifications) return machine_.is_between_commands() && has_news(context_);
  return machine_.is_idling() && context_.selected && context_.selected->snapshot.is_behind();
}

void ImapSession::say_goodbye() {
  goodbye_said_ = true;
  if (*ending_ == EndReason::revoked) {
    machine_.end(imap::code::expired(), "This login was revoked or its account switched off");
  } else {
    machine_.on_shutdown();
  }
}

Task<> ImapSession::on(server::NeedInput&) {
  if (ending_ && !goodbye_said_) {
    say_goodbye();
    co_return;
  }
  if (context_.notifications) {
    const bool may_tell = machine_.is_between_commands();
    if (may_tell) co_await tell_news(context_);
    if (may_tell && context_.notifications) arm_notifications(context_, [this] { wake(); });
  } else if (machine_.is_idling()) {
    tell_during_idle(context_);
  }
  if (!co_await context_.flush()) co_return;
  // What came while the client was written to: from here to the wait nothing can come unseen.
  if ((ending_ && !goodbye_said_) || must_tell()) co_return;
  begin_wait(connection_, input_, input_deadline());
  const auto ready = co_await connection_.stream->wait_readable();
  take_input(connection_, input_, ready, machine_);
}

Task<> ImapSession::on(server::FlushOutput&) {
  (void)co_await context_.flush();
}

Task<> ImapSession::on(server::Connected&) {
  machine_.accept();
  co_return;
}

Task<> ImapSession::on(server::StartTls&) {
  if (!co_await context_.flush()) co_return;
  if (!co_await begin_tls()) machine_.on_disconnect();
}

Task<> ImapSession::on(server::CheckPassword& question) {
  const auto right = co_await context_.gate.check_password(std::move(question.authcid), std::move(question.authzid),
                                                           std::move(question.password));
  if (right) {
    machine_.answer_password(*right);
  } else {
    machine_.unavailable();
  }
}

Task<> ImapSession::on(server::FindScramVerifier& question) {
  auto verifier = context_.gate.find_scram_verifier(question.authcid, question.authzid);
  if (verifier) {
    machine_.answer_scram_verifier(std::move(*verifier));
  } else {
    machine_.unavailable();
  }
  co_return;
}

Task<> ImapSession::on(server::Authenticated& event) {
  if (!context_.gate.succeeded(event.mechanism, event.authcid)) ending_ = EndReason::revoked;
  co_return;
}

Task<> ImapSession::on(server::AuthenticationFailed& event) {
  context_.gate.failed(event.mechanism, event.authcid, event.reason);
  co_return;
}

Task<> ImapSession::on(server::ClientId& event) {
  std::string told;
  for (const auto& [name, value] : event.fields) told += fmt::format("{}{}={}", told.empty() ? "" : " ", name, value);
  context_.log.info("client", {{"id", told}});
  co_return;
}

Task<> ImapSession::on(server::Execute& event) {
  const auto* idle = std::get_if<imap::IdleCommand>(&event.command);
  if (idle != nullptr) {
    begin_idle();
    co_return;
  }
  context_.tag = std::move(event.tag);
  // RFC 7162 3.1.1: the command that switches CONDSTORE on tells where the selected mailbox stands.
  if (event.enabled_condstore && context_.selected && !std::holds_alternative<imap::SelectCommand>(event.command))
    context_.out().ok(imap::code::highest_mod_seq(context_.selected->known().highest_modseq()), "Highest");
  Ending ending = co_await execute(context_, event.command);
  tell_changes(context_, updates_after(event.command));
  machine_.complete(ending.condition, ending.code, ending.text);
}

void ImapSession::begin_idle() {
  context_.structure = {};  // an idle session holds nothing it does not need
  if (context_.notifications) {
    // RFC 5465 6.1.2: what was held back may be told now.
    context_.notifications->looked_at.reset();
    return;
  }
  Selected* selected = context_.selected.get();
  if (selected == nullptr) return;
  selected->subscription = selected->snapshot.view()->subscribe(connection_.loop->executor(),
                                                                selected->snapshot.known_version(), [this] { wake(); });
}

Task<> ImapSession::on(server::IdleEnds&) {
  if (context_.notifications) {
    co_await tell_news(context_);
  } else {
    tell_during_idle(context_);
    if (context_.selected) context_.selected->subscription.reset();
  }
  machine_.complete(server::Condition::ok, "IDLE completed");
  co_return;
}

Task<> ImapSession::on(server::AppendBegins& event) {
  co_await begin_append(context_, event);
}

Task<> ImapSession::on(server::AppendOctets& event) {
  co_await take_append(context_, event.octets);
}

Task<> ImapSession::on(server::AppendPart& event) {
  co_await append_part(context_, event);
}

Task<> ImapSession::on(server::AppendMessageEnds&) {
  co_await end_append_message(context_);
}

Task<> ImapSession::on(server::AppendEnds&) {
  Ending ending = co_await finish_append(context_);
  tell_changes(context_, Updates{});
  machine_.complete(ending.condition, ending.code, ending.text);
}

Task<> ImapSession::on(server::AppendAborted&) {
  context_.appending.reset();
  co_return;
}

Task<> ImapSession::on(server::Refused& event) {
  context_.log.info("command refused", {{"command", event.command}, {"reason", event.why}});
  co_return;
}

Task<> ImapSession::on(server::Close& event) {
  ended_ = true;
  context_.selected.reset();
  context_.appending.reset();
  context_.notifications.reset();
  if (context_.gate.identity()) context_.log.info("session ended", {{"reason", text(event.reason)}});
  const bool written = co_await context_.flush();
  if (!written || event.reason == server::CloseReason::disconnected) co_return;
  // With input unread a close is a reset, which could overtake our last words.
  co_await connection_.stream->close(event.reason == server::CloseReason::logout ? net::Linger::no : net::Linger::yes);
}

Task<bool> ImapSession::begin_tls() {
  if (!co_await shake_hands(connection_, settings_->common)) co_return false;
  machine_.on_tls_established(tls_facts(*connection_.stream));
  co_return true;
}

TimePoint ImapSession::input_deadline() const {
  const TimePoint now = connection_.loop->clock().now();
  const TimeOuts& time_outs = settings_->common.time_outs;
  switch (machine_.deadline()) {
    case server::Deadline::login:
      return login_deadline_;
    case server::Deadline::literal:
      return now + time_outs.command;
    case server::Deadline::command:
    case server::Deadline::idle:
      break;
  }
  return now + time_outs.imap_idle;
}

}  // namespace posthorn::access
