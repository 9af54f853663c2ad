#include "operations/domains/pasted_records.h"

#include <algorithm>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "operations/domains/provider.h"
#include "operations/domains/record_data.h"
#include "standards/address/domain.h"
#include "standards/dkim/key_record.h"
#include "standards/dmarc/record.h"
#include "standards/spf/record.h"

namespace posthorn::domains {
namespace {

constexpr std::size_t line_octets_max = 8192;

Problem no_record(std::string_view line, std::string why, std::string remedy = "") {
  if (remedy.empty()) remedy = "write NAME TYPE DATA, such as: selector1._domainkey CNAME selector1.provider.example.";
  return {ProblemKind::usage, fmt::format("'{}'", text::printable(line, 120)), std::move(why), std::move(remedy)};
}

std::string full_name(std::string_view name, std::string_view domain) {
  std::string lower = text::lower(name);
  if (lower == "@" || lower.empty()) return std::string(domain);
  const bool absolute = lower.ends_with('.');
  if (absolute) lower.pop_back();
  if (absolute || lower == domain || lower.ends_with(fmt::format(".{}", domain))) return lower;
  return fmt::format("{}.{}", lower, domain);
}

/// What providers print around a text: quotation marks of either kind, or none.
std::string txt_data_of(std::string_view given) {
  const std::string_view trimmed = text::trim(given);
  if (trimmed.starts_with('"') && !text::has_typographic_quotes(trimmed)) return std::string(trimmed);
  return txt_data(text::without_quotes(trimmed));
}

bool is_placeholder(std::string_view data) {
  const std::string lower = text::lower(data);
  return lower.contains("xx.xx") || lower.contains("x.x.x.x") || lower.contains('<') || lower.contains("your-");
}

/// The stream that waits for a key under this selector, or that the target's provider belongs to.
Stream* stream_for_key(Model& model, const std::string& selector) {
  Stream* any_provider = nullptr;
  for (Stream& stream : model.streams) {
    if (stream.provider.empty()) continue;
    for (const DkimReference& reference : stream.dkim)
      if (reference.selector == selector) return &stream;
    if (any_provider == nullptr || stream.dkim.empty()) any_provider = &stream;
  }
  return any_provider;
}

bool take_key(Model& model, const ExtraRecord& record, const std::string& selector) {
  const bool alias = record.type == "CNAME";
  if (!alias && record.type != "TXT") return false;
  if (model.streams.empty()) model.streams = model.all_streams();
  Stream* stream = stream_for_key(model, selector);
  if (stream == nullptr) return false;
  std::string value = alias ? record.data : txt_text(record.data);
  if (alias && value.ends_with('.')) value.pop_back();
  std::erase_if(stream->dkim, [&](const DkimReference& known) { return known.selector == selector; });
  stream->dkim.push_back({selector, alias ? DkimKind::cname : DkimKind::txt, std::move(value)});
  return true;
}

void take_spf(Model& model, std::string_view text) {
  if (model.streams.empty()) model.streams = model.all_streams();
  auto& terms = model.streams.front().spf;
  const auto parsed = spf::parse_record(text);
  for (const spf::Mechanism& mechanism : parsed->mechanisms) {
    const bool known = std::ranges::find(terms, mechanism.text) != terms.end();
    if (mechanism.kind != spf::MechanismKind::all && !known) terms.push_back(mechanism.text);
  }
}

Result<void, Problem> take_txt(Model& model, const ExtraRecord& record, bool& taken) {
  const std::string text = txt_text(record.data);
  if (record.name == model.domain && spf::is_spf_record(text)) {
    if (const auto parsed = spf::parse_record(text); !parsed)
      return fail(no_record(text, parsed.error().text(), "ask the provider for the record as it is to stand"));
    take_spf(model, text);
    taken = true;
  } else if (record.name == "_dmarc." + model.domain) {
    return fail(no_record(text, "the DMARC policy is planned here",
                          "posthorn domain set DOMAIN --dmarc POLICY --dmarc-reports mailto:ADDRESS"));
  }
  return {};
}

// ---------------------------------------------------------------- changes

Result<std::string, Problem> host_name(std::string_view text, std::string_view change) {
  const auto host = address::Domain::parse(text.ends_with('.') ? text.substr(0, text.size() - 1) : text);
  if (!host) return fail(no_record(change, "it names no host", "write mx+mail2.example.org or mx:OLD=NEW"));
  return host->a_label();
}

Result<void, Problem> change_mx(Model& model, std::string_view change, const std::vector<MxHost>& present) {
  if (model.inbound.hosts.empty() || model.inbound.side == InboundSide::backup) model.inbound.hosts = present;
  auto& hosts = model.inbound.hosts;
  const char sign = change[2];
  std::string_view rest = change.substr(3);
  if (sign == '+') {
    const auto colon = rest.rfind(':');
    const auto preference = colon == std::string_view::npos ? 10 : text::parse_number(rest.substr(colon + 1));
    auto host = host_name(rest.substr(0, colon), change);
    if (!host || !preference) return fail(no_record(change, "it names no host", "write mx+mail2.example.org:20"));
    hosts.push_back({static_cast<std::uint16_t>(*preference), *host});
    return {};
  }
  const auto equals = rest.find('=');
  auto was = host_name(rest.substr(0, equals), change);
  if (!was) return fail(std::move(was.error()));
  const auto at = std::ranges::find(hosts, *was, &MxHost::host);
  if (at == hosts.end()) return fail(no_record(change, fmt::format("{} is no MX of {}", *was, model.domain), ""));
  if (sign == '-') {
    hosts.erase(at);
    return {};
  }
  auto next = host_name(equals == std::string_view::npos ? "" : rest.substr(equals + 1), change);
  if (!next) return fail(std::move(next.error()));
  at->host = *next;
  return {};
}

Result<void, Problem> change_stage(Model& model, std::string_view value) {
  const auto slash = value.find('/');
  auto mode = read_mode(value.substr(0, slash));
  if (!mode) return fail(std::move(mode.error()));
  const auto max_age = slash == std::string_view::npos ? 86400 : text::parse_number(value.substr(slash + 1));
  if (!max_age || *max_age > mta_sts::max_age_seconds_max)
    return fail(no_record(value, "max_age is a number of seconds, a year at most", ""));
  model.sts = StsStage{*mode, static_cast<std::uint32_t>(*max_age)};
  return {};
}

}  // namespace

Problem delegation_refused(std::string_view name, std::string_view server, std::string_view domain) {
  return {
      ProblemKind::no, fmt::format("NS {} for {}", server, name),
      fmt::format("this would hand {} and every name below it to whoever runs {}: they could publish any record "
                  "there, and {} could no longer see or protect it",
                  name, server, domain),
      fmt::format("ask the supplier for records instead: TXT or CNAME at SELECTOR._domainkey.{}, an include for SPF, "
                  "MX and TXT at {}, CNAME at mta-sts.{} and TXT or CNAME at _mta-sts.{}; that is all mail needs",
                  name, name, name, name)};
}

Result<ExtraRecord, Problem> read_record(std::string_view line, std::string_view domain) {
  if (line.size() > line_octets_max) return fail(no_record(line, "it is too long for a record"));
  std::string_view rest = text::trim_lines(line);
  const auto word = [&rest] {
    rest = text::trim(rest);
    const auto end = std::min(rest.find(' '), rest.find('\t'));
    const std::string_view first = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
    return first;
  };
  const std::string name = full_name(word(), domain);
  std::string_view type = word();
  ExtraRecord record{.name = name, .type = {}, .data = {}, .ttl_seconds = 3600};
  if (const auto ttl = text::parse_number(type); ttl && *ttl <= 604'800) {
    record.ttl_seconds = static_cast<std::uint32_t>(*ttl);
    type = word();
  }
  if (text::iequals(type, "IN")) type = word();
  const auto known = dns::parse_record_type(type);
  if (!known || !dns::Name::parse(name)) return fail(no_record(line, "it has no name or no record type"));
  // Names are A-labels; what is pasted as data may have typographic quotes, which are taken off below.
  const auto is_graphic = [](char c) { return c > ' ' && c <= '~'; };
  const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; };
  if (!std::ranges::all_of(name, is_graphic) || std::ranges::any_of(rest, is_control) || !text::is_utf8(rest))
    return fail(no_record(line, "it has characters that no zone file has: write names as A-labels, text as \\DDD"));
  record.type = dns::text(*known);
  const std::string_view data = text::trim(rest);
  if (*known == dns::RecordType::ns) return fail(delegation_refused(name, data, domain));
  if (is_placeholder(data)) return fail(no_record(line, "a value in it was never filled in", "ask for the value"));
  const bool is_text = *known == dns::RecordType::txt || *known == dns::RecordType::spf;
  const auto parsed = parse_data(*known, is_text ? txt_data_of(data) : std::string(data));
  if (!parsed)
    return fail(no_record(line, fmt::format("'{}' is no data of a {} record", text::printable(data), record.type)));
  record.data = canonical_text(*parsed);
  return record;
}

