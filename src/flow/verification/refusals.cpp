#include "flow/verification/refusals.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::verification {
namespace {

using config::Refusal;
using smtp::EnhancedStatus;
using smtp::Reply;
using MaybeReply = std::optional<Reply>;

Reply refused(std::uint16_t detail, std::string text) {
  return {550, EnhancedStatus{5, 7, detail}, std::move(text)};
}

MaybeReply check_null_mx(const Verdicts& verdicts) {
  const auto& mx = verdicts.session->sender_mx;
  if (!mx || !mx->null_mx) return std::nullopt;
  return refused(27, fmt::format("{} takes no mail (null MX), so no mail comes from it", mx->answer.question().text()));
}

/// RFC 7208 10.1.2 and RFC 9989 7.1: a domain that names no sender at all has no forwarded mail to lose.
MaybeReply check_spf_no_mail(const Verdicts& verdicts) {
  const spf::Outcome& spf = verdicts.session->mail_from;
  if (spf.result != spf::Result::fail || !text::iequals(text::trim(spf.record), "v=spf1 -all")) return std::nullopt;
  return refused(23, fmt::format("SPF: {} says that it sends no mail at all (v=spf1 -all)", spf.domain));
}

MaybeReply check_spf_fail(const Verdicts& verdicts) {
  const spf::Outcome& spf = verdicts.session->mail_from;
  if (spf.result != spf::Result::fail) return std::nullopt;
  std::string text =
      fmt::format("SPF: {} does not let {} send its mail", spf.domain, verdicts.session->iprev.ip.text());
  // RFC 7208 6.2: the words are a stranger's, and marked as such.
  if (!spf.explanation.empty()) text += fmt::format("; {} explains: {}", spf.domain, spf.explanation);
  return refused(23, std::move(text));
}

MaybeReply check_spf_error(const Verdicts& verdicts) {
  const spf::Outcome& spf = verdicts.session->mail_from;
  if (spf.result != spf::Result::permerror) return std::nullopt;
  return refused(24, fmt::format("SPF: the record of {} is broken: {}", spf.domain, spf.problem));
}

MaybeReply check_iprev(const Verdicts& verdicts) {
  const iprev::Outcome& iprev = verdicts.session->iprev;
  if (iprev.result != iprev::Result::fail && iprev.result != iprev::Result::permerror) return std::nullopt;
  return refused(25, fmt::format("reverse DNS: {}", iprev.reason));
}

bool is_temporary(const dkim::VerifiedSignature& signature) {
  return signature.result == dkim::Result::temperror;
}
bool counts(const dkim::VerifiedSignature& signature) {
  return signature.result == dkim::Result::pass && signature.counted_for_dmarc;
}
/// The mathematics holds, but policy does not take it: a short key, rsa-sha1, l=.
bool holds(const dkim::VerifiedSignature& signature) {
  return signature.signature == dkim::Mathematics::good && signature.body_hash == dkim::Mathematics::good;
}

MaybeReply check_dkim(const Verdicts& verdicts) {
  const auto& signatures = verdicts.dkim;
  if (std::ranges::any_of(signatures, counts) || std::ranges::any_of(signatures, is_temporary)) return std::nullopt;
  const auto unacceptable = std::ranges::find_if(signatures, holds);
  if (unacceptable != signatures.end())
    return refused(
        21, fmt::format("DKIM: the signature of {} is not acceptable: {}", unacceptable->domain, unacceptable->reason));
  return refused(20, signatures.empty() ? "DKIM: the message is not signed"
                                        : fmt::format("DKIM: no signature is valid: {}", signatures[0].reason));
}

MaybeReply check_dkim_author(const Verdicts& verdicts) {
  const std::string& author = verdicts.dmarc.rfc5322_from_domain;
  const auto is_authors = [&](const dkim::VerifiedSignature& signature) {
    return counts(signature) && (author == signature.domain || author.ends_with("." + signature.domain));
  };
  const auto& signatures = verdicts.dkim;
  if (std::ranges::any_of(signatures, is_authors) || std::ranges::any_of(signatures, is_temporary)) return std::nullopt;
  return refused(22, fmt::format("DKIM: no valid signature of the author's domain {}", author));
}

/// One row a kind of refusal, in the order of config::Refusal.
struct Check {
  MaybeReply (*check)(const Verdicts&);
  bool needs_session;
};
constexpr std::array checks{Check{check_null_mx, true},     Check{check_spf_no_mail, true}, Check{check_spf_fail, true},
                            Check{check_spf_error, true},   Check{check_iprev, true},       Check{check_dkim, false},
                            Check{check_dkim_author, false}};
static_assert(checks.size() == config::refusal_words.size());

bool contains(const std::vector<Refusal>& refuse, Refusal one) {
  return std::ranges::find(refuse, one) != refuse.end();
}

}  // namespace

MaybeReply site_refusal(const Verdicts& verdicts, const std::vector<Refusal>& refuse) {
  for (const Refusal refusal : refuse) {
    const Check& row = checks[static_cast<std::size_t>(refusal)];
    if (row.needs_session && !verdicts.session) continue;
    if (auto reply = row.check(verdicts)) return reply;
  }
  return std::nullopt;
}

MaybeReply deferral(const Verdicts& verdicts, const std::vector<Refusal>& refuse) {
  const auto with_text = [&](std::string text) {
    return Reply(451, EnhancedStatus{4, 4, 3}, std::move(text) + "; try again later");
  };
  if (verdicts.session && contains(refuse, Refusal::iprev) &&
      verdicts.session->iprev.result == iprev::Result::temperror)
    return with_text("reverse DNS: " + verdicts.session->iprev.reason);
  if (verdicts.dmarc.result == dmarc::Result::pass) return std::nullopt;
  if (verdicts.session && verdicts.session->mail_from.result == spf::Result::temperror)
    return Reply(451, EnhancedStatus{4, 7, 24},
                 fmt::format("SPF of {} cannot be checked now: {}; try again later", verdicts.session->mail_from.domain,
                             verdicts.session->mail_from.problem));
  const auto signature = std::ranges::find_if(verdicts.dkim, is_temporary);
  if (signature != verdicts.dkim.end()) return with_text("a DKIM key cannot be looked up now: " + signature->reason);
  if (verdicts.dmarc.result == dmarc::Result::temperror) return with_text("DMARC: " + verdicts.dmarc.reason);
  return std::nullopt;
}

}  // namespace posthorn::verification
