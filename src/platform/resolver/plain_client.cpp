#include "platform/resolver/plain_client.h"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "platform/resolver/answer_cache.h"
#include "platform/resolver/delegation.h"
#include "platform/runtime/deadline.h"
#include "platform/runtime/event.h"
#include "platform/runtime/files.h"

namespace posthorn::resolver {
namespace {

constexpr std::size_t kServersMax = 3;  // MAXNS of resolv.conf(5)
constexpr std::size_t kResolvConfMax = 64 * KiB;
constexpr auto kDnskey = static_cast<dns::RecordType>(48);

RootKeys judge(const dns::Reply& reply) {
  if (reply.kind == dns::ReplyKind::failure) return RootKeys::failing;
  if (reply.kind != dns::ReplyKind::answer) return RootKeys::unknown;
  const bool is_signed = std::ranges::any_of(
      reply.signatures, [](const dns::SignatureTimes& s) { return s.covered == kDnskey && s.owner.is_root(); });
  return is_signed ? RootKeys::with_signatures : RootKeys::without_signatures;
}

}  // namespace

/// The one who asks for all; wakes those who wait for the same when it has the answer, or is unwound without one.
class PlainClient::Lead {
 public:
  Lead(PlainClient& client, std::string key) : client_(client), key_(std::move(key)) {
    client_.asked_.try_emplace(key_);
    ++client_.open_;
  }
  Lead(const Lead&) = delete;
  Lead& operator=(const Lead&) = delete;
  ~Lead() {
    --client_.open_;
    const auto node = client_.asked_.extract(key_);
    for (const auto& waiting : node.mapped()) waiting.set(answer);
  }
  std::optional<dns::Answer> answer;

 private:
  PlainClient& client_;
  std::string key_;
};

/// One question, step by step along its aliases.
class PlainClient::Question final : public OneStep {
 public:
  Question(PlainClient& client, TimePoint deadline) : client_(client), deadline_(deadline) {}
  Task<dns::Answer> ask_one(dns::Name name, dns::RecordType type) override {
    return client_.ask_servers({std::move(name), type}, deadline_);
  }

 private:
  PlainClient& client_;
  TimePoint deadline_;
};

PlainClient::PlainClient(const runtime::Executor& executor, runtime::Clock& clock, std::vector<net::Endpoint> servers)
    : loop_(executor, clock),
      client_(loop_, random_, {.tries = 1, .in_flight_max = plain_in_flight_max, .ports_kept = plain_ports}),
      servers_(std::move(servers)) {
  for (const net::Endpoint& server : servers_)
    names_.push_back(server.port == dns_port ? server.address.text() : server.text());
}
PlainClient::~PlainClient() = default;

Task<dns::Answer> PlainClient::ask(dns::Name name, dns::RecordType type, TimePoint deadline) {
  std::string key = question_key(name, type);
  for (auto found = asked_.find(key); found != asked_.end(); found = asked_.find(key)) {
    const runtime::Promise<std::optional<dns::Answer>> turn;
    found->second.push_back(turn);
    std::optional<dns::Answer> answer = co_await turn.wait();
    if (answer) co_return std::move(*answer);
    // Who asked was cancelled: the next one asks.
  }
  if (open_ >= plain_questions_max) {
    co_return dns::Answer({.question = std::move(name),
                           .type = type,
                           .status = dns::Status::servfail,
                           .reason = "too many questions wait for the DNS"});
  }
  Lead lead(*this, std::move(key));
  Question question(*this, deadline);
  lead.answer = co_await follow_aliases(question, std::move(name), type);
  co_return *lead.answer;
}

Task<dns::Answer> PlainClient::ask_servers(dns::Question question, TimePoint deadline) {
  dns::AnswerData none{.question = question.name, .type = question.type, .status = dns::Status::timeout};
  for (Duration patience = plain_patience_first;; patience = std::min(2 * patience, plain_patience_max)) {
    bool silent = false;
    const std::size_t first = first_;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      const std::size_t at = (first + i) % servers_.size();
      const Duration left = deadline - loop_.clock().now();
      if (left <= Duration::zero()) {
        none.status = dns::Status::timeout;
        none.reason = "no server answered in time";
        co_return dns::Answer(std::move(none));
      }
      const Asking asking{.recursion_desired = true, .time_max = std::min(patience, left)};
      const auto exchange = co_await client_.ask(servers_[at], question, asking);
      if (!exchange) {
        silent |= exchange.error().silent;
        none.status = exchange.error().status;
        none.reason = fmt::format("{}: {}", names_[at], exchange.error().reason);
        continue;
      }
      dns::Answer answer = answer_from(question, *exchange, names_[at]);
      if (dns::is_definite(answer.status())) {
        first_ = at;
        co_return answer;
      }
      none.status = answer.status();
      none.reason = fmt::format("{}: {}", names_[at], answer.reason());
    }
    // RFC 1536 2: who says that it cannot is not asked again and again.
    if (!silent) co_return dns::Answer(std::move(none));
  }
}

