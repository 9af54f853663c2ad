// ZonePublisher: changes a zone. Implemented over RFC 2136 with TSIG (update_publisher.h); tests put a zone in memory
// in its place. `domain apply` uses it, and whoever must place a record for a while (ACME's dns-01).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "standards/dns/record.h"

namespace posthorn::transition {

/// Records to add and to take away, all in one zone, all or nothing. Only these very records are touched: other records
/// at the same names stay.
struct ZoneChange {
  std::vector<dns::Record> remove;  ///< exact name, type and data; the TTL says nothing
  std::vector<dns::Record> add;
  /// RFC 2136 2.4.2: what must stand there for the change to be made: every record of each name and type named.
  std::vector<dns::Record> must_exist;
  struct Absent {
    dns::Name name;
    dns::RecordType type = dns::RecordType::any;  ///< any: no record at all at the name
  };
  std::vector<Absent> must_not_exist;
  [[nodiscard]] bool empty() const { return remove.empty() && add.empty(); }
};

class ZonePublisher {
 public:
  virtual ~ZonePublisher() = default;
  /// A Problem of kind `no`: refused, or a prerequisite did not hold (somebody else has changed it); `unavailable`: the
  /// server could not be reached, its answer was not signed, clocks differ.
  [[nodiscard]] virtual Task<Result<void, Problem>> publish(ZoneChange change) = 0;
};

}  // namespace posthorn::transition