Result<void, Problem> take_record(Model& model, const ExtraRecord& record) {
  if (record.type == "NS") return fail(delegation_refused(record.name, record.data, model.domain));
  const std::string key_suffix = "._domainkey." + model.domain;
  if (record.name.ends_with(key_suffix)) {
    const std::string selector = record.name.substr(0, record.name.size() - key_suffix.size());
    if (record.type == "TXT") {
      if (const auto key = dkim::parse_key_record(txt_text(record.data)); !key)
        return fail(no_record(txt_text(record.data), "this is no DKIM key: " + key.error().reason,
                              "copy the value again; tags are parted by semicolons"));
    }
    if (take_key(model, record, selector)) return {};
  }
  bool taken = false;
  if (record.type == "TXT") {
    if (auto done = take_txt(model, record, taken); !done || taken) return done;
  }
  std::erase_if(model.extra, [&](const ExtraRecord& known) {
    return known.name == record.name && known.type == record.type &&
           (known.data == record.data || record.type == "CNAME");
  });
  model.extra.push_back(record);
  return {};
}

Result<void, Problem> take_change(Model& model, std::string_view change, const std::vector<MxHost>& present) {
  if (change.size() > 3 && change.starts_with("mx") && std::string_view("+-:").contains(change[2]))
    return change_mx(model, change, present);
  if (change.starts_with("sts=")) return change_stage(model, change.substr(4));
  if (change.starts_with("state=")) {
    const auto state = parse_state(change.substr(6));
    if (!state) return fail(no_record(change, "there is no such state", ""));
    model.state = *state;
    return {};
  }
  if (change.starts_with("inbound=")) {
    const std::string provider(change.substr(8));
    model.inbound = provider == "here" ? Inbound{} : Inbound{InboundSide::provider, provider, {}};
    return check_model(model);
  }
  auto record = read_record(change, model.domain);
  if (!record) return fail(std::move(record.error()));
  return take_record(model, *record);
}

}  // namespace posthorn::domains
