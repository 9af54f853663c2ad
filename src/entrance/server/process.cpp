#include "entrance/server/process.h"

namespace posthorn::server {
namespace {

// Argon2id takes tens of milliseconds and much memory: two at once are enough, the rest waits its turn.
constexpr std::size_t kWorkers = 2;
constexpr std::size_t kWorkersQueue = 256;

}  // namespace

Process::Process(std::size_t loops) : ids_(clock_, random_), workers_(kWorkers, kWorkersQueue), loops_(loops) {
  for (std::size_t i = 0; i < loops_.size(); ++i)
    net_loops_.push_back(std::make_unique<net::Loop>(loops_.executor(i), clock_));
}

std::vector<net::Loop*> Process::net_loops() {
  std::vector<net::Loop*> loops;
  loops.reserve(net_loops_.size());
  for (const auto& loop : net_loops_) loops.push_back(loop.get());
  return loops;
}

}  // namespace posthorn::server
