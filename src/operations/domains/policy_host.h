// PolicyHost: what "https://mta-sts.DOMAIN/.well-known/mta-sts.txt" answers (RFC 8461 3.3), for every domain here and
// for domains elsewhere that only point that name at us. The HTTPS listener calls it.
//
// A fetch is on stable storage before it is answered (as "not later than", rounded up, so that one commit a minute a
// domain is enough): what somebody may hold is never forgotten by a crash.
//
// Threads: answer() from any executor. Outlived by Store and Clock.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/task.h"
#include "operations/domains/policy_log.h"
#include "platform/runtime/clock.h"
#include "platform/storage/store.h"

namespace posthorn::domains {

inline constexpr std::string_view policy_path = "/.well-known/mta-sts.txt";
inline constexpr std::string_view policy_host_label = "mta-sts.";

struct PolicyAnswer {
  unsigned status = 404;
  std::string content_type;  ///< "text/plain"
  std::string body;
};

class PolicyHost {
 public:
  PolicyHost(storage::Store& store, runtime::Clock& clock) : store_(store), clock_(clock) {}

  /// `host`: the Host field, with or without port; `path`: the request target without query. 404 for anything that is
  /// not a policy we serve, 503 where the fetch could not be recorded.
  [[nodiscard]] Task<PolicyAnswer> answer(std::string host, std::string path);

  /// Fetches are recorded as made up to this much later than they were.
  static constexpr Duration rounding = std::chrono::minutes(1);

 private:
  storage::Store& store_;
  runtime::Clock& clock_;
};

}  // namespace posthorn::domains
