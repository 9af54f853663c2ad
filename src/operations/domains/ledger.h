// Ledger: the records of a domain that we have published, with when they were first seen at every authoritative server,
// and those we have taken away again. From it follow ownership (we remove only what we put there) and safe times (a
// cache may hold what is gone for its TTL). Kept as JSON in the store ("domains/ledger/DOMAIN").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/time.h"
#include "standards/dns/record.h"

namespace posthorn::domains {

struct LedgerRow {
  dns::Name name;
  dns::RecordType type = dns::RecordType::txt;
  std::string data;
  std::uint32_t ttl_seconds = 0;
  TimePoint published;               ///< seen at every authoritative server at this time
  std::optional<TimePoint> removed;  ///< gone from every authoritative server
  bool ours = true;                  ///< false: it stood there before us and was only seen (what we replaced, MX hosts)

  /// Until then a cache may answer with it; nullopt: it is published.
  [[nodiscard]] std::optional<TimePoint> cached_until() const {
    if (!removed) return std::nullopt;
    return *removed + std::chrono::seconds{ttl_seconds};
  }
  friend bool operator==(const LedgerRow&, const LedgerRow&) = default;
};

struct Ledger {
  std::vector<LedgerRow> rows;

  [[nodiscard]] const LedgerRow* find(const dns::Name& name, dns::RecordType type, std::string_view data) const;
  [[nodiscard]] bool owns(const dns::Name& name, dns::RecordType type, std::string_view data) const;
  void saw_published(const dns::Name& name, dns::RecordType type, std::string data, std::uint32_t ttl_seconds,
                     TimePoint at, bool ours);
  void saw_removed(const dns::Name& name, dns::RecordType type, std::string_view data, TimePoint at);
  /// Drops rows that were removed and are in no cache any more.
  void forget(TimePoint now);
};
inline constexpr std::size_t ledger_rows_max = 2000;

[[nodiscard]] std::string ledger_json(const Ledger& ledger);
[[nodiscard]] Ledger parse_ledger(std::string_view json);
[[nodiscard]] std::string ledger_key(std::string_view domain);

}  // namespace posthorn::domains
