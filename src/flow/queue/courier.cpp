#include "flow/queue/courier.h"

#include <fmt/format.h>

namespace posthorn::queue {

std::string Verdict::words() const {
  if (code == 0) return fmt::format("{} {}", status, text);
  return status_said ? fmt::format("{} {} {}", code, status, text) : fmt::format("{} {}", code, text);
}

std::string Verdict::line() const {
  if (by_peer && !host.empty()) return fmt::format("{} said: {}", host, words());
  return host.empty() ? words() : fmt::format("{}: {}", host, words());
}

}  // namespace posthorn::queue
