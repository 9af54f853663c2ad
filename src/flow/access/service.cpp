#include "flow/access/service.h"

#include <unordered_set>

#include <boost/asio/post.hpp>

#include "platform/net/listener.h"

namespace posthorn::access {
namespace {

class ListeningService;

/// One loop's listeners and sessions; everything on that loop.
class Room final : public net::ConnectionHandler {
 public:
  Room(ListeningService& service, net::Loop& loop) : service_(service), loop_(loop) {}

  void connected(net::Loop& loop, std::unique_ptr<net::Stream> stream) override;
  [[nodiscard]] Octets refusal() const override;
  void descriptors_exhausted() override;

  [[nodiscard]] net::Loop& loop() { return loop_; }
  std::vector<std::unique_ptr<net::Listener>> listeners;
  std::unordered_set<Session*> sessions;

 private:
  ListeningService& service_;
  net::Loop& loop_;
};

class ListeningService final : public Service {
 public:
  explicit ListeningService(ServiceSurroundings surroundings)
      : around_(std::move(surroundings)),
        accepted_(around_.metrics->counter("posthorn_access_connections_total", "IMAP and POP3 connections taken.",
                                           {{"service", around_.name}})),
        turned_away_(around_.metrics->counter("posthorn_access_connections_refused_total",
                                              "IMAP and POP3 connections refused for limits.",
                                              {{"service", around_.name}})),
        open_(around_.metrics->gauge("posthorn_access_sessions", "IMAP and POP3 sessions open now.",
                                     {{"service", around_.name}})) {}

  Result<void, Problem> listen(const std::vector<net::Endpoint>& at);
  [[nodiscard]] std::vector<net::Endpoint> local() const override { return local_; }
  void start() override;
  void stop() override;
  void end_revoked(const directory::Revocation& revocation) override;

  void admit(Room& room, std::unique_ptr<net::Stream> stream);
  [[nodiscard]] const ServiceSurroundings& around() const { return around_; }

 private:
  static Task<> converse(ListeningService& service, Room& room, std::unique_ptr<Session> session);

  ServiceSurroundings around_;
  runtime::Counter& accepted_;
  runtime::Counter& turned_away_;
  runtime::Gauge& open_;
  std::vector<std::unique_ptr<Room>> rooms_;
  std::vector<net::Endpoint> local_;
};

void Room::connected(net::Loop&, std::unique_ptr<net::Stream> stream) {
  service_.admit(*this, std::move(stream));
}

Octets Room::refusal() const {
  // Plaintext in front of a handshake says nothing to the client.
  return service_.around().implicit_tls ? Octets{} : service_.around().door->refusal(Door::Full::total);
}

void Room::descriptors_exhausted() {
  service_.around().log.warning("out of file descriptors; connections are refused until some close",
                                {{"service", service_.around().name}});
}

Result<void, Problem> ListeningService::listen(const std::vector<net::Endpoint>& at) {
  for (net::Loop* loop : around_.loops) rooms_.push_back(std::make_unique<Room>(*this, *loop));
  for (net::Endpoint endpoint : at) {
    if (auto free = net::Listener::check_free(endpoint); !free) return free;
    for (const auto& room : rooms_) {
      auto listener = net::Listener::open(room->loop(), endpoint);
      if (!listener) return fail(std::move(listener.error()));
      endpoint = (*listener)->local();  // port 0: the kernel chose; the other loops share it
      room->listeners.push_back(std::move(*listener));
    }
    local_.push_back(endpoint);
  }
  return {};
}

void ListeningService::start() {
  for (const auto& room : rooms_)
    for (const auto& listener : room->listeners)
      runtime::spawn(*around_.tasks, room->loop().executor(), "access listener", listener->run(*room));
}

void ListeningService::stop() {
  for (const auto& each : rooms_) {
    Room* room = each.get();
    boost::asio::post(room->loop().executor(), [room] {
      for (const auto& listener : room->listeners) listener->close();
      for (Session* session : room->sessions) session->end(EndReason::shutdown);
    });
  }
}

void ListeningService::end_revoked(const directory::Revocation& revocation) {
  for (const auto& each : rooms_) {
    Room* room = each.get();
    boost::asio::post(room->loop().executor(), [room, revocation] {
      for (Session* session : room->sessions)
        if (session->identity() != nullptr && is_revoked(*session->identity(), revocation))
          session->end(EndReason::revoked);
    });
  }
}

void ListeningService::admit(Room& room, std::unique_ptr<net::Stream> stream) {
  auto place = around_.limits->enter(stream->peer().address);
  if (!place) {
    turned_away_.add();
    const bool total = place.error() == net::ConnectionLimits::Full::total;
    stream->refuse(around_.implicit_tls ? Octets{}
                                        : around_.door->refusal(total ? Door::Full::total : Door::Full::address));
    return;
  }
  accepted_.add();
  const auto id = around_.ids->make<SessionId>();
  Connection connection{&room.loop(),      std::move(stream),   id, around_.log.for_session(id),
                        std::move(*place), around_.implicit_tls};
  auto session = around_.door->make(std::move(connection));
  runtime::spawn(*around_.tasks, room.loop().executor(), "access session", converse(*this, room, std::move(session)));
}

Task<> ListeningService::converse(ListeningService& service, Room& room, std::unique_ptr<Session> session) {
  // Leaves the room also when the session is cancelled.
  struct Presence {
    ListeningService& service;
    Room& room;
    Session* session;
    ~Presence() {
      room.sessions.erase(session);
      service.open_.add(-1);
    }
  };
  room.sessions.insert(session.get());
  service.open_.add(1);
  const Presence presence{service, room, session.get()};
  co_await session->run();
}

}  // namespace

Result<std::unique_ptr<Service>, Problem> Service::open(ServiceSurroundings surroundings,
                                                        const std::vector<net::Endpoint>& at) {
  auto service = std::make_unique<ListeningService>(std::move(surroundings));
  if (auto listening = service->listen(at); !listening) return fail(std::move(listening.error()));
  return std::unique_ptr<Service>(std::move(service));
}

bool is_revoked(const directory::Identity& identity, const directory::Revocation& revocation) {
  if (identity.account != revocation.account) return false;
  return !revocation.login || *revocation.login == identity.login;
}

}  // namespace posthorn::access
