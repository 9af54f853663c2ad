// `limits.*`: each as its row in limits.cpp says.
#include "site/config/reading.h"
#include "site/config/values.h"

namespace posthorn::config {
namespace {

std::string limit_text(const LimitRow& row, std::uint64_t value) {
  switch (row.unit) {
    case LimitUnit::octets:
      return size_text(value);
    case LimitUnit::duration:
      return duration_text(std::chrono::seconds(value));
    case LimitUnit::count:
      break;
  }
  return std::to_string(value);
}

std::optional<std::uint64_t> limit_number(const LimitRow& row, const toml::node& node) {
  if (const auto number = node.value_exact<std::int64_t>()) {
    if (*number < 0 || (row.unit == LimitUnit::duration && *number != 0)) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
  }
  const auto text = node.value_exact<std::string>();
  if (!text || row.unit == LimitUnit::count) return std::nullopt;
  return parse_size(*text);
}

std::string_view limit_form(LimitUnit unit) {
  switch (unit) {
    case LimitUnit::octets:
      return R"(write a size, such as "50MB")";
    case LimitUnit::duration:
      return R"(write a duration, such as "5m")";
    case LimitUnit::count:
      break;
  }
  return "write a whole number without quotes";
}

std::string_view limit_fault(LimitUnit unit) {
  switch (unit) {
    case LimitUnit::octets:
      return "is no size";
    case LimitUnit::duration:
      return "is no duration";
    case LimitUnit::count:
      break;
  }
  return "is no whole number";
}

}  // namespace

void read_limit(Reading& r, const LimitRow& row, std::string_view key, const toml::node& node) {
  std::optional<std::uint64_t> value;  // octets, a count, or seconds
  std::optional<Duration> duration;
  if (row.unit == LimitUnit::duration) {
    if (const auto text = node.value_exact<std::string>()) duration = parse_duration(*text);
    if (duration) value = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(*duration).count());
  } else {
    value = limit_number(row, node);
  }
  if (!value) return r.fault(node, key, std::string(limit_fault(row.unit)), std::string(limit_form(row.unit)));
  if (*value < row.least || *value > row.most) {
    return r.fault(node, key, fmt::format("{} is out of bounds", limit_text(row, *value)),
                   fmt::format("write {} to {}", limit_text(row, row.least), limit_text(row, row.most)));
  }
  if (duration) {
    r.config.limits.*row.duration = *duration;
  } else {
    r.config.limits.*row.number = *value;
  }
}

}  // namespace posthorn::config
