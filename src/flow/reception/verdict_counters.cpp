#include "flow/reception/verdict_counters.h"

#include <algorithm>
#include <array>

namespace posthorn::reception {
namespace {

using verification::Decision;
using verification::Verdicts;

/// A counter for each result up to `last`, named by `words`.
template <class Enumeration>
std::vector<runtime::Counter*> counters(runtime::Metrics& metrics, std::string_view name, std::string_view help,
                                        Enumeration last, std::string_view (*words)(Enumeration)) {
  std::vector<runtime::Counter*> out;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(last); ++i)
    out.push_back(&metrics.counter(name, help, {{"result", std::string(words(static_cast<Enumeration>(i)))}}));
  return out;
}

constexpr std::array<const char*, 4> kDecisions{"inbox", "junk", "refused", "deferred"};

std::size_t index_of(const Decision& decision) {
  if (decision.refusal) return decision.refusal->code.is_temporary() ? 3 : 2;
  return std::ranges::find(decision.placements, verification::Placement::junk) == decision.placements.end() ? 0 : 1;
}

}  // namespace

VerdictCounters::VerdictCounters(runtime::Metrics& metrics)
    : spf_(counters<spf::Result>(metrics, "posthorn_verification_spf_total", "SPF of MAIL FROM.",
                                 spf::Result::permerror, spf::text)),
      dkim_(counters<dkim::Result>(metrics, "posthorn_verification_dkim_total", "DKIM signatures.",
                                   dkim::Result::permerror, dkim::text)),
      dmarc_(counters<dmarc::Result>(metrics, "posthorn_verification_dmarc_total", "DMARC of messages.",
                                     dmarc::Result::permerror, dmarc::text)) {
  for (const char* const decision : kDecisions)
    decisions_.push_back(&metrics.counter("posthorn_verification_decisions_total",
                                          "What the verdicts on their origin made of messages.",
                                          {{"decision", decision}}));
}

void VerdictCounters::count(const Verdicts& verdicts, const Decision& decision) {
  if (verdicts.session) spf_[static_cast<std::size_t>(verdicts.session->mail_from.result)]->add();
  for (const dkim::VerifiedSignature& signature : verdicts.dkim)
    dkim_[static_cast<std::size_t>(signature.result)]->add();
  if (verdicts.dkim.empty()) dkim_[static_cast<std::size_t>(dkim::Result::none)]->add();
  dmarc_[static_cast<std::size_t>(verdicts.dmarc.result)]->add();
  decisions_[index_of(decision)]->add();
}

}  // namespace posthorn::reception