Task<RootKeys> PlainClient::root_keys(TimePoint deadline) {
  RootKeys best = RootKeys::silent;
  for (const net::Endpoint& server : servers_) {
    const Duration left = deadline - loop_.clock().now();
    if (left <= Duration::zero()) break;
    const dns::Question question{dns::Name{}, kDnskey};
    const Asking asking{.recursion_desired = true, .dnssec_ok = true, .time_max = std::min(plain_patience_max, left)};
    const auto exchange = co_await client_.ask(server, question, asking);
    if (exchange) best = std::min(best, judge(exchange->reply));
    if (best == RootKeys::with_signatures) break;
  }
  co_return best;
}

PlainClients::PlainClients(std::vector<runtime::Executor> executors, runtime::Clock& clock,
                           const std::vector<net::Endpoint>& servers)
    : executors_(std::move(executors)) {
  for (const runtime::Executor& executor : executors_)
    plain_.push_back(std::make_unique<PlainClient>(executor, clock, servers));
}

PlainClients::~PlainClients() {
  for (std::size_t i = 1; i < plain_.size(); ++i)
    boost::asio::post(executors_[i], [client = std::move(plain_[i])]() mutable { client.reset(); });
}

Task<dns::Answer> PlainClients::ask(dns::Name name, dns::RecordType type, TimePoint deadline) {
  const runtime::Executor here = co_await runtime::current_executor();
  const auto at = std::ranges::find(executors_, here);
  if (at != executors_.end()) {
    PlainClient& client = *plain_[static_cast<std::size_t>(at - executors_.begin())];
    co_return co_await client.ask(std::move(name), type, deadline);
  }
  std::optional<dns::Answer> answer;
  Task<> asking = runtime::detail::run_into(plain_.front()->ask(std::move(name), type, deadline), answer);
  co_await runtime::run_on(executors_.front(), std::move(asking));
  co_return std::move(*answer);
}

Task<RootKeys> PlainClients::root_keys(TimePoint deadline) {
  std::optional<RootKeys> keys;
  Task<> asking = runtime::detail::run_into(plain_.front()->root_keys(deadline), keys);
  co_await runtime::run_on(executors_.front(), std::move(asking));
  co_return *keys;
}

std::vector<net::Endpoint> system_servers(const std::filesystem::path& file) {
  std::vector<net::Endpoint> servers;
  const auto octets = runtime::read_file(file, kResolvConfMax);
  std::string_view rest = octets ? std::string_view(*octets) : std::string_view();
  while (!rest.empty() && servers.size() < kServersMax) {
    const std::vector<std::string_view> words = text::words(text::take_until(rest, '\n'));
    if (words.size() < 2 || words[0] != "nameserver") continue;
    if (const auto address = IpAddress::parse(words[1])) servers.push_back({*address, dns_port});
  }
  if (servers.empty()) servers.push_back({IpAddress::v4({127, 0, 0, 1}), dns_port});
  return servers;
}

}  // namespace posthorn::resolver
