#include "operations/inspection/check_work.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "platform/runtime/spawn.h"
#include "standards/dkim/key_record.h"

namespace posthorn::inspection {

/// Answers from what the check asked of the zone's own servers; asks the source's resolver for the rest.
class CheckWork::Overlay final : public dns::Resolver {
 public:
  explicit Overlay(CheckWork& work) : work_(work) {}
  Task<dns::Answer> resolve(dns::Name name, dns::RecordType type) override {
    const Published* const published = work_.asked(name, type);
    const dns::Answer* const known = published == nullptr ? nullptr : published->value();
    const bool is_known = known != nullptr && dns::is_definite(known->status());
    // The servers' own answers are not validated; where the cache says the same, it says whether it validated.
    const bool is_same = is_known && published->cached && dns::is_definite(published->cached->status()) &&
                         !published->cache_differs() && !published->disagree();
    if (is_same) co_return *published->cached;
    if (is_known) co_return *known;
    co_return co_await work_.source.resolver().resolve(std::move(name), type);
  }

 private:
  CheckWork& work_;
};

std::string record_line(const dns::Name& name, dns::RecordType type, std::string_view data, std::uint32_t ttl_seconds) {
  return fmt::format("{}. {} IN {} {}", name.text(), ttl_seconds, dns::text(type), data);
}

std::string txt_line(const dns::Name& name, std::string_view text, std::uint32_t ttl_seconds) {
  return record_line(name, dns::RecordType::txt, dns::text(dns::RecordData(dns::Txt{dkim::txt_strings(text)})),
                     ttl_seconds);
}

dns::Name below(const dns::Name& domain, std::string_view label) {
  const auto relative = dns::Name::parse(label);
  if (!relative) return domain;
  const auto name = relative->under(domain);
  return name ? *name : domain;
}

std::vector<std::string> texts_of(const dns::Answer* answer) {
  std::vector<std::string> texts;
  if (answer == nullptr) return texts;
  for (const dns::Txt* txt : answer->all<dns::Txt>()) texts.push_back(txt->joined());
  return texts;
}

CheckWork::CheckWork(CheckSource& from, CheckSource::Session& asked_through, const Expectation& expected,
                     const CheckOptions& with, CheckReport& into)
    : source(from),
      session(asked_through),
      expectation(expected),
      options(with),
      report(into),
      domain(into.domain),
      overlay_(std::make_unique<Overlay>(*this)) {}

Task<const Published*> CheckWork::ask(dns::Name name, dns::RecordType type) {
  const auto key = std::pair(name, type);
  if (const auto known = asked_.find(key); known != asked_.end()) co_return &known->second;
  co_await ask_into(std::move(name), type);
  co_return &asked_.at(key);
}

Task<> CheckWork::ask_into(dns::Name name, dns::RecordType type) {
  // The zone's servers know nothing of what lies elsewhere: a host of another zone, a reverse name.
  if (!name.is_at_or_below(report.zone.zone)) {
    Published elsewhere{name, type, {}, co_await source.resolver().resolve(name, type), std::nullopt};
    asked_.insert_or_assign({std::move(name), type}, std::move(elsewhere));
    co_return;
  }
  Published published = co_await session.ask(name, type);
  // An alias or a delegation leads out of the zone: what stands at its end is the resolver's to say.
  const dns::Answer* const found = published.best();
  const bool leads_on = found != nullptr && found->records().empty() && !found->cname_chain().empty();
  if ((leads_on || published.delegated()) && !published.cached && source.is_live())
    published.resolved = co_await source.resolver().resolve(name, type);
  asked_.insert_or_assign({std::move(name), type}, std::move(published));
}

Task<> CheckWork::prefetch(std::vector<std::pair<dns::Name, dns::RecordType>> questions) {
  runtime::TaskGroup group("questions", {});
  const runtime::Executor executor = co_await runtime::current_executor();
  std::ranges::sort(questions);
  const auto repeated = std::ranges::unique(questions);
  questions.erase(repeated.begin(), repeated.end());
  for (auto& [name, type] : questions)
    if (asked(name, type) == nullptr) runtime::spawn(group, executor, "question", ask_into(name, type));
  co_await group.join();
}

const Published* CheckWork::asked(const dns::Name& name, dns::RecordType type) const {
  const auto found = asked_.find({name, type});
  return found == asked_.end() ? nullptr : &found->second;
}

unsigned CheckWork::allowed() const {
  const std::size_t selectors = known_selectors(*this).size();
  const std::size_t wildcard_probes = is_parked ? 4 : 1;  // a parked domain has two wildcards of its own
  const std::size_t extra = expectation.model ? expectation.model->extra.size() : 0;
  const std::size_t permitted = expectation.model ? expectation.model->reports.permitted.size() : 0;
  // A subdomain below a domain without DMARC is asked for its own SPF and DMARC records, too.
  const std::size_t subdomain = has_dmarc ? 1 : 3;
  const std::size_t more = 3 * mx.size() + (selectors > 0 ? selectors - 1 : 0) + expectation.around.services.size() +
                           wildcard_probes + report_addresses + permitted + extra + subdomain * watched +
                           report.spf_lookups;
  return questions_max + static_cast<unsigned>(more);
}

std::vector<std::string> CheckWork::readers(const std::vector<std::string>& own,
                                            const std::vector<std::string>& organization) const {
  if (!own.empty()) return own;
  if (!organization.empty()) return organization;
  // Reports to a domain without mail reach nobody.
  if (takes_no_mail || is_parked) return {};
  return {"mailto:postmaster@" + domain.text()};
}

std::vector<std::string> CheckWork::dmarc_readers() const {
  return readers(expectation.model ? expectation.model->reports.dmarc_aggregate : std::vector<std::string>{},
                 expectation.around.dmarc_reports);
}

std::vector<std::string> CheckWork::tls_readers() const {
  return readers(expectation.model ? expectation.model->reports.tls : std::vector<std::string>{},
                 expectation.around.tls_reports);
}

void CheckWork::add(Finding finding, const dns::Name& name, dns::RecordType type, std::string wanted, bool in_doubt) {
  const auto same = [&](const CheckFinding& f) {
    return f.finding.id == finding.id && f.name == name.text() && f.finding.reason == finding.reason;
  };
  if (std::ranges::any_of(report.findings, same)) return;
  // What is meant needs no warning: relay.allow_private sends to private addresses, too.
  if (finding.id == "spf-private-address" && expectation.allow_private) finding.level = FindingLevel::info;
  CheckFinding out{std::move(finding), name.text(), std::move(wanted), {}, std::nullopt, std::nullopt, in_doubt};
  if (const Published* const published = asked(name, type)) {
    out.authoritative = said_by(*published);
    out.cached = cached_text(*published);
    if (published->cache_differs())
      out.old_until = report.checked_at + std::chrono::seconds{published->cached->ttl_seconds()};
  }
  report.findings.push_back(std::move(out));
}

void CheckWork::add(std::string_view id, FindingLevel level, std::string reason, std::string correction,
                    const dns::Name& name, dns::RecordType type) {
  add({std::string(id), level, std::move(reason), std::move(correction)}, name, type);
}

void CheckWork::add_txt(const Findings& findings, const dns::Name& name) {
  const Published* const published = asked(name, dns::RecordType::txt);
  const dns::Answer* const answer = published == nullptr ? nullptr : published->best();
  const std::uint32_t ttl_seconds = answer != nullptr && !answer->records().empty() ? answer->ttl_seconds() : 3600;
  for (Finding finding : findings) {
    const bool is_text = text::istarts_with(finding.correction, "v=");
    std::string wanted = is_text ? finding.correction : std::string{};
    if (is_text) finding.correction = txt_line(name, finding.correction, ttl_seconds);
    add(std::move(finding), name, dns::RecordType::txt, std::move(wanted));
  }
}

std::vector<SaidByServer> said_by(const Published& published) {
  std::vector<SaidByServer> out;
  for (const ServerAnswer& said : published.authoritative) {
    SaidByServer row{said.server, answer_text(said.answer), said.answer.ttl_seconds(), said.serial};
    if (!said.answer.cname_chain().empty())
      row.answer = fmt::format("CNAME {}.{}{}", said.answer.cname_chain().front().text(),
                               row.answer.empty() ? "" : "; ", row.answer);
    if (row.answer.empty()) row.answer = dns::text(said.answer.status());
    if (said.delegated) row.answer = fmt::format("delegated: {} has servers of its own", said.delegated->text());
    if (!dns::is_definite(said.answer.status()) && !said.delegated && !said.answer.reason().empty())
      row.answer += fmt::format(" ({})", said.answer.reason());
    out.push_back(std::move(row));
  }
  return out;
}

std::optional<std::string> cached_text(const Published& published) {
  if (!published.cached) return std::nullopt;
  const dns::Answer& answer = *published.cached;
  const std::string data = answer_text(answer);
  if (!dns::is_definite(answer.status())) return std::string(dns::text(answer.status()));
  return fmt::format("{} ({} s left)", data.empty() ? std::string(dns::text(answer.status())) : data,
                     answer.ttl_seconds());
}

}  // namespace posthorn::inspection
