// DMARC: the record, who gets its reports, and what our own streams can meet of it.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "operations/domains/provider.h"
#include "operations/inspection/check_work.h"
#include "standards/dmarc/evaluate.h"
#include "standards/dmarc/report_destinations.h"

namespace posthorn::inspection {
namespace {

dns::Name dmarc_name(const CheckWork& work) {
  return below(work.domain, "_dmarc");
}

std::string first_record(const CheckWork& work) {
  const std::vector<std::string> readers = work.dmarc_readers();
  const bool speaks = !work.is_parked && !work.takes_no_mail;
  return fmt::format("v=DMARC1; {}{}{}", speaks ? "p=none" : "p=reject; adkim=s; aspf=s",
                     readers.empty() ? "" : "; rua=", fmt::join(readers, ","));
}

/// The record with somebody who reads its reports; empty: nobody is known who could.
std::string with_readers(const CheckWork& work, dmarc::Record record) {
  for (const std::string& uri : work.dmarc_readers()) record.rua.push_back({uri, {}});
  return record.rua.empty() ? std::string{} : dmarc::record_text(record);
}

/// Texts that are meant as DMARC records, though receivers may not see it.
bool is_meant(const std::string& text) {
  const std::string plain = text::lower(text::without_quotes(text));
  return plain.starts_with("v=dmarc") || plain.starts_with("v =") || plain.starts_with("dmarc") ||
         plain.starts_with("p=");
}

struct OwnRecord {
  std::string text;  ///< the one that receivers use, or that was meant
  bool used = false;
};

OwnRecord find_own(CheckWork& work, const std::vector<std::string>& texts) {
  std::vector<std::string> strict, meant;
  for (const std::string& text : texts) {
    if (dmarc::is_dmarc_record(text))
      strict.push_back(text);
    else if (is_meant(text))
      meant.push_back(text);
  }
  if (strict.size() > 1) {
    work.add(
        "dmarc-multiple", FindingLevel::error,
        fmt::format("{} DMARC records stand at {}: receivers use none of them", strict.size(), dmarc_name(work).text()),
        fmt::format("keep one: {}", txt_line(dmarc_name(work), strict.front())), dmarc_name(work));
    return {};
  }
  if (strict.size() == 1) return {strict.front(), true};
  return meant.empty() ? OwnRecord{} : OwnRecord{meant.front(), false};
}

bool has_own_key(const CheckWork& work, const domains::Stream& stream) {
  const auto given = [](const domains::DkimReference& r) { return !r.waited_for(); };
  if (std::ranges::any_of(stream.dkim, given)) return true;
  if (stream.provider.empty()) return !work.expectation.around.keys.empty();
  const domains::Provider* const provider = domains::find_provider(stream.provider);
  return provider != nullptr && std::ranges::any_of(provider->dkim, given);
}

/// RFC 9989 4.4: a strict identifier must be the From domain itself.
void judge_alignment(CheckWork& work, const dmarc::Record& record) {
  if (!work.expectation.model || work.is_parked) return;
  for (const domains::Stream& stream : work.expectation.model->all_streams()) {
    if (record.aspf != dmarc::AlignmentMode::strict || stream.return_path_subdomain.empty()) continue;
    dmarc::Record better = record;
    better.aspf = dmarc::AlignmentMode::relaxed;
    const std::string rest = has_own_key(work, stream) ? "only its DKIM signature can still pass"
                                                       : "it has no key of the domain either, so its mail fails DMARC";
    work.add_txt(
        {{"dmarc-strict-misaligned", FindingLevel::error,
          fmt::format("aspf=s wants bounces to go to {} itself, and the stream \"{}\" has them go to {}.{}: {}",
                      work.domain.text(), stream.name, stream.return_path_subdomain, work.domain.text(), rest),
          dmarc::record_text(better)}},
        dmarc_name(work));
  }
}

/// Reject takes mail away from people; who publishes it without reports does not see whose.
void judge_evidence(CheckWork& work, const dmarc::Record& record, bool reports_arrive) {
  if (record.p != dmarc::Policy::reject || work.is_parked || work.takes_no_mail) return;
  if (work.expectation.has_report_evidence) return;
  const auto& model = work.expectation.model;
  const bool is_young = model && (model->state == domains::State::draft || model->state == domains::State::testing);
  if (reports_arrive && !is_young) return;
  dmarc::Record better = record;
  better.p = dmarc::Policy::none;
  const std::string correction = better.rua.empty() ? with_readers(work, better) : dmarc::record_text(better);
  work.add_txt({{"dmarc-reject-untested", FindingLevel::warning,
                 reports_arrive ? "p=reject before reports have shown that all of the domain's own mail passes"
                                : "p=reject, and nobody receives the reports that would show whose mail is lost",
                 correction}},
               dmarc_name(work));
}

Task<> judge_record(CheckWork& work, OwnRecord own) {
  const dmarc::RecordReview review = dmarc::review_record(own.text);
  Findings findings = review.findings;
  for (Finding& finding : findings) {
    // A policy that cannot be guessed begins where it harms nobody.
    if (finding.id == "dmarc-syntax" && finding.correction.empty()) finding.correction = first_record(work);
    if (finding.id != "dmarc-no-rua") continue;
    finding.correction = with_readers(work, review.record);
    if (finding.correction.empty())
      finding.correction =
          "the domain takes no mail itself: name an address elsewhere in rua= (domains.dmarc_reports in the "
          "configuration, or posthorn domain set --dmarc-reports mailto:ADDRESS), whose domain permits it";
  }
  work.report_addresses = review.record.rua.size() + review.record.ruf.size();
  work.add_txt(findings, dmarc_name(work));
  if (!own.used || !review.valid) co_return;
  const Findings refused = co_await dmarc::unauthorized_destinations(work.resolver(), work.domain, review.record);
  for (const Finding& finding : refused) work.add(finding, dmarc_name(work), dns::RecordType::txt);
  judge_alignment(work, review.record);
  const auto outside = std::ranges::count_if(review.record.rua, [&](const dmarc::ReportUri& uri) {
    return std::ranges::any_of(refused, [&](const Finding& f) { return f.reason.contains(" " + uri.domain + ","); });
  });
  judge_evidence(work, review.record, static_cast<std::size_t>(outside) < review.record.rua.size());
}

}  // namespace

Task<> check_dmarc(CheckWork& work) {
  const Published* const published = co_await work.ask(dmarc_name(work), dns::RecordType::txt);
  const dns::Answer* const answer = published->value();
  if (answer == nullptr || !dns::is_definite(answer->status())) co_return;
  const std::size_t before = work.report.findings.size();
  const OwnRecord own = find_own(work, texts_of(answer));
  if (!own.text.empty()) {
    work.has_dmarc = own.used;
    co_await judge_record(work, own);
    co_return;
  }
  if (work.report.findings.size() != before) co_return;
  // RFC 9989 4.10: a domain above may speak for this one.
  const dmarc::Outcome outcome = co_await dmarc::discover_policy(work.resolver(), work.domain);
  work.has_dmarc = !outcome.record.empty();
  if (work.has_dmarc || outcome.result == dmarc::Result::temperror) co_return;
  work.add_txt({{"dmarc-missing", FindingLevel::warning,
                 fmt::format("neither {} nor a domain above it has a DMARC record: anybody may use its name in From",
                             work.domain.text()),
                 first_record(work)}},
               dmarc_name(work));
}

}  // namespace posthorn::inspection
