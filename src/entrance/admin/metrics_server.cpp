#include "entrance/admin/metrics_server.h"

#include "foundation/text/ascii.h"

namespace posthorn::admin {
namespace {

using namespace std::chrono_literals;

constexpr Duration metrics_request_time_max = 10s;
/// RFC 9112 3 asks for request lines of 8,000 octets; ours are short, and header fields are read past.
constexpr std::size_t request_octets_max = 16 * KiB;

std::string reply(std::string_view status, std::string_view type, std::string_view body, bool with_body = true) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{}",
      status, type, body.size(), with_body ? body : std::string_view{});
}

constexpr std::string_view plain = "text/plain; charset=utf-8";

/// Reads to the empty line that ends the header; the whole head, or nothing where it does not come.
Task<std::string> read_head(net::Stream& stream) {
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    std::array<char, 2048> piece;
    const auto got = co_await stream.read_some(piece);
    if (!got || head.size() + *got > request_octets_max) co_return std::string{};
    head.append(piece.data(), *got);
  }
  co_return head;
}

}  // namespace

std::string metrics_reply(std::string_view request_line, const std::function<std::string()>& exposition,
                          const std::function<std::string()>& unhealthy) {
  const auto words = text::words(request_line);
  if (words.size() != 3 || !words[2].starts_with("HTTP/1.")) return reply("400 Bad Request", plain, "bad request\n");
  const bool is_head = words[0] == "HEAD";
  if (words[0] != "GET" && !is_head) return reply("405 Method Not Allowed", plain, "only GET and HEAD\n");
  const std::string_view path = words[1].substr(0, words[1].find('?'));
  if (path == "/metrics") {
    return reply("200 OK", "text/plain; version=0.0.4; charset=utf-8", exposition(), !is_head);
  }
  if (path == "/healthz") {
    const std::string why = unhealthy();
    if (why.empty()) return reply("200 OK", plain, "ok\n", !is_head);
    return reply("503 Service Unavailable", plain, why + "\n", !is_head);
  }
  return reply("404 Not Found", plain, "there are /metrics and /healthz\n", !is_head);
}

MetricsServer::MetricsServer(net::Loop& loop, const runtime::Metrics& metrics, std::function<std::string()> unhealthy,
                             runtime::Logger log)
    : loop_(loop), metrics_(metrics), unhealthy_(std::move(unhealthy)), sessions_("metrics", std::move(log)) {}

MetricsServer::~MetricsServer() = default;

Result<net::Endpoint, Problem> MetricsServer::open(const net::Endpoint& at) {
  auto listener = net::Listener::open(loop_, at);
  if (!listener) return fail(std::move(listener.error()));
  const net::Endpoint where = (*listener)->local();
  listeners_.push_back(std::move(*listener));
  return where;
}

Task<> MetricsServer::accept_all(net::Listener& listener) {
  co_await listener.run(*this);
}

Task<> MetricsServer::run() {
  for (const auto& listener : listeners_) {
    runtime::spawn(sessions_, loop_.executor(), "metrics listener", accept_all(*listener));
  }
  co_return;
}

Task<> MetricsServer::stop() {
  for (const auto& listener : listeners_) listener->close();
  co_await sessions_.join();
}

void MetricsServer::connected(net::Loop& loop, std::unique_ptr<net::Stream> stream) {
  runtime::spawn(sessions_, loop.executor(), "metrics request", session(std::move(stream)));
}

Task<> MetricsServer::session(std::unique_ptr<net::Stream> stream) {
  stream->set_deadline(loop_.clock().now() + metrics_request_time_max);
  const std::string head = co_await read_head(*stream);
  if (!head.empty()) {
    const std::function<std::string()> exposition = [this] { return metrics_.exposition(); };
    const std::string out = metrics_reply(std::string_view(head).substr(0, head.find("\r\n")), exposition, unhealthy_);
    [[maybe_unused]] const auto written = co_await stream->write(out);
  }
  co_await stream->close();
}

}  // namespace posthorn::admin
