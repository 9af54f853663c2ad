#include "entrance/cli/trust_json.h"

#include "entrance/cli/verb.h"
#include "foundation/codec/base64.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace {

namespace json = boost::json;

json::value policy_json(const std::optional<dmarc::Policy>& policy) {
  if (!policy) return nullptr;
  return json::string(dmarc::text(*policy));
}

json::object trace_step_json(const spf::TraceStep& step) {
  return {{"term", json_text(step.term)},
          {"domain", json_text(step.domain)},
          {"target", json_text(step.target)},
          {"result", step.result},
          {"depth", step.depth},
          {"lookups", step.lookups},
          {"answers", json_answers(step.answers)}};
}

json::object signature_json(const dkim::VerifiedSignature& s) {
  return {{"result", dkim::text(s.result)},
          {"domain", json_text(s.domain)},
          {"selector", json_text(s.selector)},
          {"identity", json_text(s.identity)},
          {"algorithm", json_text(s.algorithm)},
          {"key_bits", s.key_bits},
          {"body_hash", dkim::text(s.body_hash)},
          {"signature", dkim::text(s.signature)},
          {"counted_for_dmarc", s.counted_for_dmarc},
          {"testing", s.testing},
          {"reason", json_text(s.reason)},
          {"key_record", json_text(s.key_record)},
          {"answers", json_answers(s.answers)}};
}

json::object arc_json(const arc::Outcome& outcome) {
  json::array chain;
  for (const arc::SetOutcome& set : outcome.chain) {
    chain.emplace_back(json::object{{"instance", set.instance},
                                    {"sealer", json_text(set.sealer)},
                                    {"selector", json_text(set.selector)},
                                    {"cv", json_text(set.cv)},
                                    {"seal", dkim::text(set.seal)},
                                    {"message_signature", dkim::text(set.message_signature)},
                                    {"body_hash", dkim::text(set.body_hash)},
                                    {"results", set.results ? json::value(results_json(*set.results)) : nullptr}});
  }
  return {{"result", arc::text(outcome.result)},
          {"sets", outcome.sets},
          {"reason", json_text(outcome.reason)},
          {"chain", std::move(chain)}};
}

json::array alignment_json(const std::vector<dmarc::AlignmentStep>& steps) {
  json::array out;
  for (const dmarc::AlignmentStep& step : steps) {
    out.emplace_back(json::object{{"mechanism", step.mechanism},
                                  {"domain", json_text(step.domain)},
                                  {"organizational_domain", json_text(step.organizational_domain)},
                                  {"aligned", step.aligned},
                                  {"reason", json_text(step.reason)}});
  }
  return out;
}

json::array uris_json(const std::vector<dmarc::ReportUri>& uris) {
  json::array out;
  for (const dmarc::ReportUri& uri : uris) out.emplace_back(json_text(uri.uri));
  return out;
}

template <class T>
json::value number_or_null(const std::optional<T>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

}  // namespace

json::string json_text(std::string_view octets) {
  return json::string(text::is_utf8(octets) ? std::string(octets) : text::printable(octets, octets.size()));
}

json::value text_or_null(std::string_view octets) {
  return octets.empty() ? json::value(nullptr) : json::value(json_text(octets));
}

json::array json_texts(const std::vector<std::string>& list) {
  json::array out;
  for (const std::string& one : list) out.emplace_back(json_text(one));
  return out;
}

json::array json_answers(const std::vector<dns::Answer>& answers) {
  json::array out;
  for (const dns::Answer& answer : answers) out.emplace_back(json_text(answer.summary()));
  return out;
}

json::array findings_json(const Findings& findings) {
  json::array out;
  for (const Finding& finding : findings) {
    out.emplace_back(json::object{{"id", finding.id},
                                  {"level", word(finding.level)},
                                  {"reason", json_text(finding.reason)},
                                  {"correction", text_or_null(finding.correction)}});
  }
  return out;
}

json::object spf_json(const spf::Outcome& outcome) {
  json::array trace;
  for (const spf::TraceStep& step : outcome.trace) trace.emplace_back(trace_step_json(step));
  return {{"result", spf::text(outcome.result)},
          {"domain", json_text(outcome.domain)},
          {"identity", spf::text(outcome.identity)},
          {"explanation", json_text(outcome.explanation)},
          {"problem", json_text(outcome.problem)},
          {"lookups", outcome.lookups},
          {"void_lookups", outcome.void_lookups},
          {"sender", json_text(outcome.sender)},
          {"record", json_text(outcome.record)},
          {"term", json_text(outcome.term)},
          {"trace", std::move(trace)}};
}

json::object iprev_json(const iprev::Outcome& outcome) {
  return {{"result", iprev::text(outcome.result)},
          {"name", json_text(outcome.name)},
          {"ip", outcome.ip.text()},
          {"reason", json_text(outcome.reason)},
          {"answers", json_texts(outcome.answers)}};
}

json::array walk_json(const std::vector<dmarc::WalkStep>& walk) {
  json::array out;
  for (const dmarc::WalkStep& step : walk) {
    out.emplace_back(json::object{{"domain", step.domain.text()},
                                  {"status", dns::text(step.status)},
                                  {"record", json_text(step.text)},
                                  {"note", json_text(step.note)},
                                  {"answer", json_text(step.answer)}});
  }
  return out;
}

