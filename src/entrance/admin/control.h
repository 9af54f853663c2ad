// Control: the local socket in the store's folder (control.sock, mode 0600) through which the command line asks a
// running server. One request a connection.
//
// Threads: everything on the loop it is given. Handlers of several connections run at once.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "entrance/admin/handler.h"
#include "platform/net/listener.h"
#include "platform/runtime/log.h"
#include "platform/runtime/spawn.h"

namespace posthorn::admin {

/// "control.sock" in the store's folder.
[[nodiscard]] std::filesystem::path control_path(const std::filesystem::path& store_dir);

class ControlServer final : public net::ConnectionHandler {
 public:
  /// `site` is asked for each request, so that it sees the present configuration.
  ControlServer(net::Loop& loop, std::function<Site()> site, runtime::Logger log);
  ~ControlServer() override;

  [[nodiscard]] Result<void, Problem> open(const std::filesystem::path& store_dir);
  /// Accepts until stop().
  [[nodiscard]] Task<> run();
  /// No further requests; waits for those at work.
  [[nodiscard]] Task<> stop();

  void connected(net::Loop& loop, std::unique_ptr<net::Stream> stream) override;
  [[nodiscard]] Octets refusal() const override { return {}; }

 private:
  [[nodiscard]] Task<> session(std::unique_ptr<net::Stream> stream);

  net::Loop& loop_;
  std::function<Site()> site_;
  runtime::Logger log_;
  runtime::TaskGroup sessions_;
  std::unique_ptr<net::Listener> listener_;
};

/// The client's half: asks the server that holds the store. nullopt: no server listens there.
[[nodiscard]] Task<std::optional<Done>> ask(net::Loop& loop, std::filesystem::path store_dir, const Request& request,
                                            Answer& answer);

}  // namespace posthorn::admin
