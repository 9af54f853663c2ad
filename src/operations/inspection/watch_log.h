// WatchLog: what the server's repeated checks of a domain have found: what stands now, since when, and what has
// changed, newest last. Kept as JSON in the store ("domains/watch/DOMAIN"); docs/states/domains.md. Pure.
//
// A finding counts when two checks in a row have it, and is mended when two in a row do not: what a lost packet brings
// about is not told to anybody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operations/inspection/check.h"

namespace posthorn::inspection {

/// How sure we are that a finding is there.
enum class Sighting : std::uint8_t {
  suspected,  ///< one check has it
  present,    ///< two checks in a row had it
  doubted,    ///< it was present, and the last check does not have it
};
[[nodiscard]] std::string_view text(Sighting sighting);

struct WatchedFinding {
  CheckFinding found;  ///< as the last check that had it said
  TimePoint since;     ///< of the first such check
  Sighting sighting = Sighting::suspected;
};

enum class WatchWhat : std::uint8_t { appeared, mended };
[[nodiscard]] std::string_view text(WatchWhat what);

struct WatchEvent {
  TimePoint at;
  WatchWhat what = WatchWhat::appeared;
  std::string id;
  FindingLevel level = FindingLevel::info;
  std::string name, reason, correction;
  /// Somebody is to be told by mail; `told` when that was done.
  bool alarm = false;
  std::optional<TimePoint> told;
};

struct WatchLog {
  std::optional<TimePoint> last_check;
  std::string problem;       ///< why the last check reached nobody; empty: it did
  unsigned quick_looks = 0;  ///< in a row, to make sure of what the last check found
  std::vector<WatchedFinding> findings;
  std::vector<WatchEvent> events;

  [[nodiscard]] std::size_t count(FindingLevel level) const;  ///< of findings that count
};
inline constexpr std::size_t watch_events_max = 500;
inline constexpr std::size_t watch_findings_max = 300;
inline constexpr std::size_t watch_text_octets_max = 2000;  // of a reason, a correction, an answer

// To make sure of what one check found; what will not settle after two is looked at with the next regular check.
inline constexpr Duration watch_quick_after = std::chrono::minutes(15);
inline constexpr unsigned watch_quick_looks_max = 2;
// Whatever happens, a domain's postmaster gets no more mails than this a day: further changes wait and are told at
// once.
inline constexpr std::size_t watch_mails_per_day_max = 4;

/// Takes a check's outcome into the log. `alarming`: changes of error and warning level are to be told (a draft's are
/// not). Answers the events that this check has added.
std::vector<WatchEvent> note_check(WatchLog& log, const CheckReport& report, bool alarming);

/// When the domain is to be looked at next.
[[nodiscard]] TimePoint next_check(TimePoint last_check, unsigned quick_looks, Duration interval);

/// The events to be told in a mail now; empty: none, or too many mails went out within a day.
[[nodiscard]] std::vector<WatchEvent> due_to_tell(const WatchLog& log, TimePoint now);
/// They have been told.
void note_told(WatchLog& log, TimePoint now);

[[nodiscard]] std::string watch_log_json(const WatchLog& log);
[[nodiscard]] WatchLog parse_watch_log(std::string_view json);
/// "domains/watch/example.org".
[[nodiscard]] std::string watch_log_key(std::string_view domain);

}  // namespace posthorn::inspection
