// domain apply: the steps of a domain's road that are due, over RFC 2136, or noted where somebody else takes them.
#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/domain_lease.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "entrance/server/settings.h"
#include "foundation/text/ascii.h"
#include "operations/transition/apply.h"
#include "operations/transition/update_publisher.h"
#include "platform/resolver/delegation.h"
#include "platform/runtime/loops.h"

namespace posthorn::cli {
namespace domain_apply_noun {
namespace {

namespace json = boost::json;

struct Target {
  std::optional<transition::UpdateTarget> update;
  bool is_zone_file = false;
};

/// The network and the store for transition::apply_road.
class World final : public transition::ApplyWorld {
 public:
  World(DomainLife& life, DomainLease& lease, net::Loop& loop, dns::Resolver& resolver,
        transition::ZonePublisher* publisher, bool quiet)
      : life_(life), lease_(lease), loop_(loop), resolver_(resolver), publisher_(publisher), quiet_(quiet) {}

  /// Ask these servers instead of the resolver.
  void ask_servers(resolver::DnsClient& client, std::vector<net::Endpoint> servers) {
    client_ = &client;
    servers_ = std::move(servers);
  }

  Task<Result<std::vector<domains::PublishedRecords>, Problem>> look(
      std::vector<domains::RecordQuestion> questions) override {
    std::vector<domains::PublishedRecords> views;
    if (client_ == nullptr) {
      const auto domain = dns::Name::parse(life_.model.domain);
      views.push_back(co_await domains::ask_published(resolver_, std::move(questions), *domain));
      co_return views;
    }
    const auto zone = dns::Name::parse(life_.model.domain);
    // The zone's servers give answers without validating them: whether it is signed the resolver says.
    const dns::Answer soa = co_await resolver_.resolve(*zone, dns::RecordType::soa);
    const bool is_signed = soa.secure() && dns::is_definite(soa.status());
    for (const net::Endpoint& server : servers_) {
      domains::PublishedRecords view;
      view.secure = is_signed;
      for (const domains::RecordQuestion& question : questions) {
        // What lies outside of the zone (PTR, a host elsewhere) its servers do not know.
        if (!question.name.is_at_or_below(*zone)) {
          view.put(question, domains::published_set(co_await resolver_.resolve(question.name, question.type)));
          continue;
        }
        const dns::Question asked{question.name, question.type};
        auto exchange = co_await client_->ask(server, asked);
        if (!exchange)
          co_return fail(Problem{ProblemKind::unavailable, "authoritative server " + server.text(),
                                 exchange.error().reason, "say it again when it answers"});
        view.put(question, domains::published_set(resolver::answer_from(asked, *exchange, server.text())));
      }
      views.push_back(std::move(view));
    }
    co_return views;
  }

  Task<Result<void, Problem>> publish(transition::ZoneChange change) override {
    if (publisher_ != nullptr) co_return co_await publisher_->publish(std::move(change));
    co_return fail(
        Problem{ProblemKind::usage, life_.model.domain, "no server is known that takes updates",
                "posthorn domain set DOMAIN --update-server ADDRESS --update-key NAME --update-key-file FILE"});
  }

  Task<Result<void, Problem>> keep(const domains::Model& model, const domains::PolicyLog& policies,
                                   const domains::Ledger& ledger) override {
    life_.model = model;
    life_.policies = policies;
    life_.ledger = ledger;
    lease_.renew();
    co_return life_.save();
  }
  TimePoint now() override { return offset_ ? life_.now : loop_.clock().now(); }
  Task<> wait(Duration duration) override { co_await loop_.clock().wait_for(duration); }
  void tell(std::string line) override {
    if (!quiet_) print(fmt::format("  … {}\n", text::printable(line, 300)));
  }
  /// --now: time stands still there.
  void stand_still() { offset_ = true; }

