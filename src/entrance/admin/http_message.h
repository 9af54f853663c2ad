// HTTP/1.1 messages (RFC 9112) of the server side, pure: octets in, requests out. Boost.Beast parses; this is the one
// unit that sees it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"

namespace posthorn::admin {

inline constexpr std::size_t http_header_octets_max = 16 * KiB;  // RFC 9112 3: request lines of 8,000 at least
inline constexpr std::size_t http_body_octets_max = 64 * KiB;    // nothing that is served here takes more

struct HttpRequest {
  std::string method;  ///< "GET"
  std::string path;    ///< the target without its query
  std::string host;    ///< the Host field; empty where HTTP/1.0 has none
  OctetString body;
  bool keep_alive = false;
};

/// Why a request cannot be answered but by this status, after which the connection ends.
struct HttpFault {
  unsigned status = 400;
};

/// Reads one request after the other.
class HttpReader {
 public:
  HttpReader();
  ~HttpReader();
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;

  /// Takes what came; a request when one is whole. Ask again with nothing for what came behind it.
  [[nodiscard]] Result<std::optional<HttpRequest>, HttpFault> feed(Octets octets);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct HttpAnswer {
  unsigned status = 404;
  std::string content_type = "text/plain; charset=utf-8";
  OctetString body;
};
/// `with_body` false: for HEAD.
[[nodiscard]] std::string http_response(const HttpAnswer& answer, bool keep_alive, bool with_body);

}  // namespace posthorn::admin
