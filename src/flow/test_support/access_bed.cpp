#include "flow/test_support/access_bed.h"

#include <stdexcept>

#include <boost/asio/post.hpp>

#include "flow/access/imap_facts.h"
#include "flow/access/service.h"

namespace posthorn::flow_test {

namespace {

Task<> run_session(std::unique_ptr<access::Session> session, std::shared_ptr<ImapCaller::Running> running) {
  running->session = session.get();
  co_await session->run();
  running->session = nullptr;
}

}  // namespace

ImapCaller::ImapCaller(AccessBed& bed) : client_(bed.site) {
  DoorBed& site = bed.site;
  const auto id = site.ids.make<SessionId>();
  access::Connection connection{&site.net_loop,           client_.take_server_end(),      id,
                                site.log.for_session(id), net::ConnectionLimits::Place{}, true};
  const auto running = bed.running.emplace_back(std::make_shared<Running>());
  site.spawn(run_session(bed.door->make(std::move(connection)), running));
  if (!client_.shake_hands()) throw std::runtime_error("no handshake");
  client_.listen();
  static_cast<void>(listen("\r\n"));
}

std::string ImapCaller::send(const std::string& octets, const std::string& until) {
  if (!octets.empty()) client_.write(octets);
  client_.wait_until([&until](const std::string& heard) { return heard.contains(until); });
  return std::exchange(client_.heard(), {});
}

std::string ImapCaller::say(const std::string& command) {
  const std::string tag = fmt::format("t{:04}", ++tags_);
  std::string heard = send(tag + " " + command + "\r\n", tag + " ");
  while (!heard.ends_with("\r\n") && !ended()) heard += listen("\r\n");
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
  for (const auto& each : running)
    if (each->session != nullptr && each->session->identity() != nullptr &&
        access::is_revoked(*each->session->identity(), revocation))
      each->session->end(access::EndReason::revoked);
}

}  // namespace posthorn::flow_test
