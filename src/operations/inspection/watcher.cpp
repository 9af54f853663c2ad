#include "operations/inspection/watcher.h"

#include <algorithm>

#include "operations/domains/policy_log.h"
#include "operations/inspection/kept_of_check.h"
#include "operations/inspection/watch_mail.h"
#include "platform/storage/reader.h"

namespace posthorn::inspection {
namespace {

bool is_watched(const WatchEye::Watched& watched) {
  return watched.state != domains::State::migrated;  // its DNS is somebody else's
}

struct Kept {
  std::string watch, checks, policies;
};

Kept read_kept(storage::Reader& reader, const std::string& domain) {
  return {reader.setting(watch_log_key(domain)), reader.setting(domains::checks_key(domain)),
          reader.setting(domains::policy_log_key(domain))};
}

void put_setting(storage::Unit& unit, std::string key, std::string was, std::string value) {
  unit.preconditions.emplace_back(storage::SettingIs{key, std::move(was)});
  unit.mutations.emplace_back(storage::PutSetting{std::move(key), std::move(value)});
}

}  // namespace

Watcher::Watcher(Surroundings around, WatchOptions options)
    : around_(std::move(around)), options_(std::make_shared<const WatchOptions>(std::move(options))) {}

Watcher::Known Watcher::known_of(const WatchLog& log) {
  return {log.last_check, log.quick_looks, log.count(FindingLevel::error), log.count(FindingLevel::warning)};
}

Duration Watcher::pace(Duration interval) const {
  // At most half of the interval goes into catching up.
  const auto share = interval / static_cast<std::int64_t>(2 * std::max<std::size_t>(domains_, 1));
  return std::min<Duration>(watch_pace_max, share);
}

Task<std::optional<Watcher::Due>> Watcher::first_due() {
  std::optional<Due> first;
  const Duration interval = options_.load()->interval;
  std::vector<WatchEye::Watched> all = around_.eye->domains();
  std::erase_if(all, [](const WatchEye::Watched& watched) { return !is_watched(watched); });
  for (const WatchEye::Watched& watched : all) {
    if (known_.contains(watched.domain)) continue;
    auto look = [domain = watched.domain](storage::Reader& reader) { return read_kept(reader, domain); };
    const Kept kept = co_await around_.store->read(std::move(look));
    known_[watched.domain] = known_of(parse_watch_log(kept.watch));
  }
  domains_ = all.size();
  std::map<std::string, Known, std::less<>> known;
  for (const WatchEye::Watched& watched : all) {
    const Known& its = known[watched.domain] = known_[watched.domain];
    if (under_way_.contains(watched.domain)) continue;
    // What was never looked at comes first: its owner waits for it.
    const TimePoint at = its.last_check ? next_check(*its.last_check, its.quick_looks, interval) : TimePoint::min();
    if (!first || at < first->at) first = Due{watched, at};
  }
  known_ = std::move(known);
  count();
  co_return first;
}

Task<> Watcher::run() {
  co_await around_.clock->wait_for(watch_first_look_after);
  for (;;) {
    const Duration interval = options_.load()->interval;
    if (interval == Duration::zero()) {
      co_await around_.clock->wait_for(watch_tick_max);
      continue;
    }
    if (under_way_.size() >= watch_at_a_time_max) {
      co_await around_.clock->wait_for(pace(interval));
      continue;
    }
    auto first = co_await first_due();
    const TimePoint now = around_.clock->now();
    if (!first || first->at > now) {
      const TimePoint next = first ? std::min(first->at, now + watch_tick_max) : now + watch_tick_max;
      co_await around_.clock->wait_until(next);
      continue;
    }
    under_way_.insert(first->watched.domain);
    const runtime::Executor executor = co_await runtime::current_executor();
    runtime::spawn(*around_.group, executor, "domain check", take(std::move(first->watched)));
    co_await around_.clock->wait_for(pace(interval));
  }
}

Task<> Watcher::take(WatchEye::Watched watched) {
  /// However the check ends, its domain is looked at again.
  struct UnderWay {
    std::set<std::string, std::less<>>& all;
    std::string domain;
    ~UnderWay() { all.erase(domain); }
  };
  const UnderWay mine{under_way_, watched.domain};
  co_await turn(std::move(watched));
}

Task<> Watcher::turn(WatchEye::Watched watched) {
  auto looked = co_await around_.eye->look(watched.domain);
  if (!looked) {
    around_.log.warning("a domain could not be checked",
                        {{"domain", watched.domain}, {"reason", looked.error().text()}});
    CheckReport none;
    none.checked_at = around_.clock->now();
    none.problem = looked.error().text();
    looked = WatchEye::Look{std::move(none), false};
  }
  const bool recorded = co_await record(watched, std::move(*looked));
  if (recorded) co_await tell(std::move(watched));
}

Task<bool> Watcher::record(WatchEye::Watched watched, WatchEye::Look look) {
  const std::string& domain = watched.domain;
  // A check by hand may be written at the same moment.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto question = [domain](storage::Reader& reader) { return read_kept(reader, domain); };
    Kept kept = co_await around_.store->read(std::move(question));
    WatchLog log = parse_watch_log(kept.watch);
    const auto events = note_check(log, look.report, watched.state != domains::State::draft);
    storage::Unit unit;
    put_setting(unit, watch_log_key(domain), std::move(kept.watch), watch_log_json(log));
    if (look.is_live && look.report.problem.empty()) {
      auto checks = domains::parse_checks(kept.checks);
      domains::add_check(checks, summary_of(look.report));
      put_setting(unit, domains::checks_key(domain), std::move(kept.checks), domains::checks_json(checks));
      domains::PolicyLog policies = domains::parse_policy_log(kept.policies);
      note_foreign_policy(policies, look.report);
      // Ours change with every fetch, which is none of this check's business.
      if (policies.current() != nullptr && policies.current()->elsewhere)
        put_setting(unit, domains::policy_log_key(domain), std::move(kept.policies),
                    domains::policy_log_json(policies));
    }
    const auto committed = co_await around_.store->commit(std::move(unit));
    if (committed) {
      for (const WatchEvent& event : events) say(domain, event);
      known_[domain] = known_of(log);
      count();
      around_.metrics->counter("posthorn_domains_checks_total", "Checks of domains that the server made.").add();
      co_return true;
    }
    if (committed.error().error != storage::CommitError::precondition_failed) break;
  }
  around_.log.warning("the check of a domain was not recorded", {{"domain", domain}});
  co_return false;
}

