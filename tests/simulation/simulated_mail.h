// A world for the simulations of this room: a zone behind caches, MX hosts that run or do not, a policy host, and
// senders of both kinds: those that follow RFC 8461, and those that keep a policy for its max_age and never look at
// ids. Virtual time; everything that happens comes from one seed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "operations/transition/road.h"

namespace posthorn::transition {

/// What the world's mail asks the DNS for.
struct SimulatedZone {
  std::vector<std::string> mx;  ///< hosts; a null MX is "."
  std::uint32_t mx_ttl = 3600;
  std::string sts_id;  ///< empty: no _mta-sts record
  std::uint32_t sts_ttl = 300;
};

class SimulatedMail {
 public:
  explicit SimulatedMail(std::uint64_t seed);

  SimulatedZone zone;
  std::set<std::string> running;  ///< hosts that take mail
  /// The policy host; absent: no such name. Its fetches are noted in `log`.
  domains::PolicyLog* log = nullptr;

  /// Runs the senders until `end`; `tick` is called every `every` before the senders of that time.
  template <class Tick>
  void run(TimePoint from, TimePoint end, Duration every, Tick tick) {
    for (TimePoint now = from; now < end; now += every) {
      tick(now);
      send_until(now, std::min(end, now + every));
    }
  }

  struct Tally {
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;
    std::uint64_t refused = 0;  ///< by a null MX, at once: no loss
    std::uint64_t lost = 0;     ///< not delivered within the hour
    std::string first_loss;
  };
  Tally tally;
  std::mt19937_64 random;

 private:
  template <class Value>
  struct Cached {
    Value value{};
    TimePoint until = TimePoint::min();
  };
  struct Sender {
    bool follows_ids = true;
    Cached<std::vector<std::string>> mx;
    Cached<std::string> sts_id;
    struct Held {
      mta_sts::Policy policy;
      std::string id;
      TimePoint fetched, until;
    };
    std::optional<Held> policy;
    TimePoint next;
  };
  enum class Attempt : std::uint8_t { delivered, refused, deferred };

  void send_until(TimePoint from, TimePoint end);
  Attempt attempt(Sender& sender, TimePoint now, std::string& why);
  const std::vector<std::string>& mx_of(Sender& sender, TimePoint now);
  const std::string& id_of(Sender& sender, TimePoint now);
  void refresh_policy(Sender& sender, TimePoint now);
  Duration gap();

  std::vector<Sender> senders_;
  /// Messages that wait: when next, since when, whose.
  struct Waiting {
    TimePoint since;
    std::size_t sender = 0;
  };
  std::multimap<TimePoint, Waiting> queue_;
};

}  // namespace posthorn::transition
