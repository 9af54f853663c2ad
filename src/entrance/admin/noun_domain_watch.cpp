// domain watch: what the server's own checks of a domain have found, from the store: the same with and without a
// server.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "operations/inspection/watcher.h"
#include "site/directory/plan.h"

namespace posthorn::admin {
namespace domain_watch_noun {
namespace {

namespace json = boost::json;
using inspection::WatchLog;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

/// As `domain check` has it (INTERFACES), with since when it stands.
json::object finding_json(const inspection::WatchedFinding& known) {
  json::array said;
  for (const inspection::SaidByServer& one : known.found.authoritative)
    said.emplace_back(json::object{{"server", one.server},
                                   {"answer", one.answer},
                                   {"ttl", one.ttl_seconds},
                                   {"serial", one.serial ? json::value(*one.serial) : json::value(nullptr)}});
  const Finding& finding = known.found.finding;
  return {{"id", finding.id},
          {"level", word(finding.level)},
          {"name", known.found.name},
          {"reason", finding.reason},
          {"wanted", text_or_null(known.found.wanted)},
          {"authoritative", std::move(said)},
          {"cached", known.found.cached ? json::value(*known.found.cached) : json::value(nullptr)},
          {"correction", text_or_null(finding.correction)},
          {"since", time_value(known.since)},
          {"sighting", inspection::text(known.sighting)}};
}

json::object event_json(const inspection::WatchEvent& event) {
  return {{"at", time_value(event.at)},
          {"what", inspection::text(event.what)},
          {"id", event.id},
          {"level", word(event.level)},
          {"name", event.name},
          {"reason", event.reason},
          {"told", time_value(event.told)}};
}

json::object summary_json(const Site& site, const directory::Domain& domain, const WatchLog& log) {
  const Duration interval = site.config.domains.watch_interval;
  const bool watched = interval != Duration::zero() && domain.row.state != "migrated";
  std::optional<TimePoint> next;
  if (watched && log.last_check) next = inspection::next_check(*log.last_check, log.quick_looks, interval);
  return {{"domain", domain.row.name},
          {"state", domain.row.state},
          {"watched", watched},
          {"interval", std::chrono::duration_cast<std::chrono::seconds>(interval).count()},
          {"last_check", time_value(log.last_check)},
          {"next_check", time_value(next)},
          {"problem", text_or_null(log.problem)},
          {"errors", log.count(FindingLevel::error)},
          {"warnings", log.count(FindingLevel::warning)}};
}

Task<WatchLog> read_log(Site& site, std::string domain) {
  auto question = [key = inspection::watch_log_key(domain)](storage::Reader& reader) { return reader.setting(key); };
  const std::string kept = co_await site.store->read(std::move(question));
  co_return inspection::parse_watch_log(kept);
}

Task<Done> show_all(Site& site, Answer& answer) {
  const auto snapshot = site.directory->snapshot();
  for (const directory::Domain* domain : snapshot->domains()) {
    const WatchLog log = co_await read_log(site, domain->row.name);
    if (auto done = co_await answer.item(json::serialize(summary_json(site, *domain, log))); !done) co_return done;
  }
  co_return Done{};
}

Task<Done> watch(Site& site, const Request& request, Answer& answer) {
  const std::string asked = text_argument(request, "domain");
  if (asked.empty()) co_return co_await show_all(site, answer);
  const auto name = directory::read_domain(asked);
  if (!name) co_return fail(name.error());
  const auto snapshot = site.directory->snapshot();
  const directory::Domain* domain = snapshot->domain(*name);
  if (domain == nullptr)
    co_return fail(Problem{ProblemKind::no, *name, "this domain is not here", "posthorn domain list shows them all"});
  const WatchLog log = co_await read_log(site, *name);
  json::object out = summary_json(site, *domain, log);
  json::array subdomains, findings, history;
  for (const std::string& watched : domains::read_model(domain->row).watched) subdomains.emplace_back(watched);
  for (const inspection::WatchedFinding& known : log.findings) findings.emplace_back(finding_json(known));
  for (const inspection::WatchEvent& event : log.events) history.emplace_back(event_json(event));
  out["subdomains"] = std::move(subdomains);
  out["findings"] = std::move(findings);
  out["history"] = std::move(history);
  co_return co_await answer.value(json::serialize(out));
}

constexpr std::array handlers{Handler{"domain watch", watch}};

}  // namespace
}  // namespace domain_watch_noun

std::span<const Handler> domain_watch_handlers() {
  return domain_watch_noun::handlers;
}

}  // namespace posthorn::admin
