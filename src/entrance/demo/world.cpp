#include "entrance/demo/world.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "entrance/server/settings.h"
#include "foundation/crypto/random.h"
#include "platform/runtime/files.h"
#include "site/directory/plan.h"
#include "standards/dns/zone.h"

namespace posthorn::demo {
namespace {

constexpr Duration kGrace = std::chrono::seconds(5);
constexpr std::uint16_t kSmtpPort = 2525;
constexpr std::uint16_t kSubmissionPort = 2587;
constexpr std::uint16_t kSubmissionsPort = 2465;
constexpr std::uint16_t kImapPort = 2143;
constexpr std::uint16_t kImapsPort = 2993;

/// Whether a port can be bound at this moment. Another program may be faster; the start then says so.
bool is_free(const IpAddress& address, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address.text().c_str(), &to.sin_addr);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  ::close(fd);
  return free;
}

/// The well-known demo port, or one above it where that is taken (a second demo).
std::uint16_t free_port(const IpAddress& address, std::uint16_t wanted) {
  for (std::uint16_t port = wanted; port < wanted + 2000; port = static_cast<std::uint16_t>(port + 10))
    if (is_free(address, port)) return port;
  return wanted;
}

Inhabited inhabit(const std::string& domain, const std::string& person, std::string_view address) {
  Inhabited site;
  site.domain = domain;
  site.host_name = "mail." + domain;
  site.account = person + "@" + domain;
  site.password = crypto::random_secret(12);
  site.address = *IpAddress::parse(address);
  return site;
}

}  // namespace

net::Endpoint Inhabited::endpoint(std::string_view service) const {
  for (const server::Listening& each : server->listening())
    if (each.service == service) return each.at;
  return {};
}

Result<std::unique_ptr<World>, Problem> World::make(const std::filesystem::path& dir, TimePoint now) {
  auto world = std::make_unique<World>();
  auto authority = net::CertificateAuthority::make("Posthorn demo authority", now - std::chrono::hours(1),
                                                   now + std::chrono::hours(24 * 365));
  if (!authority) return fail(std::move(authority.error()));
  world->authority_ = std::make_unique<net::CertificateAuthority>(std::move(*authority));
  world->ca_file_ = dir / "authority.pem";
  if (auto written = runtime::write_file_atomically(world->ca_file_, world->authority_->authority_pem(),
                                                    runtime::FileAccess::readable);
      !written)
    return fail(std::move(written.error()));
  auto tls = net::ClientTls::make({world->ca_file_, false});
  if (!tls) return fail(std::move(tls.error()));
  world->client_tls_ = std::move(*tls);

  world->alpha() = inhabit("alpha.example", "ann", "127.0.0.2");
  world->beta() = inhabit("beta.example", "bob", "127.0.0.3");
  const std::uint16_t alpha_port = free_port(world->alpha().address, kSmtpPort);
  const std::uint16_t beta_port = free_port(world->beta().address, kSmtpPort);
  if (auto made = world->make_site(world->alpha(), dir / "alpha", alpha_port, beta_port); !made)
    return fail(std::move(made.error()));
  if (auto made = world->make_site(world->beta(), dir / "beta", beta_port, alpha_port); !made)
    return fail(std::move(made.error()));
  for (const Inhabited& site : world->sites_) {
    world->zone_text_ += site.made.records_text;
    // Whoever runs the addresses publishes this; the sites' own plans cannot.
    world->zone_text_ += fmt::format("{}. IN PTR {}.\n", dns::reverse_name(site.address).text(), site.host_name);
  }
  return world;
}

Result<void, Problem> World::make_site(Inhabited& site, const std::filesystem::path& dir, std::uint16_t mx_port,
                                       std::uint16_t other_mx_port) {
  server::QuickstartOptions options;
  options.domain = site.domain;
  options.dir = dir;
  options.host_name = site.host_name;
  options.account = site.account;
  options.password = site.password;
  options.listen =
      fmt::format("smtp={0}:{1},submission={0}:{2},submissions={0}:{3},imap={0}:{4},imaps={0}:{5}", site.address.text(),
                  mx_port, free_port(site.address, kSubmissionPort), free_port(site.address, kSubmissionsPort),
                  free_port(site.address, kImapPort), free_port(site.address, kImapsPort));
  options.authority = authority_.get();
  options.ca_file = ca_file_;
  options.dmarc_policy = dmarc::Policy::reject;
  options.relay.mx_port = other_mx_port;
  options.relay.source = {site.address};
  options.relay.allow_private = true;  // the whole world of the demo is on loopback
  auto made = server::quickstart(options);
  if (!made) return fail(std::move(made.error()));
  site.made = std::move(*made);
  return {};
}

Task<Result<void, Problem>> World::start(server::Process& process, Teller& teller) {
  for (Inhabited& site : sites_) {
    auto config = config::load(site.made.config);
    if (!config) co_return fail(config.error().front());
    auto zone = dns::Zone::parse(zone_text_);
    if (!zone) co_return fail(Problem{ProblemKind::unavailable, "the demo's zone", zone.error().text(), ""});
    config->log_level = runtime::LogLevel::warning;
    server::SiteServer::Replacements replacements;
    replacements.resolver = std::make_unique<dns::ZoneFileResolver>(std::move(*zone));
    replacements.log = server::make_logger(*config, process.clock());
    auto started = co_await server::SiteServer::start(process, std::move(*config), std::move(replacements));
    if (!started) co_return fail(std::move(started.error()));
    site.server = std::move(*started);
    if (auto added = co_await add_login(site, process.clock().now()); !added) co_return added;
    teller.listen_to(site.server->store(), site.domain);
  }
  co_return Result<void, Problem>{};
}

Task<Result<void, Problem>> World::add_login(Inhabited& site, TimePoint now) {
  const auto snapshot = site.server->directory().snapshot();
  auto login = directory::add_login(*snapshot, site.account, "mail program", "smtp,imap", now);
  if (!login) co_return fail(std::move(login.error()));
  const auto committed = co_await site.server->store().commit(std::move(login->unit));
  if (!committed)
    co_return fail(Problem{ProblemKind::unavailable, "the demo's login", "the store did not take it", ""});
  site.login = std::move(login->name);
  site.secret = std::move(login->secret);
  co_return Result<void, Problem>{};
}

Task<> World::stop() {
  for (Inhabited& site : sites_) {
    if (!site.server) continue;
    co_await site.server->stop(kGrace);
    site.server.reset();
  }
}

}  // namespace posthorn::demo
