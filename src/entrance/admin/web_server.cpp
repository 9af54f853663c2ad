#include "entrance/admin/web_server.h"

#include "platform/net/tls.h"

namespace posthorn::admin {
namespace {

using namespace std::chrono_literals;

constexpr Duration kHandshakeTimeMax = 10s;
constexpr Duration kRequestTimeMax = 15s;  // from the end of the last one: also how long an idle connection stays

HttpAnswer only_get() {
  return {405, "text/plain; charset=utf-8", "only GET and HEAD\n"};
}

}  // namespace

WebServer::WebServer(net::Loop& loop, Pages& pages, std::shared_ptr<const net::ServerTls> tls, runtime::Logger log)
    : loop_(loop), pages_(pages), tls_(std::move(tls)), sessions_("web", std::move(log)) {}

WebServer::~WebServer() = default;

Result<net::Endpoint, Problem> WebServer::open(const net::Endpoint& at, bool secure) {
  if (secure && tls_ == nullptr)
    return fail(Problem{ProblemKind::usage, "cannot open listen.https", "there is no certificate",
                        "set tls.certificate and tls.key"});
  if (auto free = net::Listener::check_free(at); !free) return fail(std::move(free.error()));
  auto listener = net::Listener::open(loop_, at);
  if (!listener) return fail(std::move(listener.error()));
  const net::Endpoint where = (*listener)->local();
  listeners_.push_back({std::move(*listener), secure ? &secure_ : &plain_});
  return where;
}

Task<> WebServer::accept_all(net::Listener& listener, Entrance& entrance) {
  co_await listener.run(entrance);
}

Task<> WebServer::run() {
  for (const Opened& opened : listeners_)
    runtime::spawn(sessions_, loop_.executor(), "web listener", accept_all(*opened.listener, *opened.entrance));
  co_return;
}

Task<> WebServer::stop() {
  for (const Opened& opened : listeners_) opened.listener->close();
  sessions_.cancel();
  co_await sessions_.join();
}

void WebServer::Entrance::connected(net::Loop& loop, std::unique_ptr<net::Stream> stream) {
  if (server.connections_ >= web_connections_max) return stream->refuse({});
  runtime::spawn(server.sessions_, loop.executor(), "web connection", server.session(std::move(stream), secure));
}

Task<> WebServer::session(std::unique_ptr<net::Stream> stream, bool secure) {
  struct Place {
    explicit Place(std::size_t& counted) : count(counted) { ++count; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { --count; }
    std::size_t& count;
  };
  const Place place(connections_);
  if (secure) {
    stream->set_deadline(loop_.clock().now() + kHandshakeTimeMax);
    const auto shaken = co_await stream->start_tls(*tls_);
    if (!shaken) co_return;
  }
  co_await serve(*stream, secure);
  co_await stream->close();
}

Task<> WebServer::serve(net::Stream& stream, bool secure) {
  HttpReader reader;
  std::size_t requests = 0;
  Octets fresh;
  std::array<char, 4096> piece;
  stream.set_deadline(loop_.clock().now() + kRequestTimeMax);
  for (;;) {
    auto request = reader.feed(std::exchange(fresh, Octets()));
    if (!request) {
      const std::string out =
          http_response({request.error().status, "text/plain; charset=utf-8", "bad request\n"}, false, true);
      [[maybe_unused]] const auto written = co_await stream.write(out);
      co_return;
    }
    if (!*request) {
      const auto got = co_await stream.read_some(piece);
      if (!got) co_return;
      fresh = Octets(piece.data(), *got);
      continue;
    }
    const bool stays = (*request)->keep_alive && ++requests < web_requests_per_connection_max;
    const bool with_body = (*request)->method != "HEAD";
    const HttpAnswer answered = co_await answer(std::move(**request), secure);
    const std::string out = http_response(answered, stays, with_body);
    const auto written = co_await stream.write(out);
    if (!written || !stays) co_return;
    stream.set_deadline(loop_.clock().now() + kRequestTimeMax);
  }
}

Task<HttpAnswer> WebServer::answer(HttpRequest request, bool secure) {
  if (request.method != "GET" && request.method != "HEAD") co_return only_get();
  co_return co_await pages_.get(std::move(request), secure);
}

}  // namespace posthorn::admin
