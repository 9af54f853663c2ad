// MTA-STS, TLS-RPT, DANE and CAA, and what probes of hosts found, as JSON and for a person.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "operations/inspection/mx_probe.h"
#include "operations/inspection/policy_probe.h"
#include "standards/tls_rpt/record.h"

namespace posthorn::cli {

[[nodiscard]] boost::json::object mx_json(std::uint16_t preference, const inspection::MxProbe& probe);
[[nodiscard]] std::string explain(std::uint16_t preference, const inspection::MxProbe& probe);

/// {"domain","valid","record":{"state","id",…},"policy":{"url","status",…}}
[[nodiscard]] boost::json::object policy_json(const inspection::PolicyProbe& probe);
[[nodiscard]] std::string explain(const inspection::PolicyProbe& probe);

/// {"valid","mode","max_age","mx":[…]}: null where the file is not valid.
[[nodiscard]] boost::json::object policy_record_json(const mta_sts::PolicyReview& review);
[[nodiscard]] std::string explain(const mta_sts::Policy& policy);

[[nodiscard]] boost::json::object record_json(const mta_sts::TxtRecord& record);
[[nodiscard]] boost::json::object record_json(const tls_rpt::Record& record);
[[nodiscard]] std::string explain(const tls_rpt::Record& record);

}  // namespace posthorn::cli
