// DmarcLedger: what became of mail that DMARC applies to, counted a UTC day, policy domain and row as aggregate reports
// have them (RFC 9990 3.1): source, policy evaluated, identifiers, results. The stuff of the reports to come.
//
// Rows are settings of the store, "dmarc-rows/YYYY-MM-DD/POLICY-DOMAIN/HASH". observed() counts in memory; flush()
// writes what was counted since, about once a second, in units of their own. A crash forgets that second; an orderly
// end nothing. Bounded: what a day or a policy domain brings above its bound is counted in forgotten() alone.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flow/verification/observer.h"
#include "platform/storage/store.h"

namespace posthorn::verification {

inline constexpr const char* dmarc_rows_prefix = "dmarc-rows/";
inline constexpr Duration dmarc_rows_kept = std::chrono::days(14);  // ours: reports go out the day after
inline constexpr std::size_t dmarc_rows_a_domain_max = 10'000;      // ours: new rows of a policy domain and day
inline constexpr std::size_t dmarc_rows_a_day_max = 500'000;        // ours: new rows of a day
inline constexpr std::size_t dmarc_rows_unflushed_max = 50'000;     // ours: rows in memory between two flushes

/// One row of an aggregate report, in its words. Since the same process may be started several times a day, its count
/// is what the store has for the whole day.
struct DmarcRow {
  std::uint64_t count = 0;
  std::string source_ip;
  // policy_published
  std::string policy_domain;
  std::string record;  ///< as published, at most 1,024 octets
  // policy_evaluated
  std::string disposition;    ///< none, quarantine, reject
  std::string dkim, spf;      ///< pass or fail: aligned or not
  std::string override_type;  ///< empty: the policy was carried out
  std::string comment;        ///< to override_type
  // identifiers
  std::string header_from, envelope_from;
  std::string envelope_to;  ///< empty where recipients of several domains had the message
  // auth_results
  struct Dkim {
    std::string domain, selector, result;
    friend bool operator==(const Dkim&, const Dkim&) = default;
  };
  std::vector<Dkim> dkim_results;
  std::string spf_scope, spf_domain, spf_result;
  friend bool operator==(const DmarcRow&, const DmarcRow&) = default;
};

/// Nullopt where DMARC does not apply: nobody published a policy for the author's domain.
[[nodiscard]] std::optional<DmarcRow> row_of(const Observation& observation);

/// Thread-safe; flush() and sweep() one at a time.
class DmarcLedger final : public Observer {
 public:
  explicit DmarcLedger(storage::Store& store) : store_(store) {}

  void observed(const Observation& observation) override;
  [[nodiscard]] Task<> flush();
  /// Removes days that are over for longer than dmarc_rows_kept.
  [[nodiscard]] Task<> sweep(TimePoint now);
  /// Messages that were not counted for want of room, since the start.
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_.load(); }

 private:
  struct Counted {
    std::string row;
    std::uint64_t count = 0;
  };
  using Rows = std::map<std::string, Counted>;  // by key
  [[nodiscard]] bool take_room(std::string_view key, std::string_view policy_domain);
  [[nodiscard]] Task<bool> write(std::vector<std::pair<std::string, Counted>> rows);
  void put_back(std::vector<std::pair<std::string, Counted>> rows);

  storage::Store& store_;
  std::mutex mutex_;
  Rows noted_;
  // Of flush() alone: the rows that were new that day, since the start.
  std::string day_;
  std::map<std::string, std::size_t, std::less<>> rows_of_;
  std::size_t rows_of_day_ = 0;
  std::atomic<std::uint64_t> forgotten_ = 0;
};

/// Every row of a policy domain and UTC day ("2026-11-22"), in no special order.
[[nodiscard]] Task<std::vector<DmarcRow>> dmarc_rows(storage::Store& store, std::string day, std::string policy_domain);
/// The policy domains with rows that day, in order.
[[nodiscard]] Task<std::vector<std::string>> dmarc_row_domains(storage::Store& store, std::string day);

}  // namespace posthorn::verification
