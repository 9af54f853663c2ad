// The defensive set of a domain without mail (gov.uk's guidance for domains that do not send mail; M3AAWG).
#include "foundation/text/ascii.h"
#include "operations/domains/wanting.h"
#include "standards/dmarc/record.h"
#include "standards/spf/record.h"

namespace posthorn::domains {

void Wanting::parked() {
  WantedRecord& mx = add(Purpose::mx, domain_, dns::RecordType::mx, "0 .", ttl_seconds_mail,
                         "no mail is taken; senders learn it at once (null MX, RFC 7505)");
  for (const std::string& other : published_.data(domain_, dns::RecordType::mx))
    if (other != mx.data) mx.replaces.push_back(other);

  WantedRecord& spf = add_txt(Purpose::spf, domain_, "v=spf1 -all", ttl_seconds_mail, "nobody sends for the domain");
  spf.replaces = others(domain_, spf.data, spf::is_spf_record);
  WantedRecord& below = add_txt(Purpose::spf, at("*"), "v=spf1 -all", ttl_seconds_mail,
                                "nobody sends for a name below it that does not exist");
  below.replaces = others(below.name, below.data, spf::is_spf_record);

  // Who read the domain's reports goes on to do so: forgeries are what they tell of.
  std::vector<std::string> readers;
  for (const std::string& text : texts_at(at("_dmarc")))
    if (const auto before = dmarc::parse_record(text))
      for (const dmarc::ReportUri& uri : before->rua) readers.push_back(uri.uri);
  std::string rua;
  for (const std::string& uri : dmarc_destinations(readers)) rua += (rua.empty() ? "" : ",") + uri;
  if (rua.empty())
    finding("dmarc-no-rua", FindingLevel::warning,
            "nobody gets mail in a parked domain, so that reports of forgeries need an address elsewhere",
            "domains.dmarc_reports in the configuration, or posthorn domain set --dmarc-reports mailto:ADDRESS");
  WantedRecord& dmarc =
      add_txt(Purpose::dmarc, at("_dmarc"),
              fmt::format("v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s{}", rua.empty() ? "" : "; rua=" + rua),
              ttl_seconds_mail, "mail that claims to be from here is forged; receivers refuse and report it");
  dmarc.replaces =
      others(dmarc.name, dmarc.data, [](std::string_view text) { return text::istarts_with(text, "v=DMARC1"); });

  WantedRecord& keys = add_txt(Purpose::dkim, at("*._domainkey"), "v=DKIM1; p=", ttl_seconds_mail,
                               "every DKIM key of the domain is revoked");
  keys.replaces = others(keys.name, keys.data, [](std::string_view) { return true; });

  // A wildcard does not answer at names that exist: keys that are published still are revoked each by itself.
  for (const OwnKey& key : around_.keys) {
    if (published_.data(at(key.selector + "._domainkey"), dns::RecordType::txt).empty()) continue;
    WantedRecord& revoked = add_txt(Purpose::dkim, at(key.selector + "._domainkey"), "v=DKIM1; p=", ttl_seconds_mail,
                                    "the key is revoked: nobody sends for the domain");
    revoked.replaces = others(revoked.name, revoked.data, [](std::string_view) { return true; });
  }

  add(Purpose::caa, domain_, dns::RecordType::caa, "0 issue \";\"", ttl_seconds_mail,
      "nobody issues certificates for the domain");
}

}  // namespace posthorn::domains
