#include "standards/smtp/client.h"

#include <gtest/gtest.h>

#include "standards/test_support/smtp_pump.h"

namespace posthorn::smtp::client {
namespace {

Settings plain_settings() {
  Settings settings;
  settings.host_name = "client.example";
  settings.tls = TlsUse::never;
  settings.nonce = "0123456789abcdef01";
  return settings;
}

Envelope envelope_to(std::initializer_list<const char*> recipients) {
  Envelope envelope;
  envelope.reverse_path = address::ReversePath::parse("<a@b.example>").value();
  for (const char* path : recipients) envelope.recipients.push_back({address::ForwardPath::parse(path).value(), {}});
  return envelope;
}

/// A pump for the client: sends the envelopes one after another and collects what came of them.
class ClientPump {
 public:
  explicit ClientPump(Settings settings) : session(std::move(settings)) {}

  // Runs until the machine wants input; returns what it writes.
  std::string run() {
    std::string written;
    for (;;) {
      Event event = session.next();
      written += session.take_output();
      if (std::holds_alternative<NeedInput>(event)) return written;
      if (std::holds_alternative<Close>(event)) {
        closed = true;
        return written;
      }
      act(event);
      written += session.take_output();
    }
  }
  std::string feed(std::string_view octets) {
    session.receive(octets);
    return run();
  }

  Session session;
  std::vector<Envelope> to_send;
  std::string body = "Subject: x\r\n\r\nhello\r\n";
  std::size_t piece_size = 7;
  std::vector<TransactionOutcome> done;
  std::optional<Outcome> failed;
  bool closed = false;
  bool quits = true;
  sasl::ChannelBindings bindings;
  int handshakes = 0;

