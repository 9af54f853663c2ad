// Observers of verification: what becomes of every message from outside, structured, for those who report about it
// (RFC 9990) or remember it. Declared here, implemented above (reports) and beside (Remembered).
//
// The same is in the message's story and stays there as long as stories are kept: the steps of stage "verification"
// hold every verdict, the step of stage "filter" the disposition, and each story of a message that DMARC applies to is
// found by report_key() of the policy's domain.
#pragma once

#include <string>
#include <vector>

#include "flow/verification/decision.h"
#include "foundation/base/id.h"
#include "platform/storage/unit.h"

namespace posthorn::verification {

struct Observation {
  MailId id;
  TimePoint at;
  IpAddress source;
  std::string helo;
  std::string rfc5321_mail_from_domain;  ///< empty for the null sender
  std::vector<std::string> rfc5321_rcpt_to_domains;
  const Verdicts& verdicts;
  const Decision& decision;
};

class Observer {
 public:
  virtual ~Observer() = default;
  /// Called once a message, accepted or refused, on the session's loop, while the observation's references live.
  /// Thread-safe, quick, awaits nothing. What it adds to `with_story` is written in the unit of the message's story, or
  /// dropped where the message is put off (4yz) and comes again.
  virtual void observed(const Observation& observation, std::vector<storage::Mutation>& with_story) = 0;
};

/// By which stories are found whose messages claim to be from a domain under this policy domain.
[[nodiscard]] std::string report_key(std::string_view policy_domain);

}  // namespace posthorn::verification
