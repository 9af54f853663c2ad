#include "flow/queue/courier.h"

#include <fmt/format.h>

namespace posthorn::queue {

std::string Verdict::line() const {
  std::string words = code != 0 ? fmt::format("{} {} {}", code, status, text) : fmt::format("{} {}", status, text);
  if (by_peer && !host.empty()) return fmt::format("{} said: {}", host, words);
  return host.empty() ? words : fmt::format("{}: {}", host, words);
}

}  // namespace posthorn::queue
