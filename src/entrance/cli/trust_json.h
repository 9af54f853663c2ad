// The outcomes of SPF, iprev, DKIM, ARC and DMARC as JSON; INTERFACES names the members that stay.
#pragma once

#include <boost/json.hpp>

#include "flow/verification/verify_message.h"
#include "foundation/base/finding.h"
#include "standards/spf/record.h"

namespace posthorn::cli {

/// What others wrote, fit for JSON: octets that are not UTF-8 stand as \xHH.
[[nodiscard]] boost::json::string json_text(std::string_view octets);
/// The same, null where there is none.
[[nodiscard]] boost::json::value text_or_null(std::string_view octets);
[[nodiscard]] boost::json::array json_texts(const std::vector<std::string>& list);
[[nodiscard]] boost::json::array json_answers(const std::vector<dns::Answer>& answers);

[[nodiscard]] boost::json::array findings_json(const Findings& findings);
[[nodiscard]] boost::json::object spf_json(const spf::Outcome& outcome);
[[nodiscard]] boost::json::object iprev_json(const iprev::Outcome& outcome);
[[nodiscard]] boost::json::array walk_json(const std::vector<dmarc::WalkStep>& walk);
[[nodiscard]] boost::json::object dmarc_json(const dmarc::Outcome& outcome);
[[nodiscard]] boost::json::object results_json(const authentication_results::AuthenticationResults& results);
[[nodiscard]] boost::json::object verdicts_json(const verification::Verdicts& verdicts);

[[nodiscard]] boost::json::object record_json(const spf::Record& record);
[[nodiscard]] boost::json::object record_json(const dkim::KeyRecord& record);
[[nodiscard]] boost::json::object record_json(const dkim::Signature& signature);
[[nodiscard]] boost::json::object record_json(const dmarc::Record& record);

void print_json(const boost::json::value& value);

}  // namespace posthorn::cli
