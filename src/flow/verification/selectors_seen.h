// SelectorsSeen: with which selectors each domain signs, as valid signatures of mail from outside show. Whoever moves a
// domain's mail, or cleans up its DNS, learns from it which keys are in use.
//
// Kept in memory and, a minute later, in settings of the store ("verification/selectors/N"), so that a crash forgets a
// minute at most. Bounded: when a bucket is full, the domain that was not seen for longest is forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "flow/verification/observer.h"
#include "platform/storage/reader.h"
#include "platform/storage/store.h"

namespace posthorn::verification {

struct SeenSelector {
  std::string selector;
  std::string algorithm;
  unsigned key_bits = 0;
  TimePoint first_seen, last_seen;  ///< last_seen is at most a day old when it is said
};

/// Thread-safe.
class SelectorsSeen final : public Observer {
 public:
  static constexpr std::size_t buckets = 64;
  static constexpr std::size_t domains_max = 200;   ///< a bucket: 12,800 in all
  static constexpr std::size_t selectors_max = 30;  ///< a domain; real ones have a handful

  explicit SelectorsSeen(storage::Store& store) : store_(store) {}

  /// Reads what was kept. Before the first observation.
  [[nodiscard]] Task<> load();
  void observed(const Observation& observation) override;
  /// Hands what has changed to the store; about once a minute, and at the end.
  void flush();

  [[nodiscard]] std::vector<SeenSelector> of(std::string_view domain) const;
  /// The same from the store alone, for those who have no server at hand.
  [[nodiscard]] static std::vector<SeenSelector> read(storage::Reader& reader, std::string_view domain);

 private:
  using Domains = std::map<std::string, std::vector<SeenSelector>, std::less<>>;
  struct Bucket {
    Domains domains;
    bool changed = false;
  };
  void note(const dkim::VerifiedSignature& signature, TimePoint at);
  static void make_room(Domains& domains);

  storage::Store& store_;
  mutable std::mutex mutex_;
  std::array<Bucket, buckets> buckets_;
};

}  // namespace posthorn::verification
