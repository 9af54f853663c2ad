// Watcher: looks again and again at what the domains of this site publish, records what has changed (watch_log.h) and
// tells it: a log line, the metrics, a mail to the postmaster. The checks begin spread over the interval, so that a
// start after a long sleep does not ask everything at once; a domain whose servers do not answer holds up no other.
//
// Crash: a check's outcome and the mail that tells it are written each as one unit that names the log it was decided
// on; a check that was under way is made again, a mail is sent once. Runs on one executor; what it points to outlives
// it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "flow/queue/acceptor.h"
#include "foundation/base/task.h"
#include "operations/domains/evidence.h"
#include "operations/inspection/check.h"
#include "operations/inspection/watch_log.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/log.h"
#include "platform/runtime/metrics.h"
#include "platform/runtime/random.h"
#include "platform/runtime/spawn.h"
#include "platform/storage/store.h"

namespace posthorn::inspection {

/// What the watcher looks at, and how. Implemented by the entrance over directory and network, by tests in memory.
class WatchEye {
 public:
  virtual ~WatchEye() = default;
  struct Watched {
    std::string domain;
    domains::State state = domains::State::draft;
    std::string postmaster;  ///< who is told; empty: nobody can be
  };
  /// Every domain of the site, in a fixed order.
  [[nodiscard]] virtual std::vector<Watched> domains() = 0;
  struct Look {
    CheckReport report;
    bool is_live = true;  ///< it asked the world: evidence for a roll-out
  };
  /// The same check that `domain check` makes. A Problem: it could not be made now.
  [[nodiscard]] virtual Task<Result<Look, Problem>> look(std::string domain) = 0;
};

struct WatchOptions {
  Duration interval = std::chrono::hours(6);  ///< zero: nothing is looked at
  bool mail = true;
  std::string host_name;
};

class Watcher {
 public:
  struct Surroundings {
    storage::Store* store = nullptr;
    runtime::Clock* clock = nullptr;
    runtime::IdSource* ids = nullptr;
    queue::Acceptor* acceptor = nullptr;  ///< delivery: the mail goes like any other
    runtime::Metrics* metrics = nullptr;
    runtime::Logger log;
    WatchEye* eye = nullptr;
    runtime::TaskGroup* group = nullptr;  ///< of the checks under way; the one that run() is in will do
  };
  Watcher(Surroundings around, WatchOptions options);

  /// Until it is cancelled.
  [[nodiscard]] Task<> run();
  /// From the next look on. Thread-safe.
  void reconfigure(WatchOptions options) { options_ = std::make_shared<const WatchOptions>(std::move(options)); }

  // In steps, for run() and for tests.
  /// The domain that is due first, and when (it may be past), but for those under way; nullopt: there are none.
  struct Due {
    WatchEye::Watched watched;
    TimePoint at;
  };
  [[nodiscard]] Task<std::optional<Due>> first_due();
  /// Looks, records, tells.
  [[nodiscard]] Task<> turn(WatchEye::Watched watched);

 private:
  [[nodiscard]] Task<bool> record(WatchEye::Watched watched, WatchEye::Look look);
  [[nodiscard]] Task<> tell(WatchEye::Watched watched);
  [[nodiscard]] Duration pace(Duration interval) const;
  /// turn(), as one of several.
  [[nodiscard]] Task<> take(WatchEye::Watched watched);
  void say(const std::string& domain, const WatchEvent& event);
  void count();

  Surroundings around_;
  std::atomic<std::shared_ptr<const WatchOptions>> options_;
  std::size_t domains_ = 0;
  /// Of every domain, so that the store is read once: nobody else writes these logs.
  struct Known {
    std::optional<TimePoint> last_check;
    unsigned quick_looks = 0;
    std::size_t errors = 0, warnings = 0;
  };
  [[nodiscard]] static Known known_of(const WatchLog& log);
  std::map<std::string, Known, std::less<>> known_;
  std::set<std::string, std::less<>> under_way_;
};

// Two checks begin at least this far apart where several are due, as far as the interval has room for it.
inline constexpr Duration watch_pace_max = std::chrono::seconds(60);
inline constexpr std::size_t watch_at_a_time_max = 8;                        // ours: domains that take their time
inline constexpr Duration watch_first_look_after = std::chrono::minutes(2);  // of a start: mail comes first
inline constexpr Duration watch_tick_max = std::chrono::minutes(5);          // new domains are seen by then

}  // namespace posthorn::inspection
