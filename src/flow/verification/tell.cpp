#include "flow/verification/tell.h"

#include <algorithm>

#include <fmt/format.h>

#include "flow/verification/observer.h"

namespace posthorn::verification {
namespace {

using journal::Stage;
using journal::Story;

/// DNS answers a step of the story lists; the outcomes themselves are bounded far higher.
constexpr std::size_t answers_max = 60;

void with_some(Story& story, std::string_view key, std::string_view value) {
  if (!value.empty()) story.with(key, value);
}

void with_list(Story& story, std::string_view key, const std::vector<std::string>& list) {
  if (!list.empty()) story.with(key, std::span<const std::string>(list));
}

std::vector<std::string> summaries(const std::vector<dns::Answer>& answers) {
  std::vector<std::string> out;
  for (const dns::Answer& answer : answers) {
    if (out.size() == answers_max) break;
    out.push_back(answer.summary());
  }
  return out;
}

void tell_iprev(Story& story, TimePoint at, const iprev::Outcome& outcome) {
  story.step(at, Stage::verification, fmt::format("iprev {}: {}", iprev::text(outcome.result), outcome.reason))
      .with("method", "iprev")
      .with("result", iprev::text(outcome.result))
      .with("ip", outcome.ip.text());
  with_some(story, "name", outcome.name);
  with_list(story, "answers", outcome.answers);
}

// ---------------------------------------------------------------- SPF

std::string spf_sentence(const spf::Outcome& outcome, const std::string& ip) {
  switch (outcome.result) {
    case spf::Result::pass:
      return fmt::format("{} lets {} send its mail", outcome.domain, ip);
    case spf::Result::fail:
      return fmt::format("{} does not let {} send its mail", outcome.domain, ip);
    case spf::Result::softfail:
      return fmt::format("{} does not expect its mail from {}", outcome.domain, ip);
    case spf::Result::neutral:
      return fmt::format("{} says nothing about {}", outcome.domain, ip);
    default:
      return outcome.problem;
  }
}

/// The terms in their order, deeper ones indented, each with what it came to; and what the DNS said.
void with_trace(Story& story, const std::vector<spf::TraceStep>& trace) {
  std::vector<std::string> steps, answers;
  for (const spf::TraceStep& step : trace) {
    if (steps.size() < answers_max) {
      std::string line(2 * static_cast<std::size_t>(step.depth), ' ');
      line += step.target.empty() ? fmt::format("{}: {}", step.term, step.result)
                                  : fmt::format("{} ({}): {}", step.term, step.target, step.result);
      steps.push_back(std::move(line));
    }
    for (const dns::Answer& answer : step.answers)
      if (answers.size() < answers_max) answers.push_back(answer.summary());
  }
  with_list(story, "trace", steps);
  with_list(story, "answers", answers);
}

void tell_spf(Story& story, TimePoint at, const spf::Outcome& outcome, const std::string& ip) {
  const bool helo = outcome.identity == spf::Identity::helo;
  story
      .step(at, Stage::verification,
            fmt::format("SPF {} for {}: {}", spf::text(outcome.result), helo ? "HELO" : "MAIL FROM",
                        spf_sentence(outcome, ip)))
      .with("method", "spf")
      .with("identity", spf::text(outcome.identity))
      .with("result", spf::text(outcome.result))
      .with("domain", outcome.domain);
  if (!helo) with_some(story, "sender", outcome.sender);
  with_some(story, "record", outcome.record);
  with_some(story, "term", outcome.term);
  with_some(story, "problem", outcome.problem);
  with_some(story, "explanation", outcome.explanation);
  story.with("lookups", outcome.lookups).with("void_lookups", outcome.void_lookups);
  with_trace(story, outcome.trace);
}

void tell_sender_mx(Story& story, TimePoint at, const dns::MxLookup& mx) {
  if (!mx.null_mx) return;
  story.step(at, Stage::verification, "the sender's domain takes no mail (null MX)")
      .with("method", "null_mx")
      .with("answer", mx.answer.summary());
}

// ---------------------------------------------------------------- DKIM, ARC

std::string dkim_sentence(const dkim::VerifiedSignature& signature) {
  std::string out = fmt::format("DKIM {}: ", dkim::text(signature.result));
  if (signature.result == dkim::Result::pass) {
    out += fmt::format("signed by {} (selector {})", signature.domain, signature.selector);
    if (!signature.reason.empty()) out += "; " + signature.reason;
  } else {
    out += fmt::format("the signature of {} (selector {}): {}", signature.domain, signature.selector, signature.reason);
  }
  return out;
}

void tell_dkim(Story& story, TimePoint at, const dkim::VerifiedSignature& signature) {
  story.step(at, Stage::verification, dkim_sentence(signature))
      .with("method", "dkim")
      .with("result", dkim::text(signature.result))
      .with("domain", signature.domain)
      .with("selector", signature.selector)
      .with("identity", signature.identity)
      .with("algorithm", signature.algorithm)
      .with("key_bits", signature.key_bits)
      .with("body_hash", dkim::text(signature.body_hash))
      .with("signature", dkim::text(signature.signature))
      .with("counted_for_dmarc", signature.counted_for_dmarc);
  if (signature.testing) story.with("testing", true);
  if (const auto& parsed = signature.parsed) {
    story.with("canonicalization", fmt::format("{}/{}", dkim::text(parsed->canonicalizations.header),
                                               dkim::text(parsed->canonicalizations.body)));
    story.with("signed_headers", fmt::format("{}", fmt::join(parsed->signed_headers, ":")));
  }
  with_list(story, "answers", summaries(signature.answers));
}

void tell_arc(Story& story, TimePoint at, const arc::Outcome& outcome) {
  if (outcome.result == arc::ChainStatus::none) return;
  std::string what = fmt::format("ARC {}: {} seals", arc::text(outcome.result), outcome.sets);
  if (!outcome.reason.empty()) what += "; " + outcome.reason;
  std::vector<std::string> sealers;
  for (const arc::SetOutcome& set : outcome.chain)
    sealers.push_back(fmt::format("i={} {} (selector {}): cv={}, seal {}", set.instance, set.sealer, set.selector,
                                  set.cv, dkim::text(set.seal)));
  story.step(at, Stage::verification, what)
      .with("method", "arc")
      .with("result", arc::text(outcome.result))
      .with("sets", outcome.sets);
  with_list(story, "sealers", sealers);
}

// ---------------------------------------------------------------- DMARC

std::string dmarc_sentence(const dmarc::Outcome& outcome) {
  std::string out = fmt::format("DMARC {}", dmarc::text(outcome.result));
  if (!outcome.rfc5322_from_domain.empty()) out += fmt::format(" for {}", outcome.rfc5322_from_domain);
  return out + ": " + outcome.reason;
}

void with_walk(Story& story, const dmarc::Outcome& outcome) {
  std::vector<std::string> walk, alignment;
  for (const dmarc::WalkStep& step : outcome.walk)
    walk.push_back(step.note.empty() ? step.answer : fmt::format("{} [{}]", step.answer, step.note));
  for (const dmarc::AlignmentStep& step : outcome.alignment)
    alignment.push_back(fmt::format("{} {}: {} ({})", step.mechanism, step.domain,
                                    step.aligned ? "aligned" : "not aligned", step.reason));
  with_list(story, "alignment", alignment);
  with_list(story, "walk", walk);
}

void tell_dmarc(Story& story, TimePoint at, const dmarc::Outcome& outcome) {
  story.step(at, Stage::verification, dmarc_sentence(outcome))
      .with("method", "dmarc")
      .with("result", dmarc::text(outcome.result));
  with_some(story, "rfc5322_from_domain", outcome.rfc5322_from_domain);
  with_some(story, "organizational_domain", outcome.organizational_domain);
  with_some(story, "policy_domain", outcome.policy_domain);
  with_some(story, "record", outcome.record);
  if (outcome.policy) {
    story.with("policy", dmarc::text(*outcome.policy))
        .with("policy_tag", outcome.policy_tag)
        .with("disposition", dmarc::text(outcome.disposition))
        .with("spf_aligned", outcome.spf_aligned)
        .with("dkim_aligned", outcome.dkim_aligned);
    story.key(report_key(outcome.policy_domain));
  }
  if (outcome.policy_test_mode) story.with("test_mode", true);
  with_walk(story, outcome);
}

std::string decision_sentence(const Decision& decision) {
  if (decision.refusal) return decision.refusal->code.is_temporary() ? "put off" : "refused";
  const auto is_junk = [](Placement placement) { return placement == Placement::junk; };
  const auto junk = std::ranges::count_if(decision.placements, is_junk);
  if (junk == 0) return "delivered as any other mail";
  return static_cast<std::size_t>(junk) == decision.placements.size() ? "goes to Junk" : "goes to Junk for some";
}

}  // namespace

std::string report_key(std::string_view policy_domain) {
  return fmt::format("dmarc:{}", policy_domain);
}

void tell_verdicts(Story& story, TimePoint at, const Verdicts& verdicts) {
  if (const auto& session = verdicts.session) {
    const std::string ip = session->iprev.ip.text();
    tell_iprev(story, at, session->iprev);
    tell_spf(story, at, session->helo, ip);
    tell_spf(story, at, session->mail_from, ip);
    if (session->sender_mx) tell_sender_mx(story, at, *session->sender_mx);
  }
  if (verdicts.dkim.empty())
    story.step(at, Stage::verification, "DKIM none: the message is not signed")
        .with("method", "dkim")
        .with("result", "none");
  for (const dkim::VerifiedSignature& signature : verdicts.dkim) tell_dkim(story, at, signature);
  tell_arc(story, at, verdicts.arc);
  tell_dmarc(story, at, verdicts.dmarc);
}

void tell_decision(Story& story, TimePoint at, const Decision& decision) {
  if (decision.reason.empty() && decision.override_type == Override::none) return;
  std::string what = decision_sentence(decision);
  if (!decision.reason.empty()) what += ": " + decision.reason;
  story.step(at, Stage::filter, what)
      .with("disposition", dmarc::text(decision.disposition))
      .with("override", text(decision.override_type));
  with_some(story, "sign", decision.indirect.sign);
}

}  // namespace posthorn::verification
