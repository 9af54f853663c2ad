// Backlog: what the queue keeps in memory and the rules by which next hops share the couriers. Pure: no store, no
// clock, no tasks; service.cpp does what next() says and reports back. The store stays the truth: whatever is here
// may be forgotten at any time and is read again.
//
// - One entry a next hop with something queued. Parcels that are next stand in memory, bounded in all; the rest of a
//   hop is read a page at a time when it is due and the hop is awake.
// - A recipient in memory is `taken`: no page read may bring it a second time. What is settled while a page is read
//   is remembered until that page is in.
// - Concurrency a hop learns: one more courier for every parcel that went well up to a threshold, slowly after it;
//   half on "overloaded"; asleep, then probed by one courier, when out of reach.
// - Fairness: hops wait in line for couriers, higher priority lines first; a hop over its share gives up a courier
//   when others wait. A sleeping hop holds neither couriers nor memory, however much is queued for it.
//
// Not thread-safe: the service holds its lock.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "flow/queue/courier.h"
#include "flow/queue/policy.h"
#include "platform/storage/reader.h"

namespace posthorn::queue {

inline constexpr std::size_t page_recipients = 200;          // read at once for a hop
inline constexpr std::size_t page_recipients_for_probe = 4;  // a probe needs one parcel
inline constexpr std::size_t hop_recipients_low = 50;        // read on when fewer are in memory
inline constexpr std::size_t hop_recipients_max = 2'000;     // of one hop in memory
inline constexpr Duration overload_wait = std::chrono::minutes(1);

struct RecipientKey {
  MailId mail;
  std::uint32_t index = 0;
  friend bool operator==(const RecipientKey&, const RecipientKey&) = default;
};
[[nodiscard]] inline RecipientKey key_of(const storage::RecipientRow& row) {
  return {row.mail, row.index};
}
struct RecipientKeyHash {
  std::size_t operator()(const RecipientKey& key) const noexcept {
    return std::hash<MailId>{}(key.mail) ^ (key.index * 0x9e3779b97f4a7c15ULL);
  }
};

/// Something for the service to do.
struct Job {
  enum class Kind : std::uint8_t {
    carry,  ///< start a courier for the hop
    wake,   ///< wake an idle courier of the hop
    read,   ///< read a page of at most `max` rows, then page_read()
    sweep,  ///< look through all that waits for a hop out of reach, then swept()
  };
  Kind kind = Kind::carry;
  std::string hop;
  std::size_t max = 0;
};

/// A row that a page read brought, with its mail.
struct PageRow {
  storage::RecipientRow row;
  std::shared_ptr<const Mail> mail;
};

class Backlog {
 public:
  explicit Backlog(Policy policy) : policy_(std::move(policy)) {}
  void set_policy(Policy policy) { policy_ = std::move(policy); }
  [[nodiscard]] const Policy& policy() const { return policy_; }

  /// At start: so much waits for a hop.
  void load(const storage::DestinationRow& row);
  /// Freshly committed: kept in memory where there is room.
  void add(const std::shared_ptr<const Mail>& mail, const std::vector<storage::RecipientRow>& recipients,
           TimePoint now);

  /// The next thing to do now; call until there is none.
  [[nodiscard]] std::optional<Job> next(TimePoint now);
  /// When to ask again though nothing was reported; TimePoint::max() for never.
  [[nodiscard]] TimePoint next_time() const;
  /// Whether next() might answer at once.
  [[nodiscard]] bool has_runnable() const { return !lines_.empty(); }

  // ---- couriers
  /// A parcel for a courier of the hop; `arriving` for its first one after carry or wake. nullopt: none, or the
  /// courier is one too many (may_stay() tells).
  [[nodiscard]] std::optional<Parcel> take(const std::string& hop, bool arriving);
  /// Whether a courier without a parcel may wait idle; counts it as idle if so.
  [[nodiscard]] bool idle(const std::string& hop);
  /// An idle courier's patience is over.
  void idle_over(const std::string& hop);
  /// A courier is gone.
  void gone(const std::string& hop);

  /// The parcel's outcome is committed. `began` is when its attempt did; `back`: the rows that stay queued.
  void settled(const std::string& hop, const Parcel& parcel, const std::vector<storage::RecipientRow>& back,
               HopHealth health, TimePoint began, TimePoint now);
  /// Told with every attempt; shown for those who never had one of their own.
  void set_last_verdict(const std::string& hop, Verdict verdict);
  [[nodiscard]] Verdict last_verdict(const std::string& hop) const;