void Watcher::say(const std::string& domain, const WatchEvent& event) {
  const runtime::LogFields fields{{"domain", domain},
                                  {"finding", event.id},
                                  {"level", word(event.level)},
                                  {"name", event.name},
                                  {"reason", event.reason}};
  if (event.what == WatchWhat::mended)
    around_.log.info("a finding about a domain is mended", fields);
  else if (event.level == FindingLevel::error)
    around_.log.error("a domain has a new fault", fields);
  else if (event.level == FindingLevel::warning)
    around_.log.warning("a domain has a new fault", fields);
  else
    around_.log.info("a domain has a new finding", fields);
}

void Watcher::count() {
  std::size_t errors = 0, warnings = 0, faulty = 0;
  for (const auto& [domain, known] : known_) {
    errors += known.errors;
    warnings += known.warnings;
    faulty += known.errors > 0 ? 1 : 0;
  }
  const auto set = [this](std::string_view name, std::string_view help, std::size_t value,
                          const runtime::MetricLabels& labels = {}) {
    around_.metrics->gauge(name, help, labels).set(static_cast<std::int64_t>(value));
  };
  set("posthorn_domains_findings", "Findings about the domains here that stand now.", errors, {{"level", "error"}});
  set("posthorn_domains_findings", "Findings about the domains here that stand now.", warnings, {{"level", "warning"}});
  set("posthorn_domains_faulty", "Domains here with an error-level finding.", faulty);
  set("posthorn_domains_watched", "Domains that the server checks.", domains_);
}

Task<> Watcher::tell(WatchEye::Watched watched) {
  const auto options = options_.load();
  if (!options->mail) co_return;
  const std::string& domain = watched.domain;
  auto question = [domain](storage::Reader& reader) { return read_kept(reader, domain); };
  Kept kept = co_await around_.store->read(std::move(question));
  WatchLog log = parse_watch_log(kept.watch);
  const TimePoint now = around_.clock->now();
  const std::vector<WatchEvent> events = due_to_tell(log, now);
  if (events.empty()) co_return;
  note_told(log, now);
  storage::Unit unit;
  if (watched.postmaster.empty()) {
    around_.log.warning("nobody can be told by mail", {{"domain", domain}, {"reason", "there is no postmaster here"}});
  } else {
    const WatchLetter letter{around_.ids->make<MailId>(), watched.postmaster, options->host_name, domain, now};
    queue::OwnMessage message{.id = letter.id,
                              .recipient = watched.postmaster,
                              .octets = watch_mail(letter, events, log.count(FindingLevel::error)),
                              .what = "the server's word on the DNS of " + domain};
    auto planned = co_await around_.acceptor->plan(std::move(message));
    if (!planned) {
      around_.log.warning("the postmaster was not told", {{"domain", domain}, {"reason", planned.error().text()}});
      if (planned.error().kind == ProblemKind::unavailable) co_return;  // with the next check
    } else {
      unit = std::move(*planned);
    }
  }
  // One unit: what is told is told once, whatever crashes.
  put_setting(unit, watch_log_key(domain), std::move(kept.watch), watch_log_json(log));
  const auto committed = co_await around_.store->commit(std::move(unit));
  if (!committed) around_.log.warning("the postmaster was not told", {{"domain", domain}, {"reason", "store"}});
}

}  // namespace posthorn::inspection
