// The client, and what is said where nothing can be validated, against servers on loopback.
#include "platform/resolver/plain_client.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "platform/resolver/resolver.h"
#include "platform/runtime/deadline.h"
#include "platform/runtime/files.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/spawn.h"
#include "platform/test_support/dns_bed.h"

namespace posthorn::resolver {
namespace {

using namespace std::chrono_literals;
using test_support::DnsBed;
using ::testing::HasSubstr;

constexpr std::string_view kTestZone = R"(
$TTL 300
test. SOA ns.test. root. 7 1 1 1 60
a.test. A 192.0.2.1
two.test. A 192.0.2.2
one.test. CNAME two.other.
round.test. CNAME about.other.
;; servfail broken.test.
)";
// What a name of "test." leads to, the bed's servers leave to those who ask again.
constexpr std::string_view kOther = R"(
$TTL 300
other. SOA ns.test. root. 7 1 1 1 60
two.other. A 192.0.2.2
about.other. CNAME round.test.
)";
constexpr std::string_view kRoot = ". 300 SOA root. root. 7 1 1 1 60\n";
constexpr auto kDnskey = static_cast<dns::RecordType>(48);

dns::Name name_of(std::string_view text) {
  return *dns::Name::parse(text);
}

struct Asking {
  std::string name;
  Duration patience = 5s;
};

Task<> ask_into(PlainClient& client, runtime::Clock& clock, Asking asking, std::vector<dns::Answer>& into) {
  const TimePoint deadline = clock.now() + asking.patience;
  into.push_back(co_await client.ask(name_of(asking.name), dns::RecordType::a, deadline));
}

Task<> ask_each(std::vector<net::Endpoint> servers, std::vector<Asking> questions, std::vector<dns::Answer>& into) {
  runtime::SystemClock clock;
  PlainClient client(co_await runtime::current_executor(), clock, std::move(servers));
  for (const Asking& asking : questions) co_await ask_into(client, clock, asking, into);
}

std::vector<dns::Answer> ask(const std::vector<net::Endpoint>& servers, const std::vector<Asking>& questions) {
  std::vector<dns::Answer> answers;
  runtime::run_to_end([&] { return ask_each(servers, questions, answers); });
  return answers;
}

TEST(PlainClient, TakesTheNextServerWhereOneIsSilentAndStaysWithIt) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.serve(3, "test", kTestZone);
  bed.at(2).silent = true;
  bed.start();
  const auto answers = ask({bed.endpoint(2), bed.endpoint(3)}, {{"a.test"}, {"two.test"}, {"none.test"}});
  ASSERT_EQ(answers[0].status(), dns::Status::ok) << answers[0].reason();
  EXPECT_THAT(answers[0].source(), HasSubstr("127.0.0.3"));
  EXPECT_EQ(answers[1].status(), dns::Status::ok);
  EXPECT_EQ(answers[2].status(), dns::Status::nx_domain);
  EXPECT_EQ(bed.at(2).questions, 1u) << "the silent one was asked once";
}

TEST(PlainClient, FailuresOfEveryServerEndTheQuestionWithoutWaiting) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.serve(3, "test", kTestZone);
  bed.start();
  const auto answers = ask({bed.endpoint(2), bed.endpoint(3)}, {{"broken.test"}, {"elsewhere.example"}});
  EXPECT_EQ(answers[0].status(), dns::Status::servfail);
  EXPECT_THAT(answers[0].reason(), HasSubstr("SERVFAIL"));
  EXPECT_EQ(answers[1].status(), dns::Status::servfail);
  EXPECT_THAT(answers[1].reason(), HasSubstr("REFUSED"));
  EXPECT_EQ(bed.at(2).questions + bed.at(3).questions, 4u);
  const auto nobody = ask({{*IpAddress::parse("127.0.0.9"), bed.port()}}, {{"a.test"}});
  EXPECT_EQ(nobody[0].status(), dns::Status::timeout);
  EXPECT_THAT(nobody[0].reason(), HasSubstr("refused"));
}

TEST(PlainClient, SilenceEndsAtTheDeadline) {
  DnsBed bed;
  bed.at(2).silent = true;
  bed.start();
  const auto answers = ask({bed.endpoint(2)}, {{"a.test", 300ms}});
  EXPECT_EQ(answers[0].status(), dns::Status::timeout);
  EXPECT_EQ(answers[0].reason(), "no server answered in time");
}