  // ---- reading
  void page_read(const std::string& hop, std::vector<PageRow> rows, std::size_t max, TimePoint now);
  /// Looked through; the next moment at which a recipient waiting there expires or wants its delay notice.
  void swept(const std::string& hop, TimePoint next, TimePoint now);

  // ---- what somebody else changes
  /// Takes a recipient out of reach of couriers and pages; false when one has it already.
  [[nodiscard]] bool withdraw(const storage::RecipientRow& row);
  /// After withdraw(): how the row stands now (its hop may be another); nullopt: it is gone or held.
  void give_back(const storage::RecipientRow& before, const std::optional<storage::RecipientRow>& after, TimePoint now);
  /// "queue retry": the hop is awake and all of it is due.
  void awaken(const std::string& hop, TimePoint now);

  [[nodiscard]] std::uint64_t recipients() const { return recipients_; }
  [[nodiscard]] std::size_t in_memory() const { return in_memory_; }
  [[nodiscard]] std::size_t couriers() const { return couriers_; }
  [[nodiscard]] std::size_t hops() const { return hops_.size(); }
  /// For tests and metrics: how many couriers the hop may have now.
  [[nodiscard]] std::size_t allowed(const std::string& hop) const;
  [[nodiscard]] TimePoint asleep_until(const std::string& hop) const;

 private:
  struct Hop {
    std::string key;
    std::map<int, std::deque<Parcel>, std::greater<>> ready;  // by priority
    std::size_t ready_parcels = 0;
    std::size_t taken = 0;  // recipients in memory: ready, carried or withdrawn
    TimePoint earliest_stored = TimePoint::max();

    bool reading = false;
    TimePoint added_while_reading = TimePoint::max();
    std::vector<RecipientKey> settled_while_reading;

    std::size_t couriers = 0, idle = 0, arriving = 0;
    double window = 1, threshold = 1;
    TimePoint eased_at{};  // of the last halving or failure: outcomes that began before it count no second time
    TimePoint last_fine{};
    unsigned failures = 0, overloads = 0;
    TimePoint asleep_until{};
    bool sweeping = false;
    TimePoint sweep_at = TimePoint::max();
    Verdict last_verdict;

    bool in_line = false, starved = false, hungry = false;
    bool granted = false;  // the courier that has become free is this hop's
    std::optional<std::multimap<TimePoint, Hop*>::iterator> timer;
  };

  Hop& hop_for(const std::string& key);
  [[nodiscard]] Hop* find(const std::string& key);
  [[nodiscard]] const Hop* find(const std::string& key) const;
  [[nodiscard]] std::size_t allowed(const Hop& hop) const;
  [[nodiscard]] bool may_read(const Hop& hop, TimePoint now) const;
  [[nodiscard]] std::optional<Job> job_for(Hop& hop, TimePoint now);
  void touch(Hop& hop);
  void park(Hop& hop, TimePoint now);
  void erase_if_empty(Hop& hop);
  void put_ready(Hop& hop, Parcel parcel);
  [[nodiscard]] bool has_room(const Hop& hop, std::size_t recipients) const;
  void stored(Hop& hop, TimePoint due);
  void untake(Hop& hop, const RecipientKey& key);
  void forget_ready(Hop& hop);
  void account(const Parcel& parcel, bool enters);
  void bear(Hop& hop, HopHealth health, TimePoint began, TimePoint now);
  void ease(Hop& hop, TimePoint began, TimePoint now);
  void fall_asleep(Hop& hop, Duration wait, TimePoint now);
  void feed_starved();
  void feed_hungry();

  Policy policy_;
  std::unordered_map<std::string, std::unique_ptr<Hop>> hops_;
  std::map<int, std::deque<Hop*>, std::greater<>> lines_;  // hops to look at now, by priority
  std::multimap<TimePoint, Hop*> timers_;
  std::deque<Hop*> starved_;  // would have a courier but for connections_max
  std::size_t granted_ = 0;
  std::deque<Hop*> hungry_;  // would read a page but for the room in memory
  std::unordered_set<RecipientKey, RecipientKeyHash> taken_;
  std::uint64_t recipients_ = 0;
  std::size_t in_memory_ = 0;
  std::uint64_t octets_in_memory_ = 0;
  std::size_t couriers_ = 0;
  std::size_t hops_at_work_ = 0;
};

}  // namespace posthorn::queue
