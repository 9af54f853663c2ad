// What `domain check` found, as JSON (INTERFACES: a finding's fields) and for a person who reads it at night.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "operations/inspection/check.h"

namespace posthorn::cli {

[[nodiscard]] boost::json::object report_json(const inspection::CheckReport& report);
/// `all_records`: every question side by side, not only those with a finding.
[[nodiscard]] std::string report_text(const inspection::CheckReport& report, bool all_records);
/// "2 errors, 1 warning"; "all well" where there are none.
[[nodiscard]] std::string count_text(const inspection::CheckReport& report);

/// Text of the DNS for a terminal: UTF-8 as it is, also where the zone-file form has \DDD for it; what would steer a
/// terminal is escaped. At most `octets_max` octets are shown.
[[nodiscard]] std::string shown(std::string_view text, std::size_t octets_max = 4000);

}  // namespace posthorn::cli
