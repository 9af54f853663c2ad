// A pump for tests: answers the server machine's events from a small policy, and writes down what happened.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standards/smtp/server.h"

namespace posthorn::smtp::server {

/// A message as the pump got it.
struct TestMessage {
  std::string reverse_path;
  std::vector<std::string> forward_paths;
  std::string octets;
};

class TestPump {
 public:
  explicit TestPump(const Settings& settings) : session(settings, PeerFacts{}) {}

  /// Feeds the octets and acts on every event until NeedInput or Close; returns what the peer would read.
  std::string feed(std::string_view octets);
  /// Acts on what is there without input.
  std::string run() { return feed({}); }

  Session session;
  std::vector<TestMessage> messages;  ///< accepted
  std::vector<std::string> events;    ///< every event in a few words; MessageOctets are joined
  std::optional<CloseReason> closed;
  std::optional<Reply> refuse_greeting;
  std::optional<Reply> refuse_message;
  std::string password = "secret";  ///< the right one for any login
  std::optional<sasl::ScramVerifier> verifier;
  sasl::ChannelBindings bindings;  ///< of the TLS that STARTTLS gives

 private:
  bool act(Event& event);
  void note(std::string what) { events.push_back(std::move(what)); }
  TestMessage open_;
  std::string octets_;
};

}  // namespace posthorn::smtp::server
