#include "flow/verification/dmarc_ledger.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"

namespace posthorn::verification {
namespace {

constexpr std::size_t kPage = 500;           // rows a question or unit
constexpr std::size_t kFieldOctets = 320;    // an address (RFC 5321 4.5.3.1)
constexpr std::size_t kRecordOctets = 1024;  // DmarcRow::record
constexpr std::size_t kDayOctets = std::string_view("YYYY-MM-DD").size();
constexpr std::size_t kHashDigits = 32;  // of the row's SHA-256, in its key

// ---------------------------------------------------------------- a row as text: "name value" lines

/// Octets from outside: on one line, and bounded.
std::string one_line(std::string_view text, std::size_t octets_max = kFieldOctets) {
  std::string out(text.substr(0, octets_max));
  std::ranges::replace_if(out, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return out;
}

struct Field {
  std::string_view name;
  std::string DmarcRow::* member;
};
constexpr std::array<Field, 13> kFields{{{"source_ip", &DmarcRow::source_ip},
                                         {"policy_domain", &DmarcRow::policy_domain},
                                         {"record", &DmarcRow::record},
                                         {"disposition", &DmarcRow::disposition},
                                         {"dkim", &DmarcRow::dkim},
                                         {"spf", &DmarcRow::spf},
                                         {"override_type", &DmarcRow::override_type},
                                         {"comment", &DmarcRow::comment},
                                         {"header_from", &DmarcRow::header_from},
                                         {"envelope_from", &DmarcRow::envelope_from},
                                         {"envelope_to", &DmarcRow::envelope_to},
                                         {"spf_scope", &DmarcRow::spf_scope},
                                         {"spf_domain", &DmarcRow::spf_domain}}};
constexpr std::string_view kDkimResult = "dkim_result";
constexpr std::string_view kSpfResult = "spf_result";
constexpr std::string_view kCount = "count";

/// Without the count: what makes two messages one row.
std::string text_of(const DmarcRow& row) {
  std::string out;
  for (const Field& field : kFields)
    if (!(row.*field.member).empty()) out += fmt::format("{} {}\n", field.name, row.*field.member);
  out += fmt::format("{} {}\n", kSpfResult, row.spf_result);
  for (const DmarcRow::Dkim& dkim : row.dkim_results)
    out += fmt::format("{} {} {} {}\n", kDkimResult, dkim.result, dkim.selector.empty() ? "-" : dkim.selector,
                       dkim.domain);
  return out;
}

std::string with_count(const std::string& row, std::uint64_t count) {
  return fmt::format("{} {}\n{}", kCount, count, row);
}

void read_dkim(DmarcRow& row, std::string_view value) {
  const std::string_view result = text::take_until(value, ' ');
  const std::string_view selector = text::take_until(value, ' ');
  row.dkim_results.push_back({std::string(value), selector == "-" ? "" : std::string(selector), std::string(result)});
}

DmarcRow parse(std::string_view text) {
  DmarcRow row;
  while (!text.empty()) {
    std::string_view value = text::take_until(text, '\n');
    const std::string_view name = text::take_until(value, ' ');
    const auto field = std::ranges::find(kFields, name, &Field::name);
    if (field != kFields.end()) row.*field->member = value;
    if (name == kCount) row.count = text::parse_number(value).value_or(0);
    if (name == kSpfResult) row.spf_result = value;
    if (name == kDkimResult) read_dkim(row, value);
  }
  return row;
}

std::string day_of(TimePoint at) {
  return rfc3339(at).substr(0, kDayOctets);
}

std::string prefix_of(std::string_view day, std::string_view policy_domain) {
  return fmt::format("{}{}/{}/", dmarc_rows_prefix, day, policy_domain);
}

std::string key_of(std::string_view day, std::string_view policy_domain, const std::string& row) {
  return prefix_of(day, policy_domain) + codec::hex_encode(crypto::sha256(row)).substr(0, kHashDigits);
}

// ---------------------------------------------------------------- questions to the store

struct RowsQuestion {
  std::string prefix, after;
  std::vector<std::pair<std::string, std::string>> operator()(storage::Reader& reader) const {
    return reader.settings(prefix, after, kPage);
  }
};

struct CountsQuestion {
  std::vector<std::string> keys;
  std::vector<std::uint64_t> operator()(storage::Reader& reader) const {
    std::vector<std::uint64_t> counts;
    counts.reserve(keys.size());
    for (const std::string& key : keys) counts.push_back(parse(reader.setting(key)).count);
    return counts;
  }
};

DmarcRow::Dkim dkim_row(const dkim::VerifiedSignature& signature) {
  std::string selector = one_line(signature.selector);
  std::ranges::replace(selector, ' ', '?');
  return {one_line(signature.domain), std::move(selector), std::string(dkim::text(signature.result))};
}

}  // namespace

std::optional<DmarcRow> row_of(const Observation& observation) {
  const dmarc::Outcome& outcome = observation.verdicts.dmarc;
  if (!outcome.policy || outcome.policy_domain.empty()) return std::nullopt;
  const auto aligned = [](bool yes) { return yes ? "pass" : "fail"; };
  DmarcRow row;
  row.source_ip = observation.source.text();
  row.policy_domain = one_line(outcome.policy_domain);
  row.record = one_line(outcome.record, kRecordOctets);
  row.disposition = dmarc::text(observation.decision.disposition);
  row.dkim = aligned(outcome.dkim_aligned);
  row.spf = aligned(outcome.spf_aligned);
  if (observation.decision.override_type != Override::none) {
    row.override_type = text(observation.decision.override_type);
    row.comment = one_line(observation.decision.indirect.sign);
  }
  row.header_from = one_line(outcome.rfc5322_from_domain);
  row.envelope_from = one_line(observation.rfc5321_mail_from_domain);
  if (observation.rfc5321_rcpt_to_domains.size() == 1)
    row.envelope_to = one_line(observation.rfc5321_rcpt_to_domains.front());
  for (const dkim::VerifiedSignature& signature : observation.verdicts.dkim)
    row.dkim_results.push_back(dkim_row(signature));
  if (const auto& session = observation.verdicts.session) {
    // RFC 9990 3.1: MAIL FROM's result alone; that of HELO where the sender is null.
    row.spf_scope = observation.rfc5321_mail_from_domain.empty() ? "helo" : "mfrom";
    row.spf_domain = one_line(session->mail_from.domain);
    row.spf_result = spf::text(session->mail_from.result);
  }
  return row;
}

void DmarcLedger::observed(const Observation& observation) {
  const auto row = row_of(observation);
  if (!row) return;
  std::string text = text_of(*row);
  const std::string day = day_of(observation.at);
  std::string key = key_of(day, row->policy_domain, text);
  const std::lock_guard lock(mutex_);
  if (const auto found = noted_.find(key); found != noted_.end()) {
    ++found->second.count;
  } else if (noted_.size() < dmarc_rows_unflushed_max) {
    noted_.emplace(std::move(key), Counted{std::move(text), 1});
  } else {
    ++forgotten_;
  }
}

/// For one more row of this day and domain, which it then counts.
bool DmarcLedger::take_room(std::string_view key, std::string_view policy_domain) {
  const std::string_view day = key.substr(std::string_view(dmarc_rows_prefix).size(), kDayOctets);
  if (day != day_) {
    day_ = day;
    rows_of_.clear();
    rows_of_day_ = 0;
  }
  std::size_t& of_domain = rows_of_[std::string(policy_domain)];
  if (rows_of_day_ >= dmarc_rows_a_day_max || of_domain >= dmarc_rows_a_domain_max) return false;
  ++rows_of_day_;
  ++of_domain;
  return true;
}

Task<> DmarcLedger::flush() {
  Rows taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(noted_);
  }
  while (!taken.empty()) {
    std::vector<std::pair<std::string, Counted>> page;
    while (!taken.empty() && page.size() < kPage) {
      auto node = taken.extract(taken.begin());
      page.emplace_back(std::move(node.key()), std::move(node.mapped()));
    }
    if (co_await write(page)) continue;
    // The disk is full: the counts wait for the next flush.
    put_back(std::move(page));
    for (auto& [key, counted] : taken) put_back({{key, counted}});
    co_return;
  }
}

Task<bool> DmarcLedger::write(std::vector<std::pair<std::string, Counted>> rows) {
  CountsQuestion question;
  for (const auto& [key, counted] : rows) question.keys.push_back(key);
  const std::vector<std::uint64_t> before = co_await store_.read(std::move(question));
  storage::Unit unit;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [key, counted] = rows[i];
    if (before[i] != 0 || take_room(key, parse(counted.row).policy_domain))
      unit.mutations.emplace_back(storage::PutSetting{key, with_count(counted.row, before[i] + counted.count)});
    else
      forgotten_ += counted.count;
  }
  if (unit.mutations.empty()) co_return true;
  const auto committed = co_await store_.commit(std::move(unit));
  co_return committed.has_value();
}

