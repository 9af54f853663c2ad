#include "platform/resolver/resolver.h"

#include <atomic>

#include "platform/resolver/answer_cache.h"
#include "platform/resolver/delegation.h"
#include "platform/resolver/plain_client.h"
#include "platform/resolver/unbound.h"
#include "platform/runtime/files.h"
#include "standards/dns/zone.h"

namespace posthorn::resolver {
namespace {

// IANA's trust anchors of the root (RFC 9718): KSK-2017 and KSK-2024.
constexpr const char* kRootKsk2017 =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
constexpr const char* kRootKsk2024 =
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16";
// Who asks for the root's keys waits no longer for them than for a slow answer.
constexpr Duration kRootKeysTimeMax = std::chrono::seconds{5};
// Servers change, and so does what stands before them: what was found wanting is looked at again.
constexpr Duration kUnvalidatedMax = std::chrono::minutes{10};

std::vector<std::string> anchors(const Options& options) {
  std::vector<std::string> all{kRootKsk2017, kRootKsk2024};
  std::string_view left = options.trust_anchor;
  while (!left.empty()) {
    const std::string_view record = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), record.size() + 1));
    if (!record.empty() && record.front() != ';') all.emplace_back(record);
  }
  return all;
}

std::vector<net::Endpoint> servers_of(const Source& source) {
  if (const auto* server = std::get_if<net::Endpoint>(&source)) return {*server};
  if (std::holds_alternative<SystemServers>(source)) return system_servers();
  return {};
}

std::string in_words(const std::vector<net::Endpoint>& servers) {
  std::string out;
  for (const net::Endpoint& server : servers)
    out += (out.empty() ? "" : ", ") + (server.port == 53 ? server.address.text() : server.text());
  return out;
}

/// Whether the servers can be validated through, found out by asking them for the root's keys. Once seen that they can,
/// it stays so: nobody on the way talks us out of it later.
class Validation {
 public:
  enum class Way : unsigned char { unknown, validated, plain };

  explicit Validation(const std::vector<net::Endpoint>& servers) : servers_(in_words(servers)) {}

  [[nodiscard]] bool is_known(TimePoint now) const {
    const Way way = way_.load();
    return way == Way::validated || (way == Way::plain && now.time_since_epoch() < again_.load());
  }
  [[nodiscard]] bool is_plain() const { return way_.load() == Way::plain; }

  void learn(RootKeys keys, bool failure_is_plain, TimePoint now) {
    if (way_.load() == Way::validated) return;
    const bool plain = keys == RootKeys::without_signatures || keys == RootKeys::unknown ||
                       (keys == RootKeys::failing && failure_is_plain);
    strips_ = keys == RootKeys::without_signatures;
    again_ = (now + kUnvalidatedMax).time_since_epoch();
    if (plain) way_ = Way::plain;
    if (keys == RootKeys::with_signatures) way_ = Way::validated;
  }

  [[nodiscard]] std::string because() const {
    if (!is_plain()) return {};
    return servers_ +
           (strips_.load() ? " leaves DNSSEC signatures out of its answers" : " does not know the root's keys");
  }

 private:
  std::string servers_;
  std::atomic<Way> way_ = Way::unknown;
  std::atomic<bool> strips_ = false;
  std::atomic<Duration> again_{};
};

