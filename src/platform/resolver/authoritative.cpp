// The Resolver that asks each zone's own servers.
#include <fmt/format.h>

#include "platform/resolver/aliases.h"
#include "platform/resolver/delegation.h"
#include "platform/runtime/deadline.h"

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

class AuthoritativeResolver : public dns::Resolver, private OneStep {
 public:
  AuthoritativeResolver(Delegations& delegations, runtime::Executor executor)
      : executor_(executor), delegations_(delegations) {}

  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    std::optional<dns::Answer> answer;
    Task<> asking = runtime::detail::run_into(follow_aliases(*this, std::move(name), type), answer);
    co_await runtime::run_on(executor_, std::move(asking));
    co_return std::move(*answer);
  }

 private:
  /// One zone's answer; its servers in turn.
  Task<dns::Answer> ask_one(dns::Name name, dns::RecordType type) override {
    const Delegation delegation = co_await delegations_.find(name);
    dns::AnswerData none{.question = name, .type = type, .status = dns::Status::timeout, .reason = delegation.problem};
    const dns::Question question{name, type};
    for (const ZoneServer& server : delegation.servers) {
      const auto exchange = co_await delegations_.client().ask(server.endpoint, question, {});
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
  Delegations& delegations_;
};

/// With a client of its own.
struct OwnDelegations {
  OwnDelegations(DelegationStart start, runtime::Clock& clock, runtime::Executor executor)
      : loop(executor, clock), client(loop, random), delegations(client, clock, std::move(start)) {}
  runtime::SystemRandom random;
  net::Loop loop;
  DnsClient client;
  Delegations delegations;
};
class OwnAuthoritativeResolver final : private OwnDelegations, public AuthoritativeResolver {
 public:
  OwnAuthoritativeResolver(DelegationStart start, runtime::Clock& clock, runtime::Executor executor)
      : OwnDelegations(std::move(start), clock, executor), AuthoritativeResolver(delegations, executor) {}
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
  return std::make_unique<OwnAuthoritativeResolver>(std::move(start), clock, executor);
}
std::unique_ptr<dns::Resolver> make_authoritative_resolver(Delegations& delegations, runtime::Executor executor) {
  return std::make_unique<AuthoritativeResolver>(delegations, executor);
}

}  // namespace posthorn::resolver
