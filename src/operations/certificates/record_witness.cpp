#include "operations/certificates/record_witness.h"

#include <algorithm>

#include <fmt/format.h>

#include "operations/inspection/check_network.h"
#include "platform/resolver/resolver.h"

namespace posthorn::certificates {
namespace {

ServerRecords read_answer(std::string server, const dns::Answer& answer) {
  ServerRecords said{std::move(server), dns::is_definite(answer.status()), answer.records(), answer.cname_chain(), {}};
  if (said.definite) return said;
  said.words = fmt::format("{}: {}", said.server,
                           answer.reason().empty() ? std::string(dns::text(answer.status())) : answer.reason());
  return said;
}

/// "ns1.example.net (192.0.2.53)": the host alone.
std::string_view host_of(std::string_view server) {
  return server.substr(0, server.find(' '));
}

/// A host that answers at one of its addresses is not held against us at another.
void forgive_second_addresses(std::vector<ServerRecords>& servers) {
  const std::vector<ServerRecords> all = servers;
  std::erase_if(servers, [&all](const ServerRecords& said) {
    return !said.definite && std::ranges::any_of(all, [&said](const ServerRecords& other) {
      return other.definite && host_of(other.server) == host_of(said.server);
    });
  });
}

class ResolverWitness final : public RecordWitness {
 public:
  explicit ResolverWitness(dns::Resolver& resolver) : resolver_(resolver) {}
  Task<Sighting> look(dns::Name name, dns::RecordType type) override {
    const dns::Answer answer = co_await resolver_.resolve(std::move(name), type);
    co_return Sighting{{read_answer(answer.source(), answer)}, {}};
  }

 private:
  dns::Resolver& resolver_;
};

/// Reads the file anew each time: it is what changes.
class FileWitness final : public RecordWitness {
 public:
  FileWitness(resolver::Options options, runtime::Clock& clock, runtime::Executor executor)
      : options_(std::move(options)), clock_(clock), executor_(std::move(executor)) {}
  Task<Sighting> look(dns::Name name, dns::RecordType type) override {
    const auto resolver = resolver::make_resolver(options_, clock_, executor_);
    if (!resolver) co_return Sighting{{}, resolver.error().text()};
    const dns::Answer answer = co_await (*resolver)->resolve(std::move(name), type);
    co_return Sighting{{read_answer(answer.source(), answer)}, {}};
  }

 private:
  resolver::Options options_;
  runtime::Clock& clock_;
  runtime::Executor executor_;
};

class NetworkWitness final : public RecordWitness {
 public:
  explicit NetworkWitness(std::unique_ptr<inspection::CheckSource> source) : source_(std::move(source)) {}

  Task<Sighting> look(dns::Name name, dns::RecordType type) override {
    const auto session = co_await source_->open(name);
    // Where the servers cannot be found (no way to the roots), whoever resolves names for us is asked instead.
    if (session->zone().servers.empty()) {
      const dns::Answer answer = co_await source_->resolver().resolve(std::move(name), type);
      co_return Sighting{{read_answer(answer.source(), answer)}, {}};
    }
    inspection::Published published = co_await session->ask(std::move(name), type);
    Sighting sighting;
    for (inspection::ServerAnswer& said : published.authoritative) {
      sighting.servers.push_back(read_answer(said.server, said.answer));
      if (!said.delegated) continue;
      sighting.servers.back().definite = false;
      sighting.servers.back().words = fmt::format("{} refers to {}", said.server, said.delegated->text());
    }
    for (const inspection::CheckedServer& server : session->zone().servers)
      if (server.state != inspection::CheckedServer::State::answers)
        sighting.servers.push_back({server.name, false, {}, {}, fmt::format("{}: {}", server.name, server.problem)});
    for (const dns::Name& host : session->zone().unresolved)
      sighting.servers.push_back({host.text(), false, {}, {}, host.text() + " has no address"});
    forgive_second_addresses(sighting.servers);
    co_return sighting;
  }

 private:
  std::unique_ptr<inspection::CheckSource> source_;
};

}  // namespace

std::string Sighting::doubt() const {
  if (servers.empty()) return problem.empty() ? "no server was found" : problem;
  const auto silent = std::ranges::find(servers, false, &ServerRecords::definite);
  return silent == servers.end() ? std::string() : silent->words;
}

bool Sighting::all(const std::function<bool(const ServerRecords&)>& holds) const {
  return !servers.empty() &&
         std::ranges::all_of(servers, [&holds](const ServerRecords& said) { return said.definite && holds(said); });
}

Result<std::unique_ptr<RecordWitness>, Problem> make_record_witness(std::string_view source, runtime::Clock& clock,
                                                                    runtime::Executor executor) {
  auto parsed = resolver::parse_source(source);
  if (!parsed) return fail(std::move(parsed.error()));
  if (std::holds_alternative<resolver::ZoneFile>(*parsed)) {
    resolver::Options options;
    options.source = std::move(*parsed);
    return std::unique_ptr<RecordWitness>(
        std::make_unique<FileWitness>(std::move(options), clock, std::move(executor)));
  }
  auto made = inspection::make_network_source({std::move(*parsed), {}}, clock, std::move(executor));
  if (!made) return fail(std::move(made.error()));
  return std::unique_ptr<RecordWitness>(std::make_unique<NetworkWitness>(std::move(*made)));
}

std::unique_ptr<RecordWitness> resolver_record_witness(dns::Resolver& resolver) {
  return std::make_unique<ResolverWitness>(resolver);
}

}  // namespace posthorn::certificates
