// ScriptedPeer: a receiving MTA that says what a test wants at every stage, or fails there. PeerNetwork: the Dialer
// that leads each address to its peer, over memory, on virtual time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "platform/net/connect.h"
#include "platform/net/memory_stream.h"
#include "platform/net/tls.h"
#include "platform/runtime/spawn.h"

namespace posthorn::flow_test {

/// What goes wrong when a stage is reached.
enum class Fault : std::uint8_t {
  none,
  cut,      ///< the connection ends without a word
  stall,    ///< silence
  garbage,  ///< octets that are no reply
};

/// Replies by stage: "greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "message", "QUIT". A reply is text
/// without final CRLF; "\n" in it separates lines that bear codes themselves.
struct PeerScript {
  std::map<std::string, std::string> replies;
  std::map<std::string, std::string> replies_once;  ///< go before `replies`, the first time that the stage is reached
  std::map<std::string, Fault> faults;
  bool faults_happen_once = false;
  std::function<std::string(const std::string& command)> rcpt;  ///< overrides replies["RCPT"]
  std::string extensions = "PIPELINING 8BITMIME DSN ENHANCEDSTATUSCODES SIZE";
  const net::ServerTls* tls = nullptr;  ///< for STARTTLS; without it the handshake is answered with nonsense
  Duration greeting_delay{};
  bool refuses = false;  ///< no connection at all
};

struct PeerLog {
  std::size_t connections = 0;
  std::vector<std::string> commands;
  std::vector<std::string> messages;  ///< as they came, dot-stuffed
  std::vector<std::string> accepted;  ///< those of them that were answered with 2yz
  std::size_t message_reads = 0;      ///< reads that brought their octets
};

class ScriptedPeer {
 public:
  PeerScript script;
  PeerLog log;

  [[nodiscard]] Task<> serve(net::Loop& loop, std::unique_ptr<net::Stream> stream);

 private:
  struct Session;
  [[nodiscard]] std::string reply_to(const std::string& stage, const std::string& command) const;
};

class PeerNetwork final : public net::Dialer {
 public:
  explicit PeerNetwork(runtime::TaskGroup& group) : group_(group) {}
  /// The peer at "192.0.2.1"; made when first asked for.
  ScriptedPeer& peer(const std::string& address);
  [[nodiscard]] Task<Result<std::unique_ptr<net::Stream>, net::ConnectFailure>> dial(
      net::Loop& loop, net::Endpoint to, net::ConnectOptions options) override;
  std::vector<std::string> dialled;

 private:
  runtime::TaskGroup& group_;
  std::map<std::string, std::unique_ptr<ScriptedPeer>> peers_;
};

}  // namespace posthorn::flow_test
