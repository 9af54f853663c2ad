// What transcripts cannot say: smuggling, facts, questions, endings.
#include "standards/smtp/server.h"

#include <gtest/gtest.h>

#include "foundation/codec/base64.h"
#include "standards/sasl/client.h"
#include "standards/test_support/smtp_pump.h"
#include "standards/test_support/vectors.h"

namespace posthorn::smtp::server {
namespace {

using namespace std::string_literals;

Settings reception() {
  Settings settings;
  settings.host_name = "mx.example";
  settings.limits.errors_max = 100;
  return settings;
}

const std::string envelope = "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n";

// ---- smuggling -------------------------------------------------------------------------------------------------

char unescaped(std::string_view json, std::size_t& at) {
  if (json[at] != '\\') return json[at];
  const char c = json[++at];
  if (c != 'u') return c == 'r' ? '\r' : c == 'n' ? '\n' : c;
  at += 4;
  return static_cast<char>(std::stoi(std::string(json.substr(at - 3, 4)), nullptr, 16));
}

// Every string literal of the file that has a line end in it: names and prose have none.
std::vector<std::string> end_of_data_variants(std::string_view json) {
  std::vector<std::string> variants;
  for (std::size_t at = json.find('"'); at != std::string_view::npos; at = json.find('"', at + 1)) {
    std::string literal;
    for (++at; json[at] != '"'; ++at) literal += unescaped(json, at);
    if (literal.find_first_of("\r\n") != std::string::npos) variants.push_back(literal);
  }
  return variants;
}

// Two messages where the sender sent one: the second stands behind the false end of data.
void expect_one_message(const std::string& variant, std::size_t segment) {
  const auto settings = reception();
  TestPump pump(settings);
  (void)pump.run();
  const std::string stream =
      envelope + "Subject: one\r\n\r\nbody" + variant +
      "MAIL FROM:<evil@b.example>\r\nRCPT TO:<victim@d.example>\r\nDATA\r\nSubject: two\r\n\r\nx\r\n.\r\n";
  std::string output;
  for (std::size_t at = 0; at < stream.size() && !pump.closed; at += segment) {
    output += pump.feed(std::string_view(stream).substr(at, segment));
  }
  EXPECT_LE(pump.messages.size(), 1U);
  for (const auto& event : pump.events) EXPECT_NE(event, "mail <evil@b.example>");
  EXPECT_NE(output.find("550 5.5.2"), std::string::npos) << output;
}

TEST(SmtpSmuggling, NoVariantMakesTwoMessages) {
  POSTHORN_VECTORS_OR_SKIP(json, "smtp/smuggling/end-of-data-variants.json");
  const auto variants = end_of_data_variants(json);
  ASSERT_EQ(variants.size(), 26U);
  for (const auto& variant : variants) {
    SCOPED_TRACE(codec::base64_encode(variant));
    for (const std::size_t segment : {1U, 2U, 3U, 5U, 1000U}) expect_one_message(variant, segment);
    // Split exactly before, within and behind the variant.
    for (std::size_t cut = 0; cut <= variant.size(); ++cut) {
      expect_one_message(variant, envelope.size() + 18 + cut);
    }
  }
}

TEST(SmtpSmuggling, NorInChunks) {
  POSTHORN_VECTORS_OR_SKIP(json, "smtp/smuggling/end-of-data-variants.json");
  for (const auto& variant : end_of_data_variants(json)) {
    SCOPED_TRACE(codec::base64_encode(variant));
    const auto settings = reception();
    TestPump pump(settings);
    (void)pump.run();
    const std::string content = "a" + variant + "b\r\n";
    const auto output = pump.feed("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT " +
                                  std::to_string(content.size()) + " LAST\r\n" + content + "NOOP\r\n");
    EXPECT_TRUE(pump.messages.empty());
    EXPECT_NE(output.find("550 5.5.2"), std::string::npos) << output;
    EXPECT_TRUE(output.ends_with("250 2.0.0 Nothing done\r\n")) << output;
  }
}

// ---- questions -------------------------------------------------------------------------------------------------

Settings submissions() {
  auto settings = reception();
  settings.role = Role::submissions;
  settings.mechanisms = {sasl::Mechanism::scram_sha_256, sasl::Mechanism::scram_sha_256_plus, sasl::Mechanism::plain};
  settings.unknown_login_secret = "s";
  return settings;
}

std::string challenge_of(const std::string& output) {
  EXPECT_TRUE(output.starts_with("334 ")) << output;
  return codec::base64_decode(output.substr(4, output.find('\r') - 4)).value_or("");
}

TEST(SmtpServer, LogsInByScramPlus) {
  const auto settings = submissions();
  TestPump pump(settings);
  const sasl::ChannelBindings bindings{.tls_exporter = std::string(32, 'e'), .tls_server_end_point = ""};
  pump.session.on_tls_established(
      TlsFacts{.version = "TLSv1.3", .cipher = "", .cipher_bits = 0, .server_name = "", .bindings = bindings});
  pump.verifier = sasl::make_scram_verifier("pencil", "salt");
  (void)pump.run();
  EXPECT_NE(pump.feed("EHLO c\r\n").find("AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS PLAIN"), std::string::npos);
  sasl::ClientExchange client(sasl::Mechanism::scram_sha_256_plus, {"ann", "", "pencil"}, bindings, "nonce", true);
  auto output = pump.feed("AUTH SCRAM-SHA-256-PLUS " + codec::base64_encode(*client.initial_response()) + "\r\n");
  output = pump.feed(codec::base64_encode(*client.respond(challenge_of(output))) + "\r\n");
  output = pump.feed(codec::base64_encode(*client.respond(challenge_of(output))) + "\r\n");
  EXPECT_EQ(output, "235 2.7.0 Logged in\r\n");
  EXPECT_TRUE(client.may_succeed());
  EXPECT_EQ(pump.session.login(), "ann");
}

TEST(SmtpServer, DirectoryOutageIsNotAWrongPassword) {
  const auto settings = submissions();
  Session session(settings, {});
  session.on_tls_established({});
  const auto until = [&session]<class E>(const E&) {
    for (;;) {
      const auto event = session.next();
      if (std::holds_alternative<E>(event)) return;
      ASSERT_FALSE(std::holds_alternative<NeedInput>(event));
      if (std::holds_alternative<Connected>(event) || std::holds_alternative<Hello>(event)) session.accept();
    }
  };
  until(Connected{});
  session.accept();
  until(NeedInput{});
  session.receive("EHLO c\r\nAUTH PLAIN AGEAYg==\r\n");
  until(CheckPassword{});
  (void)session.take_output();
  session.reply(Reply(454, {4, 7, 0}, "Directory not reachable"));
  EXPECT_EQ(session.take_output(), "454 4.7.0 Directory not reachable\r\n");
  EXPECT_EQ(session.login(), "");
}

TEST(SmtpServer, EndsAfterTooManyFailedLogins) {
  const auto settings = submissions();
  TestPump pump(settings);
  pump.session.on_tls_established({});
  (void)pump.run();
  const auto output =
      pump.feed("EHLO c\r\nAUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAYg==\r\nNOOP\r\n");
  EXPECT_TRUE(
      output.ends_with("535 5.7.8 Login or password not right\r\n421 4.7.0 mx.example Too many failed logins\r\n"))
      << output;
  EXPECT_EQ(pump.closed, CloseReason::too_many_errors);
}

// ---- endings ---------------------------------------------------------------------------------------------------

TEST(SmtpServer, TimeoutAbortsAnOpenMessage) {
  const auto settings = reception();
  TestPump pump(settings);
  (void)pump.run();
  (void)pump.feed(envelope + "half a mess");
  EXPECT_EQ(pump.session.deadline(), Deadline::message_data);
  pump.session.on_timeout();
  EXPECT_EQ(pump.run(), "421 4.4.2 mx.example Nothing heard for too long\r\n");
  EXPECT_EQ(pump.events.back(), "aborted 421");
  EXPECT_EQ(pump.closed, CloseReason::timeout);
}

TEST(SmtpServer, DisconnectAbortsAnOpenMessageSilently) {
  const auto settings = reception();
  TestPump pump(settings);
  (void)pump.run();
  (void)pump.feed(envelope + "half");
  pump.session.on_disconnect();
  EXPECT_EQ(pump.run(), "");
  EXPECT_EQ(pump.events.back(), "aborted 421");
  EXPECT_EQ(pump.closed, CloseReason::disconnected);
}

TEST(SmtpServer, ShutdownWaitsForTheMessage) {
  const auto settings = reception();
  TestPump pump(settings);
  (void)pump.run();
  (void)pump.feed(envelope + "x\r\n");
  pump.session.on_shutdown();
  EXPECT_EQ(pump.run(), "");
  EXPECT_EQ(pump.feed(".\r\n"),
            "250 2.0.0 Accepted\r\n421 4.3.2 mx.example Going down for maintenance; come again\r\n");
  EXPECT_EQ(pump.closed, CloseReason::shutdown);
}

TEST(SmtpServer, NotesWhoTalksBeforeTheGreeting) {
  const auto settings = reception();
  TestPump pump(settings);
  (void)pump.feed("EHLO c\r\n");
  EXPECT_TRUE(pump.session.is_early_talker());
  TestPump polite(settings);
  (void)polite.run();
  (void)polite.feed("EHLO c\r\n");
  EXPECT_FALSE(polite.session.is_early_talker());
}

TEST(SmtpServer, RefusedMessageLeavesTheSessionOpen) {
  const auto settings = reception();
  TestPump pump(settings);
  pump.refuse_message = Reply(550, {5, 7, 1}, "DMARC says\nno");
  (void)pump.run();
  const auto output = pump.feed(envelope + "x\r\n.\r\nMAIL FROM:<>\r\n");
  EXPECT_TRUE(output.ends_with("550-5.7.1 DMARC says\r\n550 5.7.1 no\r\n250 2.1.0 Sender taken\r\n")) << output;
  EXPECT_EQ(pump.session.messages_accepted(), 0U);
}

TEST(SmtpServer, BoundsItsOutput) {
  const auto settings = reception();
  Session session(settings, {});
  (void)session.next();
  session.accept();
  (void)session.next();
  std::string flood;
  for (int i = 0; i < 99; ++i) flood += "HELP\r\n";
  auto loud = settings;
  loud.help = std::string(500, 'h');
  Session shouting(loud, {});
  (void)shouting.next();
  shouting.accept();
  (void)shouting.next();
  shouting.receive(flood);
  EXPECT_TRUE(std::holds_alternative<FlushOutput>(shouting.next()));
  EXPECT_LT(shouting.take_output().size(), output_octets_max + 1024);
  EXPECT_TRUE(std::holds_alternative<FlushOutput>(shouting.next()));
}

TEST(SmtpServer, NamesTheProtocolForReceived) {
  EXPECT_EQ(with_protocol({}), "SMTP");
  EXPECT_EQ(with_protocol({.esmtp = true}), "ESMTP");
  EXPECT_EQ(with_protocol({.esmtp = true, .tls = true}), "ESMTPS");
  EXPECT_EQ(with_protocol({.esmtp = true, .tls = true, .authenticated = true}), "ESMTPSA");
  EXPECT_EQ(with_protocol({.esmtp = true, .tls = true, .smtputf8 = true}), "UTF8SMTPS");
}

TEST(SmtpServer, EveryCommandIsInTheTable) {
  std::string verbs;
  for (const auto& row : command_rows()) verbs += std::string(row.verb) + " ";
  EXPECT_EQ(verbs, "EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT ");
}

}  // namespace
}  // namespace posthorn::smtp::server