 private:
  void act(Event& event) {
    if (std::holds_alternative<Ready>(event)) {
      if (!to_send.empty()) {
        session.send(std::move(to_send.front()));
        to_send.erase(to_send.begin());
      } else if (quits) {
        session.quit();
      }
    } else if (std::holds_alternative<NeedBody>(event)) {
      const auto piece = body.substr(sent_, piece_size);
      sent_ += piece.size();
      const bool is_last = sent_ == body.size();
      if (is_last) sent_ = 0;
      session.body(piece, is_last);
    } else if (std::holds_alternative<StartTls>(event)) {
      ++handshakes;
      session.on_tls_established(bindings);
    } else if (auto* outcome = std::get_if<Done>(&event)) {
      done.push_back(std::move(outcome->outcome));
    } else if (auto* failure = std::get_if<Failed>(&event)) {
      failed = std::move(failure->outcome);
    }
  }
  std::size_t sent_ = 0;
};

/// Client machine against server machine, octets cut into segments.
void converse(ClientPump& client, server::TestPump& server, std::size_t segment = 1 << 20) {
  std::string to_client = server.run();
  std::string to_server;
  const auto deliver = [segment](std::string& octets, auto&& feed) {
    std::string answer;
    for (std::size_t at = 0; at < octets.size(); at += segment)
      answer += feed(std::string_view(octets).substr(at, segment));
    octets.clear();
    return answer;
  };
  while (!to_client.empty() || !to_server.empty()) {
    to_server +=
        deliver(to_client, [&](std::string_view piece) { return client.closed ? std::string() : client.feed(piece); });
    to_client +=
        deliver(to_server, [&](std::string_view piece) { return server.closed ? std::string() : server.feed(piece); });
  }
}

server::Settings server_settings() {
  server::Settings settings;
  settings.host_name = "mx.example";
  return settings;
}

std::string summary(const TransactionOutcome& outcome) {
  std::string out;
  for (const auto& recipient : outcome.recipients) {
    out += std::string(name(recipient.stage)) + " " + std::to_string(recipient.reply.code.value) +
           (recipient.is_delivered() ? "!" : "") + ", ";
  }
  return out + std::string(name(outcome.message.stage)) + " " + std::to_string(outcome.message.reply.code.value);
}

TEST(SmtpClient, DeliversToTheServerMachineInEveryFramingAndSegment) {
  const std::string bodies[] = {"",
                                "x",
                                ".\r\n",
                                "..\r\n.\r\n",
                                "a\r\n.b\r\n\r\n..\r\n",
                                "no end",
                                std::string(70'000, 'x').replace(30'000, 2, "\r\n")};
  for (const bool chunking : {false, true}) {
    for (const auto& body : bodies) {
      for (const std::size_t segment : {std::size_t{1}, std::size_t{3}, std::size_t{1} << 20}) {
        if (body.size() > 1000 && segment == 1) continue;
        const auto settings = server_settings();
        server::TestPump server(settings);
        auto client_settings = plain_settings();
        client_settings.chunking = chunking;
        ClientPump client(client_settings);
        client.body = body;
        client.piece_size = body.size() > 1000 ? 4096 : 2;
        client.to_send.push_back(envelope_to({"c@d.example"}));
        client.to_send.push_back(envelope_to({"e@f.example"}));
        converse(client, server, segment);
        ASSERT_EQ(server.messages.size(), 2U) << body.size() << " " << chunking << " " << segment;
        const auto expected = body.empty() || body.ends_with("\r\n") ? body : body + "\r\n";
        EXPECT_EQ(server.messages[0].octets, expected);
        EXPECT_EQ(server.messages[1].octets, expected);
        ASSERT_EQ(client.done.size(), 2U);
        EXPECT_EQ(summary(client.done[0]), "message 250!, message 250");
        EXPECT_TRUE(client.closed);
        EXPECT_EQ(server.closed, server::CloseReason::quit);
      }
    }
  }
}

TEST(SmtpClient, MixesRecipientResults) {
  for (const bool chunking : {false, true}) {
    const auto settings = server_settings();
    server::TestPump server(settings);
    auto client_settings = plain_settings();
    client_settings.chunking = chunking;
    ClientPump client(client_settings);
    client.to_send.push_back(envelope_to({"unknown@d.example", "c@d.example", "full@d.example", "e@d.example"}));
    client.to_send.push_back(envelope_to({"unknown@d.example", "full@d.example"}));
    client.to_send.push_back(envelope_to({"c@d.example"}));
    converse(client, server);
    ASSERT_EQ(client.done.size(), 3U);
    EXPECT_EQ(summary(client.done[0]), "rcpt 550, message 250!, rcpt 452, message 250!, message 250");
    EXPECT_EQ(client.done[0].recipients[0].reply, Reply(550, {5, 1, 1}, "No such mailbox"));
    EXPECT_EQ(summary(client.done[1]), "rcpt 550, rcpt 452, local 554");
    EXPECT_EQ(summary(client.done[2]), "message 250!, message 250");
    ASSERT_EQ(server.messages.size(), 2U) << "no data where every recipient was refused";
    EXPECT_EQ(server.messages[0].forward_paths, (std::vector<std::string>{"<c@d.example>", "<e@d.example>"}));
  }
}

TEST(SmtpClient, AThousandRecipients) {
  const auto settings = server_settings();
  server::TestPump server(settings);
  ClientPump client(plain_settings());
  Envelope envelope = envelope_to({});
  for (int i = 0; i < 1001; ++i) {
    envelope.recipients.push_back({address::ForwardPath::parse("r" + std::to_string(i) + "@d.example").value(), {}});
  }
  client.to_send.push_back(std::move(envelope));
  converse(client, server);
  ASSERT_EQ(server.messages.size(), 1U);
  EXPECT_EQ(server.messages[0].forward_paths.size(), 1000U);
  EXPECT_EQ(client.done[0].recipients[1000].reply.code.value, 452) << "the peer's LIMITS RCPTMAX";
  EXPECT_TRUE(client.done[0].recipients[999].is_delivered());
}

TEST(SmtpClient, LogsInUnderTls) {
  auto settings = server_settings();
  settings.role = server::Role::submission;
  settings.starttls = true;
  settings.mechanisms = {sasl::Mechanism::plain, sasl::Mechanism::login, sasl::Mechanism::scram_sha_256,
                         sasl::Mechanism::scram_sha_256_plus};
  for (std::size_t offered = settings.mechanisms.size(); offered > 0; --offered) {
    settings.mechanisms.resize(offered);
    server::TestPump server(settings);
    server.bindings.tls_exporter = "E";
    server.verifier = sasl::make_scram_verifier("secret", "salt");
    auto client_settings = plain_settings();
    client_settings.tls = TlsUse::required;
    client_settings.credentials = sasl::Credentials{"ann", "", "secret"};
    ClientPump client(client_settings);
    client.bindings.tls_exporter = "E";
    client.to_send.push_back(envelope_to({"c@d.example"}));
    converse(client, server);
    EXPECT_EQ(client.handshakes, 1);
    EXPECT_EQ(server.messages.size(), 1U) << offered;
    EXPECT_EQ(server.session.login(), "ann");
  }
  server::TestPump server(settings);
  auto wrong = plain_settings();
  wrong.tls = TlsUse::required;
  wrong.credentials = sasl::Credentials{"ann", "", "guess"};
  ClientPump client(wrong);
  converse(client, server);
  ASSERT_TRUE(client.failed);
  EXPECT_EQ(client.failed->stage, Stage::auth);
  EXPECT_EQ(client.failed->reply, Reply(535, {5, 7, 8}, "Login or password not right"));
}

// ---- a scripted peer -------------------------------------------------------------------------------------------

TEST(SmtpClient, PipelinesOneGroup) {
  auto settings = plain_settings();
  settings.chunking = false;
  ClientPump client(settings);
  auto envelope = envelope_to({"c@d.example", "e@d.example"});
  envelope.parameters.size = 21;
  envelope.parameters.ret = Ret::headers;
  envelope.recipients[0].parameters.notify = Notify::parse("NEVER").value();
  client.to_send.push_back(std::move(envelope));
  EXPECT_EQ(client.run(), "");
  EXPECT_EQ(client.feed("220 mx\r\n"), "EHLO client.example\r\n");
  EXPECT_EQ(client.feed("250-mx\r\n250-PIPELINING\r\n250-DSN\r\n250 SIZE\r\n"),
            "MAIL FROM:<a@b.example> SIZE=21 RET=HDRS\r\nRCPT TO:<c@d.example> NOTIFY=NEVER\r\nRCPT "
            "TO:<e@d.example>\r\nDATA\r\n");
  EXPECT_EQ(client.feed("250 ok\r\n250 ok\r\n250 ok\r\n"), "");
  EXPECT_EQ(client.feed("354 go\r\n"), "Subject: x\r\n\r\nhello\r\n.\r\n");
  EXPECT_EQ(client.session.deadline(), Deadline::termination);
  EXPECT_EQ(client.feed("250 2.0.0 queued as 1\r\n"), "QUIT\r\n");
  EXPECT_EQ(client.feed("221 bye\r\n"), "");
  EXPECT_TRUE(client.closed);
  EXPECT_TRUE(client.done[0].peer_has_dsn);
  EXPECT_EQ(client.session.messages_sent(), 1U);
}

TEST(SmtpClient, WaitsForEachReplyWithoutPipeliningAndFallsBackToHelo) {
  ClientPump client(plain_settings());
  auto envelope = envelope_to({"c@d.example"});
  envelope.parameters.size = 21;
  envelope.parameters.ret = Ret::full;
  envelope.recipients[0].parameters.notify = Notify::parse("NEVER").value();
  client.to_send.push_back(std::move(envelope));
  EXPECT_EQ(client.feed("220 mx\r\n"), "EHLO client.example\r\n");
  EXPECT_EQ(client.feed("502 what\r\n"), "HELO client.example\r\n");
  EXPECT_EQ(client.feed("250 mx\r\n"), "MAIL FROM:<a@b.example>\r\n");
  EXPECT_EQ(client.feed("250 ok\r\n"), "RCPT TO:<c@d.example>\r\n");
  EXPECT_EQ(client.feed("250 ok\r\n"), "DATA\r\n");
  EXPECT_EQ(client.feed("354 go\r\n"), "Subject: x\r\n\r\nhello\r\n.\r\n");
  EXPECT_EQ(client.feed("451 later\r\n"), "QUIT\r\n");
  EXPECT_EQ(summary(client.done[0]), "message 451, message 451");
  EXPECT_FALSE(client.done[0].peer_has_dsn);
}

TEST(SmtpClient, SendsAnEmptyMessageWhereDataWasPipelinedForNobody) {
  auto settings = plain_settings();
  settings.chunking = false;
  ClientPump client(settings);
  client.to_send.push_back(envelope_to({"c@d.example"}));
  (void)client.feed("220 mx\r\n");
  (void)client.feed("250-mx\r\n250 PIPELINING\r\n");
  EXPECT_EQ(client.feed("250 ok\r\n550 no\r\n354 go\r\n"), ".\r\n");
  EXPECT_EQ(summary(client.done.at(0)), "rcpt 550, local 554");
  EXPECT_EQ(client.feed("554 no valid recipients\r\n"), "QUIT\r\n");
}

TEST(SmtpClient, MailRefusedIsTheOutcomeOfAll) {
  auto settings = plain_settings();
  ClientPump client(settings);
  client.to_send.push_back(envelope_to({"c@d.example", "e@d.example"}));
  (void)client.feed("220 mx\r\n");
  (void)client.feed("250-mx\r\n250 PIPELINING\r\n");
  EXPECT_EQ(client.feed("550 5.7.1 not you\r\n503 x\r\n503 x\r\n503 x\r\n"), "QUIT\r\n");
  EXPECT_EQ(summary(client.done.at(0)), "mail 550, mail 550, mail 550");
}

// The stage at which a peer fails, by the replies it gave before; STANDARDS: each ends with an outcome.
TEST(SmtpClient, EveryFailureHasItsStage) {
  const std::string to_ehlo = "220 mx\r\n250-mx\r\n250 PIPELINING\r\n";
  struct Case {
    std::string octets;
    bool lost;
    std::string expected;
  };
  const Case cases[] = {
      {"", true, "greeting 451 disconnected"},
      {"554 no\r\n", false, "greeting 554 reply"},
      {"421 busy\r\n", false, "greeting 421 reply"},
      {"HTTP/1.0 400 Bad\r\n", false, "greeting 451 garbage"},
      {"220 mx\r\n", true, "hello 451 disconnected"},
      {"220 mx\r\n421 no\r\n", false, "hello 421 reply"},
      {"220 mx\r\n451 no\r\n", false, "hello 451 reply"},
      {"220 mx\r\n550 no\r\n550 no\r\n", false, "hello 550 reply"},
      {to_ehlo, true, "mail 451 disconnected"},
      {to_ehlo + "421 bye\r\n", false, "mail 421 reply"},
      {to_ehlo + "250 ok\r\n", true, "rcpt 451 disconnected"},
      {to_ehlo + "250 ok\r\n421 bye\r\n", false, "rcpt 421 reply"},
      {to_ehlo + "250 ok\r\nwhat\r\n", false, "rcpt 451 garbage"},
      {to_ehlo + "250 ok\r\n250 ok\r\n", true, "data 451 disconnected"},
      {to_ehlo + "250 ok\r\n250 ok\r\n451 no\r\n", false, "data 451 reply"},
      {to_ehlo + "250 ok\r\n250 ok\r\n250 what\r\n", false, "data 451 garbage"},
      {to_ehlo + "250 ok\r\n250 ok\r\n354 go\r\n", true, "message 451 disconnected in doubt"},
      {to_ehlo + "250 ok\r\n250 ok\r\n354 go\r\n552 big\r\n", false, "message 552 reply"},
      {to_ehlo + "250 ok\r\n250 ok\r\n354 go\r\n354 go\r\n", false, "message 451 garbage"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.octets);
    for (const std::size_t segment : {std::size_t{1}, std::size_t{1000}}) {
      ClientPump client(plain_settings());
      client.to_send.push_back(envelope_to({"c@d.example"}));
      (void)client.run();
      for (std::size_t at = 0; at < c.octets.size() && !client.closed; at += segment)
        (void)client.feed(std::string_view(c.octets).substr(at, segment));
      if (c.lost) client.session.on_disconnect("connection reset");
      (void)client.run();
      const auto* outcome = client.failed         ? &*client.failed
                            : client.done.empty() ? nullptr
                                                  : &client.done[0].recipients[0];
      ASSERT_NE(outcome, nullptr);
      const char* causes[] = {"reply", "garbage", "disconnected", "timeout", "tls", "local"};
      std::string got = std::string(name(outcome->stage)) + " " + std::to_string(outcome->reply.code.value) + " " +
                        causes[static_cast<int>(outcome->cause)];
      if (!client.done.empty() && client.done[0].in_doubt) got += " in doubt";
      EXPECT_EQ(got, c.expected);
      EXPECT_LE(client.done.size() + (client.failed ? 1 : 0), 1U) << "one outcome, not two";
    }
  }
}

TEST(SmtpClient, BelievesNoAnswerThatComesBeforeTheMessage) {
  for (const char* keyword : {"PIPELINING", "CHUNKING"}) {
    ClientPump client(plain_settings());
    client.to_send.push_back(envelope_to({"c@d.example"}));
    (void)client.feed("220 mx\r\n250-mx\r\n250-PIPELINING\r\n250 " + std::string(keyword) + "\r\n");
    (void)client.feed("250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 queued\r\n");
    EXPECT_FALSE(client.done.at(0).recipients[0].is_delivered());
    EXPECT_EQ(client.done[0].recipients[0].cause, Cause::garbage);
    EXPECT_TRUE(client.closed);
  }
}

TEST(SmtpClient, RequiredTlsIsRequired) {
  auto settings = plain_settings();
  settings.tls = TlsUse::required;
  ClientPump without(settings);
  (void)without.feed("220 mx\r\n250 mx\r\n");
  EXPECT_EQ(without.failed->cause, Cause::tls);
  ClientPump refused(settings);
  (void)refused.feed("220 mx\r\n250-mx\r\n250 STARTTLS\r\n454 no\r\n");
  EXPECT_EQ(refused.failed->reply.code.value, 454);
  // A reply behind the 220 would be taken for an encrypted one.
  ClientPump injected(settings);
  (void)injected.feed("220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n250 evil\r\n");
  EXPECT_EQ(injected.failed->cause, Cause::tls);
  EXPECT_EQ(injected.handshakes, 0);
  // RFC 5321 4.2.4.2: said of the host. Whoever asked for TLS only where it is to be had decides what comes next.
  settings.tls = TlsUse::opportunistic;
  ClientPump clear(settings);
  EXPECT_EQ(clear.feed("220 mx\r\n250-mx\r\n250 STARTTLS\r\n454 no\r\n"),
            "EHLO client.example\r\nSTARTTLS\r\nQUIT\r\n");
  EXPECT_EQ(clear.failed->stage, Stage::starttls);
  EXPECT_EQ(clear.failed->cause, Cause::reply);
}

// A peer that wants no more of a message says so and hangs up: its answer counts, not the lost connection.
TEST(SmtpClient, TheLastWordsOfALostConnectionCount) {
  for (const bool chunking : {false, true}) {
    Session session(plain_settings());
    session.receive(chunking ? "220 mx\r\n250-mx\r\n250 CHUNKING\r\n" : "220 mx\r\n250 mx\r\n");
    while (!std::holds_alternative<Ready>(session.next())) {
    }
    session.send(envelope_to({"c@d.example"}));
    session.receive(chunking ? "250 ok\r\n250 ok\r\n" : "250 ok\r\n250 ok\r\n354 go\r\n");
    while (!std::holds_alternative<NeedBody>(session.next())) {
    }
    session.body("Subject: x\r\n\r\n", false);
    session.receive("552 5.3.4 too large\r\n");
    session.on_disconnect("the connection broke");
    const Event event = session.next();
    const auto* done = std::get_if<Done>(&event);
    ASSERT_NE(done, nullptr);
    EXPECT_EQ(done->outcome.recipients.at(0).reply.one_line(), "552 5.3.4 too large");
    EXPECT_EQ(done->outcome.recipients.at(0).cause, Cause::reply);
    EXPECT_FALSE(done->outcome.in_doubt);
    EXPECT_TRUE(std::holds_alternative<Close>(session.next()));
  }
}

TEST(SmtpClient, WhatThePeerCannotTakeIsNotSaid) {
  const auto outcome_with = [](Envelope envelope) {
    ClientPump client(plain_settings());
    client.to_send.push_back(std::move(envelope));
    EXPECT_EQ(client.feed("220 mx\r\n250-mx\r\n250 SIZE 100\r\n"), "EHLO client.example\r\nQUIT\r\n");
    return client.done.at(0).recipients.at(0);
  };
  auto eight_bit = envelope_to({"c@d.example"});
  eight_bit.parameters.body = Body::eight_bit_mime;
  EXPECT_EQ(outcome_with(eight_bit).reply.enhanced, (EnhancedStatus{5, 6, 3}));
  EXPECT_EQ(outcome_with(envelope_to({"δ@d.example"})).reply.enhanced, (EnhancedStatus{5, 6, 7}));
  auto big = envelope_to({"c@d.example"});
  big.parameters.size = 101;
  EXPECT_EQ(outcome_with(big).reply.enhanced, (EnhancedStatus{5, 3, 4}));
  EXPECT_EQ(outcome_with(big).stage, Stage::local);
}

TEST(SmtpClient, NeverSendsWhatSmugglingIsMadeOf) {
  for (const char* body :
       {"a\n.\nb\r\n", "a\r.\rb\r\n", "a\n.\r\nb\r\n", "a\r\n.\nb\r\n", "a\r.\r\nb\r\n", "a\r\n.\r", "a\r"}) {
    for (const bool chunking : {false, true}) {
      for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
        const auto settings = server_settings();
        server::TestPump server(settings);
        auto client_settings = plain_settings();
        client_settings.chunking = chunking;
        ClientPump client(client_settings);
        client.body = body;
        client.piece_size = piece;
        client.to_send.push_back(envelope_to({"c@d.example"}));
        converse(client, server);
        EXPECT_TRUE(server.messages.empty()) << body;
        ASSERT_EQ(client.done.size(), 1U);
        EXPECT_EQ(client.done[0].recipients[0].reply.enhanced, (EnhancedStatus{5, 6, 0}));
        EXPECT_TRUE(client.closed);
      }
    }
  }
}

TEST(SmtpClient, IdleConnectionClosedByThePeerIsNoFailure) {
  ClientPump client(plain_settings());
  client.quits = false;
  (void)client.feed("220 mx\r\n250 mx\r\n");
  (void)client.feed("421 4.4.2 idle\r\n");
  EXPECT_TRUE(client.closed);
  EXPECT_FALSE(client.failed);
  client.session.send(envelope_to({"c@d.example"}));
  (void)client.run();
  EXPECT_EQ(client.done.at(0).recipients[0].stage, Stage::connect);
  EXPECT_TRUE(client.done[0].recipients[0].reply.code.is_temporary());
}

}  // namespace
}  // namespace posthorn::smtp::client
