// The mail that tells a domain's postmaster what has changed (watch_log.h). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/id.h"
#include "operations/inspection/watch_log.h"

namespace posthorn::inspection {

struct WatchLetter {
  MailId id;
  std::string to;         ///< postmaster@…
  std::string host_name;  ///< this server's
  std::string domain;     ///< whose DNS it is about
  TimePoint at;
};

/// A whole message with CRLF line ends, 7-bit. `errors`: findings of that level that stand now.
[[nodiscard]] std::string watch_mail(const WatchLetter& letter, const std::vector<WatchEvent>& events,
                                     std::size_t errors);

}  // namespace posthorn::inspection
