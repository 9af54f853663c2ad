#include "operations/inspection/check_network.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/resolver/answer_cache.h"
#include "platform/runtime/spawn.h"

namespace posthorn::inspection {
namespace {

using resolver::Delegation;
using resolver::DnsClient;
using resolver::ZoneServer;

/// In front of a resolver that keeps nothing, or that asks one server of ours: what is known is not asked again, and at
/// the cache a question takes the place of one of ours.
class BoundedResolver final : public dns::Resolver {
 public:
  BoundedResolver(std::unique_ptr<dns::Resolver> under, DnsClient& client, runtime::Clock& clock,
                  std::optional<net::Endpoint> cache)
      : under_(std::move(under)), client_(client), clock_(clock), cache_(cache), kept_(answers_kept_max) {}

  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    if (auto known = kept_.find(name, type, clock_.now())) co_return std::move(*known);
    std::unique_ptr<DnsClient::Reservation> place;
    if (cache_) place = co_await client_.reserve(*cache_);
    const dns::Answer answer = co_await under_->resolve(std::move(name), type);
    kept_.keep(answer, clock_.now());
    co_return answer;
  }

 private:
  static constexpr std::size_t answers_kept_max = 1000;  // ours: hosts and SPF records that many domains share
  std::unique_ptr<dns::Resolver> under_;
  DnsClient& client_;
  runtime::Clock& clock_;
  std::optional<net::Endpoint> cache_;
  resolver::AnswerCache kept_;
};

/// What the sessions of one source share.
struct Network {
  Network(const NetworkSourceOptions& options, runtime::Clock& clock, const runtime::Executor& executor,
          resolver::DelegationStart start, std::unique_ptr<dns::Resolver> cache_resolver,
          std::optional<net::Endpoint> cache_server)
      : loop(executor, clock),
        client(loop, random, options.client),
        delegations(client, clock, std::move(start)),
        resolver(std::make_unique<BoundedResolver>(
            cache_resolver ? std::move(cache_resolver) : resolver::make_authoritative_resolver(delegations, executor),
            client, clock, cache_server)),
        cache(cache_server),
        transfer(options.transfer),
        asks_resolver(!cache && !std::holds_alternative<resolver::Authoritative>(options.source)) {}

  net::Loop loop;
  runtime::SystemRandom random;
  DnsClient client;
  resolver::Delegations delegations;
  std::unique_ptr<dns::Resolver> resolver;
  std::optional<net::Endpoint> cache;  ///< asked directly, so that its TTLs and its AD are seen
  bool transfer;
  bool asks_resolver;  ///< the cache is the resolver's own
};

class NetworkSession final : public CheckSource::Session {
 public:
  NetworkSession(Network& network, dns::Name domain) : network_(network), domain_(std::move(domain)) {}

  Task<> find_servers() {
    Delegation found = co_await network_.delegations.find(domain_);
    view_.zone = found.zone;
    view_.unresolved = found.unresolved;
    view_.has_ds = found.has_ds;
    view_.domain_is_absent = found.name_is_absent;
    view_.problem = found.problem;
    for (const dns::NameServer& server : found.parent_names) view_.parent_names.push_back(server.host);
    if (!view_.problem.empty() && found.servers.empty()) co_return;
    view_.problem.clear();
    servers_ = std::move(found.servers);
    view_.servers.resize(servers_.size());
    counts_.resize(servers_.size());
    greetings_.resize(servers_.size());
    runtime::TaskGroup group("servers", {});
    const runtime::Executor executor = co_await runtime::current_executor();
    for (std::size_t i = 0; i < servers_.size(); ++i) runtime::spawn(group, executor, "server", greet(i));
    co_await group.join();
  }