json::object dmarc_json(const dmarc::Outcome& outcome) {
  return {{"result", dmarc::text(outcome.result)},
          {"rfc5322_from_domain", json_text(outcome.rfc5322_from_domain)},
          {"organizational_domain", json_text(outcome.organizational_domain)},
          {"policy_domain", json_text(outcome.policy_domain)},
          {"policy", policy_json(outcome.policy)},
          {"policy_tag", outcome.policy_tag},
          {"disposition", dmarc::text(outcome.disposition)},
          {"test_mode", outcome.policy_test_mode},
          {"spf_aligned", outcome.spf_aligned},
          {"dkim_aligned", outcome.dkim_aligned},
          {"reason", json_text(outcome.reason)},
          {"record", json_text(outcome.record)},
          {"alignment", alignment_json(outcome.alignment)},
          {"walk", walk_json(outcome.walk)}};
}

json::object results_json(const authentication_results::AuthenticationResults& results) {
  json::array list;
  for (const auto& result : results.results) {
    json::object properties;
    for (const auto& p : result.properties) {
      // RFC 8601 2.2 lets a property stand twice; the first counts.
      const json::string name = json_text(p.ptype + "." + p.property);
      if (!properties.contains(name)) properties[name] = json_text(p.value);
    }
    list.emplace_back(json::object{{"method", json_text(result.method)},
                                   {"version", result.version},
                                   {"result", json_text(result.result)},
                                   {"reason", json_text(result.reason)},
                                   {"properties", std::move(properties)}});
  }
  return {{"authserv_id", json_text(results.authserv_id)}, {"version", results.version}, {"results", std::move(list)}};
}

json::object verdicts_json(const verification::Verdicts& verdicts) {
  json::value iprev = nullptr;
  json::value spf = nullptr;
  if (const auto& session = verdicts.session) {
    iprev = iprev_json(session->iprev);
    spf = json::object{{"mail_from", spf_json(session->mail_from)}, {"helo", spf_json(session->helo)}};
  }
  json::array signatures;
  for (const dkim::VerifiedSignature& signature : verdicts.dkim) signatures.emplace_back(signature_json(signature));
  return {{"iprev", std::move(iprev)},
          {"spf", std::move(spf)},
          {"dkim", std::move(signatures)},
          {"arc", arc_json(verdicts.arc)},
          {"dmarc", dmarc_json(verdicts.dmarc)}};
}

// ---------------------------------------------------------------- records

json::object record_json(const spf::Record& record) {
  json::array mechanisms;
  for (const spf::Mechanism& m : record.mechanisms) {
    const bool is_network = m.kind == spf::MechanismKind::ip4 || m.kind == spf::MechanismKind::ip6;
    const unsigned prefix = m.kind == spf::MechanismKind::ip4 ? m.prefix4 : m.prefix6;
    json::object one{{"text", json_text(m.text)},
                     {"qualifier", spf::text(m.qualifier)},
                     {"mechanism", spf::text(m.kind)},
                     {"domain_spec", json_text(m.domain_spec)}};
    if (is_network) one["network"] = fmt::format("{}/{}", m.network.network(prefix).text(), prefix);
    mechanisms.emplace_back(std::move(one));
  }
  json::object modifiers;
  if (record.redirect) modifiers["redirect"] = json_text(*record.redirect);
  if (record.exp) modifiers["exp"] = json_text(*record.exp);
  for (const spf::Modifier& m : record.unknown_modifiers) modifiers[json_text(m.name)] = json_text(m.value);
  return {{"version", "spf1"}, {"mechanisms", std::move(mechanisms)}, {"modifiers", std::move(modifiers)}};
}

json::object record_json(const dkim::KeyRecord& record) {
  return {{"k", json_text(record.kind_text)},
          {"key_bits", record.key ? record.key->bits() : 0},
          {"revoked", record.revoked()},
          {"testing", record.testing()},
          {"p", record.key ? codec::base64_encode(record.key->dkim_octets()) : ""},
          {"h", json_texts(record.hashes)},
          {"s", json_texts(record.services)},
          {"t", json_texts(record.flags)},
          {"n", json_text(record.notes)}};
}

json::object record_json(const dkim::Signature& s) {
  const auto& forms = s.canonicalizations;
  return {{"a", dkim::text(s.algorithm)},
          {"c", fmt::format("{}/{}", dkim::text(forms.header), dkim::text(forms.body))},
          {"d", s.domain.text()},
          {"s", s.selector.text()},
          {"i", json_text(s.identity)},
          {"h", json_texts(s.signed_headers)},
          {"bh", codec::base64_encode(s.body_hash)},
          {"b", codec::base64_encode(s.signature)},
          {"l", number_or_null(s.body_length)},
          {"t", number_or_null(s.timestamp)},
          {"x", number_or_null(s.expiration)}};
}

json::object record_json(const dmarc::Record& record) {
  const auto mode = [](dmarc::AlignmentMode m) { return m == dmarc::AlignmentMode::strict ? "s" : "r"; };
  return {{"v", "DMARC1"},
          {"p", dmarc::text(record.p)},
          {"sp", policy_json(record.sp)},
          {"np", policy_json(record.np)},
          {"adkim", mode(record.adkim)},
          {"aspf", mode(record.aspf)},
          {"psd", dmarc::text(record.psd)},
          {"t", record.testing ? "y" : "n"},
          {"fo", json_text(record.fo)},
          {"rua", uris_json(record.rua)},
          {"ruf", uris_json(record.ruf)},
          {"acts_as_none", record.acts_as_none}};
}

void print_json(const json::value& value) {
  print(json::serialize(value) + "\n");
}

}  // namespace posthorn::cli
