// What becomes of a message, from the verdicts on its origin and what site and domains have chosen (STANDARDS: DMARC
// reject on receipt). Pure.
//
// After DATA one answer holds for all recipients: the message is refused (or put off) only where every recipient's
// domain would; else the copies of those who would refuse go to Junk.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flow/verification/verify_message.h"
#include "site/config/verification.h"
#include "standards/smtp/reply.h"

namespace posthorn::verification {

/// The choice that holds for one recipient: its domain's, else the site's.
struct RecipientPolicy {
  config::DmarcHandling dmarc = config::DmarcHandling::standard;
  config::DnsFailure dns_failure = config::DnsFailure::deliver;
};

/// Why the policy that a domain asks for was not carried out (RFC 9990 PolicyOverrideType).
enum class Override : unsigned char { none, local_policy, mailing_list, trusted_forwarder, policy_test_mode };
[[nodiscard]] std::string_view text(Override override_type);

enum class Placement : unsigned char { inbox, junk };
[[nodiscard]] std::string_view text(Placement placement);

/// A sign that somebody between author and us passed the message on.
struct IndirectMail {
  Override type = Override::none;  ///< mailing_list or trusted_forwarder; none: there is no sign
  std::string sign;                ///< "List-Id: <dev.lists.example>", "ARC: forwarder.example saw DMARC pass"
};
[[nodiscard]] IndirectMail indirect_mail(const Verdicts& verdicts, const message::Header& header,
                                         const std::vector<config::Forwarder>& forwarders);

struct Decision {
  /// The message is refused (5yz) or put off (4yz) for everybody.
  std::optional<smtp::Reply> refusal;
  std::vector<Placement> placements;  ///< one a recipient, in their order, where it is not refused
  /// What was done in the words of a DMARC report: none, quarantine or reject (the strictest among recipients).
  dmarc::Policy disposition = dmarc::Policy::none;
  Override override_type = Override::none;
  std::string reason;     ///< one sentence, for the story; empty where nothing speaks against the message
  IndirectMail indirect;  ///< looked for where DMARC fails
};

[[nodiscard]] Decision decide(const Verdicts& verdicts, const message::Header& header, const config::Verification& site,
                              std::span<const RecipientPolicy> recipients);

}  // namespace posthorn::verification
