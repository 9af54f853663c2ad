// parse record, parse authentication-results: what a receiver makes of a text, and how it should read.
#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "entrance/cli/pasted_record.h"
#include "entrance/cli/questions.h"
#include "entrance/cli/tables.h"
#include "entrance/cli/transport_json.h"
#include "entrance/cli/trust_json.h"
#include "entrance/cli/trust_text.h"
#include "foundation/text/ascii.h"
#include "foundation/text/pasted.h"
#include "standards/dns/caa.h"
#include "standards/message/view.h"

namespace posthorn::cli {
namespace parse_record_noun {
namespace {

namespace json = boost::json;

constexpr std::size_t record_octets_shown = 4000;
constexpr unsigned corrections_max = 20;  // ours: how many findings in a row are mended for the proposal

/// What all reviews have in common.
struct Judged {
  bool valid = false;
  json::value record = nullptr;
  std::string told;  ///< the record for a person
  Findings findings;
  std::string problem{};  ///< why no receiver uses it, where no finding says so
};

std::string told(const spf::Record& record) {
  std::string out;
  for (const spf::Mechanism& m : record.mechanisms)
    out += fmt::format("  {}: {} when it matches{}\n", text::printable(m.text), spf::text(m.qualifier),
                       spf::asks_dns(m.kind) ? " (asks the DNS)" : "");
  if (record.redirect) out += fmt::format("  redirect={}: goes on there\n", text::printable(*record.redirect));
  if (record.exp) out += fmt::format("  exp={}: the text for those refused\n", text::printable(*record.exp));
  return out;
}

std::string told(const dkim::Signature& s) {
  const auto name = s.key_name();
  std::string out =
      fmt::format("  {} signs with {}, headers {}, body {}\n  The key stands at {}\n  Signed fields: {}\n",
                  s.domain.text(), dkim::text(s.algorithm), dkim::text(s.canonicalizations.header),
                  dkim::text(s.canonicalizations.body), name ? name->text() : "no legal name",
                  text::printable(fmt::format("{}", fmt::join(s.signed_headers, ", ")), 600));
  if (s.body_length)
    out += fmt::format(
        "  l={}: anybody may append to the body behind that, and DMARC does not count the signature; sign without l=\n",
        *s.body_length);
  return out;
}

std::string told(const dmarc::Record& record) {
  std::string out =
      fmt::format("  Policy {}; for subdomains {}; for names that do not exist {}\n", dmarc::text(record.p),
                  dmarc::text(record.for_subdomain()), dmarc::text(record.for_non_existent()));
  for (const dmarc::ReportUri& uri : record.rua)
    out += fmt::format("  Aggregate reports to {}\n", text::printable(uri.uri));
  for (const dmarc::ReportUri& uri : record.ruf)
    out += fmt::format("  Failure reports to {}\n", text::printable(uri.uri));
  return out;
}

Judged judge_spf(const std::string& text) {
  auto review = spf::review_record(text);
  Judged out{review.valid, nullptr, {}, std::move(review.findings)};
  if (review.record.mechanisms.empty() && review.record.unknown_modifiers.empty() && !review.valid) return out;
  out.record = record_json(review.record);
  out.told = told(review.record);
  return out;
}

Judged judge_key(const std::string& text) {
  auto review = dkim::review_key_record(text);
  Judged out{review.valid, nullptr, {}, std::move(review.findings)};
  if (!review.record) return out;
  out.record = record_json(*review.record);
  out.told = explain(*review.record);
  return out;
}

/// "DKIM-Signature:" may stand before it; lines may end in LF.
Judged judge_signature(const std::string& text) {
  constexpr std::string_view name = "DKIM-Signature:";
  std::string_view value = text::trim_lines(text);
  if (text::istarts_with(value, name)) value.remove_prefix(name.size());
  auto review = dkim::review_signature(message::with_crlf(value));
  Judged out{review.valid, nullptr, {}, std::move(review.findings), std::move(review.problem)};
  if (!review.signature) return out;
  out.record = record_json(*review.signature);
  out.told = told(*review.signature);
  return out;
}

Judged judge_dmarc(const std::string& text) {
  auto review = dmarc::review_record(text);
  Judged out{review.valid, nullptr, {}, std::move(review.findings)};
  if (!dmarc::is_dmarc_record(text)) return out;
  out.record = record_json(review.record);
  out.told = told(review.record);
  return out;
}

bool is_caa(const std::string& text) {
  return dns::parse_caa(text).has_value();
}

/// Each record of the set, one a line.
Judged judge_caa(const std::string& text) {
  auto review = dns::review_caa(text);
  Judged out{review.valid, nullptr, {}, std::move(review.findings), std::move(review.problem)};
  if (!review.record) return out;
  const dns::Caa& caa = *review.record;
  out.record = json::object{{"flags", caa.flags},
                            {"critical", (caa.flags & dns::caa_critical) != 0},
                            {"tag", json_text(caa.tag)},
                            {"value", json_text(caa.value)}};
  out.told = fmt::format("  {} {} \"{}\"\n", caa.flags, text::printable(caa.tag), text::printable(caa.value));
  return out;
}

Judged judge_mta_sts(const std::string& text) {
  auto review = mta_sts::review_record(text);
  Judged out{review.valid, nullptr, {}, std::move(review.findings)};
  if (!review.valid) return out;
  out.record = record_json(review.record);
  out.told = fmt::format("  The id is {}\n", review.record.id);
  return out;
}

Judged judge_policy(const std::string& text) {
  auto review = mta_sts::review_policy(text);
  Judged out{review.valid, nullptr, {}, std::move(review.findings)};
  if (!review.valid) return out;
  json::object record = policy_record_json(review);
  record.erase("valid");
  record["version"] = "STSv1";
  out.record = std::move(record);
  out.told = explain(review.policy);
  return out;
}

Judged judge_tls_rpt(const std::string& text) {
  auto review = tls_rpt::review_record(text);
  Judged out{review.valid, nullptr, {}, std::move(review.findings)};
  if (!review.valid) return out;
  out.record = record_json(review.record);
  out.told = explain(review.record);
  return out;
}

struct RecordType {
  std::string_view name;
  Judged (*judge)(const std::string& text);
  std::string_view multiple;  ///< the finding where several stand at one name
};
constexpr std::array types{RecordType{"spf", judge_spf, "spf-multiple"},
                           RecordType{"dkim-key", judge_key, "dkim-key-syntax"},
                           RecordType{"dkim-signature", judge_signature, ""},
                           RecordType{"dmarc", judge_dmarc, "dmarc-multiple"},
                           RecordType{"mta-sts", judge_mta_sts, "sts-txt-multiple"},
                           RecordType{"mta-sts-policy", judge_policy, ""},
                           RecordType{"tls-rpt", judge_tls_rpt, "tlsrpt-multiple"},
                           RecordType{"caa", judge_caa, ""}};

const RecordType* find_type(std::string_view name) {
  const auto* at = std::ranges::find(types, name, &RecordType::name);
  return at == types.end() ? nullptr : at;
}

bool has_tag(std::string_view text, std::string_view name) {
  return std::ranges::any_of(text::split(text, ';'), [&](std::string_view element) {
    return text::trim_lines(element.substr(0, element.find('='))) == name && element.contains('=');
  });
}

/// By the version tag, else by the tags that only one kind has.
std::string_view guess(std::string_view pasted) {
  const std::string text = text::without_quotes(pasted);
  const std::string lower = text::lower(text);
  if (lower.starts_with("dkim-signature:") || (has_tag(text, "b") && has_tag(text, "bh"))) return "dkim-signature";
  if (lower.contains("version: sts") || lower.contains("version:sts") || lower.contains("max_age:"))
    return "mta-sts-policy";
  if (lower.contains("v=sts")) return "mta-sts";
  if (lower.contains("v=tlsrpt")) return "tls-rpt";
  if (is_caa(std::string(pasted))) return "caa";
  if (lower.contains("v=spf") || lower.starts_with("spf2.0")) return "spf";
  if (lower.contains("v=dmarc")) return "dmarc";
  if (lower.contains("v=dkim")) return "dkim-key";
  constexpr std::array<std::string_view, 3> policies{"p=none", "p=quarantine", "p=reject"};
  if (std::ranges::any_of(policies, [&](std::string_view p) { return lower.contains(p); })) return "dmarc";
  if (has_tag(text, "p") || has_tag(text, "k")) return "dkim-key";
  if (has_tag(text, "b") || has_tag(text, "bh") || has_tag(text, "c")) return "dkim-signature";
  return "";
}

/// How many of the pasted records are of the type, and the first of them.
struct Chosen {
  PastedRecord record;
  std::size_t count = 0;
  std::vector<std::string> texts{};  ///< all of the type
};
Chosen choose(const RecordType& type, const std::string& text) {
  // These are no DNS text of one line.
  if (type.name == "dkim-signature" || type.name == "mta-sts-policy" || type.name == "caa")
    return {{text, false, 0}, 1};
  const auto records = read_pasted(text);
  Chosen out;
  for (const PastedRecord& record : records) {
    if (guess(record.text) != type.name) continue;
    if (out.count++ == 0) out.record = record;
    out.texts.push_back(record.text);
  }
  if (out.count == 0) out = {records.front(), 1};
  return out;
}

/// What shows only in how the record was written down.
void judge_form(const RecordType& type, const Chosen& chosen, Judged& out) {
  if (chosen.record.type_spf)
    out.findings.push_back({"spf-type99", FindingLevel::warning,
                            "the record is of the retired type SPF (99), which nobody asks for: publish it as TXT, and "
                            "remove this one",
                            fmt::format("TXT \"{}\"", chosen.record.text)});
  if (chosen.count > 1) {
    out.valid = false;
    out.findings.push_back(
        {std::string(type.multiple), FindingLevel::error,
         fmt::format("{} such records at one name: receivers use none. {}", chosen.count,
                     type.name == "spf" ? "One record has to name all senders" : "Keep one, and remove the others"),
         type.name == "spf" ? spf::merged(chosen.texts) : std::string()});
  }
  for (Finding& finding : out.findings) {
    // Several character-strings that do not make a key together.
    if (finding.id == "dkim-key-syntax" && chosen.record.strings > 1 && chosen.count == 1)
      finding.id = "dkim-string-split";
  }
}

/// Why no receiver uses it; empty where one does.
std::string problem_of(const Judged& judged) {
  if (judged.valid || !judged.problem.empty()) return judged.problem;
  const auto error = std::ranges::find(judged.findings, FindingLevel::error, &Finding::level);
  return error == judged.findings.end() ? std::string() : error->reason;
}

/// The record as it should read, and what was changed besides what the record's own findings say.
struct Proposal {
  std::string text;  ///< empty where nothing is to be changed
  std::vector<std::string> because{};
};

/// Every fault mended that can be mended without its owner.
Proposal corrected(const RecordType& type, const std::string& given, const Findings& told) {
  Proposal out{given};
  std::string& text = out.text;
  for (unsigned i = 0; i < corrections_max; ++i) {
    const Judged judged = type.judge(text);
    const auto next = std::ranges::find_if(
        judged.findings, [&](const Finding& f) { return !f.correction.empty() && f.correction != text; });
    if (next == judged.findings.end()) break;
    if (std::ranges::find(told, next->reason, &Finding::reason) == told.end()) out.because.push_back(next->reason);
    text = next->correction;
  }
  return text == given || !type.judge(text).valid ? Proposal{} : std::move(out);
}

void tell(const RecordType& type, const Judged& judged, const Proposal& better) {
  std::string out = fmt::format("{} record: {}\n{}", type.name,
                                judged.valid ? "a receiver uses it" : "a receiver does not use it", judged.told);
  if (!judged.problem.empty()) out += fmt::format("  {}\n", text::printable(judged.problem, record_octets_shown));
  if (!judged.findings.empty()) out += "\n" + explain(judged.findings);
  if (!better.text.empty()) out += "\nAs it should read:\n" + printable_lines(better.text, "  ", record_octets_shown);
  for (const std::string& reason : better.because)
    out += fmt::format("  (changed besides: {})\n", text::printable(reason, record_octets_shown));
  print(out);
}

json::object answer_json(std::string_view type, const Judged& judged, const Proposal& better) {
  return {{"valid", judged.valid},
          {"type", text_or_null(type)},
          {"record", judged.record},
          {"problem", text_or_null(problem_of(judged))},
          {"findings", findings_json(judged.findings)},
          {"corrected", text_or_null(better.text)},
          {"corrected_because", json_texts(better.because)}};
}

Exit parse_record(const Invocation& v) {
  const auto text = read_text(v);
  if (!text) return report(text.error());
  const std::string wanted = v.get("--type");
  const std::string_view name = wanted == "auto" ? guess(*text) : std::string_view{wanted};
  if (wanted == "auto" && name.empty()) {
    const Problem problem{ProblemKind::no, in_quotes(*text), "this looks like no record that can be read here",
                          "say what it is meant to be with --type spf, dkim-key, dmarc, …"};
    if (v.json()) print_json(answer_json("", Judged{.problem = problem.why}, {}));
    return report(problem);
  }
  const RecordType* type = find_type(name);
  if (type == nullptr) {
    return report({ProblemKind::usage, "--type " + text::printable(wanted), "there is no such type",
                   "write spf, dkim-key, dkim-signature, dmarc, mta-sts, mta-sts-policy, tls-rpt, caa or auto"});
  }
  const Chosen chosen = choose(*type, *text);
  Judged judged = type->judge(chosen.record.text);
  judge_form(*type, chosen, judged);
  // Several SPF records: the one that stands for all of them.
  const std::string one = chosen.count > 1 && type->name == "spf" ? spf::merged(chosen.texts) : std::string();
  Proposal better = corrected(*type, one.empty() ? chosen.record.text : one, judged.findings);
  if (better.text.empty()) better = {one};
  if (v.json()) {
    print_json(answer_json(type->name, judged, better));
  } else {
    tell(*type, judged, better);
  }
  return judged.valid ? Exit::done : Exit::no;
}

// ---------------------------------------------------------------- authentication-results

Exit parse_results(const Invocation& v) {
  const auto text = read_text(v);
  if (!text) return report(text.error());
  std::string_view value = text::trim_lines(*text);
  const std::string name = fmt::format("{}:", authentication_results::field_name);
  if (text::istarts_with(value, name)) value.remove_prefix(name.size());
  const auto results = authentication_results::parse(message::with_crlf(value));
  if (!results) {
    const Problem problem{ProblemKind::no, in_quotes(value),
                          fmt::format("this is no Authentication-Results: {} (at octet {})", results.error().reason,
                                      results.error().offset),
                          "give the field's value, as mx.example.org; spf=pass smtp.mailfrom=example.net"};
    if (v.json())
      print_json(json::object{
          {"authserv_id", nullptr}, {"version", nullptr}, {"results", json::array{}}, {"problem", problem.why}});
    return report(problem);
  }
  if (v.json()) {
    print_json(results_json(*results));
  } else {
    print(explain(*results));
  }
  return Exit::done;
}

}  // namespace
}  // namespace parse_record_noun

const std::vector<Verb>& record_verbs() {
  using namespace parse_record_noun;
  static const std::vector<Verb> verbs{
      {"parse record",
       "what receivers make of an SPF, DKIM, DMARC, MTA-STS, TLS-RPT or CAA record, and how it should read",
       "Every fault and every smell is named (docs/operator/findings.md lists the ids), with the record as it should\n"
       "read. The text may be bare, quoted, a line of a zone file, or what dig, host and nslookup print. The DNS is "
       "not\n"
       "asked: posthorn check does that. Exit status 0 where a receiver would use the record, 1 where not.\n\n"
       "  posthorn parse record --type spf 'v=spf1 include:_spf.example.net ~all'\n"
       "  posthorn parse record --type auto 'v=DMARC1; p=reject; pct=100; rua=mailto:dmarc@example.org'\n"
       "  dig +short TXT 2026a._domainkey.example.org | posthorn parse record --type dkim-key -",
       {{"TEXT", "the record; - is standard input"}},
       {{"--type", "TYPE",
         "spf, dkim-key, dkim-signature, dmarc, mta-sts, mta-sts-policy, tls-rpt, caa, or auto to guess", true}},
       parse_record},
      {"parse authentication-results",
       "what an Authentication-Results field says, method by method",
       "Anybody can write such a field: believe only the one of your own receiving host. Exit status 1 where it "
       "cannot\n"
       "be read (RFC 8601).\n\n"
       "  posthorn parse authentication-results 'mx.example.org; spf=pass smtp.mailfrom=example.net'",
       {{"TEXT", "the field, with or without its name; - is standard input"}},
       {},
       parse_results},
  };
  return verbs;
}

}  // namespace posthorn::cli