TEST(PlainClient, TruncatedAnswersComeOverTcp) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.at(2).truncate = true;
  bed.start();
  EXPECT_EQ(ask({bed.endpoint(2)}, {{"a.test"}})[0].status(), dns::Status::ok);
  EXPECT_EQ(bed.at(2).over_tcp, 1u);
}

TEST(PlainClient, FollowsAliasesThatTheServerLeavesOutAndEndsLoops) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.serve(2, "other", kOther);
  bed.start();
  const auto answers = ask({bed.endpoint(2)}, {{"one.test"}, {"round.test"}});
  ASSERT_EQ(answers[0].status(), dns::Status::ok) << answers[0].reason();
  EXPECT_EQ(answers[0].question().text(), "one.test");
  EXPECT_EQ(answers[0].canonical_name().text(), "two.other");
  EXPECT_EQ(answers[0].all<dns::A>().at(0)->address.text(), "192.0.2.2");
  EXPECT_EQ(answers[1].status(), dns::Status::servfail);
  EXPECT_THAT(answers[1].reason(), HasSubstr("do not come to an end"));
}

Task<> ask_at_once(net::Endpoint server, std::vector<Asking> questions, std::vector<dns::Answer>& into) {
  runtime::SystemClock clock;
  const runtime::Executor here = co_await runtime::current_executor();
  PlainClient client(here, clock, {server});
  runtime::TaskGroup group("test", {});
  for (const Asking& asking : questions) runtime::spawn(group, here, "question", ask_into(client, clock, asking, into));
  co_await group.join();
}

TEST(PlainClient, EqualQuestionsAreAskedOnce) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.start();
  std::vector<dns::Answer> answers;
  runtime::run_to_end([&] { return ask_at_once(bed.endpoint(2), std::vector<Asking>(50, {"A.test"}), answers); });
  ASSERT_EQ(answers.size(), 50u);
  for (const dns::Answer& answer : answers) EXPECT_EQ(answer.status(), dns::Status::ok);
  EXPECT_EQ(bed.at(2).questions, 1u);
}

TEST(PlainClient, MoreQuestionsThanTheBoundAreRefusedNotKept) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.at(2).silent = true;
  bed.start();
  std::vector<Asking> questions;
  questions.reserve(plain_questions_max + 10);
  for (std::size_t i = 0; i < plain_questions_max + 10; ++i) questions.push_back({std::to_string(i) + ".test", 200ms});
  std::vector<dns::Answer> answers;
  runtime::run_to_end([&] { return ask_at_once(bed.endpoint(2), questions, answers); });
  EXPECT_EQ(std::ranges::count(answers, dns::Status::servfail, &dns::Answer::status), 10);
  EXPECT_EQ(std::ranges::count(answers, dns::Status::timeout, &dns::Answer::status),
            static_cast<std::ptrdiff_t>(plain_questions_max));
}

/// Gives up early on what others wait for too.
Task<> give_up(PlainClient& client, runtime::Clock& clock, bool& gave_up) {
  Task<dns::Answer> asking = client.ask(name_of("a.test"), dns::RecordType::a, clock.now() + 20s);
  gave_up = !co_await runtime::with_deadline(clock, clock.now() + 100ms, std::move(asking));
}

Task<> cancel_the_first(net::Endpoint server, bool& gave_up, std::vector<dns::Answer>& into) {
  runtime::SystemClock clock;
  const runtime::Executor here = co_await runtime::current_executor();
  PlainClient client(here, clock, {server});
  runtime::TaskGroup group("test", {});
  runtime::spawn(group, here, "first", give_up(client, clock, gave_up));
  runtime::spawn(group, here, "second", ask_into(client, clock, {"a.test", 600ms}, into));
  runtime::spawn(group, here, "third", ask_into(client, clock, {"a.test", 600ms}, into));
  co_await group.join();
}

TEST(PlainClient, WhoeverWaitsAsksItselfWhenTheOneWhoAskedIsCancelled) {
  DnsBed bed;
  bed.at(2).silent = true;
  bed.start();
  bool gave_up = false;
  std::vector<dns::Answer> answers;
  runtime::run_to_end([&] { return cancel_the_first(bed.endpoint(2), gave_up, answers); });
  EXPECT_TRUE(gave_up);
  ASSERT_EQ(answers.size(), 2u);
  for (const dns::Answer& answer : answers) EXPECT_EQ(answer.reason(), "no server answered in time");
  EXPECT_EQ(bed.at(2).questions, 2u) << "the first, and one for both others";
}

