// Outbound HTTPS (libcurl) for MTA-STS policies, reports, ACME: one request, one answer, everything bounded.
//
// - Names come from the dns::Resolver handed in (never from the machine's libc), and the connection goes to exactly
//   the addresses that were looked at: private and special ones are refused unless allowed.
// - HTTPS only, TLS 1.2 at least, the certificate must be valid for the very host asked; no proxy of the environment,
//   no cookies, no compression, no redirect is followed (its status is the answer).
// - A Client is thread-safe and outlives the coroutines that await it. Requests run on its own threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/ip_address.h"
#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "platform/runtime/worker_pool.h"
#include "standards/dns/resolver.h"

namespace posthorn::https {

inline constexpr std::size_t threads_default = 4;
inline constexpr std::size_t waiting_requests_max = 256;
inline constexpr std::size_t addresses_per_request_max = 8;  // of a host, as many as are handed to libcurl
inline constexpr std::size_t header_octets_max = 64 * KiB;

struct ClientOptions {
  std::filesystem::path ca_file;  ///< tls.ca_file: trusted; may be empty
  bool use_system_store = true;   ///< besides it
  bool allow_private = false;     ///< relay.allow_private
  std::vector<IpAddress> source;  ///< relay.source: one of the target's family is used; empty: the machine's choice
  std::string user_agent = "posthorn";
  std::size_t threads = threads_default;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";  ///< GET, HEAD or POST
  std::string host;            ///< A-label; certificate and SNI are this very name
  std::uint16_t port = 443;
  std::string path = "/";  ///< with query
  Headers headers;
  OctetString body;
  std::size_t octets_max = 64 * KiB;
  Duration time_max = std::chrono::seconds(60);
  dns::Resolver* resolver = nullptr;  ///< asked instead of the client's own; outlives the request
};

/// What is known of the connection, as far as it came.
struct ConnectionFacts {
  std::string address;             ///< "192.0.2.1:443"; empty: none was reached
  std::vector<OctetString> chain;  ///< the server's certificates, DER, leaf first
};

struct Response {
  int status = 0;
  Headers headers;  ///< of the last response, names in lower case
  OctetString body;
  ConnectionFacts connection;
  /// The first field of that name (lower case); empty: there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
};

enum class FailureKind : std::uint8_t {
  dns,          ///< no address: it does not exist, or the DNS could not be asked
  address,      ///< only private or special addresses
  connect,      ///< refused, unreachable
  certificate,  ///< untrusted, expired, or not of that name
  tls,          ///< any other failure of the handshake
  timeout,
  too_large,
  protocol,  ///< what came is no HTTP
  busy,      ///< too many requests wait here
};
[[nodiscard]] std::string_view text(FailureKind kind);

struct Failure {
  FailureKind kind = FailureKind::connect;
  std::string reason;         ///< in words, for stories
  bool dns_definite = false;  ///< with dns: the DNS says there is none
  ConnectionFacts connection;
};

class Client {
 public:
  /// The resolver outlives the client.
  [[nodiscard]] static Result<std::unique_ptr<Client>, Problem> make(dns::Resolver& resolver, ClientOptions options);
  ~Client();

  [[nodiscard]] Task<Result<Response, Failure>> send(Request request);

 private:
  struct State;
  explicit Client(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace posthorn::https
