#include "standards/spf/check_host.h"

#include "foundation/text/ascii.h"
#include "standards/address/domain.h"
#include "standards/spf/evaluation.h"

namespace posthorn::spf {
namespace {

struct Sender {
  std::string local_part;
  std::string domain;
};

/// RFC 7208 4.3: a sender without a local part is postmaster's.
Sender split_sender(std::string_view mailbox) {
  const auto at = mailbox.rfind('@');
  Sender out;
  if (at != std::string_view::npos) out.local_part = mailbox.substr(0, at);
  out.domain = at == std::string_view::npos ? mailbox : mailbox.substr(at + 1);
  if (out.local_part.empty()) out.local_part = "postmaster";
  return out;
}

/// RFC 6531 lets U-labels stand in the envelope; the DNS has A-labels (RFC 7208 4.3).
std::string dns_form(std::string_view domain) {
  if (!text::is_ascii(domain))
    if (const auto parsed = address::Domain::parse(domain)) return parsed->a_label();
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return text::lower(domain);
}

Task<Outcome> check(dns::Resolver& resolver, Query query, Identity identity, Sender sender) {
  query.ip = query.ip.unmapped();  // RFC 7208 5: IPv4-mapped addresses are IPv4
  const std::string domain = dns_form(sender.domain);
  const std::string mailbox = sender.local_part + "@" + sender.domain;
  Evaluation evaluation{resolver, query, mailbox};
  Outcome outcome = co_await evaluation.run(domain);
  outcome.identity = identity;
  outcome.domain = domain;
  outcome.sender = mailbox;
  co_return outcome;
}

}  // namespace

std::string_view text(Identity identity) {
  return identity == Identity::mail_from ? "mail_from" : "helo";
}

Task<Outcome> check_mail_from(dns::Resolver& resolver, Query query) {
  // RFC 7208 2.4: the null reverse-path is postmaster at the HELO name.
  const std::string_view mailbox = query.mail_from.empty() ? query.helo : query.mail_from;
  Sender sender = query.mail_from.empty() ? Sender{"postmaster", query.helo} : split_sender(mailbox);
  return check(resolver, std::move(query), Identity::mail_from, std::move(sender));
}

Task<Outcome> check_helo(dns::Resolver& resolver, Query query) {
  Sender sender{"postmaster", query.helo};
  return check(resolver, std::move(query), Identity::helo, std::move(sender));
}

}  // namespace posthorn::spf
