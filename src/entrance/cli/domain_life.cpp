#include "entrance/cli/domain_life.h"

#include <boost/json.hpp>

#include "entrance/cli/ask.h"
#include "entrance/cli/questions.h"
#include "entrance/server/settings.h"
#include "foundation/text/ascii.h"
#include "foundation/text/json_text.h"
#include "platform/storage/rows.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

constexpr std::array kept_names{"policies", "ledger", "checks", "lease"};

std::uint64_t number_of(const json::value& value) {
  json::error_code error;
  const auto number = value.to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

const json::array& array_of(const json::object& object, const char* key) {
  static const json::array none;
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->as_array() : none;
}

std::vector<std::string> texts_of(const json::object& object, const char* key) {
  std::vector<std::string> out;
  for (const json::value& element : array_of(object, key))
    if (element.is_string()) out.emplace_back(element.as_string());
  return out;
}

bool flag_of(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

domains::Surroundings read_surroundings(const json::object& object) {
  domains::Surroundings around;
  around.host_name = text::json_text(object, "host_name");
  for (const std::string& text : texts_of(object, "addresses"))
    if (const auto address = IpAddress::parse(text)) around.addresses.push_back(*address);
  for (const json::value& value : array_of(object, "keys")) {
    const json::object& key = value.as_object();
    around.keys.push_back({text::json_text(key, "selector"), text::json_text(key, "record"), flag_of(key, "signing"),
                           flag_of(key, "revoked"), text::json_text(key, "next"),
                           read_time(text::json_text(key, "next_at"))});
  }
  for (const json::value& value : array_of(object, "services")) {
    const json::object& service = value.as_object();
    around.services.push_back(
        {text::json_text(service, "label"), static_cast<std::uint16_t>(number_of(service.at("port"))), true});
  }
  around.tlsa = texts_of(object, "tlsa");
  around.dmarc_reports = texts_of(object, "dmarc_reports");
  around.tls_reports = texts_of(object, "tls_reports");
  around.tlsa_next = text::json_text(object, "tlsa_next");
  around.queue_age_seconds_max = number_of(object.at("queue_age"));
  return around;
}

}  // namespace

Result<DomainLife, Problem> DomainLife::find(config::Config config, std::string domain, TimePoint now) {
  DomainLife life;
  life.config = std::move(config);
  life.now = now;
  Gathered gathered;
  const admin::Request request{"domain situation", {{"domain", std::move(domain)}}, {}, {}};
  if (const auto done = ask_into(life.config, request, gathered); !done) return fail(done.error());
  json::error_code error;
  const json::value answer = json::parse(gathered.whole, error);
  if (error || !answer.is_object())
    return fail(Problem{ProblemKind::unavailable, "domain", "the server's answer cannot be read", "try again"});
  life.read(answer.as_object());
  return life;
}

Result<DomainLife, Exit> DomainLife::open(const Invocation& v) {
  auto config = load_config(v);
  if (!config) return fail(config.error());
  const auto now = now_of(v);
  if (!now) return fail(report(now.error()));
  auto life = find(std::move(*config), v.get("DOMAIN"), *now);
  if (!life) return fail(report(life.error()));
  return std::move(*life);
}

void DomainLife::read(const json::object& object) {
  was_state_ = text::json_text(object, "state");
  was_settings_ = text::json_text(object, "settings");
  model = domains::read_model(storage::DomainRow{text::json_text(object, "domain"), was_state_, was_settings_, {}});
  was_model_ = domains::model_json(model);
  around = read_surroundings(object);
  for (const char* const name : kept_names) was_[name] = text::json_text(object, name);
  policies = domains::parse_policy_log(was_["policies"]);
  ledger = domains::parse_ledger(was_["ledger"]);
  checks = domains::parse_checks(was_["checks"]);
  lease = was_["lease"];
  queued = number_of(object.at("queued"));
}

Result<void, Problem> DomainLife::save() {
  const std::string model_text = domains::model_json(model);
  json::object arguments{{"domain", model.domain}, {"was_state", was_state_}, {"was_settings", was_settings_}};
  if (model_text != was_model_) arguments["model"] = model_text;
  const std::map<std::string, std::string, std::less<>> next{
      {"policies", policies.entries.empty() ? "" : domains::policy_log_json(policies)},
      {"ledger", ledger.rows.empty() ? "" : domains::ledger_json(ledger)},
      {"checks", checks.empty() ? "" : domains::checks_json(checks)},
      {"lease", lease}};
  for (const auto& [name, value] : next) {
    if (value != was_[name]) arguments[name] = json::object{{"was", was_[name]}, {"value", value}};
  }
  if (arguments.size() == 3) return {};
  Gathered gathered;
  const admin::Request request{"domain change", std::move(arguments), {}, {}};
  if (auto done = ask_into(config, request, gathered); !done) return fail(std::move(done.error()));
  storage::DomainRow row{model.domain, was_state_, was_settings_, {}};
  if (model_text != was_model_) row = domains::write_model(std::move(row), model);
  was_state_ = row.state;
  was_settings_ = row.settings;
  was_model_ = model_text;
  was_ = next;
  return {};
}

transition::Situation DomainLife::situation(domains::PublishedRecords published) const {
  return {.model = model,
          .around = around,
          .published = std::move(published),
          .policies = policies,
          .ledger = ledger,
          .now = now,
          .queued = queued};
}

std::string dns_source_of(const Invocation& v, const config::Config& config) {
  return v.has("--dns") ? v.get("--dns") : config.dns_source;
}

std::optional<Problem> ask_dns(const Invocation& v, const config::Config& config, const Question& question) {
  auto anchors = server::trust_anchors(config);
  if (!anchors) return std::move(anchors.error());
  return ask_source(dns_source_of(v, config), question, std::move(*anchors));
}

namespace {

Task<> ask_addresses(dns::Resolver& resolver, const dns::Name& host, std::vector<IpAddress>& out) {
  const dns::AddressLookup lookup = co_await dns::lookup_addresses(resolver, host);
  out = lookup.addresses;
}

Task<> ask_all(dns::Resolver& resolver, DomainLife& life, domains::PublishedRecords& out) {
  const auto host = dns::Name::parse(life.around.host_name);
  // Listeners on every address do not say which ones the world sees; the host's own records do.
  if (life.around.addresses.empty() && host) co_await ask_addresses(resolver, *host, life.around.addresses);
  auto questions = domains::questions_for(life.model, life.around, life.ledger);
  const auto domain = dns::Name::parse(life.model.domain);
  out = co_await domains::ask_published(resolver, std::move(questions), *domain);
}

Task<> ask_mx_alone(dns::Resolver& resolver, dns::Name domain, domains::PublishedRecords& out) {
  out = co_await domains::ask_published(resolver, {{domain, dns::RecordType::mx}}, domain);
}

}  // namespace

Result<domains::PublishedRecords, Problem> ask_what_is_published(const Invocation& v, DomainLife& life) {
  domains::PublishedRecords published;
  const auto problem =
      ask_dns(v, life.config, [&](dns::Resolver& resolver) { return ask_all(resolver, life, published); });
  if (problem) return fail(*problem);
  return published;
}

void note_mx(const Invocation& v, DomainLife& life, const domains::PublishedRecords& published) {
  const auto domain = dns::Name::parse(life.model.domain);
  const domains::PublishedSet* const set = published.find(*domain, dns::RecordType::mx);
  if (set == nullptr || !dns::is_definite(set->status)) return;
  domains::PublishedSet seen = *set;
  const std::string source = dns_source_of(v, life.config);
  const bool is_cache = !source.starts_with("zone:") && !source.starts_with("authoritative");
  if (is_cache) seen.ttl_seconds = std::max(seen.ttl_seconds, domains::ttl_seconds_mail);
  domains::PublishedRecords view;
  view.put({*domain, dns::RecordType::mx}, seen);
  domains::Wanted standing;
  for (const std::string& data : seen.data)
    standing.records.push_back({.name = *domain,
                                .type = dns::RecordType::mx,
                                .data = data,
                                .ttl_seconds = seen.ttl_seconds,
                                .reason = {},
                                .replaces = {},
                                .owner = domains::Owner::domain,
                                .purpose = domains::Purpose::mx});
  transition::observe(life.ledger, standing, {view}, life.now, false);
}

std::optional<Problem> look_at_mx(const Invocation& v, DomainLife& life) {
  const auto domain = dns::Name::parse(life.model.domain);
  domains::PublishedRecords published;
  auto problem =
      ask_dns(v, life.config, [&](dns::Resolver& resolver) { return ask_mx_alone(resolver, *domain, published); });
  if (problem) return problem;
  note_mx(v, life, published);
  return std::nullopt;
}

std::optional<TimePoint> read_time(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:ddZ";  // RFC 3339 5.6, UTC
  constexpr std::uint64_t seconds_max = 253'402'300'799;     // the end of the year 9999
  if (const auto seconds = text::parse_number(text); seconds && *seconds <= seconds_max)
    return from_unix_seconds(static_cast<std::int64_t>(*seconds));
  if (text.size() != form.size()) return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == 'd' ? !text::is_digit(text[i]) : text[i] != form[i]) return std::nullopt;
  const auto part = [text](std::size_t at, std::size_t count) {
    return static_cast<int>(text::parse_number(text.substr(at, count)).value_or(0));
  };
  const std::chrono::year_month_day date{std::chrono::year{part(0, 4)},
                                         std::chrono::month{static_cast<unsigned>(part(5, 2))},
                                         std::chrono::day{static_cast<unsigned>(part(8, 2))}};
  if (!date.ok() || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 59) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{part(11, 2)} + std::chrono::minutes{part(14, 2)} +
         std::chrono::seconds{part(17, 2)};
}

std::string headline(const domains::Model& model) {
  std::string where;
  switch (model.inbound.side) {
    case domains::InboundSide::here:
      where = "mail is here";
      break;
    case domains::InboundSide::provider:
      where = "mail is at " + model.inbound.provider;
      break;
    case domains::InboundSide::backup:
      where = fmt::format("mail is at {}, this host keeps it meanwhile", model.inbound.provider);
      break;
  }
  if (model.state == domains::State::parked) where = "no mail";
  return fmt::format(
      "{}: {}, {}{}", model.domain, domains::text(model.state), where,
      model.profile == domains::Profile::standard ? "" : fmt::format(", profile {}", domains::text(model.profile)));
}

}  // namespace posthorn::cli
