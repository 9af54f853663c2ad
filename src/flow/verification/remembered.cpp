#include "flow/verification/remembered.h"

#include <algorithm>
#include <array>

#include "foundation/crypto/hash.h"

namespace posthorn::verification {
namespace {

using storage::DmarcRow;

constexpr std::size_t kPage = 500;           // rows a question
constexpr std::size_t kFieldOctets = 320;    // an address (RFC 5321 4.5.3.1)
constexpr std::size_t kRecordOctets = 1024;  // DmarcRow::record
constexpr std::size_t kDigestOctets = 16;    // of the row's SHA-256

std::chrono::sys_days day_of(TimePoint at) {
  return std::chrono::floor<std::chrono::days>(at);
}

/// Octets from outside: on one line, and bounded.
std::string one_line(std::string_view text, std::size_t octets_max = kFieldOctets) {
  std::string out(text.substr(0, octets_max));
  std::ranges::replace_if(out, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return out;
}

/// What makes two messages one row: every column but day, policy domain and count.
std::string digest_of(const DmarcRow& row) {
  const std::array columns{&row.source_ip,     &row.record,     &row.disposition, &row.dkim,          &row.spf,
                           &row.override_type, &row.comment,    &row.header_from, &row.envelope_from, &row.envelope_to,
                           &row.spf_scope,     &row.spf_domain, &row.spf_result};
  std::string text;
  for (const std::string* column : columns) text.append(*column).append("\n");
  for (const DmarcRow::Dkim& dkim : row.dkim_results)
    text.append(dkim.domain).append("\n").append(dkim.selector).append("\n").append(dkim.result).append("\n");
  return crypto::sha256(text).substr(0, kDigestOctets);
}

void add_auth_results(DmarcRow& row, const Observation& observation) {
  for (const dkim::VerifiedSignature& signature : observation.verdicts.dkim)
    row.dkim_results.push_back(
        {one_line(signature.domain), one_line(signature.selector), std::string(dkim::text(signature.result))});
  const auto& session = observation.verdicts.session;
  if (!session) return;
  // RFC 9990 3.1: MAIL FROM's result alone; that of HELO where the sender is null.
  row.spf_scope = observation.rfc5321_mail_from_domain.empty() ? "helo" : "mfrom";
  row.spf_domain = one_line(session->mail_from.domain);
  row.spf_result = spf::text(session->mail_from.result);
}

/// RFC 9990 3.1: none, quarantine and reject are what was done where DMARC did not pass.
std::string disposition_of(const Observation& observation) {
  const dmarc::Outcome& outcome = observation.verdicts.dmarc;
  if (outcome.dkim_aligned || outcome.spf_aligned) return "pass";
  return std::string(dmarc::text(observation.decision.disposition));
}

}  // namespace

std::optional<DmarcRow> dmarc_row(const Observation& observation) {
  const dmarc::Outcome& outcome = observation.verdicts.dmarc;
  if (!outcome.policy || outcome.policy_domain.empty()) return std::nullopt;
  const auto aligned = [](bool yes) { return yes ? "pass" : "fail"; };
  DmarcRow row;
  row.day = day_of(observation.at);
  row.policy_domain = one_line(outcome.policy_domain);
  row.source_ip = observation.source.text();
  row.record = one_line(outcome.record, kRecordOctets);
  row.disposition = disposition_of(observation);
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
  add_auth_results(row, observation);
  row.digest = digest_of(row);
  return row;
}

std::vector<storage::SelectorRow> selector_rows(const Observation& observation) {
  std::vector<storage::SelectorRow> rows;
  for (const dkim::VerifiedSignature& signature : observation.verdicts.dkim)
    if (signature.result == dkim::Result::pass)
      rows.push_back({signature.domain, signature.selector, signature.algorithm, signature.key_bits, observation.at,
                      observation.at});
  return rows;
}

void Remembered::observed(const Observation& observation, std::vector<storage::Mutation>& with_story) {
  for (storage::SelectorRow& row : selector_rows(observation))
    with_story.emplace_back(storage::NoteSelector{std::move(row)});
  if (auto row = dmarc_row(observation)) with_story.emplace_back(storage::CountDmarcRow{std::move(*row)});
}

// ---------------------------------------------------------------- reading, retention

namespace {

struct RowsQuestion {
  std::chrono::sys_days day;
  std::string policy_domain, after;
  std::vector<DmarcRow> operator()(storage::Reader& reader) const {
    return reader.dmarc_rows(day, policy_domain, after, kPage);
  }
};

struct DomainsQuestion {
  std::chrono::sys_days day;
  std::string after;
  std::vector<storage::DmarcDayRow> operator()(storage::Reader& reader) const {
    return reader.dmarc_days(day, after, kPage);
  }
};

}  // namespace

Task<std::vector<DmarcRow>> dmarc_rows(storage::Store& store, std::chrono::sys_days day, std::string policy_domain) {
  std::vector<DmarcRow> rows;
  for (RowsQuestion next{day, std::move(policy_domain), ""};;) {
    RowsQuestion question = next;
    auto page = co_await store.read(std::move(question));
    if (page.empty()) co_return rows;
    next.after = page.back().digest;
    std::ranges::move(page, std::back_inserter(rows));
  }
}

Task<std::vector<std::string>> dmarc_policy_domains(storage::Store& store, std::chrono::sys_days day) {
  std::vector<std::string> domains;
  for (std::string after;;) {
    DomainsQuestion question{day, after};
    const auto page = co_await store.read(std::move(question));
    if (page.empty()) co_return domains;
    for (const storage::DmarcDayRow& row : page)
      if (row.rows != 0) domains.push_back(row.policy_domain);
    after = page.back().policy_domain;
  }
}

Task<> sweep_dmarc_rows(storage::Store& store, TimePoint now) {
  const storage::SweepDmarcRows sweep{day_of(now) - dmarc_rows_kept};
  for (;;) {
    storage::Unit unit{{}, {sweep}};
    const auto committed = co_await store.commit(std::move(unit));
    if (!committed || committed->swept < sweep.max) co_return;
  }
}

}  // namespace posthorn::verification
