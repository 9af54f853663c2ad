// The defensive set of a parked domain, and subdomains.
#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"
#include "operations/inspection/check_work.h"
#include "standards/dmarc/record.h"

namespace posthorn::inspection {
namespace {

// ---------------------------------------------------------------- parked

class Parked {
 public:
  explicit Parked(CheckWork& work) : work_(work) {}

  Task<> run() {
    const dns::Name& domain = work_.domain;
    const dns::Name dmarc = below(domain, "_dmarc");
    const dns::Name key_probe = below(domain, "wildcard-probe._domainkey");
    const Published* const key = co_await work_.ask(key_probe, dns::RecordType::txt);
    const Published* const caa = co_await work_.ask(domain, dns::RecordType::caa);
    need(work_.takes_no_mail, "a null MX", record_line(domain, dns::RecordType::mx, "0 ."), domain,
         dns::RecordType::mx);
    need(has_text(domain, is_spf_nobody), "an SPF record that lets nobody send", txt_line(domain, "v=spf1 -all"),
         domain, dns::RecordType::txt);
    need(has_text(below(domain, "_wildcard-probe"), is_spf_nobody),
         "a wildcard SPF record that lets no name below it send",
         fmt::format("*.{}. 3600 IN TXT \"v=spf1 -all\"", domain.text()), below(domain, "*"), dns::RecordType::txt);
    need(has_text(dmarc, is_reject), "a DMARC policy of reject", txt_line(dmarc, reject_record()), dmarc,
         dns::RecordType::txt);
    need(is_revoked(key->value()), "a wildcard that revokes every DKIM key",
         fmt::format("*._domainkey.{}. 3600 IN TXT \"v=DKIM1; p=\"", domain.text()), below(domain, "*._domainkey"),
         dns::RecordType::txt);
    need(forbids_all(caa->value()), "a CAA record that lets nobody issue certificates",
         record_line(domain, dns::RecordType::caa, "0 issue \";\""), domain, dns::RecordType::caa);
  }

 private:
  void need(bool there, std::string_view what, std::string line, const dns::Name& name, dns::RecordType type) {
    if (there) return;
    work_.add({"parked-incomplete", FindingLevel::error,
               fmt::format("{} is parked and lacks {}", work_.domain.text(), what), std::move(line)},
              name, type);
  }
  bool has_text(const dns::Name& name, bool (*test)(const std::string&)) const {
    const Published* const published = work_.asked(name, dns::RecordType::txt);
    return published != nullptr && std::ranges::any_of(texts_of(published->value()), test);
  }
  static bool is_spf_nobody(const std::string& text) { return text::lower(text::trim(text)) == "v=spf1 -all"; }
  static bool is_reject(const std::string& text) {
    const auto record = dmarc::parse_record(text);
    return record && record->p == dmarc::Policy::reject && !record->testing;
  }
  static bool is_revoked(const dns::Answer* answer) {
    return std::ranges::any_of(texts_of(answer),
                               [](const std::string& text) {
                                 return text::istarts_with(text, "v=DKIM1") &&
                                        text::lower(text::trim(text)).ends_with("p=");
                               }) ||
           std::ranges::any_of(texts_of(answer), [](const std::string& text) {
             return text::istarts_with(text, "v=DKIM1") && text::lower(text::trim(text)).ends_with("p=;");
           });
  }
  static bool forbids_all(const dns::Answer* answer) {
    if (answer == nullptr) return false;
    return std::ranges::any_of(answer->all<dns::Caa>(), [](const dns::Caa* caa) {
      return text::iequals(caa->tag, "issue") && text::trim(caa->value) == ";";
    });
  }
  [[nodiscard]] std::string reject_record() const {
    const auto& reports = work_.expectation.around.dmarc_reports;
    return reports.empty() ? "v=DMARC1; p=reject; adkim=s; aspf=s"
                           : fmt::format("v=DMARC1; p=reject; adkim=s; aspf=s; rua={}", fmt::join(reports, ","));
  }

  CheckWork& work_;
};

/// A domain that nobody told us about, and that says by itself that it neither takes nor sends mail.
bool looks_parked(const CheckWork& work) {
  if (work.expectation.model || !work.takes_no_mail) return false;
  const Published* const txt = work.asked(work.domain, dns::RecordType::txt);
  return txt != nullptr && std::ranges::any_of(texts_of(txt->value()), [](const std::string& text) {
           return text::lower(text::trim(text)) == "v=spf1 -all";
         });
}

// ---------------------------------------------------------------- subdomains

std::vector<dns::Name> watched(const CheckWork& work) {
  std::vector<dns::Name> names = work.options.subdomains;
  if (work.expectation.model)
    for (const std::string& name : work.expectation.model->watched)
      if (auto parsed = dns::Name::parse(name)) names.push_back(std::move(*parsed));
  for (const dns::Record& record : work.listed) {
    const bool is_address = record.type == dns::RecordType::a || record.type == dns::RecordType::aaaa;
    if (is_address && record.owner != work.domain) names.push_back(record.owner);
  }
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  if (names.size() > subdomains_checked_max) names.resize(subdomains_checked_max);
  return names;
}

/// RFC 9989 4.10: the domain's DMARC record speaks for the names below it; without one each is on its own.
Task<bool> is_protected(CheckWork& work, dns::Name name) {
  if (work.has_dmarc) co_return true;
  const Published* const own = co_await work.ask(name, dns::RecordType::txt);
  for (const std::string& text : texts_of(own->value()))
    if (text::istarts_with(text, "v=spf1")) co_return true;
  const Published* const dmarc = co_await work.ask(below(name, "_dmarc"), dns::RecordType::txt);
  co_return std::ranges::any_of(texts_of(dmarc->value()), dmarc::is_dmarc_record);
}

}  // namespace

Task<> check_parked(CheckWork& work) {
  if (!work.is_parked && looks_parked(work)) {
    work.is_parked = true;
    work.report.kind = DomainKind::parked;
  }
  if (!work.is_parked) co_return;
  Parked parked(work);
  co_await parked.run();
}

Task<> check_subdomains(CheckWork& work) {
  const std::vector<dns::Name> names = watched(work);
  work.watched = names.size();
  for (const dns::Name& name : names) {
    const Published* const published = co_await work.ask(name, dns::RecordType::a);
    const dns::Answer* const answer = published->value();
    const bool lives = answer != nullptr && answer->status() == dns::Status::ok;
    if (!lives) continue;
    const bool safe = co_await is_protected(work, name);
    if (!safe)
      work.add("subdomain-unprotected", FindingLevel::warning,
               fmt::format("{} has addresses, and neither a mail policy of its own nor one above it", name.text()),
               txt_line(name, "v=spf1 -all"), name, dns::RecordType::a);
  }
}

}  // namespace posthorn::inspection
