#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "operations/certificates/acme.h"
#include "standards/address/domain.h"

namespace posthorn::certificates {
namespace {

constexpr std::uint16_t kHttpsPort = 443;

struct Url {
  std::string host;
  std::uint16_t port = kHttpsPort;
  std::string path;
};

/// "https://HOST[:PORT]/PATH" with a host name.
std::optional<Url> parse_url(std::string_view text) {
  constexpr std::string_view scheme = "https://";
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  const auto slash = text.find('/');
  const std::string_view authority = text.substr(0, slash);
  const auto colon = authority.find(':');
  const auto host = address::Domain::parse(authority.substr(0, colon));
  if (!host) return std::nullopt;
  Url url{host->a_label(), kHttpsPort, slash == std::string_view::npos ? "/" : std::string(text.substr(slash))};
  if (colon == std::string_view::npos) return url;
  const auto port = text::parse_number(authority.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  url.port = static_cast<std::uint16_t>(*port);
  return url;
}

class HttpsTransport final : public AcmeTransport {
 public:
  explicit HttpsTransport(https::Client& client) : client_(client) {}

  Task<Result<AcmeReply, std::string>> send(std::string method, std::string url, std::string body) override {
    const auto where = parse_url(url);
    if (!where) co_return fail(fmt::format("the authority names '{}', which is no https URL", text::printable(url)));
    https::Request request;
    request.method = std::move(method);
    request.host = where->host;
    request.port = where->port;
    request.path = where->path;
    // RFC 8555 6.2.
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/jose+json");
    request.body = std::move(body);
    request.octets_max = acme_octets_max;
    auto response = co_await client_.send(std::move(request));
    if (!response) co_return fail(std::move(response.error().reason));
    AcmeReply reply{response->status, {}, std::move(response->body)};
    for (auto& [name, value] : response->headers) reply.headers[name] = std::move(value);
    co_return reply;
  }

 private:
  https::Client& client_;
};

}  // namespace

std::unique_ptr<AcmeTransport> https_transport(https::Client& client) {
  return std::make_unique<HttpsTransport>(client);
}

}  // namespace posthorn::certificates
