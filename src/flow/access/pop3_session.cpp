#include "flow/access/pop3_session.h"

namespace posthorn::access {

namespace {

// A message is read from the store and written to the client in pieces of this size.
constexpr std::size_t kPieceOctets = 64 * KiB;

std::string_view text(pop3::server::CloseReason reason) {
  switch (reason) {
    case pop3::server::CloseReason::quit:
      return "logged out";
    case pop3::server::CloseReason::too_many_errors:
      return "too many errors";
    case pop3::server::CloseReason::protocol:
      return "protocol violated";
    case pop3::server::CloseReason::timeout:
      return "silent for too long";
    case pop3::server::CloseReason::shutdown:
      return "ended by the server";
    case pop3::server::CloseReason::disconnected:
      break;
  }
  return "disconnected";
}

}  // namespace

Pop3Session::Pop3Session(const Pop3Surroundings& world, MaildropLocks& locks, MaildropFacts& facts,
                         std::shared_ptr<const Pop3Settings> settings, bool scram, Connection connection)
    : world_(world),
      locks_(locks),
      facts_(facts),
      settings_(std::move(settings)),
      connection_(std::move(connection)),
      machine_(settings_->machine_for(connection_.implicit_tls, scram)),
      gate_(*world.directory, *world.authenticator, directory::Scope::pop3,
            connection_.stream->peer().address.unmapped(), connection_.log),
      login_deadline_(connection_.loop->clock().now() + settings_->common.time_outs.login) {}

const directory::Identity* Pop3Session::identity() const {
  const auto& identity = gate_.identity();
  return identity ? &*identity : nullptr;
}

Task<> Pop3Session::run() {
  if (connection_.implicit_tls && !co_await begin_tls()) co_return;
  while (!ended_) {
    pop3::server::Event event = machine_.next();
    co_await std::visit([this](auto& what) { return on(what); }, event);
  }
}

void Pop3Session::end(EndReason reason) {
  if (!ending_ || reason == EndReason::revoked) ending_ = reason;
  if (input_.waits) connection_.stream->interrupt();
}

// ---------------------------------------------------------------- octets

Task<bool> Pop3Session::flush() {
  const std::string output = machine_.take_output();
  if (output.empty()) co_return true;
  connection_.stream->set_deadline(connection_.loop->clock().now() + settings_->common.time_outs.write);
  const auto written = co_await connection_.stream->write(output);
  if (!written) machine_.on_disconnect();
  co_return written.has_value();
}

Task<> Pop3Session::on(pop3::server::NeedInput&) {
  if (ending_) {
    machine_.on_shutdown(*ending_ == EndReason::revoked ? "This login was revoked" : "The server is stopping");
    co_return;
  }
  if (!co_await flush()) co_return;
  if (ending_) co_return;  // it came while the client was written to
  begin_wait(connection_, input_, input_deadline());
  const auto ready = co_await connection_.stream->wait_readable();
  take_input(connection_, input_, ready, machine_);
}

Task<> Pop3Session::on(pop3::server::FlushOutput&) {
  (void)co_await flush();
}

Task<> Pop3Session::on(pop3::server::StartTls&) {
  if (!co_await flush()) co_return;
  if (!co_await begin_tls()) machine_.on_disconnect();
}

Task<bool> Pop3Session::begin_tls() {
  if (!co_await shake_hands(connection_, settings_->common)) co_return false;
  machine_.on_tls_established(channel_bindings(*connection_.stream));
  co_return true;
}

TimePoint Pop3Session::input_deadline() const {
  const TimeOuts& time_outs = settings_->common.time_outs;
  if (machine_.state() == pop3::server::State::authorization) return login_deadline_;
  return connection_.loop->clock().now() + (machine_.in_command() ? time_outs.command : time_outs.pop3_idle);
}

// ---------------------------------------------------------------- the login

Task<> Pop3Session::on(pop3::server::CheckPassword& question) {
  const auto right = co_await gate_.check_password(std::move(question.authcid), std::move(question.authzid),
                                                   std::move(question.password));
  if (right) {
    machine_.answer_password(*right);
  } else {
    machine_.not_now(explain(right.error()));
  }
}

Task<> Pop3Session::on(pop3::server::FindScramVerifier& question) {
  auto verifier = gate_.find_scram_verifier(question.authcid, question.authzid);
  if (verifier) {
    machine_.answer_scram_verifier(std::move(*verifier));
  } else {
    machine_.not_now(explain(verifier.error()));
  }
  co_return;
}

Task<> Pop3Session::on(pop3::server::AuthenticationFailed& event) {
  gate_.failed(event.mechanism, event.authcid, event.reason);
  co_return;
}

Task<> Pop3Session::on(pop3::server::OpenMaildrop& event) {
  if (gate_.succeeded(event.mechanism, event.authcid)) {
    co_await open_inbox();
  } else {
    machine_.refused("the login was revoked, or is not for this protocol");
  }
}

Task<> Pop3Session::open_inbox() {
  const storage::AccountId account = gate_.identity()->account;
  auto view = co_await world_.mailboxes->open(account, std::string("INBOX"));
  if (!view) {
    machine_.not_now("The maildrop cannot be opened");
    co_return;
  }
  lock_ = locks_.take((*view)->mailbox());
  if (!lock_) {
    machine_.in_use();
    co_return;
  }
  view_ = std::move(*view);
  // Mail that arrives from here on is the next session's.
  maildrop_ = view_->current();
  odd_ = co_await facts_.of(view_->mailbox(), maildrop_);
  std::vector<pop3::server::Listed> list;
  list.reserve(maildrop_->size());
  maildrop_->for_each(0, maildrop_->size(), [&](std::size_t, const mailbox::Entry& entry) {
    list.push_back({octets_sent(entry), entry.email_id().text()});
  });
  machine_.opened(std::move(list));
}

std::uint64_t Pop3Session::octets_sent(const mailbox::Entry& entry) const {
  const OddMessage* odd = find_odd(*odd_, entry.uid());
  if (odd == nullptr) return entry.size();
  const std::uint64_t octets = machine_.is_utf8() ? entry.size() : odd->ascii_octets.value_or(entry.size());
  return octets + (odd->lacks_line_end ? 2 : 0);  // RFC 1939 3: RETR ends every line
}

// ---------------------------------------------------------------- the maildrop

Task<> Pop3Session::on(pop3::server::Retrieve& question) {
  const storage::Uid uid = maildrop_->at(question.message).uid();
  std::vector<storage::Uid> uids{uid};
  const auto read = co_await world_.mailboxes->read_messages(*view_, std::move(uids), kPieceOctets, kPieceOctets);
  if (!read || read->empty()) {
    machine_.gone();  // somebody else has removed it meanwhile
    co_return;
  }
  const mailbox::ReadMessage& message = read->front();
  message::Downgrader downgrader(co_await replacements(uid, message.row.octets));
  machine_.message_begins();
  if (machine_.wants_octets()) machine_.message_octets(downgrader.push(message.octets));
  if (!message.whole && !co_await send_rest(message.row.octets, message.octets.size(), downgrader)) co_return;
  machine_.message_ends();
}

// RFC 6856 2.1: who has not said UTF8 gets headers without UTF-8 in them.
Task<std::vector<message::Replacement>> Pop3Session::replacements(storage::Uid uid, storage::StoredOctets octets) {
  const OddMessage* odd = find_odd(*odd_, uid);
  if (odd == nullptr || !odd->ascii_octets || machine_.is_utf8()) co_return std::vector<message::Replacement>{};
  const auto question = [octets](storage::Reader& reader) { return replacements_of(reader, octets); };
  co_return co_await world_.store->read(question);
}

Task<bool> Pop3Session::send_rest(const storage::StoredOctets& octets, std::uint64_t from,
                                  message::Downgrader& downgrader) {
  while (machine_.wants_octets() && from < octets.size) {
    if (!co_await flush()) {
      machine_.gone();
      co_return false;
    }
    const auto piece = co_await world_.mailboxes->read(octets, from, kPieceOctets);
    if (!piece || piece->empty()) {
      machine_.gone();
      co_return false;
    }
    machine_.message_octets(downgrader.push(*piece));
    from += piece->size();
  }
  co_return true;
}

Task<> Pop3Session::on(pop3::server::Update& question) {
  std::vector<storage::Uid> uids;
  for (const std::size_t message : question.deleted) uids.push_back(maildrop_->at(message).uid());
  const auto removed = co_await world_.mailboxes->remove(*view_, std::move(uids));
  machine_.updated(removed.has_value());
}

Task<> Pop3Session::on(pop3::server::Close& event) {
  ended_ = true;
  maildrop_.reset();
  odd_.reset();
  view_.reset();
  lock_.reset();
  if (gate_.identity()) connection_.log.info("session ended", {{"reason", text(event.reason)}});
  const bool written = co_await flush();
  if (!written || event.reason == pop3::server::CloseReason::disconnected) co_return;
  co_await connection_.stream->close(event.reason == pop3::server::CloseReason::quit ? net::Linger::no
                                                                                     : net::Linger::yes);
}

}  // namespace posthorn::access
