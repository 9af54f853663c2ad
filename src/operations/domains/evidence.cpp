#include "operations/domains/evidence.h"

#include <boost/json.hpp>

#include "operations/domains/json_fields.h"

namespace posthorn::domains {

namespace json = boost::json;

std::string checks_json(const std::vector<CheckMade>& checks) {
  json::array out;
  for (const CheckMade& check : checks) {
    out.emplace_back(json::object{{"at", unix_micros(check.at)},
                                  {"errors", check.errors},
                                  {"warnings", check.warnings},
                                  {"ids", texts_json(check.ids)}});
  }
  return json::serialize(json::object{{"checks", std::move(out)}});
}

std::vector<CheckMade> parse_checks(std::string_view text) {
  std::vector<CheckMade> checks;
  const json::object object = parse_object(text);
  for (const json::object* check : objects_at(object, "checks")) {
    checks.push_back(
        {time_at(*check, "at"), number_at(*check, "errors"), number_at(*check, "warnings"), texts_at(*check, "ids")});
  }
  return checks;
}

std::string checks_key(std::string_view domain) {
  return fmt::format("domains/checks/{}", domain);
}

void add_check(std::vector<CheckMade>& checks, CheckMade check) {
  if (check.ids.size() > findings_kept_max) check.ids.resize(findings_kept_max);
  // A run of clean checks is told by its first and its last one.
  const auto n = checks.size();
  const bool in_run = check.errors == 0 && n >= 2 && checks[n - 1].errors == 0 && checks[n - 2].errors == 0;
  if (in_run && check.warnings == checks[n - 1].warnings) {
    checks[n - 1] = std::move(check);
    return;
  }
  checks.push_back(std::move(check));
  if (checks.size() > checks_kept_max) checks.erase(checks.begin());
}

std::optional<TimePoint> clean_since(const std::vector<CheckMade>& checks, TimePoint now, Duration fresh) {
  std::optional<TimePoint> since;
  for (auto check = checks.rbegin(); check != checks.rend() && check->errors == 0; ++check) since = check->at;
  if (!since || now - checks.back().at > fresh) return std::nullopt;
  return since;
}

}  // namespace posthorn::domains
