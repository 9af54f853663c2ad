#include "flow/verification/verify_message.h"

#include <fmt/format.h>

namespace posthorn::verification {

using authentication_results::MethodResult;

Task<SessionVerdicts> verify_session(dns::Resolver& resolver, Session session, TimePoint now) {
  spf::Query query;
  query.ip = session.ip;
  query.mail_from = session.mail_from;
  query.helo = session.helo;
  query.receiver = session.receiver;
  query.now = now;
  SessionVerdicts out;
  out.iprev = co_await iprev::check(resolver, session.ip);
  out.helo = co_await spf::check_helo(resolver, query);
  out.mail_from = co_await spf::check_mail_from(resolver, std::move(query));
  co_return out;
}

Task<Verdicts> verify_message(dns::Resolver& resolver, const dkim::MessageScan& scan,
                              std::optional<SessionVerdicts> session, TimePoint now) {
  Verdicts out;
  out.session = std::move(session);
  out.dkim = co_await dkim::verify(scan, resolver, now);
  out.arc = co_await arc::verify(scan, resolver, now);
  const spf::Outcome mail_from = out.session ? out.session->mail_from : spf::Outcome{};
  out.dmarc = co_await dmarc::evaluate(resolver, scan.header(), mail_from, out.dkim);
  co_return out;
}

namespace {

MethodResult method(std::string name, std::string_view result) {
  MethodResult out;
  out.method = std::move(name);
  out.result = result;
  return out;
}

void add(MethodResult& out, std::string ptype, std::string property, std::string value) {
  if (!value.empty()) out.properties.push_back({std::move(ptype), std::move(property), std::move(value)});
}

/// What a resolver or a record makes us say has no bound of its own; whole it stands in the story.
std::string in_brief(std::string_view reason) {
  if (reason.size() <= reason_octets_max) return std::string(reason);
  std::size_t end = reason_octets_max - 3;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0U) == 0x80U) --end;  // not within a character
  return std::string(reason.substr(0, end)) + "...";
}

MethodResult describe_iprev(const iprev::Outcome& outcome) {
  MethodResult out = method("iprev", iprev::text(outcome.result));
  out.comment = outcome.name;
  add(out, "policy", "iprev", outcome.ip.text());
  return out;
}

/// RFC 8601 2.7.2: smtp.mailfrom holds the mailbox or domain that was checked; for the null sender HELO decided.
MethodResult describe_spf(const spf::Outcome& outcome) {
  MethodResult out = method("spf", spf::text(outcome.result));
  out.reason = in_brief(outcome.problem);
  if (outcome.identity == spf::Identity::helo)
    add(out, "smtp", "helo", outcome.domain);
  else
    add(out, "smtp", "mailfrom", outcome.sender);
  return out;
}

MethodResult describe_dkim(const dkim::VerifiedSignature& signature) {
  MethodResult out = method("dkim", dkim::text(signature.result));
  if (signature.key_bits != 0) out.comment = fmt::format("{}-bit key", signature.key_bits);
  out.reason = in_brief(signature.reason);
  add(out, "header", "d", signature.domain);
  add(out, "header", "i", signature.identity);
  add(out, "header", "s", signature.selector);
  add(out, "header", "a", signature.algorithm);
  add(out, "header", "b", signature.b_prefix);
  return out;
}

MethodResult describe_dmarc(const dmarc::Outcome& outcome) {
  MethodResult out = method("dmarc", dmarc::text(outcome.result));
  if (outcome.result != dmarc::Result::pass) out.reason = in_brief(outcome.reason);
  add(out, "header", "from", outcome.rfc5322_from_domain);
  if (outcome.policy) add(out, "policy", "dmarc", std::string{dmarc::text(*outcome.policy)});
  return out;
}

}  // namespace

authentication_results::AuthenticationResults describe(const Verdicts& verdicts, std::string authserv_id) {
  authentication_results::AuthenticationResults out;
  out.authserv_id = std::move(authserv_id);
  if (verdicts.session) {
    out.results.push_back(describe_iprev(verdicts.session->iprev));
    out.results.push_back(describe_spf(verdicts.session->mail_from));
    out.results.push_back(describe_spf(verdicts.session->helo));
  }
  for (const dkim::VerifiedSignature& signature : verdicts.dkim) out.results.push_back(describe_dkim(signature));
  if (verdicts.dkim.empty()) out.results.push_back(method("dkim", "none"));
  if (verdicts.arc.result != arc::ChainStatus::none) {
    MethodResult chain = method("arc", arc::text(verdicts.arc.result));
    chain.reason = in_brief(verdicts.arc.reason);
    chain.comment = fmt::format("i={}", verdicts.arc.sets);
    out.results.push_back(std::move(chain));
  }
  out.results.push_back(describe_dmarc(verdicts.dmarc));
  return out;
}

}  // namespace posthorn::verification
