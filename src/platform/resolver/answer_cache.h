// AnswerCache: whole answers in front of libunbound's own cache, so that the tenth message of a minute from one domain
// costs no thread hop. Bounded by count and by TTL. Thread-safe. The checks of
// many domains keep what these share in one, too.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "foundation/base/time.h"
#include "standards/dns/resolver.h"

namespace posthorn::resolver {

/// A question as a key: name without regard to case, and type.
[[nodiscard]] std::string question_key(const dns::Name& name, dns::RecordType type);

class AnswerCache {
 public:
  explicit AnswerCache(std::size_t answers_max) : answers_max_(answers_max) {}

  /// With the seconds that are left, marked as from the cache.
  [[nodiscard]] std::optional<dns::Answer> find(const dns::Name& name, dns::RecordType type, TimePoint now);
  /// Keeps what the DNS says for as long as it says; failures are not kept.
  void keep(const dns::Answer& answer, TimePoint now);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    dns::AnswerData data;
    TimePoint kept, expires;
  };
  void make_room(TimePoint now);

  const std::size_t answers_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace posthorn::resolver
