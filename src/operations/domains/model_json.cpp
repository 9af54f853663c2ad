// The model as JSON: in the domain row's settings, over the control socket, in bundles.
#include <boost/json.hpp>

#include "foundation/text/ascii.h"
#include "operations/domains/json_fields.h"
#include "operations/domains/model.h"

namespace posthorn::domains {
namespace {

namespace json = boost::json;

constexpr const char* settings_key = "model";

std::optional<mta_sts::Mode> parse_mode(std::string_view word) {
  for (const auto mode : {mta_sts::Mode::none, mta_sts::Mode::testing, mta_sts::Mode::enforce}) {
    if (mta_sts::text(mode) == word) return mode;
  }
  return std::nullopt;
}

std::optional<dmarc::Policy> parse_policy(std::string_view word) {
  for (const auto policy : {dmarc::Policy::none, dmarc::Policy::quarantine, dmarc::Policy::reject}) {
    if (dmarc::text(policy) == word) return policy;
  }
  return std::nullopt;
}

// ---------------------------------------------------------------- writing

json::object inbound_object(const Inbound& inbound) {
  json::array hosts;
  for (const MxHost& mx : inbound.hosts)
    hosts.emplace_back(json::object{{"preference", mx.preference}, {"host", mx.host}});
  return {{"side", text(inbound.side)}, {"provider", inbound.provider}, {"hosts", std::move(hosts)}};
}

json::object stream_object(const Stream& stream) {
  json::array dkim;
  for (const DkimReference& reference : stream.dkim) {
    dkim.emplace_back(json::object{{"selector", reference.selector},
                                   {"kind", reference.kind == DkimKind::cname ? "cname" : "txt"},
                                   {"value", reference.value}});
  }
  return {{"name", stream.name},
          {"provider", stream.provider},
          {"spf", texts_json(stream.spf)},
          {"dkim", std::move(dkim)},
          {"return_path", stream.return_path_subdomain}};
}

json::object reports_object(const Reports& reports) {
  return {{"dmarc", texts_json(reports.dmarc_aggregate)},
          {"dmarc_failure", texts_json(reports.dmarc_failure)},
          {"tls", texts_json(reports.tls)},
          {"permitted", texts_json(reports.permitted)}};
}

json::object dmarc_object(const DmarcWish& wish) {
  json::object out{{"strict", wish.strict}};
  if (wish.policy) out["policy"] = dmarc::text(*wish.policy);
  if (wish.subdomains) out["subdomains"] = dmarc::text(*wish.subdomains);
  return out;
}

json::array extra_array(const std::vector<ExtraRecord>& records) {
  json::array out;
  for (const ExtraRecord& record : records) {
    out.emplace_back(
        json::object{{"name", record.name}, {"type", record.type}, {"data", record.data}, {"ttl", record.ttl_seconds}});
  }
  return out;
}

json::object model_object(const Model& model) {
  json::array streams;
  for (const Stream& stream : model.streams) streams.emplace_back(stream_object(stream));
  json::object out{{"profile", text(model.profile)},
                   {"inbound", inbound_object(model.inbound)},
                   {"streams", std::move(streams)},
                   {"reports", reports_object(model.reports)},
                   {"dmarc", dmarc_object(model.dmarc)},
                   {"sts_hosted_here", model.sts_hosted_here},
                   {"caa", texts_json(model.caa)},
                   {"watched", texts_json(model.watched)},
                   {"selectors", texts_json(model.selectors)},
                   {"extra", extra_array(model.extra)},
                   {"update",
                    {{"address", model.update.address},
                     {"zone", model.update.zone},
                     {"key_name", model.update.key_name},
                     {"key_file", model.update.key_file}}},
                   {"leaving_to", text(model.leaving_to)}};
  if (model.leaving_since != TimePoint{}) out["leaving_since"] = unix_micros(model.leaving_since);
  if (model.sts) out["sts"] = {{"mode", mta_sts::text(model.sts->mode)}, {"max_age", model.sts->max_age_seconds}};
  return out;
}

// ---------------------------------------------------------------- reading

Inbound read_inbound(const json::object& object) {
  Inbound inbound;
  inbound.side = parse_inbound_side(text_at(object, "side")).value_or(InboundSide::here);
  inbound.provider = text_at(object, "provider");
  for (const json::object* mx : objects_at(object, "hosts")) {
    inbound.hosts.push_back(
        {static_cast<std::uint16_t>(std::min<std::uint64_t>(number_at(*mx, "preference", 10), 65535)),
         text_at(*mx, "host")});
  }
  return inbound;
}

Stream read_stream(const json::object& object) {
  Stream stream{.name = text_at(object, "name"),
                .provider = text_at(object, "provider"),
                .spf = texts_at(object, "spf"),
                .dkim = {},
                .return_path_subdomain = text_at(object, "return_path")};
  for (const json::object* reference : objects_at(object, "dkim")) {
    stream.dkim.push_back({text_at(*reference, "selector"),
                           text_at(*reference, "kind") == "txt" ? DkimKind::txt : DkimKind::cname,
                           text_at(*reference, "value")});
  }
  return stream;
}

void read_members(const json::object& object, Model& model) {
  model.profile = parse_profile(text_at(object, "profile")).value_or(Profile::standard);
  if (const json::object* inbound = object_at(object, "inbound")) model.inbound = read_inbound(*inbound);
  for (const json::object* stream : objects_at(object, "streams")) model.streams.push_back(read_stream(*stream));
  if (const json::object* reports = object_at(object, "reports")) {
    model.reports = {texts_at(*reports, "dmarc"), texts_at(*reports, "dmarc_failure"), texts_at(*reports, "tls"),
                     texts_at(*reports, "permitted")};
  }
  if (const json::object* wish = object_at(object, "dmarc")) {
    model.dmarc = {parse_policy(text_at(*wish, "policy")), parse_policy(text_at(*wish, "subdomains")),
                   flag_at(*wish, "strict")};
  }
  if (const json::object* stage = object_at(object, "sts")) {
    if (const auto mode = parse_mode(text_at(*stage, "mode")))
      model.sts = StsStage{*mode, static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                      number_at(*stage, "max_age", 86400), mta_sts::max_age_seconds_max))};
  }
  model.sts_hosted_here = flag_at(object, "sts_hosted_here", true);
  model.caa = texts_at(object, "caa");
  model.watched = texts_at(object, "watched");
  model.selectors = texts_at(object, "selectors");
  for (const json::object* record : objects_at(object, "extra")) {
    model.extra.push_back({text_at(*record, "name"), text_at(*record, "type"), text_at(*record, "data"),
                           static_cast<std::uint32_t>(number_at(*record, "ttl", 3600))});
  }
  if (const json::object* update = object_at(object, "update")) {
    model.update = {text_at(*update, "address"), text_at(*update, "zone"), text_at(*update, "key_name"),
                    text_at(*update, "key_file")};
  }
  model.leaving_to = parse_state(text_at(object, "leaving_to")).value_or(State::migrated);
  model.leaving_since = time_at(object, "leaving_since");
}

}  // namespace

