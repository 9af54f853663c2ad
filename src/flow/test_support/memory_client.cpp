#include "flow/test_support/memory_client.h"

#include <thread>

#include "flow/test_support/door_bed.h"
#include "platform/net/memory_stream.h"

namespace posthorn::flow_test {

using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 20s;  // for real threads (the store's); far beyond what is needed
const IpAddress kPeer = *IpAddress::parse("192.0.2.7");

}  // namespace

MemoryClient::MemoryClient(DoorBed& bed) : bed_(bed), line_(std::make_shared<Line>()) {
  net::MemoryPairOptions options;
  options.client = {kPeer, 40'000};
  auto pair = net::make_memory_pair(bed.net_loop, options);
  line_->stream = std::move(pair.client);
  server_end_ = std::move(pair.server);
}

Task<> MemoryClient::write_to(std::shared_ptr<Line> line, std::string octets) {
  static_cast<void>(co_await line->stream->write(octets));
}

Task<> MemoryClient::listen_to(std::shared_ptr<Line> line) {
  std::array<char, 4096> piece;
  for (;;) {
    const auto got = co_await line->stream->read_some(piece);
    if (!got) break;
    line->heard.append(piece.data(), *got);
  }
  line->ended = true;
}

Task<bool> MemoryClient::shake(std::shared_ptr<Line> line, const net::ClientTls& tls) {
  net::ClientHandshake handshake{.server_name = "mx.alpha.example"};
  co_return (co_await line->stream->start_tls(tls, std::move(handshake))).has_value();
}

Task<bool> MemoryClient::close(std::shared_ptr<Line> line) {
  co_await line->stream->close();
  co_return true;
}

void MemoryClient::listen() {
  bed_.spawn(listen_to(line_));
  bed_.loop.run_ready();
}

bool MemoryClient::shake_hands() {
  return bed_.wait(shake(line_, *bed_.client_tls));
}

void MemoryClient::write(const std::string& octets) {
  bed_.spawn(write_to(line_, octets));
  bed_.loop.run_ready();
}

void MemoryClient::wait_until(const std::function<bool(const std::string&)>& enough) {
  const runtime::SystemClock real;
  const TimePoint deadline = real.now() + kPatience;
  bed_.loop.run_ready();
  while (!enough(line_->heard) && !line_->ended && real.now() < deadline) {
    std::this_thread::yield();
    bed_.loop.run_ready();
  }
}

void MemoryClient::hang_up() {
  line_->ended = true;
  static_cast<void>(bed_.wait(close(line_)));
}

}  // namespace posthorn::flow_test
