#include "flow/verification/decision.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "flow/verification/refusals.h"
#include "foundation/text/ascii.h"

namespace posthorn::verification {
namespace {

using config::DmarcHandling;
using smtp::EnhancedStatus;
using smtp::Reply;

constexpr std::size_t kSignOctetsMax = 200;  // ours: of a header field that the story quotes

bool is_within(std::string_view name, std::string_view domain) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() < domain.size() || !text::iequals(name.substr(name.size() - domain.size()), domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

/// What of the message bears the name of a listed domain; empty: nothing.
std::string sign_of(const Verdicts& verdicts, const std::string& domain) {
  for (const dkim::VerifiedSignature& signature : verdicts.dkim)
    if (signature.result == dkim::Result::pass && is_within(signature.domain, domain))
      return fmt::format("a valid signature of {}", signature.domain);
  // RFC 8617 7.2: what a chain is worth is the receiver's to know: a listed sealer is believed in what it saw itself.
  if (verdicts.arc.result == arc::ChainStatus::pass && !verdicts.arc.chain.empty()) {
    const arc::SetOutcome& newest = verdicts.arc.chain.back();
    const auto saw_pass = [](const authentication_results::MethodResult& result) {
      return result.method == "dmarc" && result.result == "pass";
    };
    if (is_within(newest.sealer, domain) && newest.results && std::ranges::any_of(newest.results->results, saw_pass))
      return fmt::format("ARC: {} saw DMARC pass", newest.sealer);
  }
  if (!verdicts.session) return {};
  const SessionVerdicts& session = *verdicts.session;
  for (const spf::Outcome* spf : {&session.mail_from, &session.helo})
    if (spf->result == spf::Result::pass && is_within(spf->domain, domain))
      return fmt::format("SPF passes for {}", spf->domain);
  if (session.iprev.result == iprev::Result::pass && is_within(session.iprev.name, domain))
    return fmt::format("it came from {}", session.iprev.name);
  return {};
}

std::string sign_of(const Verdicts& verdicts, const config::Forwarder& forwarder) {
  if (const auto* domain = std::get_if<std::string>(&forwarder)) return sign_of(verdicts, *domain);
  const auto& network = std::get<config::Network>(forwarder);
  if (!verdicts.session || !verdicts.session->iprev.ip.in_network(network.address, network.prefix)) return {};
  return fmt::format("it came from {}", verdicts.session->iprev.ip.text());
}

/// What the policy that DMARC found comes to for one recipient.
enum class Handling : unsigned char { inbox, junk, refuse };
struct Weighed {
  Handling handling = Handling::inbox;
  Override override_type = Override::none;
};

Weighed weigh_reject(DmarcHandling mode, Override indirect) {
  if (mode == DmarcHandling::strict && indirect != Override::trusted_forwarder) return {Handling::refuse};
  if (mode == DmarcHandling::lenient)
    return indirect == Override::none ? Weighed{Handling::junk, Override::local_policy}
                                      : Weighed{Handling::inbox, indirect};
  // RFC 9989 7.4: p=reject alone must not refuse what a list or a forwarder may have broken.
  return indirect == Override::none ? Weighed{Handling::refuse} : Weighed{Handling::junk, indirect};
}

Weighed weigh(const dmarc::Outcome& dmarc, DmarcHandling mode, Override indirect) {
  const Override stepped_down = dmarc.policy_test_mode ? Override::policy_test_mode : Override::none;
  switch (dmarc.disposition) {
    case dmarc::Policy::none:
      break;
    case dmarc::Policy::quarantine:
      if (mode == DmarcHandling::lenient && indirect != Override::none) return {Handling::inbox, indirect};
      return {Handling::junk, stepped_down};
    case dmarc::Policy::reject:
      return weigh_reject(mode, indirect);
  }
  return {Handling::inbox, stepped_down};
}

/// RFC 7372 has no code of its own for DMARC; X.7.1 is what the field gives, and the text names it.
Reply dmarc_refusal(const dmarc::Outcome& dmarc) {
  return {550, EnhancedStatus{5, 7, 1},
          fmt::format("DMARC: {} asks to refuse mail that does not prove to be its own ({}=reject of {}): {}",
                      dmarc.rfc5322_from_domain, dmarc.policy_tag, dmarc.policy_domain, dmarc.reason)};
}

std::string policy_words(const dmarc::Outcome& dmarc) {
  std::string words = fmt::format("DMARC fails, and {} asks to {} such mail", dmarc.policy_domain,
                                  dmarc.policy == dmarc::Policy::reject ? "reject" : "quarantine");
  if (dmarc.policy_test_mode) words += ", for now as a test only (t=y)";
  return words;
}

void apply_dmarc(const Verdicts& verdicts, const message::Header& header, const config::Verification& site,
                 std::span<const RecipientPolicy> recipients, Decision& out) {
  const dmarc::Outcome& dmarc = verdicts.dmarc;
  if (dmarc.policy == dmarc::Policy::none) return;
  out.reason = policy_words(dmarc);
  out.indirect = indirect_mail(verdicts, header, site.forwarders);
  if (!out.indirect.sign.empty()) out.reason += fmt::format("; but {}", out.indirect.sign);
  std::vector<Weighed> weighed;
  for (const RecipientPolicy& recipient : recipients)
    weighed.push_back(weigh(dmarc, recipient.dmarc, out.indirect.type));
  const auto refuses = [](const Weighed& one) { return one.handling == Handling::refuse; };
  if (std::ranges::all_of(weighed, refuses)) {
    out.disposition = dmarc::Policy::reject;
    out.refusal = dmarc_refusal(dmarc);
    return;
  }
  for (std::size_t i = 0; i < weighed.size(); ++i) {
    Weighed& one = weighed[i];
    if (refuses(one)) one = {Handling::junk, Override::local_policy};  // others take it: no refusal after DATA
    if (one.override_type != Override::none) out.override_type = one.override_type;
    if (one.handling == Handling::inbox) continue;
    out.placements[i] = Placement::junk;
    out.disposition = dmarc::Policy::quarantine;
  }
}

/// A From field that two readers may read as two authors vouches for neither (RFC 9989 5.3.1, RFC 5322 3.6).
void apply_ambiguity(const dmarc::Outcome& dmarc, Decision& out) {
  out.reason = fmt::format("whom it is from depends on the reader: {}", dmarc.reason);
  std::ranges::fill(out.placements, Placement::junk);
  out.disposition = dmarc::Policy::quarantine;
  out.override_type = Override::local_policy;
}

void refuse(Reply reply, Decision& out) {
  out.reason = reply.text;
  out.refusal = std::move(reply);
  out.disposition = dmarc::Policy::reject;
  out.override_type = Override::local_policy;
}

}  // namespace

std::string_view text(Override override_type) {
  static constexpr std::array<std::string_view, 5> names{"none", "local_policy", "mailing_list", "trusted_forwarder",
                                                         "policy_test_mode"};
  return names[static_cast<std::size_t>(override_type)];
}

std::string_view text(Placement placement) {
  return placement == Placement::junk ? "junk" : "inbox";
}

IndirectMail indirect_mail(const Verdicts& verdicts, const message::Header& header,
                           const std::vector<config::Forwarder>& forwarders) {
  for (const config::Forwarder& forwarder : forwarders)
    if (std::string sign = sign_of(verdicts, forwarder); !sign.empty())
      return {Override::trusted_forwarder, std::move(sign)};
  // RFC 2919, RFC 2369: what list managers put in. List-Unsubscribe alone is in every newsletter.
  for (const char* const name : {"List-Id", "List-Post"})
    if (const auto value = header.value(name))
      return {Override::mailing_list,
              fmt::format("a mailing list passed it on ({}: {})", name, text::printable(*value, kSignOctetsMax))};
  return {};
}

Decision decide(const Verdicts& verdicts, const message::Header& header, const config::Verification& site,
                std::span<const RecipientPolicy> recipients) {
  Decision out;
  out.placements.assign(recipients.size(), Placement::inbox);
  if (auto reply = site_refusal(verdicts, site.refuse)) {
    refuse(std::move(*reply), out);
    return out;
  }
  if (verdicts.dmarc.result == dmarc::Result::fail) apply_dmarc(verdicts, header, site, recipients, out);
  if (verdicts.dmarc.ambiguous_author) apply_ambiguity(verdicts.dmarc, out);
  const auto defers = [](const RecipientPolicy& one) { return one.dns_failure == config::DnsFailure::defer; };
  if (!out.refusal && std::ranges::all_of(recipients, defers)) {
    if (auto reply = deferral(verdicts, site.refuse)) {
      out.reason = reply->text;
      out.refusal = std::move(reply);
    }
  }
  return out;
}

}  // namespace posthorn::verification
