#include "entrance/cli/trust_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "foundation/text/ascii.h"
#include "foundation/text/shown.h"

namespace posthorn::cli {
namespace {

using text::printable;

constexpr std::size_t record_octets_shown = 2000;

std::string_view meaning(spf::Result result) {
  switch (result) {
    case spf::Result::none:
      return "no record says which hosts may send";
    case spf::Result::neutral:
      return "the domain says nothing about this host";
    case spf::Result::pass:
      return "the host may send for the domain";
    case spf::Result::fail:
      return "the host may not send for the domain";
    case spf::Result::softfail:
      return "the host probably may not send for the domain, and its owner is not sure";
    case spf::Result::temperror:
      return "the DNS could not be asked now";
    case spf::Result::permerror:
      break;
  }
  return "the records cannot be evaluated";
}

/// "  include:x  lookup 2  no match"; a fetched record is the heading of what is nested below it.
std::string trace_line(const spf::TraceStep& step, unsigned lookups_before) {
  const std::string indent(4 + 4 * static_cast<std::size_t>(step.depth), ' ');
  if (text::istarts_with(step.term, "v=spf1")) {
    if (step.result == "found")
      return fmt::format("{}{}: {}\n", indent, printable(step.domain), printable(step.term, record_octets_shown));
    return fmt::format("{}{}: no usable record: {}\n", indent, printable(step.domain), step.result);
  }
  std::string line = fmt::format("{}  {}", indent, printable(step.term));
  if (step.lookups > lookups_before) line += fmt::format("  (lookup {})", step.lookups);
  if (!step.target.empty() && !step.term.ends_with(step.target)) line += fmt::format(" of {}", printable(step.target));
  return line + fmt::format(": {}\n", step.result.empty() ? "not reached" : step.result);
}

std::string trace_tree(const std::vector<spf::TraceStep>& trace) {
  std::string out;
  unsigned lookups = 0;
  for (const spf::TraceStep& step : trace) {
    out += trace_line(step, lookups);
    lookups = std::max(lookups, step.lookups);
  }
  return out;
}

std::string_view meaning(dkim::Mathematics mathematics, std::string_view good, std::string_view bad) {
  if (mathematics == dkim::Mathematics::good) return good;
  if (mathematics == dkim::Mathematics::bad) return bad;
  return "not checked";
}

std::string key_line(const dkim::VerifiedSignature& s) {
  if (s.key_bits == 0) return s.parsed ? "none that can be used" : "not asked for";
  const bool rsa = s.algorithm.starts_with("rsa");
  return fmt::format("{}{}", rsa ? fmt::format("RSA, {} bits", s.key_bits) : "Ed25519",
                     s.testing ? ", marked as for testing (t=y)" : "");
}

std::string hash_steps(const dkim::VerifiedSignature& s) {
  const dkim::Signature& parsed = *s.parsed;
  const auto& forms = parsed.canonicalizations;
  std::string out = fmt::format("    1. body in {} form, hashed, against bh=: {}\n", dkim::text(forms.body),
                                meaning(s.body_hash, "equal", "different: the body was changed"));
  if (parsed.body_length) out += fmt::format("       only its first {} octets are signed (l=)\n", *parsed.body_length);
  out += fmt::format("    2. header fields in {} form with this field, b= emptied: {}\n       signature b= {}\n",
                     dkim::text(forms.header), printable(fmt::format("{}", fmt::join(parsed.signed_headers, ":")), 600),
                     meaning(s.signature, "holds under the key", "does not hold under the key"));
  return out;
}

std::string_view meaning(dmarc::Policy policy) {
  switch (policy) {
    case dmarc::Policy::none:
      return "asks for nothing but reports";
    case dmarc::Policy::quarantine:
      return "asks that a message that fails be treated as suspicious";
    case dmarc::Policy::reject:
      break;
  }
  return "asks that a message that fails be refused";
}

std::string walk_text(const std::vector<dmarc::WalkStep>& walk) {
  std::string out;
  for (const dmarc::WalkStep& step : walk) {
    const std::string found = step.text.empty() ? std::string(dns::text(step.status)) : step.text;
    out += fmt::format("    _dmarc.{}: {}{}\n", step.domain.text(), printable(found, record_octets_shown),
                       step.note.empty() ? "" : fmt::format(" ({})", printable(step.note)));
  }
  return out;
}

std::string policy_text(const dmarc::Outcome& outcome) {
  if (!outcome.policy) return "  Policy: none that applies\n";
  return fmt::format("  Policy: {} ({}= of {}): the owner {}\n{}", dmarc::text(*outcome.policy), outcome.policy_tag,
                     printable(outcome.policy_domain), meaning(*outcome.policy),
                     outcome.policy_test_mode ? "  t=y: the owner is testing, and the policy steps down\n" : "");
}

std::string walk_and_policy(const dmarc::Outcome& outcome) {
  std::string out;
  if (!outcome.walk.empty()) out += "  The walk up the tree:\n" + walk_text(outcome.walk);
  if (!outcome.organizational_domain.empty())
    out += fmt::format("  Organizational domain: {}\n", printable(outcome.organizational_domain));
  return out + policy_text(outcome);
}

std::string indented(std::string_view text) {
  std::string out;
  for (const std::string_view line : text::split(text, '\n')) {
    if (!line.empty()) out += fmt::format("  {}\n", line);
  }
  return out;
}

}  // namespace

std::string explain(const spf::Outcome& outcome, const IpAddress& ip) {
  const bool helo = outcome.identity == spf::Identity::helo;
  std::string out =
      fmt::format("SPF of {} ({}) for {}: {}: {}\n", printable(outcome.domain), helo ? "HELO" : "MAIL FROM", ip.text(),
                  spf::text(outcome.result), meaning(outcome.result));
  if (!outcome.problem.empty()) out += fmt::format("  Why: {}\n", printable(outcome.problem, 600));
  if (!outcome.term.empty()) out += fmt::format("  Decided by: {}\n", printable(outcome.term));
  if (!outcome.explanation.empty()) out += fmt::format("  The owner says: {}\n", printable(outcome.explanation, 600));
  if (!outcome.trace.empty())
    out += "  Records and terms, in the order they were looked at:\n" + trace_tree(outcome.trace);
  return out + fmt::format("  DNS lookups: {} of at most {}; without an answer: {} of at most {}\n", outcome.lookups,
                           spf::dns_terms_max, outcome.void_lookups, spf::void_lookups_max);
}

std::string explain(const iprev::Outcome& outcome) {
  std::string out =
      fmt::format("iprev of {}: {}: {}\n", outcome.ip.text(), iprev::text(outcome.result), printable(outcome.reason));
  for (const std::string& answer : outcome.answers) out += fmt::format("    {}\n", printable(answer, 600));
  return out;
}

std::string explain(const dkim::VerifiedSignature& s) {
  std::string out =
      fmt::format("DKIM d={} s={}: {}{}\n", printable(s.domain), printable(s.selector), dkim::text(s.result),
                  s.reason.empty() ? "" : fmt::format(": {}", printable(s.reason, 600)));
  if (!s.algorithm.empty())
    out += fmt::format("  Algorithm: {}; signed by {}\n", printable(s.algorithm), printable(s.identity));
  for (const dns::Answer& answer : s.answers)
    out += fmt::format("  Asked: {}\n", printable(answer.summary(), record_octets_shown));
  out += fmt::format("  Key: {}\n", key_line(s));
  if (s.parsed) out += "  Steps:\n" + hash_steps(s);
  return out + fmt::format("  {} for DMARC\n", s.counted_for_dmarc ? "Counts" : "Does not count");
}

std::string explain(const dkim::KeyRecord& record) {
  if (record.revoked()) return "  The key is revoked: p= is empty\n";
  const bool rsa = record.key->kind() == crypto::KeyKind::rsa;
  std::string out = fmt::format("  Key: {}\n", rsa ? fmt::format("RSA, {} bits", record.key->bits()) : "Ed25519");
  if (!record.hashes.empty()) out += fmt::format("  Only with the hashes {} (h=)\n", fmt::join(record.hashes, ", "));
  if (!record.services.empty()) out += fmt::format("  Only for {} (s=)\n", fmt::join(record.services, ", "));
  if (record.testing()) out += "  Marked as for testing (t=y)\n";
  if (record.strict_identity()) out += "  i= may not be in a subdomain (t=s)\n";
  return out;
}

std::string explain(const arc::Outcome& outcome) {
  std::string out =
      fmt::format("ARC: {}, {} {}{}\n", arc::text(outcome.result), outcome.sets, outcome.sets == 1 ? "set" : "sets",
                  outcome.reason.empty() ? "" : ": " + printable(outcome.reason, 600));
  for (const arc::SetOutcome& set : outcome.chain) {
    out += fmt::format("    i={} sealed by {} (s={}, cv={}): seal {}, message signature {}, body hash {}\n",
                       set.instance, printable(set.sealer), printable(set.selector), printable(set.cv),
                       dkim::text(set.seal), dkim::text(set.message_signature), dkim::text(set.body_hash));
  }
  return out;
}

std::string explain_policy(const dmarc::Outcome& outcome) {
  std::string out = fmt::format("DMARC policy of {}{}\n", printable(outcome.rfc5322_from_domain),
                                outcome.reason.empty() ? "" : ": " + printable(outcome.reason, 600));
  return out + walk_and_policy(outcome);
}

std::string explain(const dmarc::Outcome& outcome) {
  std::string out = fmt::format(
      "DMARC{}: {}{}\n", outcome.rfc5322_from_domain.empty() ? "" : " of " + printable(outcome.rfc5322_from_domain),
      dmarc::text(outcome.result), outcome.reason.empty() ? "" : ": " + printable(outcome.reason, 600));
  out += walk_and_policy(outcome);
  for (const dmarc::AlignmentStep& step : outcome.alignment) {
    out += fmt::format("  {} of {}: {}aligned: {}\n", step.mechanism, printable(step.domain),
                       step.aligned ? "" : "not ", printable(step.reason, 600));
  }
  return out;
}

std::string explain(const verification::Verdicts& verdicts) {
  std::string out;
  if (const auto& session = verdicts.session) {
    const IpAddress& ip = session->iprev.ip;
    out += explain(session->iprev) + "\n" + explain(session->mail_from, ip) + "\n" + explain(session->helo, ip) + "\n";
  } else {
    out += "No session is known (--ip, --mail-from, --helo): iprev and SPF were not checked.\n\n";
  }
  if (verdicts.dkim.empty()) out += "DKIM: none: the message is not signed\n\n";
  for (const dkim::VerifiedSignature& signature : verdicts.dkim) out += explain(signature) + "\n";
  out += explain(verdicts.arc) + "\n" + explain(verdicts.dmarc);
  const dmarc::Outcome& dmarc = verdicts.dmarc;
  if (dmarc.result == dmarc::Result::fail)
    out += fmt::format("  What the owner asks for this message: {}\n", dmarc::text(dmarc.disposition));
  return out;
}

std::string explain(const authentication_results::AuthenticationResults& results) {
  std::string out = fmt::format("{} says, and only who trusts it need believe it:\n", printable(results.authserv_id));
  if (results.results.empty()) out += "  none: nothing was checked\n";
  for (const auto& result : results.results) {
    out += fmt::format("  {}: {}{}\n", printable(result.method), printable(result.result),
                       result.reason.empty() ? "" : ": " + printable(result.reason));
    for (const auto& p : result.properties)
      out += fmt::format("      {}.{} = {}\n", printable(p.ptype), printable(p.property), printable(p.value));
  }
  return out;
}

std::string printable_lines(std::string_view text, std::string_view margin, std::size_t octets_max) {
  std::string out;
  for (const std::string_view raw : text::split(text.substr(0, octets_max), '\n')) {
    const std::string_view line = text::trim_lines(raw);
    if (line.empty()) continue;
    out += fmt::format("{}{}\n", margin, text::shown(line, octets_max));
  }
  return out;
}

std::string explain(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += fmt::format("{} {}: {}\n", word(finding.level), finding.id, text::shown(finding.reason, 600));
    if (finding.correction.contains('\n'))
      out += "  change it to:\n" + printable_lines(finding.correction, "    ", record_octets_shown);
    else if (!finding.correction.empty())
      out += indented("change it to: " + text::shown(finding.correction, record_octets_shown));
  }
  return out;
}

}  // namespace posthorn::cli
