#include "operations/domains/wanted.h"

#include <algorithm>
#include <array>

#include "operations/domains/provider.h"
#include "operations/domains/record_data.h"
#include "operations/domains/wanting.h"

namespace posthorn::domains {
namespace {

using namespace std::string_view_literals;

constexpr std::array purpose_words{"host-address"sv,      "mx"sv,      "spf"sv,  "dkim"sv, "dmarc"sv, "sts-record"sv,
                                   "sts-host"sv,          "tls-rpt"sv, "tlsa"sv, "caa"sv,  "ptr"sv,   "srv"sv,
                                   "report-permission"sv, "extra"sv};

/// WantedQuestions without repetition, in the order they were added.
class WantedQuestions {
 public:
  void ask(std::string_view name, dns::RecordType type) {
    auto parsed = dns::Name::parse(name);
    if (!parsed) return;
    RecordQuestion question{std::move(*parsed), type};
    if (std::ranges::find(list_, question) == list_.end()) list_.push_back(std::move(question));
  }
  [[nodiscard]] std::vector<RecordQuestion> take() { return std::move(list_); }

 private:
  std::vector<RecordQuestion> list_;
};

void ask_about_selectors(WantedQuestions& questions, const Model& model, const Surroundings& around) {
  const auto ask = [&](const std::string& selector, dns::RecordType type) {
    questions.ask(fmt::format("{}._domainkey.{}", selector, model.domain), type);
  };
  for (const OwnKey& key : around.keys) ask(key.selector, dns::RecordType::txt);
  for (const Stream& stream : model.all_streams()) {
    for (const DkimReference& reference : references_of(model, stream))
      ask(reference.selector, reference.kind == DkimKind::cname ? dns::RecordType::cname : dns::RecordType::txt);
    if (stream.return_path_subdomain.empty()) continue;
    for (const auto type : {dns::RecordType::txt, dns::RecordType::mx})
      questions.ask(fmt::format("{}.{}", stream.return_path_subdomain, model.domain), type);
  }
}

void ask_about_host(WantedQuestions& questions, const Model& model, const Surroundings& around) {
  if (around.host_name.empty()) return;
  for (const auto type : {dns::RecordType::a, dns::RecordType::aaaa, dns::RecordType::txt})
    questions.ask(around.host_name, type);
  questions.ask("_25._tcp." + around.host_name, dns::RecordType::tlsa);
  // Of special addresses no network delegates the reverse names.
  for (const IpAddress& address : around.addresses)
    if (!address.is_special()) questions.ask(address.reverse_name(), dns::RecordType::ptr);
  for (const Service& service : around.services)
    questions.ask(fmt::format("{}.{}", service.label, model.domain), dns::RecordType::srv);
}

}  // namespace

std::string_view text(Owner owner) {
  constexpr std::array words{"domain"sv, "provider"sv, "network"sv};
  return words[static_cast<std::size_t>(owner)];
}

std::string_view text(Purpose purpose) {
  return purpose_words[static_cast<std::size_t>(purpose)];
}

std::vector<RecordQuestion> questions_for(const Model& model, const Surroundings& around) {
  WantedQuestions questions;
  const std::string& domain = model.domain;
  for (const auto type : {dns::RecordType::mx, dns::RecordType::txt, dns::RecordType::caa}) questions.ask(domain, type);
  for (const auto* const prefix : {"_dmarc.", "_mta-sts.", "_smtp._tls."})
    questions.ask(prefix + domain, dns::RecordType::txt);
  questions.ask("mta-sts." + domain, dns::RecordType::cname);
  questions.ask("mta-sts." + domain, dns::RecordType::a);
  ask_about_selectors(questions, model, around);
  ask_about_host(questions, model, around);
  for (const std::string& permitted : model.reports.permitted)
    questions.ask(fmt::format("{}._report._dmarc.{}", permitted, domain), dns::RecordType::txt);
  for (const ExtraRecord& record : model.extra) {
    if (const auto type = dns::parse_record_type(record.type)) questions.ask(record.name, *type);
  }
  if (model.state == State::parked || model.leaving_to == State::parked) {
    questions.ask("*." + domain, dns::RecordType::txt);
    questions.ask("*._domainkey." + domain, dns::RecordType::txt);
  }
  return questions.take();
}

std::vector<RecordQuestion> questions_for(const Model& model, const Surroundings& around, const Ledger& ledger) {
  auto questions = questions_for(model, around);
  for (const LedgerRow& row : ledger.rows) {
    RecordQuestion question{row.name, row.type};
    if (row.ours && !row.removed && std::ranges::find(questions, question) == questions.end())
      questions.push_back(std::move(question));
  }
  // What a wildcard answers stands at no name by itself (zone_change()).
  if (const auto wildcard = dns::Name::parse("*." + model.domain))
    for (const dns::RecordType type :
         {dns::RecordType::txt, dns::RecordType::a, dns::RecordType::aaaa, dns::RecordType::cname})
      if (RecordQuestion question{*wildcard, type}; std::ranges::find(questions, question) == questions.end())
        questions.push_back(std::move(question));
  return questions;
}

Wanted wanted_records(const Model& model, const Surroundings& around, const PublishedRecords& published,
                      std::string_view sts_id) {
  Wanting wanting(model, around, published);
  if (model.state == State::migrated) return wanting.take();
  if (model.state == State::parked) {
    wanting.parked();
    wanting.extra();
    return wanting.take();
  }
  // Addresses before what names them, what authenticates before what demands it, policies last.
  wanting.host_addresses();
  wanting.spf();
  wanting.host_spf();
  wanting.dkim();
  wanting.tls_rpt();
  wanting.sts(sts_id);
  wanting.mx();
  wanting.dmarc();
  wanting.tlsa();
  wanting.caa();
  wanting.services();
  wanting.report_permissions();
  wanting.extra();
  wanting.reverse_names();
  return wanting.take();
}

// ---------------------------------------------------------------- what all parts use

Wanting::Wanting(const Model& model, const Surroundings& around, const PublishedRecords& published)
    : model_(model), around_(around), published_(published) {
  if (auto name = dns::Name::parse(model.domain)) domain_ = std::move(*name);
}

dns::Name Wanting::at(std::string_view prefix) const {
  if (prefix.empty()) return domain_;
  return dns::Name::parse(fmt::format("{}.{}", prefix, model_.domain)).value_or(domain_);
}

bool Wanting::host_is_in_zone() const {
  const auto host = dns::Name::parse(around_.host_name);
  return host && host->is_at_or_below(domain_);
}

bool Wanting::host_is_used() const {
  if (around_.host_name.empty()) return false;
  if (std::ranges::any_of(mx_hosts(), [&](const MxHost& mx) { return mx.host == around_.host_name; })) return true;
  return std::ranges::any_of(model_.all_streams(), [](const Stream& stream) { return stream.provider.empty(); });
}

WantedRecord& Wanting::add(Purpose purpose, dns::Name name, dns::RecordType type, std::string data,
                           std::uint32_t ttl_seconds, std::string reason) {
  if (!data.empty()) data = canonical_text(type, data);
  out_.records.push_back({.name = std::move(name),
                          .type = type,
                          .data = std::move(data),
                          .ttl_seconds = ttl_seconds,
                          .reason = std::move(reason),
                          .replaces = {},
                          .owner = Owner::domain,
                          .purpose = purpose});
  return out_.records.back();
}

WantedRecord& Wanting::add_txt(Purpose purpose, dns::Name name, std::string_view text, std::uint32_t ttl_seconds,
                               std::string reason) {
  return add(purpose, std::move(name), dns::RecordType::txt, txt_data(text), ttl_seconds, std::move(reason));
}

std::vector<std::string> Wanting::texts_at(const dns::Name& name) const {
  std::vector<std::string> out;
  for (const std::string& data : published_.data(name, dns::RecordType::txt)) out.push_back(txt_text(data));
  return out;
}

void Wanting::finding(std::string id, FindingLevel level, std::string reason, std::string correction) {
  out_.findings.push_back({std::move(id), level, std::move(reason), std::move(correction)});
}

}  // namespace posthorn::domains