 private:
  DomainLife& life_;
  DomainLease& lease_;
  net::Loop& loop_;
  dns::Resolver& resolver_;
  transition::ZonePublisher* publisher_;
  resolver::DnsClient* client_ = nullptr;
  std::vector<net::Endpoint> servers_;
  bool quiet_ = false, offset_ = false;
};

Problem wrong(std::string_view what, std::string why, std::string remedy) {
  return {ProblemKind::usage, std::string(what), std::move(why), std::move(remedy)};
}

/// --server, --key-name and --key-file, else what the model says.
Result<Target, Problem> target_of(const Invocation& v, const DomainLife& life) {
  const auto value = [&v](std::string_view option, const std::string& kept) {
    return v.has(option) ? v.get(option) : kept;
  };
  domains::UpdateServer server = life.model.update;
  server = {value("--server", server.address), value("--zone", server.zone), value("--key-name", server.key_name),
            value("--key-file", server.key_file)};
  Target out;
  out.is_zone_file = dns_source_of(v, life.config).starts_with("zone:");
  if (server.address.empty()) return out;
  auto target = transition::update_target(server, life.model.domain);
  if (!target) return fail(std::move(target.error()));
  out.update = std::move(*target);
  return out;
}

/// Every server of the zone, the one that takes updates first.
Task<std::vector<net::Endpoint>> servers_of(resolver::Delegations& delegations,
                                            const transition::UpdateTarget& target) {
  std::vector<net::Endpoint> out{target.server};
  const resolver::Delegation found = co_await delegations.find(target.zone);
  for (const resolver::ZoneServer& server : found.servers)
    if (std::ranges::find(out, server.endpoint) == out.end()) out.push_back(server.endpoint);
  co_return out;
}

struct Applying {
  const Invocation& v;
  DomainLife& life;
  DomainLease& lease;
  Target target;
  transition::ApplyOptions options;
  transition::ApplyOutcome outcome{};
  std::optional<Problem> problem{};
};

Task<> run_apply(runtime::Clock& clock, Applying& applying) {
  net::Loop loop(co_await runtime::current_executor(), clock);
  auto source = resolver::parse_source(dns_source_of(applying.v, applying.life.config));
  if (!source) {
    applying.problem = std::move(source.error());
    co_return;
  }
  resolver::Options options;
  options.source = *source;
  auto anchors = server::trust_anchors(applying.life.config);
  if (!anchors) {
    applying.problem = std::move(anchors.error());
    co_return;
  }
  options.trust_anchor = std::move(*anchors);
  auto made = resolver::make_resolver(options, clock, loop.executor());
  if (!made) {
    applying.problem = std::move(made.error());
    co_return;
  }
  runtime::SystemRandom random;
  net::TcpDialer dialer;
  resolver::DnsClient client(loop, random);
  std::optional<transition::UpdatePublisher> publisher;
  if (applying.target.update) publisher.emplace(loop, dialer, random, *applying.target.update);
  World world(applying.life, applying.lease, loop, **made, publisher ? &*publisher : nullptr, applying.v.json());
  if (applying.v.has("--now")) world.stand_still();
  if (applying.target.update) {
    // The update server's own port serves for all of a laboratory's servers; in the world it is 53.
    const net::Endpoint& primary = applying.target.update->server;
    resolver::Delegations delegations(client, clock, {{primary}, primary.port});
    world.ask_servers(client, co_await servers_of(delegations, *applying.target.update));
  }
  const auto host = dns::Name::parse(applying.life.around.host_name);
  if (applying.life.around.addresses.empty() && host) {
    const dns::AddressLookup lookup = co_await dns::lookup_addresses(**made, *host);
    applying.life.around.addresses = lookup.addresses;
  }
  transition::Situation situation = applying.life.situation({});
  applying.outcome = co_await transition::apply_road(world, std::move(situation), applying.options);
}

/// The DKIM keys, as far as they can go now that their records stand: what the running server does every few minutes.
json::array advance_keys(const Invocation& v, const Applying& applying) {
  json::array out;
  json::object arguments{{"domain", applying.life.model.domain}};
  for (const auto& [option, name] : {std::pair("--dns", "dns"), std::pair("--now", "now")})
    if (v.has(option)) arguments[name] = v.get(option);
  Gathered gathered;
  const admin::Request request{"domain advance", std::move(arguments), {}, {}};
  if (const auto done = ask_into(applying.life.config, request, gathered); !done) {
    print_problem(done.error());
    return out;
  }
  for (const std::string& item : gathered.items) {
    json::error_code error;
    json::value key = json::parse(item, error);
    if (!error && key.is_object()) out.push_back(std::move(key));
  }
  return out;
}

std::string keys_text(const json::array& keys) {
  std::string out;
  for (const json::value& key : keys) {
    const json::object& k = key.as_object();
    if (member(k, "stepped") == "yes") out += fmt::format("  key {}: {}\n", member(k, "selector"), member(k, "words"));
  }
  return out.empty() ? out : out + "\n";
}

Exit print_outcome(const Invocation& v, const Applying& applying, const json::array& keys) {
  const transition::ApplyOutcome& outcome = applying.outcome;
  const TimePoint now = outcome.situation.now;
  if (v.json()) {
    transition::Road taken;
    taken.steps = outcome.taken;
    json::object out{{"domain", outcome.situation.model.domain},
                     {"dry_run", applying.options.mode == transition::ApplyMode::dry},
                     {"done", steps_json(taken, now)},
                     {"left", steps_json(outcome.road, now)},
                     {"keys", keys},
                     {"problem", outcome.problem ? json::value(outcome.problem->text()) : json::value(nullptr)}};
    print_json(out);
  } else {
    std::string out = headline(outcome.situation.model) + "\n\n";
    for (const transition::Step& step : outcome.taken)
      out += fmt::format("  done: {}\n", text::printable(step.what, 300));
    if (!outcome.taken.empty()) out += "\n";
    out += keys_text(keys);
    if (outcome.road.steps.empty()) {
      out += "Nothing is left to be done.\n";
    } else {
      out +=
          applying.options.mode == transition::ApplyMode::dry ? "What would be done, and when:\n" : "What is left:\n";
      out += steps_text(outcome.road, now);
      if (applying.options.mode == transition::ApplyMode::dry)
        out += "\nThis was a dry run. To publish: --publish; where the DNS is changed by other means: --by-hand\n";
    }
    print(out);
  }
  if (outcome.problem) return report(*outcome.problem);
  return Exit::done;
}

Exit apply(const Invocation& v) {
  if (v.has("--publish") && v.has("--by-hand"))
    return report(wrong("domain apply", "--publish and --by-hand exclude each other", "choose one"));
  auto life = DomainLife::open(v);
  if (!life) return life.error();
  auto target = target_of(v, *life);
  if (!target) return report(target.error());
  if (v.has("--publish") && (!target->update || target->is_zone_file))
    return report(
        wrong("--publish",
              target->is_zone_file ? "a zone file is not changed by updates" : "no server is known that takes updates",
              "name it: --server ADDRESS --key-name NAME --key-file FILE"));
  DomainLease lease(*life);
  transition::ApplyOptions options;
  if (v.has("--publish")) options.mode = transition::ApplyMode::publish;
  if (v.has("--by-hand")) options.mode = transition::ApplyMode::by_hand;
  options.accept_stale_policies = v.has("--accept-stale-policies");
  options.override_leaving = v.get("--override") == life->model.domain;
  const bool changes = options.mode != transition::ApplyMode::dry;
  if (changes) {
    if (const auto taken = lease.take("domain apply"); !taken) return report(taken.error());
  }
  Applying applying{.v = v, .life = *life, .lease = lease, .target = std::move(*target), .options = options};
  runtime::SystemClock clock;
  runtime::run_to_end([&] { return run_apply(clock, applying); });
  if (changes) lease.give_back();
  if (applying.problem) return report(*applying.problem);
  json::array keys;
  const bool has_keys = !life->around.keys.empty();
  if (changes && !applying.outcome.problem && has_keys) keys = advance_keys(v, applying);
  return print_outcome(v, applying, keys);
}

}  // namespace
}  // namespace domain_apply_noun

const std::vector<Verb>& domain_apply_verbs() {
  using namespace domain_apply_noun;
  static const std::vector<Verb> verbs{
      {"domain apply",
       "publish what a domain's plan wants, step by step, each when it is safe",
       "A dry run unless --publish is given. Updates go to the zone's primary server (RFC 2136), signed with TSIG, "
       "under\n"
       "the condition that nobody has changed the records meanwhile; only our own records and those they replace are\n"
       "touched. Each step is seen at every authoritative server before the next. What is only safe later is left, "
       "with\n"
       "its time: say it again then. After a crash it goes on where it stopped.\n"
       "With --by-hand nothing is published: for DNS that is kept as code. What is there is noted, so that waiting "
       "times\n"
       "begin, and the MTA-STS policy file is served when its turn comes. Either way DKIM keys whose records stand go "
       "on\n"
       "to their next state (posthorn domain keys).\n\n"
       "  posthorn domain apply example.org\n"
       "  posthorn domain apply example.org --publish\n"
       "  posthorn domain apply example.org --by-hand",
       {life_domain},
       {{"--publish", "", "do it"},
        {"--by-hand", "", "others publish: look, note, go on"},
        {"--server", "ADDRESS[:PORT]", "the primary server; else as domain set has it"},
        {"--zone", "ZONE", "where the zone is not the domain itself"},
        {"--key-name", "NAME", "TSIG key (HMAC-SHA256)"},
        {"--key-file", "FILE", "its secret in base64, or the file that tsig-keygen wrote"},
        {"--accept-stale-policies", "",
         "change the MX between T1 and T2: senders that ignore the id of _mta-sts will return mail"},
        {"--override", "DOMAIN", "the domain's name again: change it although it is leaving"},
        life_dns,
        now_option},
       apply},
  };
  return verbs;
}

}  // namespace posthorn::cli
