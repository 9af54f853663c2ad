// The servers themselves, what they agree on, the cache beside them, and the zone's signatures.
#include <algorithm>

#include <fmt/format.h>

#include "operations/inspection/check_work.h"

namespace posthorn::inspection {
namespace {

constexpr Duration kExpiringWithin = std::chrono::days{3};  // dnssec-expiring

void judge_server(CheckWork& work, const CheckedServer& server) {
  const dns::Name& zone = work.report.zone.zone;
  if (server.state == CheckedServer::State::unreachable)
    work.add("ns-unreachable", FindingLevel::error, fmt::format("{} does not answer: {}", server.name, server.problem),
             "start it, or take it out of the NS records here and at the parent", zone, dns::RecordType::ns);
  if (server.state == CheckedServer::State::lame)
    work.add("ns-lame", FindingLevel::error,
             fmt::format("{} is a name server of {} and does not know the zone: {}", server.name, zone.text(),
                         server.problem),
             "have it load the zone, or take it out of the NS records here and at the parent", zone,
             dns::RecordType::ns);
}

/// One question that a server which answers otherwise has no answer to.
void judge_failures(CheckWork& work, const Published& published) {
  for (const ServerAnswer& said : published.authoritative) {
    const dns::Status status = said.answer.status();
    if (dns::is_definite(status) || said.delegated) continue;
    const std::string what = fmt::format("{} {}", published.name.text(), dns::text(published.type));
    if (status == dns::Status::bogus)
      work.add("dnssec-bogus", FindingLevel::error,
               fmt::format("the signatures of {} do not hold: validating receivers see nothing of it", what),
               "sign the zone again", published.name, published.type);
    else
      work.add("ns-unreachable", FindingLevel::error,
               fmt::format("{} has no answer for {}: {}", said.server, what, dns::text(status)),
               "look at the server's log", published.name, published.type);
  }
}

void judge_agreement(CheckWork& work, const Published& published) {
  const bool is_soa = published.type == dns::RecordType::soa;  // serials differ while a change travels
  if (published.disagree() && !is_soa) {
    std::string each;
    for (const SaidByServer& said : said_by(published))
      each += fmt::format("{}{}: {}", each.empty() ? "" : "; ", said.server, said.answer);
    work.add("ns-disagree", FindingLevel::error,
             fmt::format("the servers differ about {} {}: {}", published.name.text(), dns::text(published.type), each),
             "bring the secondaries up to date (their serial tells who is behind)", published.name, published.type);
  }
  if (!published.cache_differs() || is_soa) return;
  const TimePoint until = work.report.checked_at + std::chrono::seconds{published.cached->ttl_seconds()};
  work.add("cache-old", FindingLevel::info,
           fmt::format("a cache holds an earlier answer for {} {} until {}", published.name.text(),
                       dns::text(published.type), rfc3339(until)),
           {}, published.name, published.type);
}

/// An alias that leads nowhere: whoever registers the name at its end speaks for ours.
void judge_alias(CheckWork& work, const dns::Name& name, dns::RecordType type, const dns::Answer& answer) {
  if (answer.status() != dns::Status::nx_domain || answer.cname_chain().empty()) return;
  work.add(
      "alias-dangling", FindingLevel::error,
      fmt::format("{} is an alias of {}, which does not exist", name.text(), answer.canonical_name().text()),
      fmt::format("remove the CNAME record at {}., or have {} come back", name.text(), answer.canonical_name().text()),
      name, type);
}

/// Records that nobody asks for by name, in a zone that can be listed.
Task<> judge_listed(CheckWork& work) {
  std::size_t aliases = 0;
  for (const dns::Record& record : work.listed) {
    // RFC 7208 3.1: type 99 is not asked for; who edits it believes that he edits the policy.
    if (record.type == dns::RecordType::spf)
      work.add("spf-type99", FindingLevel::warning,
               fmt::format("{} has a record of the retired SPF type (99), which receivers do not ask for",
                           record.owner.text()),
               fmt::format("remove it; the policy is the TXT record at {}.", record.owner.text()), record.owner,
               dns::RecordType::spf);
    const bool is_alias = record.type == dns::RecordType::cname && !record.owner.text().starts_with('*');
    if (!is_alias || work.asked(record.owner, dns::RecordType::txt) != nullptr || ++aliases > subdomains_checked_max)
      continue;
    const dns::Answer answer = co_await work.resolver().resolve(record.owner, dns::RecordType::a);
    judge_alias(work, record.owner, dns::RecordType::cname, answer);
  }
}

void judge_delegation(CheckWork& work, const dns::Name& cut, const dns::Name& asked, dns::RecordType type) {
  work.add("ns-delegated", FindingLevel::error,
           fmt::format("{} is delegated: whoever runs its servers decides over the domain's mail there", cut.text()),
           fmt::format("remove the NS records of {0}.; publish what the supplier needs as TXT or CNAME records (for "
                       "example {1}. IN CNAME NAME-OF-THE-SUPPLIER.)",
                       cut.text(), asked.text()),
           cut, type);
}

void judge_wildcard(CheckWork& work) {
  const dns::Name name = below(work.domain, "_wildcard-probe");
  const Published* const published = work.asked(name, dns::RecordType::txt);
  const dns::Answer* const answer = published == nullptr ? nullptr : published->best();
  // A parked domain speaks for every name below it on purpose.
  if (answer == nullptr || work.is_parked) return;
  if (answer->status() != dns::Status::ok && answer->cname_chain().empty()) return;
  if (!dns::is_definite(answer->status())) return;
  work.add(
      "wildcard-answers", FindingLevel::warning,
      fmt::format("a wildcard answers for every name that does not exist, {} too: receivers may read it as a policy",
                  name.text()),
      fmt::format("remove the record at *.{}., or name the hosts that need it", work.domain.text()), name);
}

void judge_expiry(CheckWork& work, const Published& soa) {
  std::optional<TimePoint> first;
  for (const ServerAnswer& said : soa.authoritative)
    for (const dns::SignatureTimes& times : said.signatures)
      if (!first || times.expiration < *first) first = times.expiration;
  work.report.signature_expires = first;
  if (!first) return;
  const Duration left = *first - work.options.now;
  if (left <= Duration::zero())
    work.add("dnssec-bogus", FindingLevel::error,
             fmt::format("the signature of {} expired at {}", soa.name.text(), rfc3339(*first)), "sign the zone again",
             soa.name, soa.type);
  else if (left < kExpiringWithin)
    work.add("dnssec-expiring", FindingLevel::warning,
             fmt::format("a signature of {} expires at {}", soa.name.text(), rfc3339(*first)),
             "look why the zone was not signed again in time", soa.name, soa.type);
}

}  // namespace

Task<> check_dnssec(CheckWork& work) {
  const Published* const soa = co_await work.ask(work.domain, dns::RecordType::soa);
  // A cache that validates has said what there is to say; without a DS record at the parent there is nothing to ask.
  const bool is_told = soa->cached && (soa->cached->secure() || soa->cached->status() == dns::Status::bogus);
  const bool ask_ourselves = work.source.is_live() && !is_told && work.report.zone.has_ds;
  const dns::Answer validated =
      ask_ourselves ? co_await work.source.resolver().resolve(work.domain, dns::RecordType::soa) : *soa->best();
  const bool by_cache = soa->cached && soa->cached->secure();
  const bool cache_bogus = soa->cached && soa->cached->status() == dns::Status::bogus;
  std::string& state = work.report.dnssec;
  if (validated.status() == dns::Status::bogus || cache_bogus) {
    state = "bogus";
    work.add("dnssec-bogus", FindingLevel::error,
             fmt::format("the signatures of {} do not validate{}{}", work.domain.text(),
                         validated.reason().empty() ? "" : ": ", validated.reason()),
             "sign the zone again, or correct the DS record at the parent", work.domain, dns::RecordType::soa);
  } else if (validated.secure() || by_cache) {
    state = "signed";
  } else if (work.report.zone.has_ds) {
    state = "signed, not validated from here";
  } else {
    state = work.source.validates() || work.source.is_live() ? "unsigned" : "not checked";
    work.add(
        "dnssec-unsigned", FindingLevel::info,
        fmt::format("{} is not signed: what it publishes can be forged, and DANE is not possible", work.domain.text()),
        {}, work.domain, dns::RecordType::soa);
  }
  judge_expiry(work, *soa);
}

Task<> check_servers(CheckWork& work) {
  for (const CheckedServer& server : work.report.zone.servers) judge_server(work, server);
  for (const dns::Name& host : work.report.zone.unresolved)
    work.add("ns-unreachable", FindingLevel::error, fmt::format("the name server {} has no address", host.text()),
             fmt::format("publish an address for {}., or remove the NS record", host.text()), work.report.zone.zone,
             dns::RecordType::ns);
  for (const auto& [key, published] : work.all()) {
    judge_failures(work, published);
    judge_agreement(work, published);
    if (const dns::Answer* const answer = published.value()) judge_alias(work, published.name, published.type, *answer);
    const auto cut = published.delegated();
    if (cut && *cut != work.domain) judge_delegation(work, *cut, published.name, published.type);
  }
  for (const dns::Record& record : work.listed)
    if (record.type == dns::RecordType::ns && record.owner != work.domain)
      judge_delegation(work, record.owner, record.owner, dns::RecordType::ns);
  co_await judge_listed(work);
  judge_wildcard(work);
}

}  // namespace posthorn::inspection
