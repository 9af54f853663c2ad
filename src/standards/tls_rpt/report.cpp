#include "standards/tls_rpt/report.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "foundation/text/json_text.h"

namespace posthorn::tls_rpt {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 11> kResultTypes{"starttls-not-supported", "certificate-host-mismatch",
                                                        "certificate-expired",    "certificate-not-trusted",
                                                        "validation-failure",     "tlsa-invalid",
                                                        "dnssec-invalid",         "dane-required",
                                                        "sts-policy-fetch-error", "sts-policy-invalid",
                                                        "sts-webpki-invalid"};
constexpr std::array<std::string_view, 3> kPolicyTypes{"no-policy-found", "sts", "tlsa"};
constexpr std::size_t json_depth_max = 16;

// ---------------------------------------------------------------- reading

/// One text, or a list of them.
std::vector<std::string> texts_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (value->is_string()) out.emplace_back(value->get_string());
  if (!value->is_array()) return out;
  for (const json::value& each : value->get_array())
    if (each.is_string()) out.emplace_back(each.get_string());
  return out;
}

/// A number, or a number as text; anything else, and what is below zero, counts as 0.
std::uint64_t number_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64()) return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value->get_int64()));
  if (!value->is_string()) return 0;
  const json::string& text = value->get_string();
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

const json::object* object_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

/// Every object of a list, or the one object that stands in its place.
std::vector<const json::object*> objects_of(const json::object& object, std::string_view key) {
  std::vector<const json::object*> out;
  const json::value* value = object.if_contains(key);
  if (value != nullptr && value->is_object()) out.push_back(&value->get_object());
  if (value == nullptr || !value->is_array()) return out;
  for (const json::value& each : value->get_array())
    if (each.is_object()) out.push_back(&each.get_object());
  return out;
}

bool take_number(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits) return false;
  const std::string_view number = text.substr(0, digits);
  const auto end = std::from_chars(number.data(), number.data() + number.size(), out);
  text.remove_prefix(digits);
  return end.ec == std::errc{} && end.ptr == number.data() + number.size();
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || !any_of.contains(text.front())) return false;
  text.remove_prefix(1);
  return true;
}

/// RFC 3339 5.6: "Z" or "+HH:MM"; fractions are dropped.
std::optional<TimePoint> parse_time(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool shaped = take_number(text, 4, year) && take(text, "-") && take_number(text, 2, month) && take(text, "-") &&
                      take_number(text, 2, day) && take(text, "Tt ") && take_number(text, 2, hour) && take(text, ":") &&
                      take_number(text, 2, minute) && take(text, ":") && take_number(text, 2, second);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!shaped || !date.ok() || hour > 24 || minute > 59 || second > 60) return std::nullopt;
  if (take(text, ".")) text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
  const TimePoint local = TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
                          std::chrono::minutes(minute) + std::chrono::seconds(second);
  if (text.empty() || text == "Z" || text == "z") return local;
  const bool east = text.front() == '+';
  int hours = 0, minutes = 0;
  if (!take(text, "+-") || !take_number(text, 2, hours) || !take(text, ":") || !take_number(text, 2, minutes))
    return std::nullopt;
  const Duration offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return east ? local - offset : local + offset;
}

FailureDetail detail_of(const json::object& object) {
  FailureDetail out;
  out.result_type = text::json_text(object, "result-type");
  out.sending_mta_ip = text::json_text(object, "sending-mta-ip");
  out.receiving_mx_hostname = text::json_text(object, "receiving-mx-hostname");
  out.receiving_mx_helo = text::json_text(object, "receiving-mx-helo");
  out.receiving_ip = text::json_text(object, "receiving-ip");
  out.failed_session_count = number_of(object, "failed-session-count");
  out.additional_information = text::json_text(object, "additional-information");
  out.failure_reason_code = text::json_text(object, "failure-reason-code");
  return out;
}

PolicyReport policy_of(const json::object& object, std::size_t& details_left) {
  PolicyReport out;
  if (const json::object* policy = object_of(object, "policy")) {
    out.policy_type = text::json_text(*policy, "policy-type");
    out.policy_string = texts_of(*policy, "policy-string");
    out.policy_domain = text::json_text(*policy, "policy-domain");
    // RFC 8460 4.4 says mx-host-pattern in the text and mx-host in the JSON; the world writes both.
    out.mx_host = texts_of(*policy, "mx-host");
    if (out.mx_host.empty()) out.mx_host = texts_of(*policy, "mx-host-pattern");
  }
  if (const json::object* summary = object_of(object, "summary")) {
    out.successful_sessions = number_of(*summary, "total-successful-session-count");
    out.failed_sessions = number_of(*summary, "total-failure-session-count");
  }
  for (const json::object* detail : objects_of(object, "failure-details")) {
    if (details_left == 0) break;
    --details_left;
    out.failures.push_back(detail_of(*detail));
  }
  return out;
}

}  // namespace