Model read_model(const storage::DomainRow& row) {
  Model model;
  model.domain = row.name;
  model.state = parse_state(row.state).value_or(State::draft);
  const json::object settings = parse_object(row.settings);
  // A domain that was added with --elsewhere and never described further: its mail is somewhere we do not know.
  if (!flag_at(settings, "hosted", true)) model.inbound = {InboundSide::provider, "generic", {}};
  if (const json::object* object = object_at(settings, settings_key)) read_members(*object, model);
  return model;
}

storage::DomainRow write_model(storage::DomainRow row, const Model& model) {
  json::object settings = parse_object(row.settings);
  settings["hosted"] = model.inbound.side == InboundSide::here;
  settings[settings_key] = model_object(model);
  row.state = text(model.state);
  row.settings = json::serialize(settings);
  return row;
}

std::string model_json(const Model& model) {
  json::object out{{"domain", model.domain}, {"state", text(model.state)}};
  for (auto& [key, value] : model_object(model)) out[key] = std::move(value);
  return json::serialize(out);
}

Result<Model, Problem> parse_model(std::string_view text) {
  const json::object object = parse_object(text);
  Model model;
  model.domain = text_at(object, "domain");
  const auto state = parse_state(text_at(object, "state"));
  if (model.domain.empty() || !state) {
    return fail(Problem{ProblemKind::usage, "the model", "it names no domain or no state of one",
                        "posthorn domain export writes one"});
  }
  model.state = *state;
  read_members(object, model);
  if (auto done = check_model(model); !done) return fail(std::move(done.error()));
  return model;
}

}  // namespace posthorn::domains
