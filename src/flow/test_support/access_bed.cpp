#include "flow/test_support/access_bed.h"

#include <stdexcept>
#include <thread>

#include <boost/asio/post.hpp>

#include "flow/access/imap_facts.h"
#include "flow/access/service.h"
#include "platform/net/memory_stream.h"

namespace posthorn::flow_test {

using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 20s;  // for real threads (the store's); far beyond what is needed
const IpAddress kPeer = *IpAddress::parse("192.0.2.7");

using LinePtr = std::shared_ptr<ImapCaller::Line>;

Task<> run_session(std::unique_ptr<access::Session> session, LinePtr line) {
  line->session = session.get();
  co_await session->run();
  line->session = nullptr;
}

Task<> write_to(LinePtr line, std::string octets) {
  static_cast<void>(co_await line->stream->write(octets));
}

Task<> listen_to(LinePtr line) {
  std::array<char, 4096> piece;
  for (;;) {
    const auto got = co_await line->stream->read_some(piece);
    if (!got) break;
    line->heard.append(piece.data(), *got);
  }
  line->ended = true;
}

Task<bool> shake(LinePtr line, const net::ClientTls& tls) {
  net::ClientHandshake handshake{.server_name = "mx.alpha.example"};
  co_return (co_await line->stream->start_tls(tls, std::move(handshake))).has_value();
}

Task<bool> hang_up_line(LinePtr line) {
  co_await line->stream->close();
  co_return true;
}

}  // namespace

ImapCaller::ImapCaller(AccessBed& bed) : bed_(bed), line_(std::make_shared<Line>()) {
  DoorBed& site = bed.site;
  net::MemoryPairOptions options;
  options.client = {kPeer, 40'000};
  auto pair = net::make_memory_pair(site.net_loop, options);
  line_->stream = std::move(pair.client);
  const auto id = site.ids.make<SessionId>();
  access::Connection connection{&site.net_loop,           std::move(pair.server),         id,
                                site.log.for_session(id), net::ConnectionLimits::Place{}, true};
  bed.lines.push_back(line_);
  site.spawn(run_session(bed.door->make(std::move(connection)), line_));
  if (!site.wait(shake(line_, *site.client_tls))) throw std::runtime_error("no handshake");
  site.spawn(listen_to(line_));
  static_cast<void>(listen("\r\n"));
}

std::string ImapCaller::wait_for(const std::string& until) {
  const runtime::SystemClock real;
  const TimePoint deadline = real.now() + kPatience;
  bed_.site.loop.run_ready();
  while (!line_->heard.contains(until) && !line_->ended && real.now() < deadline) {
    std::this_thread::yield();
    bed_.site.loop.run_ready();
  }
  return std::exchange(line_->heard, {});
}

std::string ImapCaller::send(const std::string& octets, const std::string& until) {
  if (!octets.empty()) bed_.site.spawn(write_to(line_, octets));
  return wait_for(until);
}

void ImapCaller::push(const std::string& octets) {
  bed_.site.spawn(write_to(line_, octets));
  bed_.site.loop.run_ready();
}

std::string ImapCaller::say(const std::string& command) {
  const std::string tag = fmt::format("t{:04}", ++tags_);
  std::string heard = send(tag + " " + command + "\r\n", tag + " ");
  while (!heard.ends_with("\r\n") && !line_->ended) heard += listen("\r\n");
  for (std::size_t at = 0; (at = heard.find(tag, at)) != std::string::npos;) heard.replace(at, tag.size(), "TAG");
  return heard;
}

std::string ImapCaller::say_until_continuation(const std::string& command) {
  return send(fmt::format("t{:04} {}\r\n", ++tags_, command), "+ ");
}

std::string ImapCaller::append(const std::string& mailbox, const std::string& message, const std::string& arguments) {
  const std::string space = arguments.empty() ? "" : " ";
  return say(fmt::format("APPEND {}{}{} {{{}+}}\r\n{}", mailbox, space, arguments, message.size(), message));
}

void ImapCaller::hang_up() {
  line_->ended = true;
  static_cast<void>(bed_.site.wait(hang_up_line(line_)));
}

AccessBed::AccessBed(DoorBed::Adjust adjust) : site(std::move(adjust)) {
  mailbox::MailboxOptions options;
  options.make_facts = access::make_facts;
  mailboxes = std::make_unique<mailbox::Mailboxes>(*site.store, *site.folders, site.clock, site.ids, options, site.log);
  settings.host_name = "mx.alpha.example";
  settings.tls = site.server_tls;
  settings.unknown_login_secret = site.directory->unknown_login_secret();
  access::ImapSurroundings around;
  around.store = site.store.get();
  around.directory = site.directory.get();
  around.authenticator = site.authenticator.get();
  around.mailboxes = mailboxes.get();
  around.workers = &site.workers;
  around.clock = &site.clock;
  around.ids = &site.ids;
  around.metrics = &site.metrics;
  door = std::make_unique<access::ImapDoor>(around, settings);
  site.directory->observe_revocations([this](const directory::Revocation& revocation) {
    boost::asio::post(site.loop.executor(), [this, revocation] { end_revoked(revocation); });
  });
}

std::unique_ptr<ImapCaller> AccessBed::reader(const std::string& user, const std::string& password) {
  auto caller = call();
  const std::string answer = caller->say(fmt::format("LOGIN {} \"{}\"", user, password));
  if (!answer.contains("TAG OK")) throw std::runtime_error(answer);
  return caller;
}

void AccessBed::end_revoked(const directory::Revocation& revocation) {
  for (const LinePtr& line : lines)
    if (line->session != nullptr && line->session->identity() != nullptr &&
        access::is_revoked(*line->session->identity(), revocation))
      line->session->end(access::EndReason::revoked);
}

}  // namespace posthorn::flow_test
