// domain situation and change: what the verbs over a domain's life (plan, apply, rollout, leave …) start from, and how
// what they decide is written. The deciding is operations/domains; both halves compare with what was read, so that two
// administrators at once do not undo each other: one of them is told.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "entrance/admin/surroundings.h"
#include "foundation/text/json_text.h"
#include "operations/certificates/tls_key.h"
#include "operations/domains/evidence.h"
#include "operations/domains/ledger.h"
#include "operations/domains/model.h"
#include "operations/domains/policy_log.h"
#include "site/directory/plan.h"
#include "site/keyring/dkim_key.h"

namespace posthorn::admin {
namespace domain_life_noun {
namespace {

namespace json = boost::json;

constexpr std::size_t queue_rows_counted_max = 1000;

/// The texts that the store keeps for a domain, by the names they have in requests and answers.
struct KeptText {
  std::string_view name;
  std::string (*key)(std::string_view domain);
};
std::string lease_key(std::string_view domain) {
  return fmt::format("domains/lease/{}", domain);
}
constexpr std::array kept_texts{KeptText{"policies", domains::policy_log_key}, KeptText{"ledger", domains::ledger_key},
                                KeptText{"checks", domains::checks_key}, KeptText{"lease", lease_key}};

Problem unknown_domain(const std::string& name) {
  return {ProblemKind::no, name, "this domain is not here", "add it: posthorn domain add " + name + " [--elsewhere]"};
}

struct FromStore {
  std::vector<std::string> texts;
  std::vector<storage::KeyRow> keys, tls_keys;
  std::size_t queued = 0;
};

FromStore read_store(storage::Reader& reader, const std::string& domain) {
  FromStore out;
  for (const KeptText& kept : kept_texts) out.texts.push_back(reader.setting(kept.key(domain)));
  out.keys = reader.keys("dkim");
  out.tls_keys = certificates::host_keys(reader);
  for (const storage::QueueRow& row : reader.queue_page({"@" + domain}, MailId{}, queue_rows_counted_max))
    out.queued += row.sender.ends_with("@" + domain) ? 1 : 0;
  return out;
}

json::array own_keys(const std::vector<storage::KeyRow>& rows, const std::string& domain) {
  json::array out;
  for (const storage::KeyRow& row : rows) {
    const auto key = keyring::key_from(row);
    if (!key || key->domain != domain) continue;
    const domains::OwnKey own = transition::own_key_of(*key);
    out.emplace_back(json::object{{"selector", own.selector},
                                  {"record", own.record},
                                  {"signing", own.signing},
                                  {"revoked", own.revoked},
                                  {"next", own.next},
                                  {"next_at", time_value(own.next_at)}});
  }
  return out;
}

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  for (const std::string& text : list) out.emplace_back(text);
  return out;
}

/// domains::Surroundings as the command line reads it back (cli/domain_life.cpp).
void put_surroundings(json::object& out, const domains::Surroundings& around) {
  json::array addresses, services;
  for (const IpAddress& address : around.addresses) addresses.emplace_back(address.text());
  for (const domains::Service& service : around.services)
    services.emplace_back(json::object{{"label", service.label}, {"port", service.port}});
  out["host_name"] = around.host_name;
  out["addresses"] = std::move(addresses);
  out["services"] = std::move(services);
  out["tlsa"] = texts(around.tlsa);
  out["tlsa_next"] = around.tlsa_next;
  out["dmarc_reports"] = texts(around.dmarc_reports);
  out["tls_reports"] = texts(around.tls_reports);
  out["queue_age"] = around.queue_age_seconds_max;
}

Task<Done> situation(Site& site, const Request& request, Answer& answer) {
  const auto name = directory::read_domain(text_argument(request, "domain"));
  if (!name) co_return fail(name.error());
  const auto snapshot = site.directory->snapshot();
  const directory::Domain* domain = snapshot->domain(*name);
  if (domain == nullptr) co_return fail(unknown_domain(*name));
  auto look = [named = *name](storage::Reader& reader) { return read_store(reader, named); };
  const FromStore kept = co_await site.store->read(std::move(look));
  domains::Surroundings around = surroundings_of(site.config);
  put_tls_keys(around, kept.tls_keys);
  json::object out{{"domain", domain->row.name},
                   {"state", domain->row.state},
                   {"settings", domain->row.settings},
                   {"keys", own_keys(kept.keys, *name)},
                   {"queued", kept.queued}};
  put_surroundings(out, around);
  for (std::size_t i = 0; i < kept_texts.size(); ++i) out[kept_texts[i].name] = kept.texts[i];
  co_return co_await answer.value(json::serialize(out));
}

struct TextChange {
  std::string was, value;
};

/// Senders fetch the policy while somebody changes it: their fetches are taken over, and no reason to refuse the
/// change.
void take_fetches_since(TextChange& change, const std::string& present) {
  if (present == change.was) return;
  const domains::PolicyLog now = domains::parse_policy_log(present);
  if (!domains::same_policies(now, domains::parse_policy_log(change.was))) return;
  domains::PolicyLog next = domains::parse_policy_log(change.value);
  domains::take_fetches(next, now);
  change = {present, next.entries.empty() ? std::string{} : domains::policy_log_json(next)};
}

Result<storage::Unit, Problem> plan_change(const directory::Domain& domain, const Request& request,
                                           const std::string& present_policies) {
  storage::Unit unit;
  storage::DomainRow row = domain.row;
  unit.preconditions.emplace_back(
      storage::DomainIs{row.name, text_argument(request, "was_state"), text_argument(request, "was_settings")});
  if (const std::string model = text_argument(request, "model"); !model.empty()) {
    auto parsed = domains::parse_model(model);
    if (!parsed) return fail(std::move(parsed.error()));
    if (parsed->domain != row.name)
      return fail(
          Problem{ProblemKind::usage, row.name, "the model is of " + parsed->domain, "say the verb for that domain"});
    row = domains::write_model(std::move(row), *parsed);
    unit.mutations.emplace_back(storage::PutDomain{row});
  }
  for (const KeptText& kept : kept_texts) {
    const auto* change = request.arguments.if_contains(kept.name);
    if (change == nullptr || !change->is_object()) continue;
    TextChange text{text::json_text(change->as_object(), "was"), text::json_text(change->as_object(), "value")};
    if (kept.key == domains::policy_log_key) take_fetches_since(text, present_policies);
    unit.preconditions.emplace_back(storage::SettingIs{kept.key(row.name), std::move(text.was)});
    unit.mutations.emplace_back(storage::PutSetting{kept.key(row.name), std::move(text.value)});
  }
  return unit;
}

Task<Done> change(Site& site, const Request& request, Answer& answer) {
  const auto name = directory::read_domain(text_argument(request, "domain"));
  if (!name) co_return fail(name.error());
  const auto snapshot = site.directory->snapshot();
  const directory::Domain* domain = snapshot->domain(*name);
  if (domain == nullptr) co_return fail(unknown_domain(*name));
  auto look = [key = domains::policy_log_key(*name)](storage::Reader& reader) { return reader.setting(key); };
  const std::string policies = co_await site.store->read(std::move(look));
  auto unit = plan_change(*domain, request, policies);
  if (!unit) co_return fail(std::move(unit.error()));
  if (auto done = co_await commit(site, std::move(*unit), "cannot change " + *name); !done)
    co_return fail(std::move(done.error()));
  co_return co_await answer.value(json::serialize(json::object{{"domain", *name}}));
}

constexpr std::array handlers{Handler{"domain situation", situation}, Handler{"domain change", change}};

}  // namespace
}  // namespace domain_life_noun

std::span<const Handler> domain_life_handlers() {
  return domain_life_noun::handlers;
}

}  // namespace posthorn::admin
