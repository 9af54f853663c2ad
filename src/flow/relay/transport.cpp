#include "flow/relay/transport.h"

#include <algorithm>

#include <fmt/format.h>

#include "flow/queue/body.h"
#include "flow/relay/courier.h"
#include "flow/relay/shared.h"
#include "foundation/text/ascii.h"
#include "standards/message/header.h"

namespace posthorn::relay {

namespace client = smtp::client;

namespace {

constexpr std::size_t header_octets_looked_at = 64 * KiB;

/// RFC 8689 5: one field "TLS-Required: No".
bool says_tls_is_not_required(Octets beginning) {
  const message::Header header = message::Header::parse(beginning);
  const auto fields = header.all("TLS-Required");
  return fields.size() == 1 && text::iequals(fields.front().unfolded(), "No");
}

/// RFC 8689 4.2.1: with REQUIRETLS the field does not count.
Task<bool> waives_policies(storage::Store& store, std::shared_ptr<const queue::Mail> mail) {
  if (mail->row.require_tls) co_return false;
  const Result<OctetString, Problem> beginning = co_await queue::read_beginning(store, mail, header_octets_looked_at);
  co_return beginning&& says_tls_is_not_required(*beginning);
}

/// RFC 8460 4.4: the policy as it was applied.
void describe(const Protection& protection, TlsOutcome& out) {
  if (protection.tlsa.state >= dane::TlsaState::usable) {
    // RFC 8460 1.1: for DANE the Policy Domain is the TLSA base domain.
    out.policy_type = tls_rpt::PolicyType::tlsa;
    out.policy_domain = text::lower(protection.tlsa.base.text());
    for (const dns::Tlsa& record : protection.tlsa.records) out.policy_string.push_back(dane::text(record));
    return;
  }
  if (!protection.sts.policy && !protection.sts.problem) return;
  out.policy_type = tls_rpt::PolicyType::sts;
  if (!protection.sts.policy) return;
  const mta_sts::Policy& policy = protection.sts.policy->policy;
  for (const std::string_view line : text::split(mta_sts::policy_text(policy), '\n'))
    if (!text::trim_lines(line).empty()) out.policy_string.emplace_back(text::trim_lines(line));
  for (const mta_sts::MxPattern& pattern : policy.mx) out.mx_patterns.push_back(pattern.text());
}

std::string source_text(const Options& options, const IpAddress& target) {
  const auto at =
      std::ranges::find_if(options.source, [&](const IpAddress& each) { return each.is_v4() == target.is_v4(); });
  return at == options.source.end() ? std::string{} : at->text();
}

Guard guard_for(mta_sts::Mode mode, Guard otherwise) {
  switch (mode) {
    case mta_sts::Mode::enforce:
      return Guard::sts_enforce;
    case mta_sts::Mode::testing:
      return otherwise == Guard::opportunistic ? Guard::sts_testing : otherwise;
    case mta_sts::Mode::none:
      break;
  }
  return otherwise;
}

}  // namespace

smtp::Reply requiretls_refusal() {
  return smtp::Reply(
      550, {5, 7, 30},
      "The sender requires TLS all the way (REQUIRETLS), and neither DANE nor an enforced MTA-STS policy "
      "vouches for this host");
}

std::string Protection::text() const {
  switch (guard) {
    case Guard::sts_testing:
      return "MTA-STS testing";
    case Guard::sts_enforce:
      return "MTA-STS enforce";
    case Guard::dane:
      return "DANE";
    case Guard::dane_unauthenticated:
      return "DANE without a usable record";
    case Guard::waived:
      return "policies waived by TLS-Required: No";
    case Guard::opportunistic:
    case Guard::configured:
      break;
  }
  return {};
}

bool SmtpCourier::may_carry_warm(const queue::Parcel& parcel) const {
  return !parcel.mail->row.require_tls || connection_->is_authenticated();
}

/// The domain's MTA-STS policy, asked for once an attempt.
Task<StsFound> SmtpCourier::policy_of_domain(Attempt& attempt) {
  if (office_->with.sts == nullptr) co_return StsFound{};
  if (!sts_) {
    sts_ = co_await office_->with.sts->find(next_hop_);
    if (!sts_->note.empty()) attempt.delivery.notes.push_back(sts_->note);
  }
  co_return *sts_;
}

/// DANE before MTA-STS (RFC 8461 2): a policy file never rescues what TLSA records refuse.
Task<std::shared_ptr<const Protection>> SmtpCourier::protect(const queue::Parcel& parcel, Attempt& attempt,
                                                             const Target& target, const Targets& targets) {
  auto out = std::make_shared<Protection>();
  if (!target.by_mx || office_->with.tls == nullptr) {
    const bool by_route = target.tls != config::RouteTls::opportunistic;
    out->guard = by_route ? Guard::configured : Guard::opportunistic;
    co_return out;
  }
  out->tlsa = target.tlsa;
  if (target.tlsa.state == dane::TlsaState::usable || target.tlsa.state == dane::TlsaState::unavailable)
    out->guard = Guard::dane;
  if (target.tlsa.state == dane::TlsaState::unusable) out->guard = Guard::dane_unauthenticated;
  if (out->guard != Guard::dane) {
    out->sts = co_await policy_of_domain(attempt);
    out->guard = guard_for(out->sts.mode(), out->guard);
  }
  // RFC 8461 4.1: the MX name against the policy first, the certificate against the MX name later.
  if (out->sts.mode() != mta_sts::Mode::none && out->sts.policy->policy.match(target.host) == nullptr)
    out->mx_mismatch =
        fmt::format("the MTA-STS policy of {} ({}) does not list this host", next_hop_, mta_sts::text(out->sts.mode()));
  // RFC 7672 3.2.2: the TLSA base domain, and the domain whose mail it is.
  out->names = targets.domain_names();
  out->names.insert(out->names.begin(), target.tlsa.base.text());
  const bool matters = out->guard != Guard::opportunistic;
  if (matters) {
    const bool waived = co_await waives_policies(*office_->with.store, parcel.mail);
    if (waived) out->guard = Guard::waived;
  }
  co_return out;
}

/// Hosts that a policy rules out before they are connected to.
bool SmtpCourier::is_ruled_out(const queue::Parcel& parcel, Attempt& attempt, const Target& target,
                               const Protection& protection) {
  if (protection.guard == Guard::dane && protection.tlsa.state == dane::TlsaState::unavailable) {
    // RFC 7672 2.1.2: as if the host were not there: the next one, then later.
    tell_ruled_out(attempt, target, protection.tlsa.reason);
    report(protection, target.host, nullptr, {tls_rpt::ResultType::dnssec_invalid, protection.tlsa.reason});
    return true;
  }
  if (protection.guard == Guard::sts_enforce && !protection.mx_mismatch.empty()) {
    tell_ruled_out(attempt, target, protection.mx_mismatch);
    report(protection, target.host, nullptr, {});
    return true;
  }
  if (protection.guard == Guard::sts_testing && !protection.mx_mismatch.empty())
    attempt.delivery.notes.push_back(
        fmt::format("{}: {}; the mail goes there all the same", target.host, protection.mx_mismatch));
  const bool by_route = protection.guard == Guard::configured;
  if (parcel.mail->row.require_tls && !protection.authenticates() && !by_route) {
    attempt.note_not_here(requiretls_refusal(), target.host);
    attempt.delivery.notes.push_back(fmt::format("{}: {}", target.host, requiretls_refusal().text));
    return true;
  }
  return false;
}

void SmtpCourier::tell_ruled_out(Attempt& attempt, const Target& target, const std::string& why) const {
  // RFC 3463 3.8: X.7.5, cryptographic failure.
  attempt.note_no_session({client::Stage::connect, client::Cause::tls, smtp::Reply(451, {4, 7, 5}, why)}, target.host);
  queue::Contact contact;
  contact.at = loop_.clock().now();
  contact.host = target.host;
  contact.stage = "policy";
  contact.what = why;
  attempt.delivery.contacts.push_back(std::move(contact));
}

void SmtpCourier::report(const Connection& connection) const {
  const ConnectionPlan& plan = connection.plan();
  const std::optional<TlsResult> result = connection.tls_result();
  // The second, plain try after a failed handshake is no further session to report.
  if (!result || !plan.target.by_mx || plan.tls == client::TlsUse::never) return;
  report(*plan.protection, plan.target.host, &plan.address, *result);
}

void SmtpCourier::report(const Protection& protection, const std::string& host, const IpAddress* address,
                         const TlsResult& result) const {
  if (!office_->observer || protection.guard == Guard::waived) return;
  TlsOutcome out;
  out.at = loop_.clock().now();
  out.policy_domain = next_hop_;
  describe(protection, out);
  out.mx_host = host;
  if (address != nullptr) {
    out.receiving_ip = address->text();
    out.sending_ip = source_text(office_->options, *address);
  }
  out.failure = result.failure;
  out.reason = result.reason;
  if (!out.failure && !protection.mx_mismatch.empty()) {
    out.failure = tls_rpt::ResultType::validation_failure;
    out.reason = protection.mx_mismatch;
  }
  // A policy that could not be had is what the domain's owner must hear of, whatever TLS came to without it.
  if (protection.sts.problem && !protection.sts.policy) {
    out.failure = protection.sts.problem->type;
    out.reason = protection.sts.problem->reason;
  }
  office_->observer(out);
}

}  // namespace posthorn::relay
