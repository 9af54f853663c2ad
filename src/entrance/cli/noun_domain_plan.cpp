// domain set, plan and timeline: what a domain is to be, and the way there.
#include <algorithm>

#include <boost/json.hpp>

#include "entrance/cli/domain_lease.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "foundation/text/ascii.h"
#include "operations/domains/pasted_records.h"
#include "operations/domains/provider.h"
#include "operations/domains/record_data.h"
#include "operations/domains/spf_count.h"
#include "operations/domains/wanted.h"
#include "operations/transition/record_format.h"
#include "operations/transition/rollout.h"
#include "operations/transition/timeline.h"

namespace posthorn::cli {
namespace domain_plan_noun {
namespace {

namespace json = boost::json;

Problem wrong(std::string_view option, std::string_view value, std::string why, std::string remedy) {
  return {ProblemKind::usage, fmt::format("{} {}", option, text::printable(value, 120)), std::move(why),
          std::move(remedy)};
}

std::vector<std::string> comma_list(const std::vector<std::string>& values) {
  std::vector<std::string> out;
  for (const std::string& value : values)
    for (const std::string_view piece : text::split(value, ','))
      if (const auto trimmed = text::trim(piece); !trimmed.empty()) out.emplace_back(trimmed);
  return out;
}

// ---------------------------------------------------------------- set

Result<void, Problem> set_inbound(domains::Model& model, const std::string& value) {
  const auto colon = value.find(':');
  const std::string first = value.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : value.substr(colon + 1);
  domains::Inbound inbound;
  if (first == "backup") {
    inbound = {domains::InboundSide::backup, rest.empty() ? "generic" : rest, model.inbound.hosts};
  } else if (first != "here") {
    inbound = {domains::InboundSide::provider, value, {}};
    if (domains::find_provider(value) == nullptr) {
      std::string names;
      for (const auto& provider : domains::all_providers()) names += ", " + provider.name;
      return fail(wrong("--inbound", value, "this is no provider known here",
                        "write here, backup:PROVIDER or one of" + names.substr(1)));
    }
  }
  model.inbound = inbound;
  return {};
}

Result<void, Problem> set_mx(domains::Model& model, const std::vector<std::string>& values) {
  model.inbound.hosts.clear();
  for (const std::string& value : values) {
    if (value.empty()) continue;  // '' takes the list away
    const auto colon = value.find(':');
    const auto preference = colon == std::string::npos ? 10 : text::parse_number(value.substr(0, colon));
    std::string host = text::lower(colon == std::string::npos ? value : value.substr(colon + 1));
    if (host.ends_with('.')) host.pop_back();
    if (!preference || *preference > 65535)
      return fail(wrong("--mx", value, "its preference is no number of 16 bits", "write 10:mail.example.org"));
    model.inbound.hosts.push_back({static_cast<std::uint16_t>(*preference), host});
  }
  return {};
}

/// NAME=PROVIDER, or NAME= for this server's own queue.
Result<void, Problem> set_stream(domains::Model& model, const std::string& value) {
  const auto equals = value.find('=');
  const std::string name = value.substr(0, equals);
  const std::string provider = equals == std::string::npos ? "" : value.substr(equals + 1);
  if (name.empty())
    return fail(wrong("--stream", value, "it has no name", "write product=ses, or own= for this server"));
  const auto at = std::ranges::find(model.streams, name, &domains::Stream::name);
  if (at == model.streams.end()) {
    model.streams.push_back({.name = name, .provider = provider, .spf = {}, .dkim = {}, .return_path_subdomain = {}});
  } else if (at->provider != provider) {
    *at = {.name = name, .provider = provider, .spf = {}, .dkim = {}, .return_path_subdomain = {}};
  }
  return {};
}

/// TERM, or STREAM=TERM.
Result<void, Problem> set_spf(domains::Model& model, const std::string& value) {
  if (model.streams.empty()) model.streams = model.all_streams();
  const auto equals = value.find('=');
  auto stream = model.streams.begin();
  if (equals != std::string::npos && value.find(':') > equals)
    stream = std::ranges::find(model.streams, value.substr(0, equals), &domains::Stream::name);
  if (stream == model.streams.end())
    return fail(wrong("--spf", value, "there is no such stream", "posthorn domain set DOMAIN --stream NAME=PROVIDER"));
  const std::string term = equals != std::string::npos && value.find(':') > equals ? value.substr(equals + 1) : value;
  const domains::ExtraRecord record{model.domain, "TXT", domains::txt_data("v=spf1 " + term), 300};
  domains::Model probe = model;
  probe.streams = {*stream};
  if (auto done = domains::take_record(probe, record); !done) return done;
  *stream = probe.streams.front();
  return {};
}

/// STREAM=SUBDOMAIN; with nothing after the sign it has none.
Result<void, Problem> set_return_path(domains::Model& model, const std::string& value) {
  const auto equals = value.find('=');
  if (model.streams.empty()) model.streams = model.all_streams();
  const auto stream = std::ranges::find(model.streams, value.substr(0, equals), &domains::Stream::name);
  if (equals == std::string::npos || stream == model.streams.end())
    return fail(wrong("--return-path", value, "there is no such stream", "write product=bounces for a stream product"));
  std::string name = text::lower(std::string_view(value).substr(equals + 1));
  if (name.ends_with("." + model.domain)) name.resize(name.size() - model.domain.size() - 1);
  if (!name.empty() && !dns::Name::parse(name + "." + model.domain))
    return fail(wrong("--return-path", value, "this is no name below the domain", "write product=bounces"));
  stream->return_path_subdomain = name;
  return {};
}

Result<std::optional<dmarc::Policy>, Problem> read_policy(std::string_view option, const std::string& value) {
  for (const auto policy : {dmarc::Policy::none, dmarc::Policy::quarantine, dmarc::Policy::reject})
    if (dmarc::text(policy) == value) return std::optional(policy);
  if (value.empty()) return std::optional<dmarc::Policy>{};
  return fail(
      wrong(option, value, "DMARC has no such policy", "write none, quarantine or reject; '' leaves it to the plan"));
}

Result<void, Problem> set_policies(const Invocation& v, domains::Model& model) {
  if (v.has("--dmarc")) {
    auto policy = read_policy("--dmarc", v.get("--dmarc"));
    if (!policy) return fail(std::move(policy.error()));
    model.dmarc.policy = *policy;
  }
  if (v.has("--dmarc-subdomains")) {
    auto policy = read_policy("--dmarc-subdomains", v.get("--dmarc-subdomains"));
    if (!policy) return fail(std::move(policy.error()));
    model.dmarc.subdomains = *policy;
  }
  if (v.has("--alignment")) {
    const std::string value = v.get("--alignment");
    if (value != "strict" && value != "relaxed")
      return fail(wrong("--alignment", value, "there is no such alignment", "write strict or relaxed"));
    model.dmarc.strict = value == "strict";
  }
  return {};
}

/// Only states that need no road: `leaving` and `parked` have verbs of their own.
Result<void, Problem> set_state(domains::Model& model, const std::string& value) {
  const auto state = domains::parse_state(value);
  if (!state || *state == domains::State::parked || *state == domains::State::leaving ||
      *state == domains::State::migrated)
    return fail(wrong("--state", value, "a domain is not simply put into this state",
                      "write draft, testing or enforcing; posthorn domain leave and domain park lead out"));
  if (model.state == domains::State::leaving)
    return fail(wrong("--state", value, "the domain is leaving", "posthorn domain leave DOMAIN --cancel"));
  model.state = *state;
  return {};
}

Result<void, Problem> set_records(const Invocation& v, domains::Model& model) {
  for (const std::string& line : v.all("--record")) {
    auto record = domains::read_record(line, model.domain);
    if (!record) return fail(std::move(record.error()));
    if (auto done = domains::take_record(model, *record); !done) return done;
  }
  for (const std::string& given : v.all("--remove-record")) {
    const auto words = text::words(given);
    const std::string name = words.empty() ? "" : text::lower(words[0]);
    const std::string type = words.size() < 2 ? "" : text::upper(words[1]);
    const auto removed = std::erase_if(model.extra, [&](const domains::ExtraRecord& record) {
      return (record.name == name || record.name == name + "." + model.domain) && record.type == type;
    });
    if (removed == 0) return fail(wrong("--remove-record", given, "no such record was added", "write NAME TYPE"));
  }
  return {};
}

void set_lists(const Invocation& v, domains::Model& model) {
  const auto set = [&v](std::string_view option, std::vector<std::string>& list) {
    if (v.has(option)) list = comma_list(v.all(option));
  };
  set("--dmarc-reports", model.reports.dmarc_aggregate);
  set("--failure-reports", model.reports.dmarc_failure);
  set("--tls-reports", model.reports.tls);
  set("--permit-reports-of", model.reports.permitted);
  set("--caa", model.caa);
  set("--watch", model.watched);
  set("--selector", model.selectors);
  const auto text = [&v](std::string_view option, std::string& to) {
    if (v.has(option)) to = v.get(option);
  };
  text("--update-server", model.update.address);
  text("--update-zone", model.update.zone);
  text("--update-key", model.update.key_name);
  text("--update-key-file", model.update.key_file);
}

Result<void, Problem> set_members(const Invocation& v, domains::Model& model) {
  if (v.has("--profile")) {
    const auto profile = domains::parse_profile(v.get("--profile"));
    if (!profile)
      return fail(
          wrong("--profile", v.get("--profile"), "there is no such profile", "write default, uk-gov or us-federal"));
    model.profile = *profile;
  }
  if (v.has("--inbound")) {
    if (auto done = set_inbound(model, v.get("--inbound")); !done) return done;
  }
  if (v.has("--mx")) {
    if (auto done = set_mx(model, v.all("--mx")); !done) return done;
  }
  for (const std::string& stream : v.all("--stream"))
    if (auto done = set_stream(model, stream); !done) return done;
  for (const std::string& name : v.all("--remove-stream"))
    if (std::erase_if(model.streams, [&](const auto& stream) { return stream.name == name; }) == 0)
      return fail(wrong("--remove-stream", name, "there is no such stream", ""));
  for (const std::string& term : v.all("--spf"))
    if (auto done = set_spf(model, term); !done) return done;
  for (const std::string& value : v.all("--return-path"))
    if (auto done = set_return_path(model, value); !done) return done;
  if (v.has("--state")) {
    if (auto done = set_state(model, v.get("--state")); !done) return done;
  }
  if (v.has("--policy-host")) {
    const std::string value = v.get("--policy-host");
    if (value != "here" && value != "elsewhere")
      return fail(wrong("--policy-host", value, "it is served here or elsewhere", "write here or elsewhere"));
    model.sts_hosted_here = value == "here";
  }
  set_lists(v, model);
  if (auto done = set_policies(v, model); !done) return done;
  if (auto done = set_records(v, model); !done) return done;
  return domains::check_model(model);
}

/// While a domain leaves, what others remember must not be changed under them.
std::optional<Problem> refused_while_leaving(const Invocation& v, const domains::Model& model) {
  if (v.get("--override") == model.domain) return std::nullopt;
  // Mail by the old MX records is still taken: where it goes must not change under it.
  if (model.state == domains::State::migrated && (v.has("--inbound") || v.has("--mx")))
    return Problem{ProblemKind::no, model.domain, "the domain has migrated: mail that still comes is taken as it was",
                   fmt::format("posthorn domain set {0} --state testing first if it comes back; to change it all the "
                               "same: --override {0}",
                               model.domain)};
  if (model.state != domains::State::leaving) return std::nullopt;
  return Problem{
      ProblemKind::no, model.domain,
      "the domain is leaving: senders may still hold an MTA-STS policy, so other changes wait until nobody does",
      fmt::format("see posthorn domain leave {0}; to change it all the same: --override {0}", model.domain)};
}

Exit print_model(const Invocation& v, const domains::Model& model) {
  if (v.json()) {
    print(domains::model_json(model) + "\n");
    return Exit::done;
  }
  std::string out = headline(model) + "\n";
  for (const domains::MxHost& mx : model.inbound.hosts) out += fmt::format("  MX      {} {}\n", mx.preference, mx.host);
  for (const domains::Stream& stream : model.all_streams()) {
    out += fmt::format("  stream  {}: {}\n", stream.name, stream.provider.empty() ? "this server" : stream.provider);
    for (const domains::DkimReference& key : domains::references_of(model, stream))
      out += fmt::format("          key {} {}\n", key.selector,
                         key.waited_for() ? "(waited for)" : text::printable(key.value, 60));
    if (!stream.return_path_subdomain.empty())
      out += fmt::format("          bounces come back to {}.{}\n", stream.return_path_subdomain, model.domain);
    if (const domains::Provider* provider = domains::find_provider(stream.provider)) {
      out += fmt::format("          {}\n", provider->note);
      if (!provider->dkim_hint.empty()) out += fmt::format("          keys: {}\n", provider->dkim_hint);
    }
  }
  if (model.sts)
    out += fmt::format("  MTA-STS {}, max_age {}\n", mta_sts::text(model.sts->mode), model.sts->max_age_seconds);
  out += fmt::format("What is to be published now: posthorn domain plan {}\n", model.domain);
  print(out);
  return Exit::done;
}

bool has_model_options(const Invocation& v) {
  return std::ranges::any_of(v.verb().options, [&v](const Option& option) {
    const bool of_inbound =
        std::ranges::any_of(inbound_rule_options, [&](const Option& o) { return o.name == option.name; });
    return !of_inbound && v.has(option.name);
  });
}

Exit set(const Invocation& v) {
  if (std::ranges::any_of(inbound_rule_options, [&v](const Option& option) { return v.has(option.name); })) {
    const Exit done = set_inbound_rules(v);
    if (done != Exit::done || !has_model_options(v)) return done;
  }
  auto life = DomainLife::open(v);
  if (!life) return life.error();
  const domains::Model before = life->model;
  if (const auto done = set_members(v, life->model); !done) return report(done.error());
  if (!(life->model == before)) {
    if (const auto refused = refused_while_leaving(v, before)) return report(*refused);
    if (const auto busy = refused_while_applied(*life)) return report(*busy);
  }
  if (const auto saved = life->save(); !saved) return report(saved.error());
  return print_model(v, life->model);
}

// ---------------------------------------------------------------- plan

struct Counted {
  domains::SpfCount spf;
  std::string record;
};

Task<> count_planned_spf(dns::Resolver& resolver, const transition::Road& road, const dns::Name& domain, Counted& out) {
  for (const domains::WantedRecord& record : road.wanted.records) {
    if (record.purpose != domains::Purpose::spf || record.name != domain) continue;
    out.record = domains::txt_text(record.data);
    out.spf = co_await domains::count_spf(resolver, domain, out.record);
  }
}

/// --by: the time by which the mail is to be led elsewhere.
Result<std::optional<TimePoint>, Problem> by_of(const Invocation& v) {
  if (!v.has("--by")) return std::optional<TimePoint>{};
  const std::string value = v.get("--by");
  if (const auto at = read_time(value)) return at;
  return fail(wrong("--by", value, "this is no time", "write 2026-12-24T08:00:00Z or seconds since 1970"));
}

/// The MX gate: refused before T1; between T1 and T2 only when the risk was accepted by name.
std::optional<Problem> gate_refusal(const transition::Road& road, TimePoint by, bool risk_accepted) {
  for (const transition::Step& step : road.steps) {
    if (step.id != "mx" || step.is_due(by, risk_accepted)) continue;
    const bool after_followers = step.earliest_at_risk && by >= *step.earliest_at_risk;
    if (after_followers)
      return Problem{ProblemKind::no, "the MX change at " + rfc3339(by), step.risk,
                     fmt::format("wait until {}, or accept it: --accept-stale-policies", rfc3339(step.earliest))};
    return Problem{ProblemKind::no, "the MX change at " + rfc3339(by), step.why,
                   fmt::format("not before {} in any case; safe for everybody from {}",
                               rfc3339(step.earliest_at_risk.value_or(step.earliest)), rfc3339(step.earliest))};
  }
  return std::nullopt;
}

Result<void, Problem> take_changes(const Invocation& v, DomainLife& life) {
  const auto present = domains::mx_hosts_of(life.model, life.around);
  for (const std::string& change : v.all("--change"))
    if (auto done = domains::take_change(life.model, change, present); !done) return done;
  return domains::check_model(life.model);
}

struct Planned {
  transition::Situation situation;
  transition::Road road;
  Counted counted;
};

Result<Planned, Exit> make_plan(const Invocation& v) {
  auto life = DomainLife::open(v);
  if (!life) return fail(life.error());
  if (const auto done = take_changes(v, *life); !done) return fail(report(done.error()));
  auto published = ask_what_is_published(v, *life);
  if (!published) return fail(report(published.error()));
  Planned out;
  out.situation = life->situation(std::move(*published));
  out.road = transition::plan_road(out.situation, v.get("--override") == life->model.domain);
  const auto domain = dns::Name::parse(life->model.domain);
  (void)ask_dns(v, life->config,
                [&](dns::Resolver& resolver) { return count_planned_spf(resolver, out.road, *domain, out.counted); });
  return out;
}

std::string spf_line(const Counted& counted) {
  if (counted.record.empty()) return {};
  return fmt::format(
      "\nSPF uses {} of 10 lookups{}{}.\n", counted.spf.lookups,
      counted.spf.void_lookups > 0 ? fmt::format(", {} of them void (2 at most)", counted.spf.void_lookups) : "",
      counted.spf.problem.empty() ? "" : ": " + text::printable(counted.spf.problem));
}

Result<std::string, Problem> formatted(const std::string& format, const Planned& planned) {
  if (format == "zone") return transition::zone_format(transition::record_sets(planned.road));
  if (format == "terraform")
    return transition::terraform_format(transition::record_sets(planned.road), planned.situation.model.domain);
  if (format == "table" || format.empty())
    return road_text(planned.situation, planned.road) + spf_line(planned.counted);
  return fail(wrong("--format", format, "there is no such form", "write table, zone, terraform or json"));
}

Exit plan(const Invocation& v) {
  const auto by = by_of(v);
  if (!by) return report(by.error());
  auto planned = make_plan(v);
  if (!planned) return planned.error();
  const auto refusal = *by ? gate_refusal(planned->road, **by, v.has("--accept-stale-policies")) : std::nullopt;
  const std::string format = v.get("--format");
  if (v.json() || format == "json") {
    json::object out = road_json(planned->situation, planned->road);
    out["spf"] = {{"record", planned->counted.record},
                  {"lookups", planned->counted.spf.lookups},
                  {"void_lookups", planned->counted.spf.void_lookups},
                  {"problem", planned->counted.spf.problem}};
    if (refusal) out["refused"] = refusal->text();
    print_json(out);
  } else {
    auto text = formatted(format, *planned);
    if (!text) return report(text.error());
    print(*text);
  }
  if (refusal) return report(*refusal);
  if (planned->road.problem.empty()) return Exit::done;
  return planned->situation.model.state == domains::State::migrated ? Exit::done : Exit::unavailable;
}

// ---------------------------------------------------------------- timeline

Exit timeline(const Invocation& v) {
  auto planned = make_plan(v);
  if (!planned) return planned.error();
  const auto events = transition::timeline_of(planned->situation, planned->road);
  if (v.json()) {
    json::array out;
    for (const transition::TimelineEvent& event : events)
      out.emplace_back(json::object{
          {"at", rfc3339(event.at)}, {"kind", transition::text(event.kind)}, {"what", event.what}, {"why", event.why}});
    print_json(json::object{{"domain", planned->situation.model.domain},
                            {"now", rfc3339(planned->situation.now)},
                            {"events", std::move(out)}});
    return Exit::done;
  }
  std::string out = headline(planned->situation.model) + "\n\n";
  for (const transition::TimelineEvent& event : events) {
    out += fmt::format("  {:<38} {:<8} {}\n", when_text(event.at, planned->situation.now), transition::text(event.kind),
                       text::printable(event.what, 400));
    if (!event.why.empty()) out += fmt::format("  {:<38} {:<8} {}\n", "", "", event.why);
  }
  print(out);
  return Exit::done;
}

const Option change_option{"--change", "CHANGE",
                           "as if it were so: mx+HOST[:PREF], mx-HOST, mx:OLD=NEW, inbound=PROVIDER, sts=MODE/MAX_AGE, "
                           "state=STATE, or a record line",
                           false, true};
const Option override_option{"--override", "DOMAIN", "the domain's name again: change it although it is leaving"};

}  // namespace
}  // namespace domain_plan_noun

const std::vector<Verb>& domain_plan_verbs() {
  using namespace domain_plan_noun;
  static const std::vector<Verb> verbs{
      {"domain set",
       "say what a domain is to be: where its mail comes in, who sends, who reads reports",
       "Nothing is published by this: posthorn domain plan shows what follows from it.\n"
       "Providers are google, microsoft365, ses, zoho, mailgun, fastmail and generic. Values that a provider gives "
       "later\n"
       "are waited for; paste them as records when they come. NS records are refused: mail never needs them.\n"
       "The two --inbound-… options choose for the domain what the configuration says for the site ([verification]): "
       "what\n"
       "becomes of mail of doubtful origin. The word site takes the choice back.\n\n"
       "  posthorn domain set login.example --inbound google --stream people=google --stream product=ses\n"
       "  posthorn domain set login.example --record 'abc._domainkey CNAME abc.dkim.amazonses.com'\n"
       "  posthorn domain set example.org --mx 10:mx1.example.org --mx 20:mx2.example.org\n"
       "  posthorn domain set example.org --state enforcing --dmarc reject --tls-reports mailto:tls@example.org",
       {life_domain},
       {{"--inbound", "WHERE", "here, a provider, or backup:PROVIDER"},
        {"--mx", "PREF:HOST", "the MX hosts, all of them; '' for those that follow from --inbound", false, true},
        {"--stream", "NAME=PROVIDER", "a way in which mail goes out; NAME= is this server", false, true},
        {"--remove-stream", "NAME", "it no longer sends", false, true},
        {"--return-path", "STREAM=NAME", "the subdomain that a provider's bounces come back to", false, true},
        {"--spf", "[STREAM=]TERM", "a further SPF term of a stream (of the first)", false, true},
        {"--record", "LINE", "NAME TYPE DATA as a provider asks for it", false, true},
        {"--remove-record", "NAME TYPE", "a record that was added so", false, true},
        {"--profile", "PROFILE", "default, uk-gov or us-federal"},
        {"--state", "STATE", "draft, testing or enforcing"},
        {"--dmarc", "POLICY", "none, quarantine or reject; '' keeps what is published, else goes by state"},
        {"--dmarc-subdomains", "POLICY", "the same for subdomains"},
        {"--alignment", "MODE", "strict or relaxed"},
        {"--dmarc-reports", "URI,…", "rua="},
        {"--failure-reports", "URI,…", "ruf="},
        {"--tls-reports", "URI,…", "where senders tell of TLS failures"},
        {"--permit-reports-of", "DOMAIN,…", "domains whose DMARC reports come to an address in this one"},
        {"--caa", "AUTHORITY,…", "who may issue certificates: letsencrypt.org"},
        {"--selector", "S,…", "further DKIM selectors in use, for checks"},
        {"--watch", "NAME,…", "subdomains that are checked too"},
        {"--policy-host", "WHERE", "the MTA-STS file is served here (default) or elsewhere"},
        {"--update-server", "ADDRESS[:PORT]", "the zone's primary server, for domain apply"},
        {"--update-zone", "ZONE", "where it differs from the domain"},
        {"--update-key", "NAME", "its TSIG key"},
        {"--update-key-file", "FILE", "whose first line is the key's secret in base64"},
        inbound_rule_options[0],
        inbound_rule_options[1],
        override_option},
       set},
      {"domain plan",
       "the records a domain should publish against those it does, and the steps in between",
       "Each record with its TTL, its reason and what it replaces; what others own is kept. Steps that are only safe\n"
       "later say from when: an MX host that a cached MTA-STS policy lacks must wait (T1: senders that follow RFC "
       "8461\n"
       "know the new policy; T2: nobody holds an old one). Nothing is changed by this.\n\n"
       "  posthorn domain plan example.org\n"
       "  posthorn domain plan example.org --format terraform > mail.tf\n"
       "  posthorn domain plan example.org --change mx:mx1.example.org=mx2.example.org --by 2026-12-24T02:00:00Z",
       {life_domain},
       {life_dns,
        {"--format", "FORM", "table (default), zone, terraform (Route 53) or json"},
        change_option,
        {"--by", "TIME", "the MX is to be changed then: refused where that loses mail"},
        {"--accept-stale-policies", "",
         "with --by between T1 and T2: accept that senders which ignore the id of _mta-sts return mail"},
        override_option,
        now_option},
       plan},
      {"domain timeline",
       "a domain's calendar: what to do now, what is safe when",
       "TTLs, negative TTLs, policy ages, keys and queue times in one list.\n\n"
       "  posthorn domain timeline example.org --change mx:mx1.example.org=mx2.example.org",
       {life_domain},
       {life_dns, change_option, override_option, now_option},
       timeline},
  };
  return verbs;
}

}  // namespace posthorn::cli
