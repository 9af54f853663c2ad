#include <gtest/gtest.h>

#include "foundation/codec/base64.h"
#include "standards/sasl/client.h"
#include "standards/sasl/server.h"

namespace posthorn::sasl {
namespace {

using namespace std::string_literals;

template <class T>
T get(Step step) {
  EXPECT_TRUE(std::holds_alternative<T>(step)) << "step " << step.index();
  return std::holds_alternative<T>(step) ? std::get<T>(std::move(step)) : T{};
}

FailureReason failure(Step step) {
  return get<Failure>(std::move(step)).reason;
}

ServerContext context() {
  return {.bindings = {}, .nonce = "servernonce", .unknown_login_secret = "s", .offered_plus = false};
}

TEST(Sasl, PlainOfRfc4616) {
  ServerExchange exchange(Mechanism::plain, context());
  const auto need = get<NeedPassword>(exchange.begin("Ursel\0Kurt\0xipj3plmq"s));
  EXPECT_EQ(need.authzid, "Ursel");
  EXPECT_EQ(need.authcid, "Kurt");
  EXPECT_EQ(need.password, "xipj3plmq");
  const auto success = get<Success>(exchange.password_checked(true));
  EXPECT_EQ(success.authcid, "Kurt");
  EXPECT_EQ(success.authzid, "Ursel");
}

TEST(Sasl, PlainWithoutInitialResponseAndWrongPassword) {
  ServerExchange exchange(Mechanism::plain, context());
  EXPECT_EQ(get<Challenge>(exchange.begin(std::nullopt)).octets, "");
  EXPECT_EQ(get<NeedPassword>(exchange.respond("\0tim\0tanstaaftanstaaf"s)).authcid, "tim");
  EXPECT_EQ(failure(exchange.password_checked(false)), FailureReason::wrong_credentials);
}

TEST(Sasl, PlainRefusesWhatIsNotItsGrammar) {
  for (const auto& message :
       {""s, "a"s, "\0a"s, "\0\0p"s, "\0a\0"s, "\0a\0b\0c"s, "\0\xff\0p"s, "\0"s + std::string(1025, 'a') + "\0p"s}) {
    ServerExchange exchange(Mechanism::plain, context());
    EXPECT_EQ(failure(exchange.begin(message)), FailureReason::malformed);
  }
}

TEST(Sasl, LoginAsksTwice) {
  ServerExchange exchange(Mechanism::login, context());
  ClientExchange client(Mechanism::login, {"ann", "", "secret"}, {}, "n", false);
  EXPECT_EQ(client.initial_response(), std::nullopt);
  EXPECT_EQ(get<Challenge>(exchange.begin(std::nullopt)).octets, "Username:");
  EXPECT_EQ(get<Challenge>(exchange.respond(*client.respond("Username:"))).octets, "Password:");
  const auto need = get<NeedPassword>(exchange.respond(*client.respond("Password:")));
  EXPECT_EQ(need.authcid, "ann");
  EXPECT_EQ(need.password, "secret");
  EXPECT_TRUE(client.may_succeed());
  ServerExchange with_name(Mechanism::login, context());
  EXPECT_EQ(get<Challenge>(with_name.begin("ann")).octets, "Password:");
}

// RFC 7677 3.
constexpr std::string_view salt_text = "W22ZaJ0SNY7soEsUEjb6gQ==";
const std::string client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramVerifier pencil() {
  return make_scram_verifier("pencil", *codec::base64_decode(salt_text), 4096);
}

ServerExchange vector_server() {
  auto c = context();
  c.nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  return ServerExchange(Mechanism::scram_sha_256, std::move(c));
}

TEST(Scram, ServerFollowsTheVectorOfRfc7677) {
  auto exchange = vector_server();
  EXPECT_EQ(get<NeedScramVerifier>(exchange.begin(client_first)).authcid, "user");
  EXPECT_EQ(get<Challenge>(exchange.scram_verifier(pencil())).octets, server_first);
  EXPECT_EQ(get<Challenge>(exchange.respond(client_final)).octets, server_final);
  EXPECT_EQ(get<Success>(exchange.respond("")).authcid, "user");
}

TEST(Scram, ClientFollowsTheVectorOfRfc7677) {
  ClientExchange client(Mechanism::scram_sha_256, {"user", "", "pencil"}, {}, "rOprNGfwEbeRWgbNEkqO", false);
  EXPECT_EQ(client.initial_response(), client_first);
  EXPECT_EQ(*client.respond(server_first), client_final);
  EXPECT_FALSE(client.may_succeed());
  EXPECT_EQ(*client.respond(server_final), "");
  EXPECT_TRUE(client.may_succeed());
}

TEST(Scram, ClientDoesNotBelieveAForger) {
  const auto answer = [](std::string_view final_message) {
    ClientExchange client(Mechanism::scram_sha_256, {"user", "", "pencil"}, {}, "rOprNGfwEbeRWgbNEkqO", false);
    (void)client.initial_response();
    (void)client.respond(server_first);
    const auto result = client.respond(final_message);
    EXPECT_FALSE(client.may_succeed());
    return result ? std::nullopt : std::optional(result.error());
  };
  EXPECT_EQ(answer("v=" + codec::base64_encode(std::string(32, 'x'))), ClientError::server_not_proven);
  EXPECT_EQ(answer("e=invalid-proof"), ClientError::server_refused);
  EXPECT_EQ(answer(""), ClientError::malformed);
  for (const char* first : {"", "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=rOprNGfwEbeRWgbNEkqO,s=AAAA,i=4096",
                            "r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=0", "r=rOprNGfwEbeRWgbNEkqOx,s=,i=1",
                            "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=1"}) {
    ClientExchange client(Mechanism::scram_sha_256, {"user", "", "pencil"}, {}, "rOprNGfwEbeRWgbNEkqO", false);
    (void)client.initial_response();
    EXPECT_EQ(client.respond(first).error(), ClientError::malformed) << first;
  }
  ClientExchange client(Mechanism::scram_sha_256, {"user", "", "pencil"}, {}, "rOprNGfwEbeRWgbNEkqO", false);
  (void)client.initial_response();
  EXPECT_EQ(client.respond("r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=999999999").error(), ClientError::too_costly);
}

TEST(Scram, UnknownLoginsLookLikeKnownOnes) {
  const auto first_of = [](const std::string& name) {
    auto exchange = vector_server();
    (void)get<NeedScramVerifier>(exchange.begin("n,,n=" + name + ",r=abc"));
    auto challenge = get<Challenge>(exchange.scram_verifier(std::nullopt)).octets;
    return std::pair(std::move(exchange), challenge);
  };
  auto [exchange, challenge] = first_of("nobody");
  EXPECT_EQ(challenge, first_of("nobody").second) << "the salt must stay the same";
  EXPECT_NE(challenge, first_of("nobody2").second);
  ClientExchange client(Mechanism::scram_sha_256, {"nobody", "", "x"}, {}, "abc", false);
  (void)client.initial_response();
  EXPECT_EQ(failure(exchange.respond(*client.respond(challenge))), FailureReason::wrong_credentials);
}

TEST(Scram, ServerRefusesWhatIsNotTheGrammar) {
  for (const char* message :
       {"", "n", "n,", "n,,", "n,,n=", "n,,n=user", "n,,n=user,r=", "n,,n=us=er,r=a", "x,,n=u,r=a", "n,b=x,n=u,r=a",
        "n,,m=1,n=u,r=a", "p=tls-exporter,,n=u,r=a", "n,,r=a,n=u", "n,a=,n=u,r=a"}) {
    auto exchange = vector_server();
    EXPECT_EQ(failure(exchange.begin(message)), FailureReason::malformed) << message;
  }
  for (const char* message :
       {"", "c=biws", "c=biws,r=x,p=", "c=!,r=x,p=AAAA", ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="}) {
    auto exchange = vector_server();
    (void)exchange.begin(client_first);
    (void)exchange.scram_verifier(pencil());
    EXPECT_EQ(failure(exchange.respond(message)), FailureReason::malformed) << message;
  }
}

TEST(Scram, NamesMayHoldCommas) {
  auto exchange = vector_server();
  ClientExchange client(Mechanism::scram_sha_256, {"a,b=c", "", "x"}, {}, "n", false);
  EXPECT_EQ(get<NeedScramVerifier>(exchange.begin(*client.initial_response())).authcid, "a,b=c");
}

// ---- channel binding

Step run(Mechanism mechanism, const ChannelBindings& server_side, const ChannelBindings& client_side,
         bool server_offers_plus, bool client_saw_plus) {
  ServerExchange server(mechanism, {server_side, "servernonce", "s", server_offers_plus});
  ClientExchange client(mechanism, {"user", "", "pencil"}, client_side, "clientnonce", client_saw_plus);
  Step step = server.begin(client.initial_response());
  if (!std::holds_alternative<NeedScramVerifier>(step)) return step;
  step = server.scram_verifier(pencil());
  step = server.respond(*client.respond(std::get<Challenge>(step).octets));
  if (!std::holds_alternative<Challenge>(step)) return step;
  EXPECT_TRUE(client.respond(std::get<Challenge>(step).octets));
  return server.respond("");
}

TEST(Scram, BindsToTheChannel) {
  const ChannelBindings exporter{.tls_exporter = "E1", .tls_server_end_point = "C1"};
  const ChannelBindings end_point{.tls_exporter = "", .tls_server_end_point = "C1"};
  const ChannelBindings other{.tls_exporter = "E2", .tls_server_end_point = "C2"};
  const auto plus = Mechanism::scram_sha_256_plus;
  EXPECT_EQ(get<Success>(run(plus, exporter, exporter, true, true)).authcid, "user");
  EXPECT_EQ(get<Success>(run(plus, exporter, end_point, true, true)).authcid, "user");
  EXPECT_EQ(failure(run(plus, exporter, other, true, true)), FailureReason::channel_binding);
  EXPECT_EQ(failure(run(plus, end_point, exporter, true, true)), FailureReason::channel_binding);
}

TEST(Scram, NoticesADowngrade) {
  const ChannelBindings bindings{.tls_exporter = "E1", .tls_server_end_point = ""};
  const auto bare = Mechanism::scram_sha_256;
  // The server offered -PLUS; somebody between took it out, so the client says "y".
  EXPECT_EQ(failure(run(bare, bindings, bindings, true, false)), FailureReason::channel_binding);
  EXPECT_EQ(get<Success>(run(bare, bindings, bindings, false, false)).authcid, "user");
  EXPECT_EQ(get<Success>(run(bare, bindings, {}, true, false)).authcid, "user");
}

TEST(Sasl, ChoosesTheStrongest) {
  using enum Mechanism;
  const Mechanism all[] = {login, plain, scram_sha_256, scram_sha_256_plus};
  const Mechanism weak[] = {login, plain};
  EXPECT_EQ(choose_mechanism(all, {.tls_exporter = "x", .tls_server_end_point = ""}, true), scram_sha_256_plus);
  EXPECT_EQ(choose_mechanism(all, {}, true), scram_sha_256);
  EXPECT_EQ(choose_mechanism(weak, {}, true), plain);
  EXPECT_EQ(choose_mechanism(weak, {}, false), std::nullopt);
  for (const auto m : all) EXPECT_EQ(parse_mechanism(name(m)), m);
  EXPECT_EQ(parse_mechanism("CRAM-MD5"), std::nullopt);
}

}  // namespace
}  // namespace posthorn::sasl