/// Over the network, with the cache in front.
class NetworkResolver final : public dns::Resolver {
 public:
  NetworkResolver(const Options& options, runtime::Clock& clock, std::unique_ptr<UnboundContext> validating,
                  std::unique_ptr<PlainClients> clients)
      : clock_(clock),
        question_time_max_(options.question_time_max),
        failure_is_plain_(std::holds_alternative<net::Endpoint>(options.source)),
        cache_(options.cached_answers_max),
        validating_(std::move(validating)),
        plain_(std::move(clients)),
        validation_(servers_of(options.source)) {}

  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    if (auto cached = cache_.find(name, type, clock_.now())) co_return std::move(*cached);
    const bool plainly = !validating_ || (plain_ && co_await cannot_validate());
    const TimePoint deadline = clock_.now() + question_time_max_;
    const dns::Answer answer = plainly ? co_await plain_->ask(std::move(name), type, deadline)
                                       : co_await validating_->ask(std::move(name), type, clock_, deadline);
    cache_.keep(answer, clock_.now());
    co_return answer;
  }
  std::optional<dns::Answer> at_hand(const dns::Name& name, dns::RecordType type) override {
    return cache_.find(name, type, clock_.now());
  }
  [[nodiscard]] std::string unvalidated_because() const { return validation_.because(); }

 private:
  /// Servers that are silent are asked for the root's keys again at the next question.
  Task<bool> cannot_validate() {
    if (!validation_.is_known(clock_.now())) {
      const TimePoint deadline = clock_.now() + std::min(question_time_max_, kRootKeysTimeMax);
      const RootKeys keys = co_await plain_->root_keys(deadline);
      validation_.learn(keys, failure_is_plain_, clock_.now());
    }
    co_return validation_.is_plain();
  }

  runtime::Clock& clock_;
  Duration question_time_max_;
  /// A server named by its address that answers SERVFAIL for the root is an authoritative one; those of resolv.conf may
  /// be without their own upstream for a moment.
  bool failure_is_plain_;
  AnswerCache cache_;
  std::unique_ptr<UnboundContext> validating_;
  std::unique_ptr<PlainClients> plain_;
  Validation validation_;
};

Result<std::unique_ptr<dns::Resolver>, Problem> read_zone(const ZoneFile& file) {
  const auto text = runtime::read_file(file.path, dns::zone_file_octets_max);
  if (!text) return fail(text.error());
  auto zone = dns::Zone::parse(*text);
  if (!zone) {
    return fail(Problem{ProblemKind::usage, "cannot read the zone file " + file.path.string(), zone.error().text(),
                        "correct that line"});
  }
  return std::make_unique<dns::ZoneFileResolver>(std::move(*zone));
}

/// The servers of resolv.conf where validation is declined, or one named by its address where nobody asks for it.
bool is_plain(const Options& options) {
  if (!options.trust_anchor.empty()) return false;
  if (const auto* system = std::get_if<SystemServers>(&options.source)) return !system->validates;
  return std::holds_alternative<net::Endpoint>(options.source) && !options.validates;
}

}  // namespace

Result<std::unique_ptr<dns::Resolver>, Problem> make_resolver(const Options& options, runtime::Clock& clock,
                                                              runtime::Executor executor) {
  if (const auto* file = std::get_if<ZoneFile>(&options.source)) return read_zone(*file);
  if (const auto* authoritative = std::get_if<Authoritative>(&options.source))
    return make_authoritative_resolver(delegation_start(*authoritative), clock, executor);
  std::unique_ptr<UnboundContext> validating;
  std::unique_ptr<PlainClients> clients;
  if (!is_plain(options)) {
    auto made = UnboundContext::make({options.source, anchors(options)}, executor);
    if (!made) return fail(made.error());
    validating = std::move(*made);
  }
  // With a trust anchor of its own a source is always validated.
  const std::vector<net::Endpoint> servers = servers_of(options.source);
  if (!servers.empty() && options.trust_anchor.empty()) {
    std::vector<runtime::Executor> executors{executor};
    for (const runtime::Executor& loop : options.loops)
      if (loop != executor) executors.push_back(loop);
    clients = std::make_unique<PlainClients>(std::move(executors), clock, servers);
  }
  return std::make_unique<NetworkResolver>(options, clock, std::move(validating), std::move(clients));
}

std::string unvalidated_because(const dns::Resolver& resolver) {
  const auto* const network = dynamic_cast<const NetworkResolver*>(&resolver);
  return network == nullptr ? std::string() : network->unvalidated_because();
}

}  // namespace posthorn::resolver
