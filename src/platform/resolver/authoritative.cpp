// The Resolver that asks each zone's own servers.
#include <fmt/format.h>

#include "platform/resolver/delegation.h"
#include "standards/dns/zone.h"

namespace posthorn::resolver {
namespace {

dns::Status status_of(dns::ReplyKind kind) {
  switch (kind) {
    case dns::ReplyKind::answer:
      return dns::Status::ok;
    case dns::ReplyKind::no_data:
    case dns::ReplyKind::alias:
      return dns::Status::no_data;
    case dns::ReplyKind::nx_domain:
      return dns::Status::nx_domain;
    case dns::ReplyKind::referral:
    case dns::ReplyKind::lame:
    case dns::ReplyKind::failure:
      break;
  }
  return dns::Status::servfail;
}

class AuthoritativeResolver final : public dns::Resolver {
 public:
  AuthoritativeResolver(DelegationStart start, runtime::Clock& clock, runtime::Executor executor)
      : executor_(executor), loop_(executor, clock), client_(loop_, random_), delegations_(client_, clock, start) {}

  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    std::optional<dns::Answer> answer;
    Task<> asking = resolve_into(std::move(name), type, answer);
    co_await runtime::run_on(executor_, std::move(asking));
    co_return std::move(*answer);
  }

 private:
  Task<> resolve_into(dns::Name name, dns::RecordType type, std::optional<dns::Answer>& into) {
    dns::AnswerData whole{.question = name, .type = type};
    dns::Name at = std::move(name);
    std::uint32_t ttl_seconds = UINT32_MAX;
    for (std::size_t links = 0; links <= dns::cname_chain_max; ++links) {
      const dns::Answer answer = co_await ask_zone(at, type);
      whole.status = answer.status();
      whole.records = answer.records();
      whole.source = answer.source();
      whole.reason = answer.reason();
      whole.cname_chain.insert(whole.cname_chain.end(), answer.cname_chain().begin(), answer.cname_chain().end());
      ttl_seconds = std::min(ttl_seconds, answer.ttl_seconds());
      whole.ttl_seconds = ttl_seconds;
      const bool leads_on = answer.status() == dns::Status::no_data && !answer.cname_chain().empty();
      if (!leads_on) {
        into.emplace(std::move(whole));
        co_return;
      }
      at = answer.canonical_name();
    }
    whole.status = dns::Status::servfail;
    whole.reason = "the CNAMEs do not come to an end";
    into.emplace(std::move(whole));
  }

  /// One zone's answer; its servers in turn.
  Task<dns::Answer> ask_zone(dns::Name name, dns::RecordType type) {
    const Delegation delegation = co_await delegations_.find(name);
    dns::AnswerData none{.question = name, .type = type, .status = dns::Status::timeout, .reason = delegation.problem};
    const dns::Question question{name, type};
    for (const ZoneServer& server : delegation.servers) {
      const auto exchange = co_await client_.ask(server.endpoint, question, {});
      if (!exchange) {
        none.reason = fmt::format("{}: {}", server.text(), exchange.error().reason);
        continue;
      }
      const dns::Answer answer = answer_from(question, *exchange, server.text());
      if (dns::is_definite(answer.status())) co_return answer;
      none.status = dns::Status::servfail;
      none.reason = fmt::format("{}: {}", server.text(), answer.reason());
    }
    co_return dns::Answer(std::move(none));
  }

  runtime::Executor executor_;
  runtime::SystemRandom random_;
  net::Loop loop_;
  DnsClient client_;
  Delegations delegations_;
};

}  // namespace

dns::Answer answer_from(const dns::Question& question, const Exchange& exchange, std::string source) {
  const dns::Reply& reply = exchange.reply;
  dns::AnswerData data{.question = question.name, .type = question.type, .status = status_of(reply.kind)};
  data.records = reply.records;
  for (const dns::Record& alias : reply.aliases) data.cname_chain.push_back(std::get<dns::Cname>(alias.data).target);
  data.ttl_seconds = reply.ttl_seconds;
  data.source = std::move(source);
  data.reason = reply.problem;
  if (reply.kind == dns::ReplyKind::referral)
    data.reason = fmt::format("the server refers to the servers of {}", reply.zone.text());
  return dns::Answer(std::move(data));
}

std::unique_ptr<dns::Resolver> make_authoritative_resolver(DelegationStart start, runtime::Clock& clock,
                                                           runtime::Executor executor) {
  return std::make_unique<AuthoritativeResolver>(std::move(start), clock, executor);
}

}  // namespace posthorn::resolver
