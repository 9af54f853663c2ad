#include "flow/reception/judge.h"

#include <algorithm>

#include "flow/verification/tell.h"
#include "foundation/text/ascii.h"
#include "standards/address/domain.h"

namespace posthorn::reception {
namespace {

using verification::Decision;
using verification::Verdicts;

/// As the directory has it; empty for the bare postmaster.
std::string domain_of(const std::string& address) {
  const auto at = address.rfind('@');
  if (at == std::string::npos) return {};
  const auto domain = address::Domain::parse(std::string_view(address).substr(at + 1));
  return domain ? domain->a_label() : std::string();
}

verification::RecipientPolicy policy_for(const delivery::Recipient& recipient, const config::Verification& site,
                                         const directory::Snapshot& directory) {
  verification::RecipientPolicy policy{site.dmarc, site.dns_failure};
  const directory::Domain* domain = directory.domain(domain_of(recipient.address));
  if (domain == nullptr) return policy;
  if (const auto handling = config::parse_dmarc_handling(domain->inbound_dmarc)) policy.dmarc = *handling;
  if (const auto failure = config::parse_dns_failure(domain->inbound_dns_failure)) policy.dns_failure = *failure;
  return policy;
}

delivery::SenderStanding standing_of(const Verdicts& verdicts) {
  if (!verdicts.session) return delivery::SenderStanding::unknown;
  switch (verdicts.session->mail_from.result) {
    case spf::Result::pass:
      return delivery::SenderStanding::verified;
    case spf::Result::fail:
      return delivery::SenderStanding::forged;
    default:
      return delivery::SenderStanding::unknown;
  }
}

}  // namespace

void remove_forged_results(delivery::Arrival& arrival, std::string_view authserv_id) {
  for (const message::Field& field : arrival.header.fields())
    if (field.is(authentication_results::field_name) &&
        authentication_results::claims_authserv_id(field.value, authserv_id))
      arrival.edit.remove(field);
}

Decision apply_verdicts(delivery::Arrival& arrival, const Verdicts& verdicts, const config::Verification& site,
                        const directory::Snapshot& directory, const std::string& authserv_id) {
  std::vector<verification::RecipientPolicy> policies;
  for (const delivery::Recipient& recipient : arrival.recipients)
    policies.push_back(policy_for(recipient, site, directory));
  Decision decision = verification::decide(verdicts, arrival.header, site, policies);
  verification::tell_verdicts(arrival.story, arrival.at, verdicts);
  verification::tell_decision(arrival.story, arrival.at, decision);
  arrival.authentication_results = authentication_results::write(verification::describe(verdicts, authserv_id));
  arrival.standing = standing_of(verdicts);
  for (std::size_t i = 0; i < arrival.recipients.size(); ++i)
    arrival.recipients[i].junk = decision.placements[i] == verification::Placement::junk;
  return decision;
}

std::vector<std::string> recipient_domains(const delivery::Arrival& arrival) {
  std::vector<std::string> out;
  for (const delivery::Recipient& recipient : arrival.recipients)
    if (std::string domain = domain_of(recipient.address);
        !domain.empty() && std::ranges::find(out, domain) == out.end())
      out.push_back(std::move(domain));
  return out;
}

}  // namespace posthorn::reception
