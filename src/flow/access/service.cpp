#include "flow/access/service.h"

#include "platform/net/front.h"

namespace posthorn::access {
namespace {

class Visit final : public net::Guest {
 public:
  explicit Visit(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  Task<> run() override { return session_->run(); }
  void shut_down() override { session_->end(EndReason::shutdown); }
  [[nodiscard]] Session& session() { return *session_; }

 private:
  std::unique_ptr<Session> session_;
};

class ListeningService final : public Service, public net::Host {
 public:
  explicit ListeningService(ServiceSurroundings surroundings) : around_(std::move(surroundings)) {}

  Result<void, Problem> listen(const std::vector<net::Endpoint>& at);
  [[nodiscard]] std::vector<net::Endpoint> local() const override { return front_->local(); }
  void start() override { front_->start(); }
  void stop() override { front_->stop(); }
  void end_revoked(const directory::Revocation& revocation) override;

  std::unique_ptr<net::Guest> receive(net::Loop& loop, std::unique_ptr<net::Stream> stream,
                                      net::ConnectionLimits::Place place) override;
  [[nodiscard]] Octets refusal(net::ConnectionLimits::Full full) const override;

 private:
  ServiceSurroundings around_;
  std::unique_ptr<net::Front> front_;
};

Result<void, Problem> ListeningService::listen(const std::vector<net::Endpoint>& at) {
  const runtime::MetricLabels labels{{"service", around_.name}};
  net::FrontOptions options;
  options.loops = around_.loops;
  options.tasks = around_.tasks;
  options.limits = around_.limits;
  options.accepted =
      &around_.metrics->counter("posthorn_access_connections_total", "IMAP and POP3 connections taken.", labels);
  options.turned_away = &around_.metrics->counter("posthorn_access_connections_refused_total",
                                                  "IMAP and POP3 connections refused for limits.", labels);
  options.open = &around_.metrics->gauge("posthorn_access_sessions", "IMAP and POP3 sessions open now.", labels);
  options.log = around_.log;
  options.service = around_.name;
  auto front = net::Front::open(std::move(options), *this, at);
  if (!front) return fail(std::move(front.error()));
  front_ = std::move(*front);
  return {};
}

std::unique_ptr<net::Guest> ListeningService::receive(net::Loop& loop, std::unique_ptr<net::Stream> stream,
                                                      net::ConnectionLimits::Place place) {
  const auto id = around_.ids->make<SessionId>();
  Connection connection{
      &loop, std::move(stream), id, around_.log.for_session(id), std::move(place), around_.implicit_tls};
  return std::make_unique<Visit>(around_.door->make(std::move(connection)));
}

Octets ListeningService::refusal(net::ConnectionLimits::Full full) const {
  // Plaintext in front of a handshake says nothing to the client.
  if (around_.implicit_tls) return {};
  const bool total = full == net::ConnectionLimits::Full::total;
  return around_.door->refusal(total ? Door::Full::total : Door::Full::address);
}

void ListeningService::end_revoked(const directory::Revocation& revocation) {
  front_->each([revocation](net::Guest& guest) {
    Session& session = static_cast<Visit&>(guest).session();
    if (session.identity() != nullptr && is_revoked(*session.identity(), revocation)) session.end(EndReason::revoked);
  });
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