  const CheckedZone& zone() const override { return view_; }
  std::vector<AskedCount> asked() const override {
    std::vector<AskedCount> out;
    for (std::size_t i = 0; i < servers_.size(); ++i)
      if (view_.servers[i].state != CheckedServer::State::not_asked) out.push_back({servers_[i].text(), counts_[i]});
    if (cache_count_ > 0) out.push_back({network_.cache ? network_.cache->text() : "cache", cache_count_});
    return out;
  }

  Task<Published> ask(dns::Name name, dns::RecordType type) override {
    Published published{name, type, {}, std::nullopt, std::nullopt};
    std::vector<std::optional<ServerAnswer>> said(servers_.size());
    runtime::TaskGroup group("question", {});
    const runtime::Executor executor = co_await runtime::current_executor();
    const bool greeted = type == dns::RecordType::soa && name == view_.zone;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (view_.servers[i].state != CheckedServer::State::answers) continue;
      if (greeted)
        said[i] = greetings_[i];
      else
        runtime::spawn(group, executor, "server", ask_server(i, name, type, said[i]));
    }
    if (network_.cache || network_.asks_resolver)
      runtime::spawn(group, executor, "cache", ask_cache(name, type, published.cached));
    co_await group.join();
    for (auto& one : said)
      if (one) published.authoritative.push_back(std::move(*one));
    co_return published;
  }

  /// Zones are seldom open for transfer, and a refusal costs a connection: only where it was asked for.
  Task<std::vector<dns::Record>> list() override {
    std::vector<dns::Record> below;
    if (!network_.transfer) co_return below;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (view_.servers[i].state != CheckedServer::State::answers) continue;
      ++counts_[i];
      auto records = co_await network_.client.transfer(servers_[i].endpoint, view_.zone);
      if (!records) continue;
      for (dns::Record& record : *records)
        if (record.owner.is_at_or_below(domain_)) below.push_back(std::move(record));
      break;
    }
    co_return below;
  }

 private:
  /// The SOA tells who is there, who is lame, how old each one's zone is, and until when its signature holds.
  Task<> greet(std::size_t at) {
    CheckedServer& server = view_.servers[at];
    server.name = servers_[at].text();
    ++counts_[at];
    const dns::Question question{view_.zone, dns::RecordType::soa};
    const auto got = co_await network_.client.ask(servers_[at].endpoint, question, {.dnssec_ok = true});
    if (!got) {
      server.state = got.error().no_way ? CheckedServer::State::not_asked : CheckedServer::State::unreachable;
      server.problem = got.error().reason;
      co_return;
    }
    const dns::Reply& reply = got->reply;
    if (reply.soa) server.serial = reply.soa->serial;
    greetings_[at] = told_by(at, question, *got);
    if (reply.authoritative && reply.kind == dns::ReplyKind::answer) co_return;
    server.state = CheckedServer::State::lame;
    server.problem = !reply.problem.empty() ? reply.problem
                     : !reply.authoritative ? "its answer is not authoritative"
                                            : std::string(dns::text(reply.kind));
  }

  Task<> ask_server(std::size_t at, dns::Name name, dns::RecordType type, std::optional<ServerAnswer>& into) {
    ++counts_[at];
    const dns::Question question{name, type};
    const auto got = co_await network_.client.ask(servers_[at].endpoint, question, {});
    if (!got) {
      dns::AnswerData none{.question = name, .type = type, .status = got.error().status, .reason = got.error().reason};
      into.emplace(servers_[at].text(), dns::Answer(std::move(none)), view_.servers[at].serial, false, std::nullopt,
                   std::vector<dns::SignatureTimes>{});
      co_return;
    }
    into.emplace(told_by(at, question, *got));
  }

  [[nodiscard]] ServerAnswer told_by(std::size_t at, const dns::Question& question,
                                     const resolver::Exchange& got) const {
    ServerAnswer said{servers_[at].text(),
                      resolver::answer_from(question, got, servers_[at].text()),
                      view_.servers[at].serial,
                      got.reply.authoritative,
                      std::nullopt,
                      got.reply.signatures};
    if (got.reply.kind == dns::ReplyKind::referral) said.delegated = got.reply.zone;
    return said;
  }

  Task<> ask_cache(dns::Name name, dns::RecordType type, std::optional<dns::Answer>& into) {
    ++cache_count_;
    if (!network_.cache) {
      into = co_await network_.resolver->resolve(name, type);
      co_return;
    }
    const dns::Question question{name, type};
    const auto got = co_await network_.client.ask(*network_.cache, question, {.recursion_desired = true});
    dns::AnswerData data{.question = name, .type = type, .status = dns::Status::timeout};
    if (!got) {
      data.reason = got.error().reason;
      into.emplace(std::move(data));
      co_return;
    }
    const dns::Answer answer = resolver::answer_from(question, *got, network_.cache->text());
    data.status = answer.status();
    data.records = answer.records();
    data.cname_chain = answer.cname_chain();
    data.ttl_seconds = answer.ttl_seconds();
    data.secure = got->reply.authentic;
    data.from_cache = true;
    data.source = answer.source();
    data.reason = answer.reason();
    if (data.status == dns::Status::servfail) co_await tell_bogus(question, data);
    into.emplace(std::move(data));
  }

  /// RFC 4035 3.2.2: what a validating cache withholds it gives to who checks by himself.
  Task<> tell_bogus(dns::Question question, dns::AnswerData& data) {
    const auto unchecked =
        co_await network_.client.ask(*network_.cache, question, {.recursion_desired = true, .checking_disabled = true});
    if (!unchecked || unchecked->reply.kind == dns::ReplyKind::failure) co_return;
    data.status = dns::Status::bogus;
    data.reason = fmt::format("{} finds its signatures broken", network_.cache->text());
  }

  Network& network_;
  dns::Name domain_;
  CheckedZone view_;
  std::vector<ZoneServer> servers_;
  std::vector<unsigned> counts_;  ///< questions, by server
  std::vector<std::optional<ServerAnswer>> greetings_;
  unsigned cache_count_ = 0;
};

