#include "operations/inspection/watch_log.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "foundation/text/ascii.h"
#include "operations/domains/json_fields.h"

namespace posthorn::inspection {
namespace {

namespace json = boost::json;
using namespace std::string_view_literals;

constexpr std::array sighting_words{"suspected"sv, "present"sv, "doubted"sv};
constexpr std::array what_words{"appeared"sv, "mended"sv};
constexpr std::array levels{FindingLevel::info, FindingLevel::warning, FindingLevel::error};

/// Control characters of ASCII, and those of U+0080 to U+009F in UTF-8: a terminal would act on them.
bool has_controls(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if (octet < 0x20 || octet == 0x7f) return true;
    if (octet == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

/// JSON takes UTF-8 only, and nothing that a peer said is kept unbounded.
std::string bounded(std::string_view text) {
  if (text.size() <= watch_text_octets_max && text::is_utf8(text) && !has_controls(text)) return std::string(text);
  return text::printable(text, watch_text_octets_max);
}

bool is_same(const CheckFinding& a, const CheckFinding& b) {
  return a.finding.id == b.finding.id && a.name == b.name;
}

const WatchedFinding* find(const std::vector<WatchedFinding>& list, const CheckFinding& found) {
  const auto at = std::ranges::find_if(list, [&](const WatchedFinding& known) { return is_same(known.found, found); });
  return at == list.end() ? nullptr : &*at;
}

/// One by id and name: the same fault told of several records is one thing to mend.
std::vector<CheckFinding> distinct(const CheckReport& report) {
  std::vector<CheckFinding> out;
  for (const CheckFinding& found : report.findings) {
    if (out.size() >= watch_findings_max) break;
    if (std::ranges::none_of(out, [&](const CheckFinding& other) { return is_same(other, found); }))
      out.push_back(found);
  }
  return out;
}

/// One check's turn over what was known.
class Note {
 public:
  Note(WatchLog& log, const CheckReport& report, bool alarming)
      : log_(log), report_(report), alarming_(alarming), before_(std::move(log.findings)) {}

  std::vector<WatchEvent> go() {
    log_.findings.clear();
    const auto found = distinct(report_);
    for (const CheckFinding& each : found) seen(each);
    for (WatchedFinding& known : before_)
      if (std::ranges::none_of(found, [&](const CheckFinding& each) { return is_same(each, known.found); }))
        unseen(known);
    // A check that reached nobody says nothing about what it could not ask.
    log_.problem = reached() ? "" : bounded(report_.problem);
    const bool unsettled = std::ranges::any_of(
        log_.findings, [](const WatchedFinding& known) { return known.sighting != Sighting::present; });
    log_.quick_looks = unsettled ? log_.quick_looks + 1 : 0;
    log_.last_check = report_.checked_at;
    for (const WatchEvent& event : events_) log_.events.push_back(event);
    if (log_.events.size() > watch_events_max)
      log_.events.erase(log_.events.begin(),
                        log_.events.begin() + static_cast<std::ptrdiff_t>(log_.events.size() - watch_events_max));
    return std::move(events_);
  }

 private:
  [[nodiscard]] bool reached() const { return report_.problem.empty() || report_.zone.domain_is_absent; }

  void seen(const CheckFinding& found) {
    const WatchedFinding* known = find(before_, found);
    WatchedFinding now{found, known != nullptr ? known->since : report_.checked_at, Sighting::suspected};
    now.found.finding.reason = bounded(found.finding.reason);
    now.found.finding.correction = bounded(found.finding.correction);
    if (known != nullptr) now.sighting = Sighting::present;
    if (known != nullptr && known->sighting == Sighting::suspected) add(WatchWhat::appeared, now);
    log_.findings.push_back(std::move(now));
  }

  void unseen(WatchedFinding& known) {
    if (!reached()) {
      log_.findings.push_back(std::move(known));
    } else if (known.sighting == Sighting::present) {
      known.sighting = Sighting::doubted;
      log_.findings.push_back(std::move(known));
    } else if (known.sighting == Sighting::doubted) {
      add(WatchWhat::mended, known);
    }
    // Suspected by one check only: it never counted.
  }

  void add(WatchWhat what, const WatchedFinding& known) {
    const Finding& finding = known.found.finding;
    const bool alarm = alarming_ && finding.level != FindingLevel::info;
    events_.push_back({report_.checked_at, what, finding.id, finding.level, known.found.name, finding.reason,
                       finding.correction, alarm, std::nullopt});
  }

  WatchLog& log_;
  const CheckReport& report_;
  const bool alarming_;
  std::vector<WatchedFinding> before_;
  std::vector<WatchEvent> events_;
};

// ---------------------------------------------------------------- JSON

template <class Enum, std::size_t N>
Enum word_of(std::string_view word, const std::array<std::string_view, N>& words) {
  const auto* const at = std::ranges::find(words, word);
  return static_cast<Enum>(at == words.end() ? 0 : at - words.begin());
}

FindingLevel level_of(std::string_view text) {
  for (const FindingLevel level : levels)
    if (word(level) == text) return level;
  return FindingLevel::info;
}

json::value time_json(const std::optional<TimePoint>& at) {
  return at ? json::value(unix_micros(*at)) : json::value(nullptr);
}

json::object finding_json(const WatchedFinding& known) {
  json::array said;
  for (const SaidByServer& one : known.found.authoritative)
    said.emplace_back(json::object{{"server", bounded(one.server)},
                                   {"answer", bounded(one.answer)},
                                   {"ttl", one.ttl_seconds},
                                   {"serial", one.serial ? json::value(*one.serial) : json::value(nullptr)}});
  return {{"id", known.found.finding.id},
          {"level", word(known.found.finding.level)},
          {"name", bounded(known.found.name)},
          {"reason", bounded(known.found.finding.reason)},
          {"wanted", bounded(known.found.wanted)},
          {"correction", bounded(known.found.finding.correction)},
          {"authoritative", std::move(said)},
          {"cached", known.found.cached ? json::value(bounded(*known.found.cached)) : json::value(nullptr)},
          {"since", unix_micros(known.since)},
          {"sighting", text(known.sighting)}};
}

WatchedFinding read_finding(const json::object& object) {
  WatchedFinding known;
  known.found.finding = {domains::text_at(object, "id"), level_of(domains::text_at(object, "level")),
                         domains::text_at(object, "reason"), domains::text_at(object, "correction")};
  known.found.name = domains::text_at(object, "name");
  known.found.wanted = domains::text_at(object, "wanted");
  for (const json::object* said : domains::objects_at(object, "authoritative")) {
    SaidByServer one{domains::text_at(*said, "server"), domains::text_at(*said, "answer"),
                     static_cast<std::uint32_t>(domains::number_at(*said, "ttl")), std::nullopt};
    if (const auto* serial = said->if_contains("serial"); serial != nullptr && serial->is_number())
      one.serial = static_cast<std::uint32_t>(domains::number_at(*said, "serial"));
    known.found.authoritative.push_back(std::move(one));
  }
  if (const auto* cached = object.if_contains("cached"); cached != nullptr && cached->is_string())
    known.found.cached = domains::text_at(object, "cached");
  known.since = domains::time_at(object, "since");
  known.sighting = word_of<Sighting>(domains::text_at(object, "sighting"), sighting_words);
  return known;
}

json::object event_json(const WatchEvent& event) {
  return {{"at", unix_micros(event.at)}, {"what", text(event.what)},      {"id", event.id},
          {"level", word(event.level)},  {"name", bounded(event.name)},   {"reason", bounded(event.reason)},
          {"alarm", event.alarm},        {"told", time_json(event.told)}, {"correction", bounded(event.correction)}};
}

WatchEvent read_event(const json::object& object) {
  return {domains::time_at(object, "at"),         word_of<WatchWhat>(domains::text_at(object, "what"), what_words),
          domains::text_at(object, "id"),         level_of(domains::text_at(object, "level")),
          domains::text_at(object, "name"),       domains::text_at(object, "reason"),
          domains::text_at(object, "correction"), domains::flag_at(object, "alarm"),
          domains::maybe_time_at(object, "told")};
}

}  // namespace

std::string_view text(Sighting sighting) {
  return sighting_words[static_cast<std::size_t>(sighting)];
}

std::string_view text(WatchWhat what) {
  return what_words[static_cast<std::size_t>(what)];
}

std::size_t WatchLog::count(FindingLevel level) const {
  return static_cast<std::size_t>(std::ranges::count_if(findings, [level](const WatchedFinding& known) {
    return known.sighting != Sighting::suspected && known.found.finding.level == level;
  }));
}

std::vector<WatchEvent> note_check(WatchLog& log, const CheckReport& report, bool alarming) {
  return Note(log, report, alarming).go();
}

TimePoint next_check(TimePoint last_check, unsigned quick_looks, Duration interval) {
  const bool quick = quick_looks > 0 && quick_looks <= watch_quick_looks_max;
  return last_check + (quick ? std::min(watch_quick_after, interval) : interval);
}

std::vector<WatchEvent> due_to_tell(const WatchLog& log, TimePoint now) {
  std::vector<WatchEvent> out;
  std::vector<TimePoint> mails;
  for (const WatchEvent& event : log.events) {
    if (event.alarm && !event.told) out.push_back(event);
    if (event.told && *event.told > now - std::chrono::days(1) && std::ranges::find(mails, *event.told) == mails.end())
      mails.push_back(*event.told);
  }
  if (mails.size() >= watch_mails_per_day_max) out.clear();
  return out;
}

void note_told(WatchLog& log, TimePoint now) {
  for (WatchEvent& event : log.events)
    if (event.alarm && !event.told) event.told = now;
}

std::string watch_log_json(const WatchLog& log) {
  json::array findings, events;
  for (const WatchedFinding& known : log.findings) findings.emplace_back(finding_json(known));
  for (const WatchEvent& event : log.events) events.emplace_back(event_json(event));
  return json::serialize(json::object{{"last_check", time_json(log.last_check)},
                                      {"problem", log.problem},
                                      {"quick_looks", log.quick_looks},
                                      {"findings", std::move(findings)},
                                      {"events", std::move(events)}});
}

WatchLog parse_watch_log(std::string_view text) {
  WatchLog log;
  const json::object object = domains::parse_object(text);
  log.last_check = domains::maybe_time_at(object, "last_check");
  log.problem = domains::text_at(object, "problem");
  log.quick_looks = static_cast<unsigned>(domains::number_at(object, "quick_looks"));
  for (const json::object* finding : domains::objects_at(object, "findings"))
    log.findings.push_back(read_finding(*finding));
  for (const json::object* event : domains::objects_at(object, "events")) log.events.push_back(read_event(*event));
  return log;
}

std::string watch_log_key(std::string_view domain) {
  return fmt::format("domains/watch/{}", domain);
}

}  // namespace posthorn::inspection
