#include "operations/inspection/compare.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "operations/domains/wanted.h"

namespace posthorn::inspection {
namespace {

using Key = std::pair<dns::Name, dns::RecordType>;
struct ComparedSet {
  std::vector<std::string> data;
  std::uint32_t ttl_seconds = 0;
};
using Sets = std::map<Key, ComparedSet>;

/// What a server makes by itself, or what must differ while two of them hold the zone.
bool counts(const dns::Record& record, const dns::Name& domain) {
  constexpr std::array made_by_servers{dns::RecordType::rrsig, dns::RecordType::dnskey,
                                       static_cast<dns::RecordType>(47), static_cast<dns::RecordType>(50),
                                       static_cast<dns::RecordType>(51)};
  if (std::ranges::find(made_by_servers, record.type) != made_by_servers.end()) return false;
  const bool names_servers = record.type == dns::RecordType::soa || record.type == dns::RecordType::ns;
  return !(names_servers && record.owner == domain) && record.owner.is_at_or_below(domain);
}

Sets sets_of(const std::vector<dns::Record>& records, const dns::Name& domain) {
  Sets sets;
  for (const dns::Record& record : records) {
    if (!counts(record, domain)) continue;
    ComparedSet& set = sets[{record.owner, record.type}];
    set.data.push_back(dns::text(record.data));
    set.ttl_seconds = record.ttl_seconds;
  }
  for (auto& [key, set] : sets) {
    std::ranges::sort(set.data);
    const auto repeated = std::ranges::unique(set.data);
    set.data.erase(repeated.begin(), repeated.end());
  }
  return sets;
}

constexpr std::array kTypes{dns::RecordType::a,   dns::RecordType::aaaa, dns::RecordType::mx,  dns::RecordType::txt,
                            dns::RecordType::srv, dns::RecordType::tlsa, dns::RecordType::caa, dns::RecordType::ns};

/// One name at one server: each type; a CNAME stands for all of them.
Task<Result<void, std::string>> ask_name(resolver::DnsClient& client, net::Endpoint server, dns::Name name,
                                         std::vector<dns::Record>& into) {
  for (const dns::RecordType type : kTypes) {
    const dns::Question question{name, type};
    auto got = co_await client.ask(server, question);
    if (!got) co_return fail(got.error().reason);
    if (got->reply.kind == dns::ReplyKind::failure || got->reply.kind == dns::ReplyKind::lame)
      co_return fail(got->reply.problem);
    if (!got->reply.aliases.empty()) {
      into.push_back(got->reply.aliases.front());
      co_return Result<void, std::string>{};
    }
    into.insert(into.end(), got->reply.records.begin(), got->reply.records.end());
    if (got->reply.kind == dns::ReplyKind::nx_domain) break;
  }
  co_return Result<void, std::string>{};
}

}  // namespace

Comparison compare_records(const std::vector<dns::Record>& a, const std::vector<dns::Record>& b,
                           const dns::Name& domain, bool with_ttl) {
  Comparison out;
  const Sets sets_a = sets_of(a, domain);
  const Sets sets_b = sets_of(b, domain);
  Sets all = sets_a;
  all.insert(sets_b.begin(), sets_b.end());
  out.record_sets = all.size();
  const dns::Name* last = nullptr;
  for (const auto& [key, unused] : all) {
    if (last == nullptr || *last != key.first) ++out.names;
    last = &key.first;
    const auto in_a = sets_a.find(key);
    const auto in_b = sets_b.find(key);
    const ComparedSet set_a = in_a == sets_a.end() ? ComparedSet{} : in_a->second;
    const ComparedSet set_b = in_b == sets_b.end() ? ComparedSet{} : in_b->second;
    if (set_a.data == set_b.data && (!with_ttl || set_a.ttl_seconds == set_b.ttl_seconds)) continue;
    out.differences.push_back({key.first, key.second, set_a.data, set_b.data, set_a.ttl_seconds, set_b.ttl_seconds});
  }
  return out;
}

std::vector<dns::Name> names_known(const dns::Name& domain, const std::vector<std::string>& selectors) {
  std::vector<dns::Name> names{domain};
  const auto add = [&](const std::string& text) {
    const auto relative = dns::Name::parse(text);
    if (!relative) return;
    if (auto name = relative->under(domain)) names.push_back(std::move(*name));
  };
  for (const char* const label :
       {"_dmarc", "_mta-sts", "mta-sts", "_smtp._tls", "mail", "mx", "smtp", "imap", "www", "autoconfig",
        "autodiscover", "_submission._tcp", "_submissions._tcp", "_imap._tcp", "_imaps._tcp", "_pop3s._tcp", "*"})
    add(label);
  for (const std::string& selector : selectors) add(selector + "._domainkey");
  return names;
}

std::vector<dns::Name> names_known(const domains::Model& model, const domains::Surroundings& around,
                                   const domains::Ledger& ledger, const std::vector<std::string>& selectors) {
  const auto domain = dns::Name::parse(model.domain);
  if (!domain) return {};
  std::vector<std::string> all = selectors;
  all.insert(all.end(), model.selectors.begin(), model.selectors.end());
  std::vector<dns::Name> names = names_known(*domain, all);
  for (const domains::RecordQuestion& question : domains::questions_for(model, around, ledger))
    if (question.name.is_at_or_below(*domain)) names.push_back(question.name);
  for (const std::string& watched : model.watched)
    if (auto name = dns::Name::parse(watched); name && name->is_at_or_below(*domain)) names.push_back(std::move(*name));
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

namespace {

/// The domain may be a zone of its own, or stand in one above it.
Task<Collected> transfer_around(resolver::DnsClient& client, dns::Name domain, net::Endpoint server) {
  Collected out;
  for (dns::Name zone = domain; !zone.is_root(); zone = zone.parent()) {
    auto transferred = co_await client.transfer(server, zone);
    if (!transferred) continue;
    std::erase_if(*transferred, [&](const dns::Record& record) { return !record.owner.is_at_or_below(domain); });
    // Its server has a zone above and none of it: it was asked about the wrong thing.
    if (transferred->empty()) continue;
    out.records = std::move(*transferred);
    out.whole = true;
    co_return out;
  }
  co_return out;
}

Task<> ask_names(resolver::DnsClient& client, net::Endpoint server, const std::vector<dns::Name>& names,
                 Collected& side) {
  side.records.clear();
  for (const dns::Name& name : names) {
    const auto asked = co_await ask_name(client, server, name, side.records);
    if (asked) continue;
    side.problem = server.text() + ": " + asked.error();
    co_return;
  }
}

}  // namespace

Task<Collected> collect_records(resolver::DnsClient& client, dns::Name domain, net::Endpoint server,
                                std::vector<dns::Name> names) {
  Collected out = co_await transfer_around(client, std::move(domain), server);
  if (!out.whole) co_await ask_names(client, server, names, out);
  co_return out;
}

Task<Comparison> compare_zones(resolver::DnsClient& client, dns::Name domain, net::Endpoint a, net::Endpoint b,
                               std::vector<dns::Name> names, bool with_ttl) {
  Collected side_a = co_await transfer_around(client, domain, a);
  Collected side_b = co_await transfer_around(client, domain, b);
  // What one side shows as a whole is asked of the other by name.
  for (const Collected* side : {&side_a, &side_b})
    for (const dns::Record& record : side->records) names.push_back(record.owner);
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  const bool by_name = !side_a.whole || !side_b.whole;
  const bool whole_a = side_a.whole, whole_b = side_b.whole;
  if (by_name) {
    co_await ask_names(client, a, names, side_a);
    co_await ask_names(client, b, names, side_b);
  }
  Comparison out = compare_records(side_a.records, side_b.records, domain, with_ttl);
  out.whole_a = whole_a;
  out.whole_b = whole_b;
  out.problem = side_a.problem.empty() ? side_b.problem : side_a.problem;
  co_return out;
}

}  // namespace posthorn::inspection
