// The same outcomes told to a person: what was asked, what was found, what it means, what to change.
#pragma once

#include <string>
#include <string_view>

#include "flow/verification/verify_message.h"
#include "foundation/base/finding.h"

namespace posthorn::cli {

[[nodiscard]] std::string explain(const spf::Outcome& outcome, const IpAddress& ip);
[[nodiscard]] std::string explain(const iprev::Outcome& outcome);
[[nodiscard]] std::string explain(const dkim::VerifiedSignature& signature);
[[nodiscard]] std::string explain(const dkim::KeyRecord& record);
[[nodiscard]] std::string explain(const arc::Outcome& outcome);
/// The policy and the walk that found it.
[[nodiscard]] std::string explain_policy(const dmarc::Outcome& outcome);
/// The same with the verdict on a message.
[[nodiscard]] std::string explain(const dmarc::Outcome& outcome);
[[nodiscard]] std::string explain(const verification::Verdicts& verdicts);
[[nodiscard]] std::string explain(const authentication_results::AuthenticationResults& results);
/// Each line printable, behind `margin`; blank ones are left out.
[[nodiscard]] std::string printable_lines(std::string_view text, std::string_view margin, std::size_t octets_max);
/// One finding after the other with its correction; empty where there is none.
[[nodiscard]] std::string explain(const Findings& findings);

}  // namespace posthorn::cli
