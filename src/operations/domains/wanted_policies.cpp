// What the domain demands of others: DMARC, MTA-STS, TLS-RPT, DANE, CAA.
#include <algorithm>

#include "foundation/text/ascii.h"
#include "operations/domains/wanting.h"
#include "standards/dmarc/record.h"
#include "standards/mta_sts/record.h"
#include "standards/tls_rpt/record.h"

namespace posthorn::domains {
namespace {

void add_missing(std::vector<std::string>& list, const std::string& item) {
  if (std::ranges::find(list, item) == list.end()) list.push_back(item);
}

std::vector<std::string> uris_of(const std::vector<dmarc::ReportUri>& list) {
  std::vector<std::string> out;
  for (const dmarc::ReportUri& uri : list) out.push_back(uri.uri);
  return out;
}

std::vector<dmarc::ReportUri> report_uris(const std::vector<std::string>& list) {
  std::vector<dmarc::ReportUri> out;
  for (const std::string& uri : list) out.push_back({uri, uri.substr(uri.rfind('@') + 1)});
  return out;
}

bool same(const dmarc::Record& a, const dmarc::Record& b) {
  return a.p == b.p && a.sp == b.sp && a.np == b.np && a.adkim == b.adkim && a.aspf == b.aspf && a.psd == b.psd &&
         a.testing == b.testing && a.fo == b.fo && a.rua == b.rua && a.ruf == b.ruf;
}

dmarc::Policy policy_by_state(const Model& model) {
  return model.state == State::enforcing || model.state == State::parked ? dmarc::Policy::reject : dmarc::Policy::none;
}

}  // namespace

std::vector<std::string> Wanting::dmarc_destinations(const std::vector<std::string>& published) const {
  std::vector<std::string> to = model_.reports.dmarc_aggregate;
  if (to.empty()) to = published;
  if (to.empty()) to = around_.dmarc_reports;
  // Nobody gets mail in a parked domain.
  if (model_.state == State::parked)
    std::erase_if(to, [&](const std::string& uri) { return uri.ends_with("@" + model_.domain); });
  // RFC 5321 4.5.1: every domain with mail has a postmaster.
  if (to.empty() && model_.state != State::parked) to.push_back("mailto:postmaster@" + model_.domain);
  if (model_.profile == Profile::us_federal) add_missing(to, std::string(us_federal_report_address));
  return to;
}

void Wanting::dmarc() {
  const dns::Name name = at("_dmarc");
  const PublishedSet* set = published_.find(name, dns::RecordType::txt);
  if (set != nullptr && !set->alias_of.empty()) {
    // Its owner has handed the policy to somebody by CNAME: no TXT can stand beside it.
    finding("record-foreign", FindingLevel::info,
            fmt::format("{} is an alias of {}: the DMARC policy is kept there, the plan leaves it alone", name.text(),
                        set->alias_of));
    return;
  }
  std::optional<dmarc::Record> before;
  std::string before_text;
  for (const std::string& text : texts_at(name)) {
    auto parsed = dmarc::parse_record(text);
    if (!parsed || parsed->unusable || parsed->acts_as_none || before) continue;
    before = std::move(parsed);
    before_text = text;
  }
  dmarc::Record record = before.value_or(dmarc::Record{});
  record.p = model_.dmarc.policy.value_or(before ? before->p : policy_by_state(model_));
  if (model_.dmarc.subdomains) record.sp = model_.dmarc.subdomains;
  if (model_.dmarc.strict) record.adkim = record.aspf = dmarc::AlignmentMode::strict;
  record.rua = report_uris(dmarc_destinations(uris_of(record.rua)));
  if (!model_.reports.dmarc_failure.empty()) record.ruf = report_uris(model_.reports.dmarc_failure);
  const bool unchanged = before && same(record, *before);
  WantedRecord& wanted = add_txt(Purpose::dmarc, name, unchanged ? before_text : dmarc::record_text(record),
                                 ttl_seconds_mail, "what receivers do with mail that only claims to be from here");
  wanted.replaces = others(name, wanted.data, [](std::string_view text) {
    return text::istarts_with(text::trim(text), "v=DMARC1") ||
           text::istarts_with(text::trim(text), "\xe2\x80\x9cv=DMARC1");
  });
}

void Wanting::sts(std::string_view id) {
  if (id.empty()) return;
  const dns::Name host = at("mta-sts");
  // An address record of the owner's own serves as well; an alias cannot stand beside it.
  const PublishedSet* address = published_.find(host, dns::RecordType::a);
  const bool has_address = address != nullptr && !address->data.empty() && address->alias_of.empty();
  if (model_.sts_hosted_here && !around_.host_name.empty() && !has_address) {
    WantedRecord& record =
        add(Purpose::sts_host, host, dns::RecordType::cname, around_.host_name + ".", ttl_seconds_policy,
            "the MTA-STS policy is fetched from this name over HTTPS; this server answers for it");
    for (const std::string& other : published_.data(host, dns::RecordType::cname))
      if (other != record.data) record.replaces.push_back(other);
  }
  const dns::Name name = at("_mta-sts");
  std::string text = fmt::format("v=STSv1; id={}", id);
  for (const std::string& there : texts_at(name)) {
    const auto parsed = mta_sts::parse_record(there);
    if (parsed && parsed->id == id) text = there;
  }
  WantedRecord& record =
      add_txt(Purpose::sts_record, name, text, ttl_seconds_policy, "senders that see a new id fetch the policy anew");
  record.replaces = others(name, record.data, mta_sts::is_sts_record);
}

void Wanting::tls_rpt() {
  const dns::Name name = at("_smtp._tls");
  const auto present = texts_at(name);
  std::string text;
  for (const std::string& there : present)
    if (text.empty() && tls_rpt::parse_record(there)) text = there;
  std::vector<std::string> to = model_.reports.tls;
  if (!to.empty() || text.empty()) {
    if (to.empty()) to = around_.tls_reports;
    if (to.empty()) to.push_back("mailto:postmaster@" + model_.domain);
    const auto parsed =
        text.empty() ? Result<tls_rpt::Record, std::string>(tls_rpt::Record{}) : tls_rpt::parse_record(text);
    if (text.empty() || !parsed || parsed->rua != to) text = tls_rpt::record_text(tls_rpt::Record{to});
  }
  WantedRecord& record = add_txt(Purpose::tls_rpt, name, text, ttl_seconds_mail,
                                 "senders tell there whether their mail reached the domain encrypted");
  record.replaces = others(name, record.data, [](std::string_view it) { return text::istarts_with(it, "v=TLSRPTv1"); });
}

void Wanting::tlsa() {
  // RFC 7672 1.3: without signatures a TLSA record proves nothing. Records of a host elsewhere are its zone's.
  if (!published_.secure || !host_is_in_zone()) return;
  const auto name = dns::Name::parse("_25._tcp." + around_.host_name);
  if (!name) return;
  for (const std::string& data : around_.tlsa)
    add(Purpose::tlsa, *name, dns::RecordType::tlsa, data, ttl_seconds_mail,
        "senders with DANE accept this host by its key, present or next (RFC 7672)");
}

void Wanting::caa() {
  for (const std::string& authority : model_.caa)
    add(Purpose::caa, domain_, dns::RecordType::caa, fmt::format("0 issue \"{}\"", authority), ttl_seconds_mail,
        "only this authority may issue certificates for the domain (RFC 8659)");
}

void Wanting::report_permissions() {
  for (const std::string& domain : model_.reports.permitted)
    add_txt(Purpose::report_permission, at(fmt::format("{}._report._dmarc", domain)), "v=DMARC1;", ttl_seconds_mail,
            "receivers send that domain's reports to an address here only with this consent (RFC 9990)");
}

}  // namespace posthorn::domains
