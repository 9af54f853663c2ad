// check spf|dkim|dmarc|iprev, and verify: questions about the trust that senders and messages deserve.
#include <boost/json.hpp>

#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/trust_json.h"
#include "entrance/cli/trust_text.h"
#include "foundation/text/ascii.h"
#include "standards/dmarc/report_destinations.h"

namespace posthorn::cli {
namespace check_noun {
namespace {

namespace json = boost::json;

void print_findings(const Findings& findings) {
  if (!findings.empty()) print("\n" + explain(findings));
}

void add(Findings& findings, const Findings& more) {
  findings.insert(findings.end(), more.begin(), more.end());
}

// ---------------------------------------------------------------- spf

Result<spf::Query, Problem> spf_query(const Invocation& v) {
  auto ip = ip_of(v, "--ip");
  if (!ip) return fail(std::move(ip.error()));
  auto now = now_of(v);
  if (!now) return fail(std::move(now.error()));
  spf::Query query;
  query.ip = *ip;
  query.mail_from = v.get("--mail-from");
  if (query.mail_from.starts_with('<') && query.mail_from.ends_with('>'))
    query.mail_from = query.mail_from.substr(1, query.mail_from.size() - 2);
  query.helo = v.get("--helo");
  query.now = *now;
  if (!query.mail_from.empty() || !query.helo.empty()) return query;
  return fail(Problem{ProblemKind::usage, std::string(v.verb().name), "there is no domain to check",
                      "give --mail-from ADDR, or --helo NAME with --mail-from ''"});
}

Task<> ask_spf(dns::Resolver& resolver, const spf::Query& query, spf::Outcome& out) {
  out = co_await spf::check_mail_from(resolver, query);
}

Exit check_spf(const Invocation& v) {
  const auto query = spf_query(v);
  if (!query) return report(query.error());
  spf::Outcome outcome;
  if (const auto problem = ask(v, [&](dns::Resolver& resolver) { return ask_spf(resolver, *query, outcome); }))
    return report(*problem);
  Findings findings = spf::findings_of(outcome);
  if (!outcome.record.empty()) add(findings, spf::review_record(outcome.record).findings);
  if (v.json()) {
    json::object out = spf_json(outcome);
    out["findings"] = findings_json(findings);
    print_json(out);
    return Exit::done;
  }
  print(explain(outcome, query->ip));
  print_findings(findings);
  return Exit::done;
}

// ---------------------------------------------------------------- dkim

Task<> ask_key(dns::Resolver& resolver, const dns::Name& name, dkim::KeyLookup& out) {
  out = co_await dkim::find_key(resolver, name);
}

/// What the lookup and the record itself show.
Findings key_findings(const dns::Name& name, const dkim::KeyLookup& lookup, bool& valid) {
  Findings findings;
  valid = false;
  if (!lookup.text.empty()) {
    const dkim::KeyReview review = dkim::review_key_record(lookup.text);
    findings = review.findings;
    valid = review.valid && lookup.record;
    if (review.valid && !lookup.record) findings.push_back({"dkim-key-syntax", FindingLevel::error, lookup.reason, ""});
  } else if (lookup.problem == dkim::Result::permerror) {
    findings.push_back(
        {"dkim-missing", FindingLevel::error,
         fmt::format("{} has no key record: receivers fail what is signed with it. Is the selector right? "
                     "(s= of a DKIM-Signature field)",
                     name.text()),
         ""});
  }
  return findings;
}

Exit check_dkim(const Invocation& v) {
  const auto domain = name_of(v, "DOMAIN");
  if (!domain) return report(domain.error());
  const auto selector = selector_of(v);
  if (!selector) return report(selector.error());
  const auto name = dns::Name::parse(fmt::format("{}._domainkey.{}", selector->text(), domain->text()));
  if (!name) {
    return report({ProblemKind::usage, in_quotes(fmt::format("{}._domainkey.{}", selector->text(), domain->text())),
                   "the name is longer than the DNS allows (255 octets)", "give a shorter selector"});
  }
  dkim::KeyLookup lookup;
  if (const auto problem = ask(v, [&](dns::Resolver& resolver) { return ask_key(resolver, *name, lookup); }))
    return report(*problem);
  bool valid = false;
  const Findings findings = key_findings(*name, lookup, valid);
  const std::string_view result = valid ? "pass" : lookup.record ? "permerror" : dkim::text(lookup.problem);
  if (v.json()) {
    print_json(json::object{{"result", result},
                            {"domain", domain->text()},
                            {"selector", json_text(v.get("--selector"))},
                            {"name", name->text()},
                            {"valid", valid},
                            {"key_bits", lookup.record && lookup.record->key ? lookup.record->key->bits() : 0},
                            {"text", json_text(lookup.text)},
                            {"record", lookup.record ? json::value(record_json(*lookup.record)) : nullptr},
                            {"reason", json_text(lookup.reason)},
                            {"answers", json_answers(lookup.answers)},
                            {"findings", findings_json(findings)}});
    return Exit::done;
  }
  std::string out = fmt::format("The DKIM key at {}: {}{}\n", name->text(), valid ? "usable" : "not usable",
                                lookup.reason.empty() ? "" : ": " + text::printable(lookup.reason, 600));
  for (const dns::Answer& answer : lookup.answers) {
    for (const dns::Name& alias : answer.cname_chain()) out += fmt::format("  An alias of {}\n", alias.text());
    out += fmt::format("  Asked: {}\n", text::printable(answer.summary(), 2000));
  }
  if (lookup.record) out += explain(*lookup.record);
  print(out);
  print_findings(findings);
  return Exit::done;
}

// ---------------------------------------------------------------- dmarc

struct PolicyAnswer {
  dmarc::Outcome outcome;
  Findings findings;
};

/// The walk, the record's own faults, and whether those who are to get reports have agreed.
Task<> ask_policy(dns::Resolver& resolver, const dns::Name& domain, PolicyAnswer& out) {
  out.outcome = co_await dmarc::discover_policy(resolver, domain);
  const dmarc::Outcome& outcome = out.outcome;
  for (const dmarc::WalkStep& step : outcome.walk) {
    if (step.note.find("none is used") == std::string::npos) continue;
    out.findings.push_back(
        {"dmarc-multiple", FindingLevel::error, fmt::format("_dmarc.{} has {}", step.domain.text(), step.note), ""});
  }
  if (outcome.record.empty()) {
    if (outcome.result != dmarc::Result::temperror)
      out.findings.push_back({"dmarc-missing", FindingLevel::warning,
                              fmt::format("neither {} nor a domain above it has a DMARC record", domain.text()),
                              fmt::format("_dmarc.{} TXT \"v=DMARC1; p=none; rua=mailto:…\"", domain.text())});
    co_return;
  }
  add(out.findings, dmarc::review_record(outcome.record).findings);
  const auto policy_domain = dns::Name::parse(outcome.policy_domain);
  if (!outcome.parsed || !policy_domain) co_return;
  const Findings refused = co_await dmarc::unauthorized_destinations(resolver, *policy_domain, *outcome.parsed);
  add(out.findings, refused);
}

/// Without a message nothing passes or fails.
std::string_view policy_result(const dmarc::Outcome& outcome) {
  if (outcome.result != dmarc::Result::none) return dmarc::text(outcome.result);
  return outcome.policy ? "found" : "none";
}

Exit check_dmarc(const Invocation& v) {
  const auto domain = name_of(v, "DOMAIN");
  if (!domain) return report(domain.error());
  PolicyAnswer answer;
  if (const auto problem = ask(v, [&](dns::Resolver& resolver) { return ask_policy(resolver, *domain, answer); }))
    return report(*problem);
  if (v.json()) {
    json::object out = dmarc_json(answer.outcome);
    out["result"] = policy_result(answer.outcome);
    out["findings"] = findings_json(answer.findings);
    print_json(out);
    return Exit::done;
  }
  print(explain_policy(answer.outcome));
  print_findings(answer.findings);
  return Exit::done;
}

// ---------------------------------------------------------------- iprev

Task<> ask_iprev(dns::Resolver& resolver, IpAddress ip, iprev::Outcome& out) {
  out = co_await iprev::check(resolver, ip);
}

Exit check_iprev(const Invocation& v) {
  const auto ip = ip_of(v, "IP");
  if (!ip) return report(ip.error());
  iprev::Outcome outcome;
  if (const auto problem = ask(v, [&](dns::Resolver& resolver) { return ask_iprev(resolver, *ip, outcome); }))
    return report(*problem);
  Findings findings;
  const bool missing = outcome.result == iprev::Result::permerror;
  if (missing || outcome.result == iprev::Result::fail)
    findings.push_back({missing ? "ptr-missing" : "ptr-mismatch", FindingLevel::warning,
                        outcome.reason + ": many receivers refuse or distrust mail from such an address",
                        fmt::format("{}. PTR your.host.name., and that name an address record with {}",
                                    outcome.ip.reverse_name(), outcome.ip.text())});
  if (v.json()) {
    json::object out = iprev_json(outcome);
    out["findings"] = findings_json(findings);
    print_json(out);
  } else {
    print(explain(outcome));
    print_findings(findings);
  }
  if (outcome.result == iprev::Result::temperror) return Exit::unavailable;
  return outcome.result == iprev::Result::pass ? Exit::done : Exit::no;
}

// ---------------------------------------------------------------- verify

Result<std::optional<verification::Session>, Problem> session_of(const Invocation& v) {
  if (!v.has("--ip") && !v.has("--mail-from") && !v.has("--helo")) return std::optional<verification::Session>{};
  if (!v.has("--ip")) {
    return fail(Problem{ProblemKind::usage, "verify", "--mail-from and --helo say little without an address",
                        "give --ip IP too"});
  }
  auto query = spf_query(v);
  if (!query) return fail(std::move(query.error()));
  verification::Session session;
  session.ip = query->ip;
  session.mail_from = query->mail_from;
  session.helo = query->helo;
  session.receiver = v.has("--authserv-id") ? v.get("--authserv-id") : "unknown";
  return std::optional{std::move(session)};
}

Task<> ask_verdicts(dns::Resolver& resolver, const dkim::MessageScan& scan,
                    const std::optional<verification::Session>& session, TimePoint now, verification::Verdicts& out) {
  std::optional<verification::SessionVerdicts> known;
  if (session) known = co_await verification::verify_session(resolver, *session, now);
  out = co_await verification::verify_message(resolver, scan, std::move(known), now);
}

/// --canonical: what each signature's hashes were made over.
void put_canonical(const dkim::MessageScan& scan, Octets message, json::array& signatures) {
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const dkim::CanonicalForms forms = dkim::canonical_forms(scan, scan.signatures()[i], message);
    signatures[i].as_object()["canonical"] =
        json::object{{"header", json_text(forms.header)}, {"body", json_text(forms.body)}};
  }
}

void print_canonical(const dkim::MessageScan& scan, Octets message) {
  for (const dkim::ScannedSignature& scanned : scan.signatures()) {
    const dkim::CanonicalForms forms = dkim::canonical_forms(scan, scanned, message);
    print("\nThe header as it was hashed:\n" + forms.header + "\n\nThe body as it was hashed:\n" + forms.body);
  }
}

Exit verify(const Invocation& v) {
  const auto session = session_of(v);
  if (!session) return report(session.error());
  const auto now = now_of(v);
  if (!now) return report(now.error());
  const auto message = read_message(v);
  if (!message) return report(message.error());
  dkim::MessageScan scan;
  scan.feed(*message);
  scan.finish();
  verification::Verdicts verdicts;
  if (const auto problem =
          ask(v, [&](dns::Resolver& resolver) { return ask_verdicts(resolver, scan, *session, *now, verdicts); }))
    return report(*problem);
  const std::string authserv_id = v.has("--authserv-id") ? v.get("--authserv-id") : "localhost";
  const auto results = verification::describe(verdicts, authserv_id);
  if (v.json()) {
    json::object out = verdicts_json(verdicts);
    out["problem"] = text_or_null(scan.header().overflowed() ? dkim::header_bound_reason() : "");
    if (v.has("--canonical")) put_canonical(scan, *message, out["dkim"].as_array());
    out["authentication_results"] = json_text(authentication_results::value_text(results));
    print_json(out);
    return Exit::done;
  }
  if (scan.header().overflowed())
    print(fmt::format("The header cannot be judged: {}. A server of ours refuses such a message (552 5.3.4).\n\n",
                      dkim::header_bound_reason()));
  print(explain(verdicts));
  if (v.has("--canonical")) print_canonical(scan, *message);
  print("\n" + authentication_results::write(results));
  return Exit::done;
}

const Option ip_option{"--ip", "IP", "the address that connected"};
const Option mail_from_option{"--mail-from", "ADDR",
                              "the envelope sender; '' is the null sender, for which --helo counts"};
const Option helo_option{"--helo", "NAME", "what the host called itself in HELO or EHLO"};

}  // namespace
}  // namespace check_noun

