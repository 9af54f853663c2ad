#include "platform/net/memory_stream.h"

#include "platform/net/transport.h"
#include "platform/runtime/event.h"

namespace posthorn::net {
namespace {

/// One direction. Waiters are woken whenever something changes and look again.
class Pipe {
 public:
  explicit Pipe(const MemoryFaults& faults) : faults_(faults) {}

  Moved read(std::span<char> into) {
    if (is_reset()) return {Moved::State::broken};
    const std::size_t n = std::min({into.size(), deliverable(), faults_.piece_octets_max});
    if (n == 0) return {ended_ && waiting_.empty() ? Moved::State::ended : Moved::State::would_block};
    waiting_.copy(into.data(), n);
    waiting_.erase(0, n);
    delivered_ += n;
    changed();
    return {Moved::State::done, n};
  }

  Moved write(Octets octets) {
    if (is_reset() || ended_) return {Moved::State::broken};
    const std::size_t room = faults_.buffer_octets - std::min(faults_.buffer_octets, waiting_.size());
    const std::size_t n = std::min(octets.size(), room);
    if (n == 0) return {Moved::State::would_block};
    waiting_.append(octets.substr(0, n));
    changed();
    return {Moved::State::done, n};
  }

  void end() {
    ended_ = true;
    changed();
  }
  void reset() {
    reset_ = true;
    changed();
  }
  [[nodiscard]] bool is_ready(Direction direction) const {
    if (is_reset()) return true;
    return direction == Direction::input ? deliverable() > 0 || (ended_ && waiting_.empty())
                                         : ended_ || waiting_.size() < faults_.buffer_octets;
  }
  /// The next change, for the one who waits in this direction.
  runtime::Event change(Direction direction) { return changes_[static_cast<std::size_t>(direction)]; }
  void changed() {
    for (runtime::Event& change : changes_) std::exchange(change, runtime::Event{}).set();
  }

 private:
  [[nodiscard]] bool is_reset() const { return reset_ || delivered_ >= faults_.cut_after; }
  /// Octets that may be read now: neither beyond the stall nor beyond the cut.
  [[nodiscard]] std::size_t deliverable() const {
    const std::uint64_t limit = std::min(faults_.stall_after, faults_.cut_after);
    return static_cast<std::size_t>(std::min<std::uint64_t>(waiting_.size(), limit - std::min(limit, delivered_)));
  }

  MemoryFaults faults_;
  std::string waiting_;
  std::uint64_t delivered_ = 0;
  bool ended_ = false;
  bool reset_ = false;
  std::array<runtime::Event, 2> changes_;
};

class MemoryTransport final : public Transport {
 public:
  MemoryTransport(std::shared_ptr<Pipe> input, std::shared_ptr<Pipe> output, const Endpoint& peer,
                  const Endpoint& local)
      : input_(std::move(input)), output_(std::move(output)), peer_(peer), local_(local) {}
  ~MemoryTransport() override { close(); }

  Moved read(std::span<char> into) override { return input_->read(into); }
  Moved write(Octets octets) override { return output_->write(octets); }
  Task<> wait(Direction direction) override {
    const std::shared_ptr<Pipe> pipe = direction == Direction::input ? input_ : output_;
    woken_ = false;
    while (!pipe->is_ready(direction) && !woken_) {
      const runtime::Event change = pipe->change(direction);
      co_await change.wait();
    }
  }
  void wake() override {
    woken_ = true;
    input_->changed();
    output_->changed();
  }
  void end_output() override { output_->end(); }
  /// As TCP does: what the peer sends from now on meets a closed socket.
  void close() override {
    output_->end();
    input_->reset();
  }
  const Endpoint& peer() const override { return peer_; }
  const Endpoint& local() const override { return local_; }

 private:
  std::shared_ptr<Pipe> input_, output_;
  Endpoint peer_, local_;
  bool woken_ = false;
};

}  // namespace

MemoryPair make_memory_pair(Loop& loop, const MemoryPairOptions& options) {
  auto to_server = std::make_shared<Pipe>(options.to_server);
  auto to_client = std::make_shared<Pipe>(options.to_client);
  auto client = std::make_unique<MemoryTransport>(to_client, to_server, options.server, options.client);
  auto server = std::make_unique<MemoryTransport>(to_server, to_client, options.client, options.server);
  return {make_stream(loop, std::move(client)), make_stream(loop, std::move(server))};
}

}  // namespace posthorn::net
