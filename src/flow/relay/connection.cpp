#include "flow/relay/connection.h"

#include <fmt/format.h>

#include "flow/relay/shared.h"
#include "foundation/codec/base64.h"
#include "standards/dane/verify.h"

namespace posthorn::relay {

namespace client = smtp::client;

namespace {

constexpr std::size_t nonce_octets = 24;
constexpr std::size_t noted_line_octets_max = 512;
constexpr std::size_t body_gathered_octets = 64 * KiB;
constexpr Duration last_words_wait = std::chrono::seconds(2);
constexpr std::size_t last_words_octets_max = smtp::reply_octets_max;
constexpr std::size_t shown_tlsa_octets = 14;  // "3 1 1 " and the first octets of the digest

/// RFC 8460 4.3.1.
tls_rpt::ResultType result_for(net::VerifyFailure failure) {
  switch (failure) {
    case net::VerifyFailure::name:
      return tls_rpt::ResultType::certificate_host_mismatch;
    case net::VerifyFailure::dates:
      return tls_rpt::ResultType::certificate_expired;
    case net::VerifyFailure::trust:
    case net::VerifyFailure::none:
      break;
  }
  return tls_rpt::ResultType::certificate_not_trusted;
}

client::Settings settings_for(const RelayOffice::Shared& office, const ConnectionPlan& plan) {
  client::Settings settings;
  settings.host_name = office.options.host_name;
  settings.tls = plan.tls;
  if (!plan.login) return settings;
  settings.credentials = sasl::Credentials{plan.login->user, "", plan.login->password};
  settings.nonce.resize(nonce_octets);
  office.with.random->fill({reinterpret_cast<unsigned char*>(settings.nonce.data()), settings.nonce.size()});
  return settings;
}

std::optional<IpAddress> source_for(const Options& options, const IpAddress& target) {
  for (const IpAddress& source : options.source)
    if (source.is_v4() == target.is_v4()) return source;
  return std::nullopt;
}

/// What a peer may say back of a login that it refuses: the password, and its forms in LOGIN and PLAIN.
std::vector<std::string> forms_of(const Login& login) {
  const std::string plain = std::string(1, '\0') + login.user + std::string(1, '\0') + login.password;
  return {codec::base64_encode(plain), codec::base64_encode(login.password), login.password};
}

}  // namespace

Connection::Connection(const RelayOffice::Shared& office, net::Loop& loop, ConnectionPlan plan)
    : office_(office), loop_(loop), plan_(std::move(plan)), session_(settings_for(office, plan_)) {
  if (plan_.login) secrets_ = forms_of(*plan_.login);
}

std::string Connection::endpoint_text() const {
  return net::Endpoint{plan_.address, plan_.target.port}.text();
}

std::string Connection::tls_text() const {
  if (!tls_info_) return {};
  return fmt::format("{} {}, {}", tls_info_->version, tls_info_->cipher, proof_);
}

std::optional<TlsResult> Connection::tls_result() const {
  if (tls_result_) return tls_result_;
  const smtp::Extensions& offered = session_.peer_extensions();
  if (tls_info_) return TlsResult{};
  if (tls_failed_ && failure_.cause == client::Cause::tls)
    return TlsResult{tls_rpt::ResultType::validation_failure, failure_.reply.text};
  // RFC 8460 4.3.1: a host that answered EHLO and does not offer it.
  if (!session_.hello_text().empty() && !offered.starttls)
    return TlsResult{tls_rpt::ResultType::starttls_not_supported, "STARTTLS is not offered"};
  if (failure_.stage == client::Stage::starttls)
    return TlsResult{tls_rpt::ResultType::starttls_not_supported, failure_.reply.text};
  return std::nullopt;
}

std::vector<std::string> Connection::transcript() const {
  return {dialogue_.lines().begin(), dialogue_.lines().end()};
}

// ---------------------------------------------------------------- the whole and its parts

Task<bool> Connection::open() {
  if (!co_await dial()) co_return false;
  if (plan_.tls == client::TlsUse::implicit) co_await shake_hands();
  const Step step = co_await advance();
  ready_ = step == Step::ready;
  co_return ready_;
}

Task<client::TransactionOutcome> Connection::transact(client::Envelope envelope, queue::Body& body) {
  body_ = &body;
  outcome_.reset();
  ready_ = false;
  in_body_ = false;
  const std::size_t recipients = envelope.recipients.size();
  session_.send(std::move(envelope));
  Step step = co_await advance();
  if (step == Step::done) {
    in_body_ = false;
    ++messages_;
    step = co_await advance();
  }
  ready_ = step == Step::ready && outcome_.has_value();
  body_ = nullptr;
  if (outcome_) co_return std::move(*outcome_);
  client::TransactionOutcome lost_outcome;
  lost_outcome.message = failure_;
  lost_outcome.recipients.assign(recipients, failure_);
  co_return lost_outcome;
}

Task<> Connection::quit() {
  if (!ready_ || !stream_) co_return;
  ready_ = false;
  session_.quit();
  (void)co_await advance();
}

Task<bool> Connection::dial() {
  const net::Endpoint endpoint{plan_.address, plan_.target.port};
  const net::ConnectOptions how{loop_.clock().now() + office_.options.time_outs.connect,
                                source_for(office_.options, plan_.address)};
  Result<std::unique_ptr<net::Stream>, net::ConnectFailure> connected =
      co_await office_.with.dialer->dial(loop_, endpoint, how);
  if (connected) {
    stream_ = std::move(*connected);
    co_return true;
  }
  // RFC 3463 3.5: X.4.1, no answer from host.
  failure_ = {client::Stage::connect, client::Cause::disconnected,
              smtp::Reply(451, {4, 4, 1}, connected.error().reason)};
  co_return false;
}

// ---------------------------------------------------------------- the pump

Task<Connection::Step> Connection::advance() {
  for (;;) {
    client::Event event = session_.next();
    if (std::holds_alternative<client::NeedInput>(event)) {
      co_await take_input();
    } else if (std::holds_alternative<client::NeedBody>(event)) {
      co_await give_body();
    } else if (std::holds_alternative<client::StartTls>(event)) {
      if (co_await flush()) co_await shake_hands();
    } else if (auto* done = std::get_if<client::Done>(&event)) {
      outcome_ = std::move(done->outcome);
      co_return Step::done;
    } else if (auto* failed = std::get_if<client::Failed>(&event)) {
      failure_ = std::move(failed->outcome);
      failure_.reply.text = journal::without(std::move(failure_.reply.text), secrets_);
    } else if (std::holds_alternative<client::Ready>(event)) {
      co_return Step::ready;
    } else {
      if (stream_ && co_await flush()) co_await stream_->close();
      stream_.reset();
      co_return Step::closed;
    }
  }
}

Duration Connection::patience() const {
  const TimeOuts& limits = office_.options.time_outs;
  switch (session_.deadline()) {
    case client::Deadline::greeting:
      return limits.greeting;
    case client::Deadline::data:
      return limits.data_reply;
    case client::Deadline::data_block:
      return limits.data_block;
    case client::Deadline::termination:
      return limits.final_reply;
    case client::Deadline::quit:
      return limits.quit;
    case client::Deadline::command:
    case client::Deadline::mail:
    case client::Deadline::rcpt:
      break;
  }
  return limits.command;
}

void Connection::lost(net::StreamError error) {
  if (error == net::StreamError::timed_out)
    session_.on_timeout();
  else
    session_.on_disconnect(std::string(net::text(error)));
}

Task<bool> Connection::flush() {
  const std::string output = session_.take_output();
  if (output.empty()) co_return true;
  if (!in_body_) note_sent(output);
  stream_->set_deadline(loop_.clock().now() + (in_body_ ? office_.options.time_outs.data_block : patience()));
  const Result<void, net::StreamError> written = co_await stream_->write(output);
  if (written) co_return true;
  if (in_body_) co_await hear_last_words();
  lost(written.error());
  co_return false;
}

/// A peer that wants no more of a message may say why and hang up: nothing can be written any more, and its answer is
/// still there to be read.
Task<> Connection::hear_last_words() {
  stream_->set_deadline(loop_.clock().now() + last_words_wait);
  const net::BorrowedBuffer buffer = loop_.borrow_buffer();
  for (std::size_t heard = 0; heard < last_words_octets_max;) {
    const Result<std::size_t, net::StreamError> got = co_await stream_->read_some(buffer.span());
    if (!got) co_return;
    heard += *got;
    const Octets octets(buffer.span().data(), *got);
    note_received(octets);
    session_.receive(octets);
  }
}

Task<> Connection::take_input() {
  if (!co_await flush()) co_return;
  stream_->set_deadline(loop_.clock().now() + patience());
  const Result<void, net::StreamError> ready = co_await stream_->wait_readable();
  if (!ready) {
    lost(ready.error());
    co_return;
  }
  const net::BorrowedBuffer buffer = loop_.borrow_buffer();
  const Result<std::size_t, net::StreamError> got = stream_->read_now(buffer.span());
  if (!got) {
    lost(got.error());
  } else if (*got > 0) {
    const Octets octets(buffer.span().data(), *got);
    note_received(octets);
    session_.receive(octets);
  }
}

Task<> Connection::shake_hands() {
  if (office_.with.tls == nullptr) {
    session_.on_tls_failed("no TLS is configured");
    co_return;
  }
  net::ClientHandshake how = handshake();
  stream_->set_deadline(loop_.clock().now() + office_.options.time_outs.tls);
  const Result<void, net::TlsFailure> made = co_await stream_->start_tls(*office_.with.tls, std::move(how));
  if (!made) {
    tls_failed_ = true;
    session_.on_tls_failed(made.error().reason);
    co_return;
  }
  tls_info_ = stream_->tls_info();
  if (std::string why = judge_peer(); !why.empty()) {
    tls_failed_ = true;
    session_.on_tls_failed(std::move(why));
    co_return;
  }
  sasl::ChannelBindings bindings;
  if (plan_.login) {
    bindings.tls_exporter = stream_->channel_binding(net::ChannelBinding::tls_exporter).value_or("");
    bindings.tls_server_end_point = stream_->channel_binding(net::ChannelBinding::tls_server_end_point).value_or("");
  }
  session_.on_tls_established(std::move(bindings));
}

net::ClientHandshake Connection::handshake() const {
  // RFC 7672 3.2: SNI is the TLSA base domain; the names are checked with the records.
  const Guard guard = plan_.protection->guard;
  if (guard == Guard::dane || guard == Guard::dane_unauthenticated)
    return {plan_.protection->tlsa.base.text(), {}, false};
  // RFC 8461 4.1: the MX name, never the policy's patterns.
  net::ClientHandshake out{plan_.target.host, {plan_.target.host}, plan_.verify};
  if (IpAddress::parse(plan_.target.host) || plan_.target.host.starts_with('[')) out.server_name.clear();
  return out;
}

/// "" where mail may be given to the peer; else why not.
std::string Connection::judge_peer() {
  switch (plan_.protection->guard) {
    case Guard::dane:
      return judge_by_dane();
    case Guard::dane_unauthenticated:
      proof_ = "encrypted as its TLSA records ask, not authenticated: none of them can be used";
      return {};
    default:
      return judge_by_certificate();
  }
}

std::string Connection::judge_by_dane() {
  const dane::Verdict verdict = dane::verify_chain_der(plan_.protection->tlsa.records, stream_->peer_chain(),
                                                       plan_.protection->names, loop_.clock().now());
  authenticated_ = verdict.match == dane::Match::match;
  proof_ = authenticated_ ? fmt::format("authenticated by DANE ({}…)", verdict.record.substr(0, shown_tlsa_octets))
                          : "DANE: " + verdict.reason;
  if (authenticated_) return {};
  tls_result_ = TlsResult{verdict.names_differ ? tls_rpt::ResultType::certificate_host_mismatch
                          : verdict.expired    ? tls_rpt::ResultType::certificate_expired
                                               : tls_rpt::ResultType::validation_failure,
                          verdict.reason};
  return "DANE: " + verdict.reason;
}

std::string Connection::judge_by_certificate() {
  const net::TlsInfo& info = *tls_info_;
  proof_ = info.verified                 ? "certificate verified"
           : info.verify_problem.empty() ? "certificate not checked"
                                         : "certificate not verified: " + info.verify_problem;
  const std::string policy = plan_.protection->text();
  if (!policy.empty()) proof_ += fmt::format(" ({})", policy);
  const Guard guard = plan_.protection->guard;
  const bool asked = guard == Guard::sts_enforce || guard == Guard::sts_testing;
  if (asked && !info.verified) tls_result_ = TlsResult{result_for(info.verify_failure), info.verify_problem};
  authenticated_ = info.verified && (guard == Guard::sts_enforce || plan_.verify);
  return guard == Guard::sts_enforce && !info.verified ? "MTA-STS: " + info.verify_problem : std::string{};
}

Task<> Connection::give_body() {
  if (!co_await flush()) co_return;
  in_body_ = true;
  // Small pieces, a header block and what follows it, go out as one: each write wakes the peer.
  OctetString gathered;
  while (gathered.size() < body_gathered_octets) {
    const Result<Octets, Problem> piece = co_await body_->next();
    if (!piece) co_return session_.abort_body(piece.error().why);
    if (piece->empty()) co_return session_.body(gathered, true);
    if (gathered.empty() && piece->size() >= body_gathered_octets) co_return session_.body(*piece, false);
    gathered += *piece;
  }
  session_.body(gathered, false);
}

// ---------------------------------------------------------------- the dialogue

void Connection::note_sent(Octets octets) {
  while (!octets.empty()) {
    const auto end = octets.find("\r\n");
    dialogue_.sent(octets.substr(0, end));
    octets.remove_prefix(end == Octets::npos ? octets.size() : end + 2);
  }
}

void Connection::note_received(Octets octets) {
  while (!octets.empty()) {
    const auto end = octets.find('\n');
    const Octets piece = octets.substr(0, end);
    if (received_line_.size() < noted_line_octets_max)
      received_line_.append(piece.substr(0, noted_line_octets_max - received_line_.size()));
    if (end == Octets::npos) return;
    octets.remove_prefix(end + 1);
    while (received_line_.ends_with('\r')) received_line_.pop_back();
    dialogue_.received(journal::without(received_line_, secrets_));
    received_line_.clear();
  }
}

}  // namespace posthorn::relay