const std::vector<Verb>& check_verbs() {
  using namespace check_noun;
  static const std::vector<Verb> verbs{
      {"check spf",
       "may this host send for this domain, and which term says so",
       "Evaluates the domain's SPF record as a receiver does (RFC 7208): every included record, the term that "
       "decided,\n"
       "and how many of the ten lookups are used up. Exit status 0 whatever the result is.\n\n"
       "  posthorn check spf --ip 192.0.2.1 --mail-from ann@example.org --helo mail.example.org\n"
       "  posthorn check spf --ip 2001:db8::1 --mail-from '' --helo mail.example.org --dns zone:test.zone",
       {},
       {{ip_option.name, ip_option.value, ip_option.help, true}, mail_from_option, helo_option, dns_option, now_option},
       check_spf},
      {"check dkim",
       "the key under a selector: can it be used, how strong is it",
       "Selectors cannot be listed; one stands after s= in every DKIM-Signature of the domain. The key is judged as a\n"
       "verifier does (RFC 6376, RFC 8301). Exit status 0 whatever the result is.\n\n"
       "  posthorn check dkim example.org --selector 2026a",
       {{"DOMAIN", "the d= of the signature"}},
       {{"--selector", "S", "the s= of the signature", true}, dns_option},
       check_dkim},
      {"check dmarc",
       "the policy that holds for a domain, and where it was found",
       "Walks up the tree from the domain as RFC 9989 says, without a public suffix list, and shows which record "
       "counts,\n"
       "what it asks for, what is wrong with it, and whether those who are to get the reports have agreed. Exit "
       "status\n"
       "0 whatever the result is.\n\n"
       "  posthorn check dmarc news.example.org",
       {{"DOMAIN", "the domain of the From field"}},
       {dns_option},
       check_dmarc},
      {"check iprev",
       "has the address a name that leads back to it",
       "RFC 8601 3: PTR, then the addresses of the names found. Exit status 0 pass, 1 otherwise, 3 where the DNS "
       "could\n"
       "not be asked.\n\n"
       "  posthorn check iprev 192.0.2.1",
       {{"IP", "the address"}},
       {dns_option},
       check_iprev},
      {"verify",
       "judge a message as a receiver does, and show why",
       "DKIM, ARC and DMARC; with --ip also iprev and SPF. Each signature is shown with its key and both hash steps, "
       "so\n"
       "that it is plain whether the body, the header or the key is at fault; the last lines are the\n"
       "Authentication-Results field. Exit status 0 whatever the result is.\n\n"
       "  posthorn verify letter.eml\n"
       "  posthorn verify --ip 192.0.2.1 --mail-from ann@example.org --helo mail.example.org letter.eml",
       {message_file},
       {ip_option,
        mail_from_option,
        helo_option,
        {"--authserv-id", "ID", "the name before the results (localhost)"},
        {"--canonical", "", "show the octets that each signature's hashes were made over"},
        dns_option,
        now_option},
       verify},
  };
  return verbs;
}

}  // namespace posthorn::cli
