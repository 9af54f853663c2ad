// The process and its surroundings: signals as something to await, limits, what the kernel counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

#include "platform/runtime/executor.h"

namespace posthorn::runtime {

/// A write to a closed connection is an error value, not the end of the process. Idempotent; Loops does it.
void ignore_sigpipe();

/// Raises the soft limit of open descriptors to the hard one; returns what it is now.
[[nodiscard]] std::size_t raise_descriptor_limit();

/// What `top -H` and a debugger call the thread that asks for it; the kernel keeps 15 octets.
void name_this_thread(const char* name);

/// How whoever started this program says its name, for commands that are printed to be copied: $POSTHORN_COMMAND (./run
/// sets it to itself), else "posthorn".
[[nodiscard]] std::string command_name();

/// CPU time of this process so far, and its resident memory, for metrics and benchmarks.
[[nodiscard]] std::int64_t process_cpu_micros();
[[nodiscard]] std::size_t resident_octets();

/// Signals, awaited one after another. Make it before the threads start; only one for each signal number.
class Signals {
 public:
  Signals(Executor executor, std::initializer_list<int> numbers);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  /// The number of the next signal. On the executor of the constructor.
  [[nodiscard]] Task<int> next();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace posthorn::runtime
