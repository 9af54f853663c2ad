// PlainClient: asks recursive servers over UDP on one loop, without a thread in between, and takes their word: nothing
// is `secure`. Equal questions of the loop are asked once. PlainClients: one on every loop.
// Private to resolver.
//
// A server that is silent is passed over for the next one, round by round with more patience (RFC 1035 4.2.1, RFC 1536
// 2); the one that answered last is asked first. Truncated answers are asked for again over TCP.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/resolver/aliases.h"
#include "platform/resolver/dns_client.h"
#include "platform/runtime/event.h"

namespace posthorn::resolver {

inline constexpr std::uint16_t dns_port = 53;
inline constexpr Duration plain_patience_first = std::chrono::seconds{1};  // ours: a cache that must ask far away
inline constexpr Duration plain_patience_max = std::chrono::seconds{4};    // ours
inline constexpr std::size_t plain_questions_max = 4096;                   // ours: of one loop at a time
inline constexpr unsigned plain_in_flight_max = 512;                       // ours: at one server, of one loop
inline constexpr std::size_t plain_ports = 8;                              // ours: a server and loop

/// What the servers say of the root's keys, which all validation begins with.
enum class RootKeys : unsigned char {
  with_signatures,
  without_signatures,  ///< asked with DO: they leave DNSSEC out of what they pass on
  unknown,             ///< they do not know the root: a private or an authoritative server
  failing,             ///< SERVFAIL
  silent,
};

class PlainClient {
 public:
  PlainClient(const runtime::Executor& executor, runtime::Clock& clock, std::vector<net::Endpoint> servers);
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;
  ~PlainClient();

  /// On the client's loop.
  [[nodiscard]] Task<dns::Answer> ask(dns::Name name, dns::RecordType type, TimePoint deadline);
  /// The best that one of the servers says.
  [[nodiscard]] Task<RootKeys> root_keys(TimePoint deadline);

 private:
  class Question;
  class Lead;
  using Waiting = std::vector<runtime::Promise<std::optional<dns::Answer>>>;
  [[nodiscard]] Task<dns::Answer> ask_servers(dns::Question question, TimePoint deadline);

  net::Loop loop_;
  runtime::SystemRandom random_;
  DnsClient client_;
  std::vector<net::Endpoint> servers_;
  std::vector<std::string> names_;
  std::size_t first_ = 0;  ///< the server that answered last
  std::size_t open_ = 0;
  std::map<std::string, Waiting, std::less<>> asked_;
};

/// Thread-safe. Questions from an executor that is not one of those given are asked on the first one.
class PlainClients {
 public:
  PlainClients(std::vector<runtime::Executor> executors, runtime::Clock& clock,
               const std::vector<net::Endpoint>& servers);
  PlainClients(const PlainClients&) = delete;
  PlainClients& operator=(const PlainClients&) = delete;
  /// The first executor's loop is the caller's, or none runs; each other client ends on its own loop.
  ~PlainClients();

  [[nodiscard]] Task<dns::Answer> ask(dns::Name name, dns::RecordType type, TimePoint deadline);
  [[nodiscard]] Task<RootKeys> root_keys(TimePoint deadline);

 private:
  std::vector<runtime::Executor> executors_;
  std::vector<std::unique_ptr<PlainClient>> plain_;
};

/// `nameserver` of resolv.conf, at most three (resolv.conf(5)); this host where there is none.
[[nodiscard]] std::vector<net::Endpoint> system_servers(const std::filesystem::path& file = "/etc/resolv.conf");

}  // namespace posthorn::resolver
