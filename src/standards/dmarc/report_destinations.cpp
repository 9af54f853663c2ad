#include "standards/dmarc/report_destinations.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "standards/dmarc/tree_walk.h"

namespace posthorn::dmarc {
namespace {

/// The domains of rua= and ruf=, each once, but for the policy's own.
std::set<dns::Name> destinations(const Record& record, const dns::Name& policy_domain) {
  std::set<dns::Name> out;
  for (const auto* uris : {&record.rua, &record.ruf}) {
    for (const ReportUri& uri : *uris) {
      const auto name = dns::Name::parse(uri.domain);
      if (!uri.domain.empty() && name && *name != policy_domain && out.size() < destinations_max) out.insert(*name);
    }
  }
  return out;
}

enum class Consent : unsigned char { given, missing, unknown };

/// RFC 9990 4 steps 4 to 8: any record that begins with the version tag will do, whatever else it says.
Task<Consent> ask_consent(dns::Resolver& resolver, dns::Name policy_domain, dns::Name destination) {
  const auto question = dns::Name::parse(fmt::format("{}._report._dmarc.{}", policy_domain.text(), destination.text()));
  if (!question) co_return Consent::missing;
  const dns::TxtLookup found = co_await dns::lookup_txt(resolver, *question);
  if (!dns::is_definite(found.status())) co_return Consent::unknown;
  co_return std::ranges::any_of(found.texts, is_dmarc_record) ? Consent::given : Consent::missing;
}

}  // namespace

Task<Findings> unauthorized_destinations(dns::Resolver& resolver, dns::Name policy_domain, Record record) {
  Findings out;
  const auto wanted = destinations(record, policy_domain);
  if (wanted.empty()) co_return out;
  std::optional<Walk> own;
  for (const dns::Name& destination : wanted) {
    // One question where they agree; the walks are for those who need not (RFC 9990 4 step 2: inside the organization).
    const Consent consent = co_await ask_consent(resolver, policy_domain, destination);
    if (consent != Consent::missing) continue;
    if (!own) own = co_await tree_walk(resolver, policy_domain);
    const Walk theirs = co_await tree_walk(resolver, destination);
    if (own->temporary_failure || theirs.temporary_failure) continue;
    if (theirs.organizational_domain == own->organizational_domain) continue;
    const std::string name = fmt::format("{}._report._dmarc.{}", policy_domain.text(), destination.text());
    out.push_back({"dmarc-external-unauthorized", FindingLevel::error,
                   fmt::format("reports go to {}, which has not agreed: there is no record at {}, and senders of "
                               "reports will leave it out",
                               destination.text(), name),
                   fmt::format("{}. TXT \"v=DMARC1\" (published by {})", name, destination.text())});
  }
  co_return out;
}

}  // namespace posthorn::dmarc
