// A text that stands in a JSON object.
#pragma once

#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace posthorn::text {

/// Empty where there is none of this name, or something else than a text.
[[nodiscard]] inline std::string json_text(const boost::json::object& object, std::string_view name) {
  const boost::json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace posthorn::text
