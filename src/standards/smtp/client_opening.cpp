// From the greeting to Ready: EHLO, STARTTLS, AUTH.
#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"
#include "standards/smtp/client_core.h"

namespace posthorn::smtp::client {
namespace {

std::string first_line(std::string_view text) {
  return std::string(text::take_until(text, '\n'));
}

}  // namespace

void Core::fail_session(Outcome outcome) {
  push(Failed{std::move(outcome)});
  expected.clear();
  queued.clear();
  output += "QUIT\r\n";  // said, not waited for
  close();
}

// RFC 5321 3.1: 220, or 554 and the like.
void Core::heard_greeting(Reply reply) {
  if (reply.code.value != 220) return fail_session({Stage::greeting, Cause::reply, std::move(reply)});
  greeting = reply.text;
  say_ehlo();
}

void Core::say_ehlo() {
  say(Expect::ehlo, "EHLO " + settings.host_name + "\r\n");
}

void Core::heard_ehlo(Reply reply) {
  if (reply.code.is_completion()) {
    is_esmtp = true;
    hello_text = first_line(reply.text);
    peer = parse_extensions(reply.text);
    return after_hello();
  }
  // RFC 5321 3.2: a server that does not know EHLO is greeted with HELO.
  if (reply.code.is_permanent()) return say(Expect::helo, "HELO " + settings.host_name + "\r\n");
  fail_session({Stage::hello, Cause::reply, std::move(reply)});
}

void Core::heard_helo(Reply reply) {
  if (!reply.code.is_completion()) return fail_session({Stage::hello, Cause::reply, std::move(reply)});
  is_esmtp = false;
  hello_text = first_line(reply.text);
  peer = Extensions();
  after_hello();
}

void Core::after_hello() {
  const bool wants_tls = settings.tls == TlsUse::opportunistic || settings.tls == TlsUse::required;
  if (wants_tls && !is_tls && peer.starttls) return say(Expect::starttls, "STARTTLS\r\n");
  if (settings.tls == TlsUse::required && !is_tls) {
    return fail_session(
        {Stage::starttls, Cause::tls, Reply(451, {4, 7, 5}, "TLS is required, and the peer does not offer STARTTLS")});
  }
  if (settings.credentials && !is_logged_in) return begin_auth();
  become_ready();
}

void Core::heard_starttls(Reply reply) {
  // Where TLS is not required either, the caller may look for a host that has it before it goes on in clear.
  if (reply.code.value != 220) return fail_session({Stage::starttls, Cause::reply, std::move(reply)});
  if (!input.empty()) {
    // RFC 3207 with a peer, or somebody between, that speaks before the handshake: its words would pass as
    // encrypted ones.
    push(Failed{
        {Stage::starttls, Cause::tls, Reply(451, {4, 7, 5}, "The peer spoke in clear behind its answer to STARTTLS")}});
    return close();
  }
  is_tls_pending = true;
  push(StartTls{});
}

void Core::on_tls_established(sasl::ChannelBindings channel_bindings) {
  bindings = std::move(channel_bindings);
  is_tls = true;
  if (!is_tls_pending) return;  // implicit TLS: the greeting is still to come
  is_tls_pending = false;
  peer = Extensions();  // RFC 3207 4.2: what was learned in clear is forgotten
  say_ehlo();
}

void Core::on_tls_failed(std::string why) {
  is_tls_pending = false;
  push(Failed{{Stage::starttls, Cause::tls, Reply(451, {4, 7, 5}, std::move(why))}});
  close();
}

void Core::begin_auth() {
  const auto mechanism = sasl::choose_mechanism(peer.auth, bindings, is_tls);
  if (!mechanism) {
    return fail_session(
        {Stage::auth, Cause::local, Reply(454, {4, 7, 0}, "The peer offers no login mechanism that can be used here")});
  }
  bool offered_plus = false;
  for (const auto offered : peer.auth) offered_plus = offered_plus || offered == sasl::Mechanism::scram_sha_256_plus;
  exchange = std::make_unique<sasl::ClientExchange>(*mechanism, *settings.credentials, bindings,
                                                    codec::base64_encode(settings.nonce), offered_plus);
  std::string line = "AUTH " + std::string(sasl::name(*mechanism));
  if (const auto initial = exchange->initial_response()) {
    line += " " + (initial->empty() ? std::string("=") : codec::base64_encode(*initial));
  }
  say(Expect::auth, line + "\r\n");
}

void Core::heard_auth(Reply reply) {
  if (reply.code.value == 334 && exchange) {
    const auto challenge = codec::base64_decode(text::trim(reply.text));
    const auto response = challenge ? exchange->respond(*challenge) : fail(sasl::ClientError::malformed);
    if (response) return say(Expect::auth, codec::base64_encode(*response) + "\r\n");
    exchange.reset();
    return say(Expect::auth, "*\r\n");
  }
  const bool is_proven = exchange && exchange->may_succeed();
  const bool was_cancelled = !exchange;
  exchange.reset();
  if (reply.code.value == 235 && is_proven) {
    is_logged_in = true;
    return become_ready();
  }
  if (reply.code.is_positive() || was_cancelled) {
    return fail_session({Stage::auth, Cause::local,
                         Reply(454, {4, 7, 0}, "The peer could not prove that it knows the login's secret")});
  }
  fail_session({Stage::auth, Cause::reply, std::move(reply)});
}

void Core::become_ready() {
  is_ready = true;
  push(Ready{});
}

}  // namespace posthorn::smtp::client
