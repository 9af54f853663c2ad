#include "platform/runtime/process.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace posthorn::runtime {

void ignore_sigpipe() {
  std::signal(SIGPIPE, SIG_IGN);
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

std::string command_name() {
  const char* const named = std::getenv("POSTHORN_COMMAND");
  return named == nullptr || *named == '\0' ? "posthorn" : named;
}

void name_this_thread(const char* name) {
  pthread_setname_np(pthread_self(), name);
}

std::int64_t process_cpu_micros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& t) { return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec; };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

std::size_t resident_octets() {
  // proc(5): the second number of statm is the resident set in pages.
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long total = 0, resident = 0;
  const int fields = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

class Signals::State {
 public:
  explicit State(const Executor& executor) : set(executor) {}
  boost::asio::signal_set set;
};

Signals::Signals(Executor executor, std::initializer_list<int> numbers) : state_(std::make_unique<State>(executor)) {
  for (const int number : numbers) state_->set.add(number);
}
Signals::~Signals() = default;

Task<int> Signals::next() {
  co_return co_await state_->set.async_wait(boost::asio::use_awaitable);
}

}  // namespace posthorn::runtime
