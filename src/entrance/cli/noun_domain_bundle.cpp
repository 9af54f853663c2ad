// domain export and import: the whole record set of a domain, handed from one organization to another.
#include <algorithm>

#include <boost/json.hpp>

#include "entrance/cli/domain_life.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "entrance/cli/trust_text.h"
#include "entrance/server/settings.h"
#include "foundation/text/ascii.h"
#include "operations/domains/bundle.h"
#include "operations/domains/pasted_records.h"
#include "operations/domains/record_data.h"
#include "operations/inspection/compare.h"
#include "operations/transition/record_format.h"
#include "platform/resolver/delegation.h"
#include "platform/runtime/files.h"
#include "platform/runtime/loops.h"
#include "site/keyring/sealing_key.h"
#include "standards/dns/zone.h"

namespace posthorn::cli {
namespace domain_bundle_noun {
namespace {

namespace json = boost::json;

struct Collecting {
  std::vector<dns::Name> names;
  dns::Name domain;
  std::string source;
  inspection::Collected out{};
  std::string problem{};
};

/// Who is asked: the server that was named, else those of the zone, found from its parent.
Task<std::vector<net::Endpoint>> servers_for(resolver::DnsClient& client, runtime::Clock& clock,
                                             const resolver::Source& source, dns::Name domain) {
  std::vector<net::Endpoint> servers;
  if (const auto* server = std::get_if<net::Endpoint>(&source)) servers.push_back(*server);
  if (!servers.empty()) co_return servers;
  const auto* named = std::get_if<resolver::Authoritative>(&source);
  resolver::Delegations delegations(
      client, clock, named != nullptr ? resolver::delegation_start(*named) : resolver::DelegationStart{});
  const resolver::Delegation found = co_await delegations.find(std::move(domain));
  for (const resolver::ZoneServer& server : found.servers) servers.push_back(server.endpoint);
  co_return servers;
}

Task<> collect(runtime::Clock& clock, Collecting& collecting) {
  const auto source = resolver::parse_source(collecting.source);
  if (!source) {
    collecting.problem = source.error().why;
    co_return;
  }
  net::Loop loop(co_await runtime::current_executor(), clock);
  runtime::SystemRandom random;
  resolver::DnsClient client(loop, random);
  collecting.problem = "no server of its zone was found";
  const std::vector<net::Endpoint> servers = co_await servers_for(client, clock, *source, collecting.domain);
  for (const net::Endpoint& server : servers) {
    inspection::Collected got =
        co_await inspection::collect_records(client, collecting.domain, server, collecting.names);
    collecting.problem = got.problem;
    if (!got.problem.empty()) continue;
    collecting.out = std::move(got);
    co_return;
  }
}

/// A zone file is listed whole; a server gives the whole zone where it allows a transfer, else what stands at every
/// name that is known.
Result<std::vector<domains::ExtraRecord>, Problem> all_records(const Invocation& v, const DomainLife& life,
                                                               bool& whole) {
  std::vector<domains::ExtraRecord> out;
  const auto add = [&](const dns::Name& name, dns::RecordType type, const std::string& data, std::uint32_t ttl) {
    domains::ExtraRecord record{text::lower(name.text()), dns::text(type), data, ttl};
    if (std::ranges::find(out, record) == out.end()) out.push_back(std::move(record));
  };
  const auto domain = dns::Name::parse(life.model.domain);
  const std::string source = dns_source_of(v, life.config);
  if (source.starts_with("zone:")) {
    const auto text = runtime::read_file(source.substr(5), dns::zone_file_octets_max);
    if (!text) return fail(text.error());
    const auto zone = dns::Zone::parse(*text);
    if (!zone) return fail(Problem{ProblemKind::usage, source, zone.error().text(), "correct that line"});
    for (const dns::Record& record : zone->records())
      if (record.owner.is_at_or_below(*domain))
        add(record.owner, record.type, domains::canonical_text(record.data), record.ttl_seconds);
    return out;
  }
  Collecting collecting{.names = inspection::names_known(life.model, life.around, life.ledger, v.all("--selector")),
                        .domain = *domain,
                        .source = source};
  runtime::SystemClock clock;
  runtime::run_to_end([&] { return collect(clock, collecting); });
  if (!collecting.problem.empty())
    return fail(Problem{ProblemKind::unavailable, life.model.domain, collecting.problem,
                        "name a server of its zone: --dns ADDRESS"});
  whole = collecting.out.whole;
  for (const dns::Record& record : collecting.out.records)
    if (record.owner.is_at_or_below(*domain))
      add(record.owner, record.type, domains::canonical_text(record.data), record.ttl_seconds);
  return out;
}

Exit export_domain(const Invocation& v) {
  auto life = DomainLife::open(v);
  if (!life) return life.error();
  const auto sealing = keyring::read_sealing_key(server::sealing_key_file(life->config));
  if (!sealing) return report(sealing.error());
  if (!*sealing)
    return report({ProblemKind::unavailable, server::sealing_key_file(life->config).string(),
                   "the site has no sealing key to sign with", "docs/operator/keys.md says how one is made"});
  bool whole = true;
  auto records = all_records(v, *life, whole);
  if (!records) return report(records.error());
  const domains::Bundle bundle{.domain = life->model.domain,
                               .host = life->around.host_name,
                               .written = from_unix_seconds(unix_seconds(life->now)),
                               .records = std::move(*records),
                               .model = domains::model_json(life->model),
                               .policies = domains::policy_log_json(life->policies)};
  const std::string text = domains::write_bundle(bundle, domains::bundle_key((*sealing)->octets())) + "\n";
  if (!v.has("--to")) {
    print(text);
    return Exit::done;
  }
  const auto written = runtime::write_file_atomically(v.get("--to"), text, runtime::FileAccess::readable);
  if (!written) return report(written.error());
  const std::string key = domains::fingerprint(domains::bundle_key((*sealing)->octets()).public_key());
  if (v.json()) {
    print_json(json::object{{"domain", bundle.domain},
                            {"file", v.get("--to")},
                            {"records", bundle.records.size()},
                            {"whole", whole},
                            {"fingerprint", key}});
  } else {
    print(fmt::format("{} records of {} are in {}.\n{}It is signed; tell its reader the key: {}\n",
                      bundle.records.size(), bundle.domain, v.get("--to"),
                      whole ? "" : "No server allowed a transfer: these stand at the names that are known here.\n",
                      key));
  }
  return Exit::done;
}

// ---------------------------------------------------------------- import

/// RFC 7208 3.1: nobody asks for type 99, and what is not asked for is not compared.
bool is_retired(const domains::ExtraRecord& record) {
  return record.type == "SPF" || record.type == "TYPE99";
}

Findings findings_of(const domains::Bundle& bundle) {
  Findings out;
  for (const domains::ExtraRecord& record : bundle.records)
    if (is_retired(record))
      out.push_back({"spf-type99", FindingLevel::warning,
                     fmt::format("{} has a record of the retired SPF type (99), which receivers do not ask for",
                                 text::printable(record.name)),
                     fmt::format("remove it; the policy is the TXT record at {}.", text::printable(record.name))});
  return out;
}

/// In the form that every finding about a domain has: nobody was asked about these, so no side is shown.
json::array full_findings_json(const domains::Bundle& bundle) {
  json::array out = findings_json(findings_of(bundle));
  std::size_t at = 0;
  for (const domains::ExtraRecord& record : bundle.records) {
    if (!is_retired(record)) continue;
    json::object& finding = out[at++].as_object();
    finding["name"] = record.name;
    finding["wanted"] = nullptr;
    finding["authoritative"] = json::array();
    finding["cached"] = nullptr;
  }
  return out;
}

struct Compared {
  domains::ExtraRecord record;
  bool published = false;
};

Task<> compare(dns::Resolver& resolver, const std::vector<domains::ExtraRecord>& records, std::vector<Compared>& out) {
  for (const domains::ExtraRecord& record : records) {
    if (is_retired(record)) continue;
    const auto name = dns::Name::parse(record.name);
    const auto type = dns::parse_record_type(record.type);
    Compared compared{record, false};
    if (name && type) {
      const dns::Answer answer = co_await resolver.resolve(*name, *type);
      const auto set = domains::published_set(answer);
      compared.published = set.alias_of.empty() && std::ranges::find(set.data, record.data) != set.data.end();
    }
    out.push_back(std::move(compared));
  }
}

/// Taken over as they are. SOA and NS belong to the servers, not to the domain.
Result<void, Problem> take_into(DomainLife& life, const domains::Bundle& bundle) {
  for (const domains::ExtraRecord& record : bundle.records) {
    if (record.type == "SOA" || record.type == "NS" || record.type == "RRSIG" || record.type == "DNSKEY") continue;
    if (is_retired(record)) continue;
    auto& extra = life.model.extra;
    std::erase_if(extra, [&](const auto& known) {
      return known.name == record.name && known.type == record.type && known.data == record.data;
    });
    if (record.type == "MX" && record.name == life.model.domain) continue;
    if (auto done = domains::take_record(life.model, record); !done) extra.push_back(record);
  }
  life.model.inbound = {domains::InboundSide::provider, "generic", {}};
  for (const domains::ExtraRecord& record : bundle.records) {
    if (record.type != "MX" || record.name != life.model.domain) continue;
    const auto data = domains::parse_data(dns::RecordType::mx, record.data);
    if (const auto* mx = data ? std::get_if<dns::Mx>(&*data) : nullptr; mx != nullptr && !mx->exchange.is_root())
      life.model.inbound.hosts.push_back({mx->preference, mx->exchange.text()});
  }
  return life.save();
}

std::string zone_lines(const std::vector<domains::ExtraRecord>& records) {
  std::string out;
  for (const domains::ExtraRecord& record : records)
    out += fmt::format("{}. {} IN {} {}\n", record.name, record.ttl_seconds, record.type, record.data);
  return out;
}

Exit print_import(const Invocation& v, const domains::ReadBundle& read, const std::vector<Compared>& compared,
                  bool taken) {
  const auto missing = std::ranges::count_if(compared, [](const Compared& c) { return !c.published; });
  if (v.json()) {
    json::array records;
    for (const Compared& one : compared)
      records.emplace_back(json::object{{"name", one.record.name},
                                        {"type", one.record.type},
                                        {"ttl", one.record.ttl_seconds},
                                        {"data", one.record.data},
                                        {"published", one.published}});
    print_json(json::object{{"domain", read.bundle.domain},
                            {"host", read.bundle.host},
                            {"written", rfc3339(read.bundle.written)},
                            {"fingerprint", read.fingerprint},
                            {"records", std::move(records)},
                            {"findings", full_findings_json(read.bundle)},
                            {"missing", missing},
                            {"taken", taken}});
  } else if (v.get("--format") == "zone") {
    print(zone_lines(read.bundle.records));
  } else {
    std::string out = fmt::format("{}: {} records, written {} by {}\nSigned by key {}{}\n\n", read.bundle.domain,
                                  compared.size(), rfc3339(read.bundle.written), text::printable(read.bundle.host),
                                  read.fingerprint, v.has("--key") ? "" : " (compare it with its writer; then --key)");
    for (const Compared& one : compared)
      out += fmt::format("  {} {:<5} {:<40} {:>6}  {}\n", one.published ? "=" : "+", one.record.type, one.record.name,
                         one.record.ttl_seconds, text::printable(one.record.data, 100));
    out += fmt::format("\n{} of them {} not published there yet.\n", missing, missing == 1 ? "is" : "are");
    out += explain(findings_of(read.bundle));
    print(out);
  }
  return missing == 0 ? Exit::done : Exit::no;
}

Exit import_domain(const Invocation& v) {
  const auto text = read_input(v.get("FILE"), domains::bundle_octets_max);
  if (!text) return report(text.error());
  const auto read = domains::read_bundle(*text);
  if (!read) return report(read.error());
  if (v.has("--key") && v.get("--key") != read->fingerprint)
    return report({ProblemKind::no, v.get("FILE"), fmt::format("it is signed by key {}", read->fingerprint),
                   "this is not the key that was expected: ask its writer"});
  auto life = DomainLife::open(v);
  if (!life) return life.error();
  if (read->bundle.domain != life->model.domain)
    return report({ProblemKind::no, v.get("FILE"), fmt::format("it holds the records of {}", read->bundle.domain),
                   fmt::format("posthorn domain import {} FILE", read->bundle.domain)});
  if (v.has("--take")) {
    if (const auto taken = take_into(*life, read->bundle); !taken) return report(taken.error());
  }
  std::vector<Compared> compared;
  if (const auto problem = ask_dns(
          v, life->config, [&](dns::Resolver& resolver) { return compare(resolver, read->bundle.records, compared); }))
    return report(*problem);
  const Exit status = print_import(v, *read, compared, v.has("--take"));
  return v.has("--take") ? Exit::done : status;
}

}  // namespace
}  // namespace domain_bundle_noun

const std::vector<Verb>& domain_bundle_verbs() {
  using namespace domain_bundle_noun;
  static const std::vector<Verb> verbs{
      {"domain export",
       "all records of a domain as one signed document, for whoever takes its DNS over",
       "With --dns zone:FILE every record of the file; from a name server (--dns ADDRESS, else those of the zone) the "
       "whole\n"
       "zone where it allows a transfer, else what stands at every name that is known: those of the plan, of what was\n"
       "published before, of --selector and the usual ones. The model and the log of MTA-STS policies go with them. "
       "Signed with a key that comes from the site's sealing key.\n\n"
       "  posthorn domain export example.org --to example.org.json",
       {life_domain},
       {{"--to", "FILE", "write it there; else to standard output"},
        {"--selector", "SELECTOR", "a DKIM selector in use", false, true},
        life_dns,
        now_option},
       export_domain},
      {"domain import",
       "read such a document: is it whole, and is everything in it published",
       "Verifies the signature and compares each record with what is published: exit status 0 when nothing is missing, "
       "1\n"
       "otherwise. With --take the records become part of the domain's plan, as they are.\n\n"
       "  posthorn domain import example.org example.org.json --dns 192.0.2.53\n"
       "  posthorn domain import example.org example.org.json --key 0123456789abcdef --take",
       {life_domain, {"FILE", "the document; - is standard input"}},
       {{"--key", "FINGERPRINT", "the key that must have signed it"},
        {"--take", "", "let the domain's plan want these records"},
        {"--format", "FORM", "zone: print the records as lines of a zone file"},
        life_dns,
        now_option},
       import_domain},
  };
  return verbs;
}

}  // namespace posthorn::cli