void DmarcLedger::put_back(std::vector<std::pair<std::string, Counted>> rows) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, counted] : rows) {
    const auto [entry, fresh] = noted_.try_emplace(key, counted);
    if (!fresh) entry->second.count += counted.count;
  }
}

Task<> DmarcLedger::sweep(TimePoint now) {
  const std::string oldest = dmarc_rows_prefix + day_of(now - dmarc_rows_kept);
  for (;;) {
    RowsQuestion question{dmarc_rows_prefix, ""};
    const auto rows = co_await store_.read(std::move(question));
    storage::Unit unit;
    for (const auto& [key, row] : rows)
      if (key < oldest) unit.mutations.emplace_back(storage::PutSetting{key, ""});
    const bool there_may_be_more = unit.mutations.size() == kPage;
    if (unit.mutations.empty()) co_return;
    const auto committed = co_await store_.commit(std::move(unit));
    if (!committed || !there_may_be_more) co_return;
  }
}

Task<std::vector<DmarcRow>> dmarc_rows(storage::Store& store, std::string day, std::string policy_domain) {
  std::vector<DmarcRow> rows;
  const std::string prefix = prefix_of(day, policy_domain);
  for (std::string after;;) {
    RowsQuestion question{prefix, after};
    const auto page = co_await store.read(std::move(question));
    for (const auto& [key, row] : page) rows.push_back(parse(row));
    if (page.size() < kPage) co_return rows;
    after = page.back().first;
  }
}

Task<std::vector<std::string>> dmarc_row_domains(storage::Store& store, std::string day) {
  std::vector<std::string> domains;
  const std::string prefix = fmt::format("{}{}/", dmarc_rows_prefix, day);
  for (std::string after;;) {
    RowsQuestion question{prefix, after};
    const auto page = co_await store.read(std::move(question));
    if (page.empty()) co_return domains;
    for (const auto& [key, row] : page) {
      std::string domain = key.substr(prefix.size(), key.find('/', prefix.size()) - prefix.size());
      if (domains.empty() || domains.back() != domain) domains.push_back(std::move(domain));
    }
    // What is left of this domain is passed over: "0" comes right after "/".
    after = fmt::format("{}{}0", prefix, domains.back());
  }
}

}  // namespace posthorn::verification
