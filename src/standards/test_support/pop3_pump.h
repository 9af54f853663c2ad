// Pop3Pump: a POP3 server machine with a maildrop in memory, as flow/access pumps one. For transcripts and fuzzing.
#pragma once

#include <string>
#include <vector>

#include "standards/pop3/server.h"

namespace posthorn::pop3::server {

class Pop3Pump {
 public:
  explicit Pop3Pump(const Settings& settings) : session_(settings) {}

  /// Feeds octets and returns everything the server says to them.
  std::string say(std::string_view octets);

  std::string login = "ann@alpha.example";
  std::string password = "open sesame";
  std::optional<sasl::ScramVerifier> verifier;
  std::vector<std::string> messages;
  bool locked = false;  ///< somebody else has the maildrop
  bool busy = false;    ///< logins cannot be checked now
  bool update_fails = false;
  std::size_t piece = 7;         ///< messages are handed over in pieces of so many octets
  std::vector<std::string> log;  ///< what happened beside the words: "failed …", "closed …", "removed …"
  std::vector<std::size_t> removed;
  bool closed = false;
  Session& session() { return session_; }

 private:
  /// False: nothing to do without more octets, or the end.
  bool act(const Event& event);
  void retrieve(const Retrieve& question);
  Session session_;
  std::string output_;
};

}  // namespace posthorn::pop3::server
