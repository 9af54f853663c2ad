// The web listeners: listen.http (proofs for a certificate authority) and listen.https (MTA-STS policies), the
// certificate chosen by SNI. What is answered is the Pages'; here are connections, limits and time.
//
// Threads: everything on the loop it is given. Pages and ServerTls outlive it.
#pragma once

#include <memory>
#include <vector>

#include "entrance/admin/http_message.h"
#include "foundation/base/task.h"
#include "platform/net/listener.h"
#include "platform/runtime/log.h"
#include "platform/runtime/spawn.h"

namespace posthorn::admin {

inline constexpr std::size_t web_connections_max = 1000;             // ours, both listeners together
inline constexpr std::size_t web_requests_per_connection_max = 100;  // ours

class Pages {
 public:
  virtual ~Pages() = default;
  /// A GET (HEAD is asked as GET). `secure`: over TLS.
  [[nodiscard]] virtual Task<HttpAnswer> get(HttpRequest request, bool secure) = 0;
};

class WebServer {
 public:
  /// `tls` null: only plain listeners can be opened.
  WebServer(net::Loop& loop, Pages& pages, std::shared_ptr<const net::ServerTls> tls, runtime::Logger log);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  [[nodiscard]] Result<net::Endpoint, Problem> open(const net::Endpoint& at, bool secure);
  /// Accepts until stop().
  [[nodiscard]] Task<> run();
  [[nodiscard]] Task<> stop();

 private:
  /// What comes in at plain listeners, or at those with TLS.
  struct Entrance final : net::ConnectionHandler {
    Entrance(WebServer& owner, bool is_secure) : server(owner), secure(is_secure) {}
    void connected(net::Loop& loop, std::unique_ptr<net::Stream> stream) override;
    [[nodiscard]] Octets refusal() const override { return {}; }
    WebServer& server;
    bool secure;
  };
  struct Opened {
    std::unique_ptr<net::Listener> listener;
    Entrance* entrance;
  };
  [[nodiscard]] Task<> session(std::unique_ptr<net::Stream> stream, bool secure);
  [[nodiscard]] Task<> serve(net::Stream& stream, bool secure);
  [[nodiscard]] Task<HttpAnswer> answer(HttpRequest request, bool secure);
  [[nodiscard]] Task<> accept_all(net::Listener& listener, Entrance& entrance);

  net::Loop& loop_;
  Pages& pages_;
  std::shared_ptr<const net::ServerTls> tls_;
  runtime::TaskGroup sessions_;
  Entrance plain_{*this, false}, secure_{*this, true};
  std::vector<Opened> listeners_;
  std::size_t connections_ = 0;
};

}  // namespace posthorn::admin
