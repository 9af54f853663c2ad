// A pump for tests of the IMAP server machine: hands commands to a function, keeps what APPEND brings, and writes down
// what happened.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standards/imap/server.h"

namespace posthorn::imap::server {

/// A message as the pump got it.
struct TestAppend {
  AppendTarget target;
  AppendMessage message;
  std::string octets;
  bool is_whole = false;
};

class ImapBench {
 public:
  explicit ImapBench(const Settings& settings) : session(settings, PeerFacts{}) {}

  /// Feeds the octets, in pieces of `piece` octets, and acts on every event until NeedInput or Close; returns what the
  /// peer would read.
  std::string feed(std::string_view octets, std::size_t piece = 4096);
  std::string line(std::string_view text) { return feed(std::string(text) + "\r\n"); }
  std::string run() { return feed({}); }
  /// TLS from the start, then LOGIN; the outputs of both are dropped.
  void log_in();

  Session session;
  /// Executes a command; nullptr: OK for everything.
  std::function<void(Session&, const Execute&)> execute;
  std::vector<Execute> commands;
  std::vector<TestAppend> appends;
  std::vector<std::string> events;  ///< by name, without those that move octets
  std::optional<CloseReason> closed;
  std::string password = "secret";  ///< the right one for any login
  std::optional<sasl::ScramVerifier> verifier;
  bool logins_unavailable = false;
  sasl::ChannelBindings bindings;  ///< of the TLS that STARTTLS gives

 private:
  bool act(Event& event);
  bool act_on_login(Event& event);
  bool act_on_append(Event& event);
  void note(std::string what) { events.push_back(std::move(what)); }
};

[[nodiscard]] Settings test_settings();

}  // namespace posthorn::imap::server
