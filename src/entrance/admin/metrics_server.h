// The metrics listener: GET /metrics (Prometheus text) and GET /healthz on listen.metrics. Plain HTTP/1.1, one
// request a connection, meant for a local address.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/net/listener.h"
#include "platform/runtime/log.h"
#include "platform/runtime/metrics.h"
#include "platform/runtime/spawn.h"

namespace posthorn::admin {

/// The answer to one request: status line, header, body. Pure.
[[nodiscard]] std::string metrics_reply(std::string_view request_line, const std::function<std::string()>& exposition,
                                        const std::function<std::string()>& unhealthy);

class MetricsServer final : public net::ConnectionHandler {
 public:
  /// `unhealthy` says why the server cannot do its work; empty: all is well.
  MetricsServer(net::Loop& loop, const runtime::Metrics& metrics, std::function<std::string()> unhealthy,
                runtime::Logger log);
  ~MetricsServer() override;

  [[nodiscard]] Result<net::Endpoint, Problem> open(const net::Endpoint& at);
  [[nodiscard]] Task<> run();
  [[nodiscard]] Task<> stop();

  void connected(net::Loop& loop, std::unique_ptr<net::Stream> stream) override;
  [[nodiscard]] Octets refusal() const override { return {}; }

 private:
  [[nodiscard]] Task<> session(std::unique_ptr<net::Stream> stream);
  [[nodiscard]] Task<> accept_all(net::Listener& listener);

  net::Loop& loop_;
  const runtime::Metrics& metrics_;
  std::function<std::string()> unhealthy_;
  runtime::TaskGroup sessions_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
};

}  // namespace posthorn::admin
