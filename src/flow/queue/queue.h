// The queue: every recipient whose mail must leave this site, from the commit that accepted it to the unit that
// settles it (docs/states/queue.md). Truth is the store; in memory there is one entry a next hop, what couriers
// carry now, and a bounded number of parcels that are next.
//
// How mail comes in: delivery commits a unit with PutQueued; the store's commit observer calls committed(), which
// hands fresh recipients to a courier without a read where there is room. Nobody submits.
// How it goes out: every courier's outcome is one unit: removal or new row of each recipient, its story part, and
// the delivery status report it calls for, all or nothing.
//
// Threads: committed() and every operation may be called from any thread. Couriers run on the executors given.
// Lifetime: stop() before destruction; the store, the clock, the office and the acceptor outlive the queue.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flow/queue/acceptor.h"
#include "flow/queue/courier.h"
#include "flow/queue/policy.h"
#include "flow/queue/routes.h"
#include "foundation/base/result.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/log.h"
#include "platform/runtime/metrics.h"
#include "platform/runtime/random.h"
#include "platform/storage/store.h"

namespace posthorn::queue {

/// What the queue works with; all outlive it.
struct Surroundings {
  storage::Store* store = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::IdSource* ids = nullptr;
  CourierOffice* office = nullptr;
  Acceptor* acceptor = nullptr;
  std::vector<runtime::Executor> executors;  ///< couriers are spread over them; one at least
  runtime::Logger log;
  runtime::Metrics* metrics = nullptr;  ///< may be null
  std::string host_name;                ///< Reporting-MTA of reports
};

/// `queue list`: one mail with its recipients.
struct Listed {
  storage::QueueRow mail;
  std::vector<storage::RecipientRow> recipients;
};

/// What a verb changes in the rows it is given (queue retry|hold|release|drop).
enum class Operation : std::uint8_t {
  retry,    ///< due now, next hop awake
  hold,     ///< not tried until released
  release,  ///< back in the queue, due now, next hop awake
  drop,     ///< removed without a report; the story says who asked for it
};

inline constexpr std::size_t list_page_max = 1'000;

/// Hears what an operation does, a mail at a time.
class Changes {
 public:
  virtual ~Changes() = default;
  /// The mail with those of its recipients that were changed: as they are now, dropped ones as they were. A Problem
  /// ends the operation; what is done stays done.
  [[nodiscard]] virtual Task<Result<void, Problem>> changed(Listed mail) = 0;
};

class Queue {
 public:
  [[nodiscard]] static std::unique_ptr<Queue> create(Surroundings surroundings, Policy policy, Routes routes);
  virtual ~Queue() = default;

  /// Reads what waits for which next hop and begins to work.
  [[nodiscard]] virtual Task<Result<void, Problem>> start() = 0;
  /// Lets couriers finish what they carry for up to `grace`, then ends them.
  [[nodiscard]] virtual Task<> stop(Duration grace) = 0;

  /// For Store::observe: takes notice of queued mail. Quick; called on the committer's thread.
  virtual void committed(std::span<const storage::CommittedUnit> units) = 0;

  /// SIGHUP: later parcels follow these.
  virtual void reconfigure(Policy policy, Routes routes) = 0;
  [[nodiscard]] virtual Policy policy() const = 0;
  /// The next hop's key for a recipient (RecipientRow::domain), by the routes as they are now.
  [[nodiscard]] virtual std::string next_hop(std::string_view recipient, std::string_view sender,
                                             std::string_view stream) const = 0;

  /// Applies the operation to every recipient of the mails that the filter lets through; how many there were.
  /// `by` is named in the story ("admin on the control socket"); `changes` hears of each mail after its commit.
  [[nodiscard]] virtual Task<Result<std::uint64_t, Problem>> apply(Operation operation, storage::QueueFilter filter,
                                                                   std::string by, Changes& changes) = 0;

  /// Recipients waiting in all (held ones apart), and couriers at work.
  [[nodiscard]] virtual std::uint64_t waiting() const = 0;
  [[nodiscard]] virtual std::size_t at_work() const = 0;
};

/// A page of the queue after `after`, with recipients; works on a store that no queue runs on, too.
[[nodiscard]] Task<Result<std::vector<Listed>, Problem>> list(storage::Store& store, storage::QueueFilter filter,
                                                              MailId after, std::size_t max);
/// The same operations on a store that no queue runs on (the server is down).
[[nodiscard]] Task<Result<std::uint64_t, Problem>> apply_offline(storage::Store& store, runtime::Clock& clock,
                                                                 Operation operation, storage::QueueFilter filter,
                                                                 std::string by, Changes& changes);
/// "queued", "held"; for a recipient at a next hop that sleeps see Queue.
[[nodiscard]] std::string_view text(storage::RecipientState state);

}  // namespace posthorn::queue
