// store verify, backup: on the running store, on a worker. server reload|status.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "platform/storage/backup.h"
#include "platform/storage/schema.h"
#include "platform/storage/verify.h"

namespace posthorn::admin {

namespace json = boost::json;

namespace store_noun {
namespace {

template <class Report>
Task<Result<Report, Problem>> on_worker(Site& site, std::function<Result<Report, Problem>()> work) {
  auto report = co_await site.workers->run(work);
  if (!report)
    co_return fail(Problem{ProblemKind::unavailable, "the store", "too much is being computed", "try again"});
  co_return std::move(*report);
}

Task<Done> verify(Site& site, const Request&, Answer& answer) {
  storage::Store* const store = site.store;
  std::function<Result<storage::VerifyReport, Problem>()> work = [store] { return store->verify(); };
  const auto report = co_await on_worker(site, std::move(work));
  if (!report) co_return fail(report.error());
  if (auto done = co_await answer.value(json::serialize(verify_json(*report))); !done) co_return done;
  if (report->clean()) co_return Done{};
  co_return fail(verify_problem(*report));
}

/// A store is opened in the present form alone.
Task<Done> migrate(Site&, const Request&, Answer& answer) {
  const json::object shown{{"from", storage::schema_version}, {"to", storage::schema_version}};
  co_return co_await answer.value(json::serialize(shown));
}

Task<Done> backup(Site& site, const Request& request, Answer& answer) {
  storage::Store* const store = site.store;
  const std::filesystem::path to = text_argument(request, "to");
  std::function<Result<storage::BackupReport, Problem>()> work = [store, to] { return store->backup(to); };
  const auto report = co_await on_worker(site, std::move(work));
  if (!report) co_return fail(report.error());
  co_return co_await answer.value(json::serialize(backup_json(to, *report)));
}

Task<Done> reload(Site& site, const Request&, Answer& answer) {
  if (!site.reload)
    co_return fail(
        Problem{ProblemKind::unavailable, "reload", "no server runs on this store", "start it: posthorn serve"});
  const auto reloaded = site.reload();
  if (!reloaded) co_return fail(reloaded.error().front());
  const json::object shown{{"reloaded", true}, {"restart_needed", json::value_from(*reloaded)}};
  co_return co_await answer.value(json::serialize(shown));
}

constexpr std::array stores{Handler{"store verify", verify}, Handler{"store migrate", migrate},
                            Handler{"backup", backup}};
constexpr std::array servers{Handler{"reload", reload}};

}  // namespace
}  // namespace store_noun

json::object verify_json(const storage::VerifyReport& report) {
  json::array damages;
  for (const storage::Damage& damage : report.damages) {
    json::array emails, queued;
    for (const storage::TouchedEmail& email : damage.emails) {
      emails.emplace_back(json::object{{"account", email.account_address},
                                       {"mailbox", email.mailbox_name},
                                       {"uid", email.uid},
                                       {"id", email.email_id.text()}});
    }
    for (const MailId id : damage.queued) queued.emplace_back(id.text());
    damages.emplace_back(json::object{{"kind", storage::damage_name(damage.kind)},
                                      {"what", damage.what},
                                      {"content", damage.content.is_null() ? "" : damage.content.text()},
                                      {"emails", std::move(emails)},
                                      {"queued", std::move(queued)}});
  }
  return {{"clean", report.clean()},     {"contents", report.contents}, {"octets", report.octets},
          {"emails", report.emails},     {"queued", report.queued},     {"recipients", report.recipients},
          {"segments", report.segments}, {"files", report.files},       {"damages", std::move(damages)},
          {"more", report.more}};
}

json::object backup_json(const std::filesystem::path& to, const storage::BackupReport& report) {
  return {{"backup", to.string()},
          {"contents", report.contents},
          {"octets", report.octets},
          {"linked_files", report.linked_files},
          {"copied_files", report.copied_files},
          {"damaged_pages", report.damaged_pages}};
}

Problem verify_problem(const storage::VerifyReport& report) {
  return {ProblemKind::no, "the store",
          fmt::format("{} damage{} found", report.damages.size(), report.damages.size() == 1 ? " was" : "s were"),
          "posthorn store verify --repair puts single octets of the database back; restore what else they touch from a "
          "backup (--json names each message)"};
}

std::span<const Handler> store_handlers() {
  return store_noun::stores;
}
std::span<const Handler> server_handlers() {
  return store_noun::servers;
}

}  // namespace posthorn::admin