std::string_view text(ResultType type) {
  return kResultTypes[static_cast<std::size_t>(type)];
}

std::optional<ResultType> parse_result_type(std::string_view text) {
  const auto* at = std::ranges::find(kResultTypes, text);
  if (at == kResultTypes.end()) return std::nullopt;
  return static_cast<ResultType>(at - kResultTypes.begin());
}

std::string_view text(PolicyType type) {
  return kPolicyTypes[static_cast<std::size_t>(type)];
}

std::optional<PolicyType> parse_policy_type(std::string_view text) {
  const auto* at = std::ranges::find(kPolicyTypes, text);
  if (at == kPolicyTypes.end()) return std::nullopt;
  return static_cast<PolicyType>(at - kPolicyTypes.begin());
}

Result<Report, std::string> parse_report(std::string_view text) {
  if (text.size() > report_octets_max) return fail(std::string("the report is too large"));
  json::parse_options options;
  options.max_depth = json_depth_max;
  boost::system::error_code error;
  const json::value whole = json::parse(text, error, {}, options);
  if (error) return fail(fmt::format("this is no JSON: {}", error.message()));
  if (!whole.is_object()) return fail(std::string("a report is a JSON object"));
  const json::object& object = whole.get_object();
  Report out;
  out.organization_name = text::json_text(object, "organization-name");
  out.contact_info = text::json_text(object, "contact-info");
  out.report_id = text::json_text(object, "report-id");
  const json::object* range = object_of(object, "date-range");
  const auto start = range ? parse_time(text::json_text(*range, "start-datetime")) : std::nullopt;
  const auto end = range ? parse_time(text::json_text(*range, "end-datetime")) : std::nullopt;
  if (!start || !end) return fail(std::string("date-range is missing, or has no RFC 3339 times"));
  out.start = *start;
  out.end = *end;
  std::size_t details_left = failure_details_max;
  for (const json::object* policy : objects_of(object, "policies")) {
    if (out.policies.size() == policies_max) break;
    out.policies.push_back(policy_of(*policy, details_left));
  }
  if (out.policies.empty()) return fail(std::string("policies is missing or empty"));
  return out;
}

// ---------------------------------------------------------------- writing

namespace {

void add_text(json::object& object, std::string_view key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}

json::object detail_json(const FailureDetail& detail) {
  json::object out;
  add_text(out, "result-type", detail.result_type);
  add_text(out, "sending-mta-ip", detail.sending_mta_ip);
  add_text(out, "receiving-mx-hostname", detail.receiving_mx_hostname);
  add_text(out, "receiving-mx-helo", detail.receiving_mx_helo);
  add_text(out, "receiving-ip", detail.receiving_ip);
  out["failed-session-count"] = detail.failed_session_count;
  add_text(out, "additional-information", detail.additional_information);
  add_text(out, "failure-reason-code", detail.failure_reason_code);
  return out;
}

json::object policy_json(const PolicyReport& report) {
  json::object policy{{"policy-type", report.policy_type}};
  if (!report.policy_string.empty()) policy["policy-string"] = json::value_from(report.policy_string);
  policy["policy-domain"] = report.policy_domain;
  if (!report.mx_host.empty()) policy["mx-host"] = json::value_from(report.mx_host);
  json::object out{{"policy", std::move(policy)},
                   {"summary", json::object{{"total-successful-session-count", report.successful_sessions},
                                            {"total-failure-session-count", report.failed_sessions}}}};
  json::array details;
  for (const FailureDetail& detail : report.failures) details.push_back(detail_json(detail));
  if (!details.empty()) out["failure-details"] = std::move(details);
  return out;
}

}  // namespace

std::string write_report(const Report& report) {
  json::array policies;
  for (const PolicyReport& policy : report.policies) policies.push_back(policy_json(policy));
  const json::object out{
      {"organization-name", report.organization_name},
      {"date-range", json::object{{"start-datetime", rfc3339(report.start)}, {"end-datetime", rfc3339(report.end)}}},
      {"contact-info", report.contact_info},
      {"report-id", report.report_id},
      {"policies", std::move(policies)}};
  return json::serialize(out);
}

}  // namespace posthorn::tls_rpt