TEST(PlainClient, ReadsTheServersOfTheSystem) {
  std::string path = std::filesystem::temp_directory_path() / "posthorn-resolv-XXXXXX";
  ::close(mkstemp(path.data()));
  ASSERT_TRUE(runtime::write_file_atomically(path,
                                             "# comment\nsearch example.org\nnameserver 192.0.2.1\n"
                                             "nameserver\t2001:db8::1 \nnameservers 192.0.2.9\nnameserver nobody\n",
                                             runtime::FileAccess::readable)
                  .has_value());
  const auto servers = system_servers(path);
  std::filesystem::remove(path);
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[0].text(), "192.0.2.1:53");
  EXPECT_EQ(servers[1].text(), "[2001:db8::1]:53");
  const auto none = system_servers(path);
  ASSERT_EQ(none.size(), 1u);
  EXPECT_TRUE(none[0].address.is_loopback());
}

// ---------------------------------------------------------------- what can be validated

dns::Record key_of_the_root() {
  return {dns::Name{}, kDnskey, 300, dns::Unknown{std::string("\x01\x01\x03\x08key", 7)}};
}
/// RFC 4034 3.1; the signature itself is none.
dns::Record signature_over_keys() {
  std::string octets("\0\x30\x08\0\0\0\x01\x2c\xff\xff\xff\xff\0\0\0\0\x12\x67\0", 19);
  return {dns::Name{}, dns::RecordType::rrsig, 300, dns::Unknown{octets + "signature"}};
}

bool is_for_keys(const dns::Message& answer) {
  return !answer.questions.empty() && answer.questions[0].name.is_root() && answer.questions[0].type == kDnskey;
}
void answer_keys(dns::Message& answer, std::vector<dns::Record> records) {
  if (!is_for_keys(answer)) return;
  answer.code = dns::ResponseCode::no_error;
  answer.recursion_available = true;
  answer.authorities.clear();
  answer.answers = std::move(records);
}

struct Validated {
  std::optional<dns::Answer> answer;
  std::string because;
};
Task<> resolve_into(Options options, Validated& into) {
  runtime::SystemClock clock;
  const auto resolver = make_resolver(options, clock, co_await runtime::current_executor()).value();
  into.answer = co_await resolver->resolve(name_of("a.test"), dns::RecordType::a);
  into.because = unvalidated_because(*resolver);
}
Validated resolve(const Options& options) {
  Validated into;
  runtime::run_to_end([&] { return resolve_into(options, into); });
  return into;
}

TEST(Validation, AServerThatLeavesSignaturesOutIsUsedAndSaidToBe) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.serve(2, ".", kRoot);
  bed.at(2).meddle([](dns::Message& answer) { answer_keys(answer, {key_of_the_root()}); });
  bed.start();
  const Validated got = resolve({.source = bed.endpoint(2)});
  EXPECT_EQ(got.answer->status(), dns::Status::ok) << got.answer->reason();
  EXPECT_FALSE(got.answer->secure());
  EXPECT_THAT(got.because, HasSubstr("leaves DNSSEC signatures out"));
}

TEST(Validation, AServerThatDoesNotKnowTheRootIsUsedAndSaidToBe) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.start();
  const Validated got = resolve({.source = bed.endpoint(2)});
  EXPECT_EQ(got.answer->status(), dns::Status::ok) << got.answer->reason();
  EXPECT_FALSE(got.answer->secure());
  EXPECT_THAT(got.because, HasSubstr("does not know the root"));
}

TEST(Validation, SignaturesThatDoNotHoldAreBogusAndNotPassedBy) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.serve(2, ".", kRoot);
  bed.at(2).meddle([](dns::Message& answer) { answer_keys(answer, {key_of_the_root(), signature_over_keys()}); });
  bed.start();
  const Validated got = resolve({.source = bed.endpoint(2), .question_time_max = 5s});
  EXPECT_FALSE(dns::is_definite(got.answer->status())) << got.answer->summary();
  EXPECT_EQ(got.because, "");
}

TEST(Validation, WhoAsksForNoneTakesTheServersWord) {
  DnsBed bed;
  bed.serve(2, "test", kTestZone);
  bed.at(2).meddle([](dns::Message& answer) {
    answer.authentic_data = true;
    answer_keys(answer, {key_of_the_root(), signature_over_keys()});
  });
  bed.start();
  const Validated got = resolve({.source = bed.endpoint(2), .validates = false});
  EXPECT_EQ(got.answer->status(), dns::Status::ok);
  EXPECT_FALSE(got.answer->secure()) << "AD is the server's word, not ours";
  EXPECT_EQ(bed.at(2).questions, 1u) << "nobody asks for the root's keys";
}

}  // namespace
}  // namespace posthorn::resolver
