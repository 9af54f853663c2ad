// MemoryClient: the client's end of a connection in memory, as every bed's callers hold it: writes, listens, makes its
// TLS handshake, waits on real threads (the store's) without waiting on the clock.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "platform/net/stream.h"

namespace posthorn::flow_test {

class DoorBed;

class MemoryClient {
 public:
  explicit MemoryClient(DoorBed& bed);
  MemoryClient(const MemoryClient&) = delete;
  MemoryClient& operator=(const MemoryClient&) = delete;

  /// For the session; once.
  [[nodiscard]] std::unique_ptr<net::Stream> take_server_end() { return std::move(server_end_); }
  /// Reads from now on, until the server closes.
  void listen();
  /// False: the handshake failed.
  [[nodiscard]] bool shake_hands();
  void write(const std::string& octets);
  /// Until `enough` of what was heard, or the server has closed; gives up after a time far beyond what is needed.
  void wait_until(const std::function<bool(const std::string&)>& enough);
  /// The connection breaks.
  void hang_up();

  [[nodiscard]] bool ended() const { return line_->ended; }
  [[nodiscard]] std::string& heard() { return line_->heard; }
  [[nodiscard]] const std::string& heard() const { return line_->heard; }
  [[nodiscard]] net::Stream& stream() { return *line_->stream; }

 private:
  /// What outlives this while coroutines work with it.
  struct Line {
    std::unique_ptr<net::Stream> stream;
    std::string heard;
    bool ended = false;
  };
  static Task<> write_to(std::shared_ptr<Line> line, std::string octets);
  static Task<> listen_to(std::shared_ptr<Line> line);
  static Task<bool> shake(std::shared_ptr<Line> line, const net::ClientTls& tls);
  static Task<bool> close(std::shared_ptr<Line> line);

  DoorBed& bed_;
  std::shared_ptr<Line> line_;
  std::unique_ptr<net::Stream> server_end_;
};

}  // namespace posthorn::flow_test
