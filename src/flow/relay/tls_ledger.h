// TlsLedger: what became of TLS sessions, counted a policy domain and UTC day (RFC 8460 3): the stuff of TLS reports
// and of the evidence that a policy may be enforced. Rows are settings of the store,
// "tls-rpt/YYYY-MM-DD/DOMAIN", each a report (tls_rpt::Report) without its letterhead.
//
// note() is thread-safe and quick; flush() writes what was noted since. A crash loses what was not flushed.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flow/relay/protection.h"
#include "foundation/base/task.h"
#include "platform/runtime/clock.h"
#include "platform/storage/store.h"
#include "standards/tls_rpt/report.h"

namespace posthorn::relay {

inline constexpr const char* ledger_key_prefix = "tls-rpt/";
inline constexpr std::size_t details_per_policy_max = 100;      // ours: further ones are counted, not told apart
inline constexpr std::size_t ledger_domains_max = 100'000;      // ours, between two flushes
inline constexpr Duration ledger_kept = std::chrono::days(30);  // ours: reports go out the day after

class TlsLedger {
 public:
  TlsLedger(storage::Store& store, runtime::Clock& clock) : store_(store), clock_(clock) {}

  void note(const TlsOutcome& outcome);
  [[nodiscard]] Task<> flush();
  /// Removes days that are over for longer than ledger_kept.
  [[nodiscard]] Task<> sweep();

 private:
  using Key = std::pair<std::string, std::string>;  // day, domain
  storage::Store& store_;
  runtime::Clock& clock_;
  std::mutex mutex_;
  std::map<Key, tls_rpt::Report> noted_;
};

/// "2026-11-22": the UTC day.
[[nodiscard]] std::string day_text(TimePoint at);
/// The report of one domain and day; nullopt: nothing was noted.
[[nodiscard]] Task<std::optional<tls_rpt::Report>> tls_day(storage::Store& store, std::string day, std::string domain);
/// The domains noted that day, in order.
[[nodiscard]] Task<std::vector<std::string>> tls_domains(storage::Store& store, std::string day);
/// Adds what `from` counts to `into`: the same policies and failures together.
void add_report(tls_rpt::Report& into, const tls_rpt::Report& from);

}  // namespace posthorn::relay