class NetworkSource final : public CheckSource {
 public:
  explicit NetworkSource(std::unique_ptr<Network> network) : network_(std::move(network)) {}

  Task<std::unique_ptr<Session>> open(dns::Name domain) override {
    auto session = std::make_unique<NetworkSession>(*network_, std::move(domain));
    co_await session->find_servers();
    co_return session;
  }
  dns::Resolver& resolver() override { return *network_->resolver; }
  bool is_live() const override { return true; }
  bool validates() const override { return network_->asks_resolver; }

 private:
  std::unique_ptr<Network> network_;
};

}  // namespace

Result<std::unique_ptr<CheckSource>, Problem> make_network_source(const NetworkSourceOptions& options,
                                                                  runtime::Clock& clock, runtime::Executor executor) {
  resolver::Options asking;
  asking.source = options.source;
  asking.trust_anchor = options.trust_anchor;
  asking.cached_answers_max = 0;  // BoundedResolver keeps them
  const bool asks_nobody_else = std::holds_alternative<resolver::Authoritative>(options.source);
  Result<std::unique_ptr<dns::Resolver>, Problem> made{std::unique_ptr<dns::Resolver>{}};
  if (!asks_nobody_else) made = resolver::make_resolver(asking, clock, executor);
  if (!made) return fail(std::move(made.error()));
  std::optional<net::Endpoint> cache;
  resolver::DelegationStart start;
  if (const auto* server = std::get_if<net::Endpoint>(&options.source)) {
    cache = *server;
    start = {{*server}, server->port};
  }
  if (const auto* authoritative = std::get_if<resolver::Authoritative>(&options.source))
    start = resolver::delegation_start(*authoritative);
  return std::make_unique<NetworkSource>(
      std::make_unique<Network>(options, clock, executor, std::move(start), std::move(*made), cache));
}

}  // namespace posthorn::inspection
