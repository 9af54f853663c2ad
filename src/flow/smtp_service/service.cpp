#include "flow/smtp_service/service.h"

#include "platform/net/front.h"

namespace posthorn::smtp_service {
namespace {

// RFC 5321 3.8: 421 is the code for a host that must close; what a peer reads when it cannot be served at all.
constexpr Octets kTooMany = "421 4.3.2 Too many connections here now; try again in a few minutes\r\n";
constexpr Octets kTooManyOfYours = "421 4.7.0 Too many connections from your address; close some and try again\r\n";

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

class Visit final : public net::Guest {
 public:
  explicit Visit(std::unique_ptr<Pump> pump) : pump_(std::move(pump)) {}

  Task<> run() override { return pump_->run(); }
  void shut_down() override { pump_->shut_down(); }
  [[nodiscard]] SessionHandler& handler() { return pump_->handler(); }

 private:
  std::unique_ptr<Pump> pump_;
};

class Service final : public SmtpService, public net::Host {
 public:
  Service(Surroundings surroundings, ServiceSettings settings)
      : around_(std::move(surroundings)), offers_(std::make_shared<const Offers>(std::move(settings))) {}

  Result<void, Problem> listen(const std::vector<net::Endpoint>& at);
  [[nodiscard]] std::vector<net::Endpoint> local() const override { return front_->local(); }
  void start() override { front_->start(); }
  void stop() override { front_->stop(); }
  void reconfigure(ServiceSettings settings) override {
    offers_.store(std::make_shared<const Offers>(std::move(settings)));
  }
  void end_where(std::function<bool(SessionHandler&)> question) override;

  std::unique_ptr<net::Guest> receive(net::Loop& loop, std::unique_ptr<net::Stream> stream,
                                      net::ConnectionLimits::Place place) override;
  [[nodiscard]] Octets refusal(net::ConnectionLimits::Full full) const override {
    return full == net::ConnectionLimits::Full::total ? kTooMany : kTooManyOfYours;
  }

 private:
  Surroundings around_;
  std::atomic<std::shared_ptr<const Offers>> offers_;
  std::unique_ptr<net::Front> front_;
};

Result<void, Problem> Service::listen(const std::vector<net::Endpoint>& at) {
  const runtime::MetricLabels labels{{"service", around_.name}};
  net::FrontOptions options;
  options.loops = around_.loops;
  options.tasks = around_.tasks;
  options.limits = around_.limits;
  options.accepted = &around_.metrics->counter("posthorn_smtp_connections_total", "SMTP connections taken.", labels);
  options.turned_away = &around_.metrics->counter("posthorn_smtp_connections_refused_total",
                                                  "SMTP connections refused for limits.", labels);
  options.open = &around_.metrics->gauge("posthorn_smtp_sessions", "SMTP sessions open now.", labels);
  options.log = around_.log;
  options.service = around_.name;
  auto front = net::Front::open(std::move(options), *this, at);
  if (!front) return fail(std::move(front.error()));
  front_ = std::move(*front);
  return {};
}

std::unique_ptr<net::Guest> Service::receive(net::Loop& loop, std::unique_ptr<net::Stream> stream,
                                             net::ConnectionLimits::Place place) {
  const auto offers = offers_.load();
  const auto& settings = around_.handlers->offers_scram() ? offers->all : offers->passwords;
  return std::make_unique<Visit>(std::make_unique<Pump>(loop, std::move(stream), settings, *around_.handlers,
                                                        around_.ids->make<SessionId>(), around_.log, std::move(place)));
}

void Service::end_where(std::function<bool(SessionHandler&)> question) {
  front_->each([question = std::move(question)](net::Guest& guest) {
    if (question(static_cast<Visit&>(guest).handler())) guest.shut_down();
  });
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
