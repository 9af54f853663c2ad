#include "flow/smtp_service/service.h"

#include <unordered_set>

#include <boost/asio/post.hpp>

namespace posthorn::smtp_service {
namespace {

// RFC 5321 3.8: 421 is the code for a host that must close; what a peer reads when it cannot be served at all.
constexpr Octets kTooMany = "421 4.3.2 Too many connections here now; try again in a few minutes\r\n";
constexpr Octets kTooManyOfYours = "421 4.7.0 Too many connections from your address; close some and try again\r\n";

class Service;

/// One door's settings, and the same without SCRAM (docs/decisions/0060-scram-offered-where-it-works.md).
struct Offers {
  explicit Offers(ServiceSettings settings)
      : all(std::make_shared<const ServiceSettings>(settings)), passwords(without_scram(std::move(settings))) {}
  std::shared_ptr<const ServiceSettings> all, passwords;

 private:
  static std::shared_ptr<const ServiceSettings> without_scram(ServiceSettings settings) {
    std::erase_if(settings.machine.mechanisms, [](sasl::Mechanism each) { return !sasl::sends_password(each); });
    return std::make_shared<const ServiceSettings>(std::move(settings));
  }
};

/// One loop's listeners and sessions; everything on that loop.
class Room final : public net::ConnectionHandler {
 public:
  Room(Service& service, net::Loop& loop) : service_(service), loop_(loop) {}

  void connected(net::Loop& loop, std::unique_ptr<net::Stream> stream) override;
  [[nodiscard]] Octets refusal() const override { return kTooMany; }
  void descriptors_exhausted() override;

  [[nodiscard]] net::Loop& loop() { return loop_; }
  std::vector<std::unique_ptr<net::Listener>> listeners;
  std::unordered_set<Pump*> sessions;

 private:
  Service& service_;
  net::Loop& loop_;
};

class Service final : public SmtpService {
 public:
  Service(Surroundings surroundings, ServiceSettings settings)
      : around_(std::move(surroundings)),
        offers_(std::make_shared<const Offers>(std::move(settings))),
        accepted_(around_.metrics->counter("posthorn_smtp_connections_total", "SMTP connections taken.",
                                           {{"service", around_.name}})),
        turned_away_(around_.metrics->counter("posthorn_smtp_connections_refused_total",
                                              "SMTP connections refused for limits.", {{"service", around_.name}})),
        open_(
            around_.metrics->gauge("posthorn_smtp_sessions", "SMTP sessions open now.", {{"service", around_.name}})) {}

  Result<void, Problem> listen(const std::vector<net::Endpoint>& at);
  [[nodiscard]] std::vector<net::Endpoint> local() const override { return local_; }
  void start() override;
  void stop() override;
  void reconfigure(ServiceSettings settings) override {
    offers_.store(std::make_shared<const Offers>(std::move(settings)));
  }
  void end_where(std::function<bool(SessionHandler&)> question) override;

  void admit(Room& room, std::unique_ptr<net::Stream> stream);
  [[nodiscard]] const Surroundings& around() const { return around_; }

 private:
  static Task<> converse(Service& service, Room& room, std::unique_ptr<Pump> pump);

  Surroundings around_;
  std::atomic<std::shared_ptr<const Offers>> offers_;
  runtime::Counter& accepted_;
  runtime::Counter& turned_away_;
  runtime::Gauge& open_;
  std::vector<std::unique_ptr<Room>> rooms_;
  std::vector<net::Endpoint> local_;
};

void Room::connected(net::Loop&, std::unique_ptr<net::Stream> stream) {
  service_.admit(*this, std::move(stream));
}

void Room::descriptors_exhausted() {
  service_.around().log.warning("out of file descriptors; connections are refused until some close",
                                {{"service", service_.around().name}});
}

Result<void, Problem> Service::listen(const std::vector<net::Endpoint>& at) {
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

void Service::start() {
  for (const auto& room : rooms_)
    for (const auto& listener : room->listeners)
      runtime::spawn(*around_.tasks, room->loop().executor(), "smtp listener", listener->run(*room));
}

void Service::stop() {
  for (const auto& each : rooms_) {
    Room* room = each.get();
    boost::asio::post(room->loop().executor(), [room] {
      for (const auto& listener : room->listeners) listener->close();
      for (Pump* session : room->sessions) session->shut_down();
    });
  }
}

void Service::end_where(std::function<bool(SessionHandler&)> question) {
  for (const auto& each : rooms_) {
    Room* room = each.get();
    boost::asio::post(room->loop().executor(), [room, question] {
      for (Pump* session : room->sessions)
        if (question(session->handler())) session->shut_down();
    });
  }
}

void Service::admit(Room& room, std::unique_ptr<net::Stream> stream) {
  auto place = around_.limits->enter(stream->peer().address);
  if (!place) {
    turned_away_.add();
    stream->refuse(place.error() == net::ConnectionLimits::Full::total ? kTooMany : kTooManyOfYours);
    return;
  }
  accepted_.add();
  const auto offers = offers_.load();
  const auto& settings = around_.handlers->offers_scram() ? offers->all : offers->passwords;
  auto pump = std::make_unique<Pump>(room.loop(), std::move(stream), settings, *around_.handlers,
                                     around_.ids->make<SessionId>(), around_.log, std::move(*place));
  runtime::spawn(*around_.tasks, room.loop().executor(), "smtp session", converse(*this, room, std::move(pump)));
}

Task<> Service::converse(Service& service, Room& room, std::unique_ptr<Pump> pump) {
  // Leaves the room also when the session is cancelled.
  struct Presence {
    Service& service;
    Room& room;
    Pump* pump;
    ~Presence() {
      room.sessions.erase(pump);
      service.open_.add(-1);
    }
  };
  room.sessions.insert(pump.get());
  service.open_.add(1);
  const Presence presence{service, room, pump.get()};
  co_await pump->run();
}

}  // namespace

Result<std::unique_ptr<SmtpService>, Problem> SmtpService::open(Surroundings surroundings,
                                                                const std::vector<net::Endpoint>& at,
                                                                ServiceSettings settings) {
  auto service = std::make_unique<Service>(std::move(surroundings), std::move(settings));
  if (auto listening = service->listen(at); !listening) return fail(std::move(listening.error()));
  return std::unique_ptr<SmtpService>(std::move(service));
}

}  // namespace posthorn::smtp_service
