// The client, the way down from the parent, and the resolver over both, against servers on loopback.
#include "platform/resolver/delegation.h"

#include <gmock/gmock.h>

#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "platform/test_support/dns_bed.h"

namespace posthorn::resolver {
namespace {

using namespace std::chrono_literals;
using test_support::DnsBed;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

dns::Name name(std::string_view text) {
  return *dns::Name::parse(text);
}

/// A root at .2, "test" at .3, and alpha.test at .4 and .5.
void build(DnsBed& bed) {
  bed.serve(2, ".", R"(
. 300 SOA root. root. 7 1 1 1 60
test. 300 NS ns.nic.test.
ns.nic.test. 300 A 127.0.0.3
)");
  bed.serve(3, "test", R"(
$TTL 300
test. SOA ns.nic.test. root. 8 1 1 1 60
test. NS ns.nic.test.
ns.nic.test. A 127.0.0.3
alpha.test. NS ns1.alpha.test.
alpha.test. NS ns2.beta.test.
ns1.alpha.test. A 127.0.0.4
beta.test. NS ns1.alpha.test.
)");
  for (const unsigned last : {4U, 5U}) {
    bed.serve(last, "alpha.test", R"(
$TTL 300
alpha.test. SOA ns1.alpha.test. root. 42 1 1 1 60
alpha.test. NS ns1.alpha.test.
alpha.test. NS ns2.beta.test.
alpha.test. MX 10 mx.alpha.test.
mx.alpha.test. A 192.0.2.25
www.alpha.test. CNAME web.beta.test.
ns1.alpha.test. A 127.0.0.4
)");
    bed.serve(last, "beta.test", R"(
$TTL 300
beta.test. SOA ns1.alpha.test. root. 43 1 1 1 60
beta.test. NS ns1.alpha.test.
ns2.beta.test. A 127.0.0.5
web.beta.test. A 192.0.2.80
)");
  }
  bed.start();
}

using Test = std::function<Task<>(DnsClient& client, Delegations& delegations)>;

Task<> run_test(const DnsBed& bed, const Test& test, ClientOptions options) {
  runtime::SystemClock clock;
  runtime::SystemRandom random;
  net::Loop loop(co_await runtime::current_executor(), clock);
  DnsClient client(loop, random, options);
  Delegations delegations(client, clock, {{bed.endpoint(2)}, bed.port()});
  co_await test(client, delegations);
}

void with(const DnsBed& bed, const Test& test, ClientOptions options = {.try_time_max = 500ms}) {
  runtime::run_to_end([&] { return run_test(bed, test, options); });
}

std::vector<std::string> texts(const std::vector<ZoneServer>& servers) {
  std::vector<std::string> out;
  out.reserve(servers.size());
  for (const ZoneServer& server : servers) out.push_back(server.host.text() + " " + server.endpoint.address.text());
  return out;
}

Task<> find_into(Delegations& delegations, dns::Name of, Delegation& into) {
  into = co_await delegations.find(std::move(of));
}
Task<> trace_into(Delegations& delegations, dns::Name of, Delegation& into) {
  into = co_await delegations.trace(std::move(of));
}

TEST(Delegations, FollowReferralsWithGlueAndLookUpServersWithoutIt) {
  DnsBed bed;
  build(bed);
  Delegation found;
  with(bed, [&](DnsClient&, Delegations& d) { return find_into(d, name("alpha.test"), found); });
  EXPECT_EQ(found.zone, name("alpha.test"));
  EXPECT_EQ(found.problem, "");
  EXPECT_THAT(texts(found.servers), UnorderedElementsAre("ns1.alpha.test 127.0.0.4", "ns2.beta.test 127.0.0.5"));
  EXPECT_EQ(found.parent_names.size(), 2u);
}

TEST(Delegations, ANameInsideAZoneLeadsToThatZone) {
  DnsBed bed;
  build(bed);
  Delegation found;
  with(bed, [&](DnsClient&, Delegations& d) { return find_into(d, name("_dmarc.mx.alpha.test"), found); });
  EXPECT_EQ(found.zone, name("alpha.test"));
  EXPECT_TRUE(found.name_is_absent);
}

TEST(Delegations, AnUnknownDomainIsAbsentAtItsParent) {
  DnsBed bed;
  build(bed);
  Delegation found;
  with(bed, [&](DnsClient&, Delegations& d) { return find_into(d, name("nobody.test"), found); });
  EXPECT_EQ(found.zone, name("test"));
  EXPECT_TRUE(found.name_is_absent);
}

TEST(Delegations, TraceShowsEveryStepWithTheReferral) {
  DnsBed bed;
  build(bed);
  Delegation found;
  with(bed, [&](DnsClient&, Delegations& d) { return trace_into(d, name("alpha.test"), found); });
  ASSERT_EQ(found.steps.size(), 3u);
  EXPECT_TRUE(found.steps[0].zone.is_root());
  EXPECT_EQ(found.steps[1].exchange->reply.kind, dns::ReplyKind::referral);
  EXPECT_EQ(found.steps[2].exchange->reply.kind, dns::ReplyKind::answer);
  EXPECT_TRUE(found.steps[2].exchange->reply.authoritative);
}

TEST(Delegations, SilentServersAreAProblemThatNamesTheZone) {
  DnsBed bed;
  bed.at(2).silent = true;
  bed.start();
  Delegation found;
  with(bed, [&](DnsClient&, Delegations& d) { return find_into(d, name("alpha.test"), found); },
       {.try_time_max = 100ms, .tries = 1});
  EXPECT_TRUE(found.servers.empty());
  EXPECT_THAT(found.problem, HasSubstr("no server of the root"));
}

Task<> ask_into(DnsClient& client, net::Endpoint server, dns::Question question,
                std::optional<Result<Exchange, ClientFailure>>& into) {
  into = co_await client.ask(server, question);
}

TEST(DnsClient, TruncatedAnswersAreAskedForAgainOverTcp) {
  DnsBed bed;
  build(bed);
  bed.at(4).truncate = true;
  std::optional<Result<Exchange, ClientFailure>> got;
  with(bed, [&](DnsClient& client, Delegations&) {
    return ask_into(client, bed.endpoint(4), {name("alpha.test"), dns::RecordType::mx}, got);
  });
  ASSERT_TRUE(*got) << got->error().reason;
  EXPECT_TRUE((*got)->over_tcp);
  EXPECT_EQ((*got)->reply.kind, dns::ReplyKind::answer);
  EXPECT_EQ(bed.at(4).over_tcp, 1u);
}

TEST(DnsClient, AnswersWithAnotherIdOrQuestionArePassedOver) {
  DnsBed bed;
  build(bed);
  bed.at(4).meddle([](dns::Message& answer) { answer.id ^= 1; });
  bed.at(5).meddle([](dns::Message& answer) { answer.questions.front().name = name("other.test"); });
  for (const unsigned last : {4U, 5U}) {
    std::optional<Result<Exchange, ClientFailure>> got;
    with(bed,
         [&](DnsClient& client, Delegations&) {
           return ask_into(client, bed.endpoint(last), {name("alpha.test"), dns::RecordType::mx}, got);
         },
         {.try_time_max = 100ms, .tries = 1});
    ASSERT_FALSE(*got);
    EXPECT_EQ(got->error().status, dns::Status::timeout);
  }
}

Task<> ask_many(DnsClient& client, net::Endpoint server, unsigned count, unsigned& answered) {
  runtime::TaskGroup group("questions", {});
  std::vector<std::optional<Result<Exchange, ClientFailure>>> got(count);
  const runtime::Executor executor = co_await runtime::current_executor();
  for (auto& one : got)
    runtime::spawn(group, executor, "question",
                   ask_into(client, server, {name("alpha.test"), dns::RecordType::mx}, one));
  co_await group.join();
  for (const auto& one : got) answered += one && *one ? 1U : 0U;
  EXPECT_EQ(client.most_in_flight(), 3u);
}

TEST(DnsClient, NeverAsksOneServerMoreThanTheSetNumberAtATime) {
  DnsBed bed;
  build(bed);
  unsigned answered = 0;
  with(bed, [&](DnsClient& client, Delegations&) { return ask_many(client, bed.endpoint(4), 40, answered); },
       {.in_flight_max = 3});
  EXPECT_EQ(answered, 40u);
}

Task<> transfer_into(DnsClient& client, net::Endpoint server, std::vector<dns::Record>& records, std::string& failure) {
  auto got = co_await client.transfer(server, name("alpha.test"));
  if (got)
    records = std::move(*got);
  else
    failure = got.error().reason;
}

TEST(DnsClient, TransfersAZoneWhereTheServerAllowsIt) {
  DnsBed bed;
  build(bed);
  bed.at(4).allow_transfer = true;
  std::vector<dns::Record> records;
  std::string failure;
  with(bed, [&](DnsClient& c, Delegations&) { return transfer_into(c, bed.endpoint(4), records, failure); });
  EXPECT_EQ(records.size(), 7u) << failure;
  with(bed, [&](DnsClient& c, Delegations&) { return transfer_into(c, bed.endpoint(5), records, failure); });
  EXPECT_EQ(failure, "the server allows no transfer");
}

Task<> resolve_over(const DnsBed& bed, std::vector<dns::Answer>& answers) {
  runtime::SystemClock clock;
  const auto resolver =
      make_authoritative_resolver(delegation_start({bed.endpoint(2)}), clock, co_await runtime::current_executor());
  answers.push_back(co_await resolver->resolve(name("alpha.test"), dns::RecordType::mx));
  answers.push_back(co_await resolver->resolve(name("www.alpha.test"), dns::RecordType::a));
  answers.push_back(co_await resolver->resolve(name("none.alpha.test"), dns::RecordType::a));
}

TEST(AuthoritativeResolver, AsksTheZonesOwnServersAndFollowsAliasesIntoOtherZones) {
  DnsBed bed;
  build(bed);
  std::vector<dns::Answer> answers;
  runtime::run_to_end([&] { return resolve_over(bed, answers); });
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].status(), dns::Status::ok) << answers[0].reason();
  EXPECT_FALSE(answers[0].from_cache());
  EXPECT_EQ(answers[1].canonical_name(), name("web.beta.test"));
  ASSERT_EQ(answers[1].all<dns::A>().size(), 1u);
  EXPECT_EQ(answers[2].status(), dns::Status::nx_domain);
  EXPECT_EQ(answers[2].ttl_seconds(), 60u);
}

TEST(Source, AuthoritativeMayBeginAtAServer) {
  EXPECT_TRUE(std::holds_alternative<Authoritative>(*parse_source("authoritative")));
  EXPECT_EQ(std::get<Authoritative>(*parse_source("authoritative@127.0.0.1:5300")).start->port, 5300);
  EXPECT_FALSE(parse_source("authoritative@nowhere"));
  EXPECT_FALSE(parse_source("authoritativeness"));
}

}  // namespace
}  // namespace posthorn::resolver
