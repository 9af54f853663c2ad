// Reading what is kept as JSON in the store about a domain: members that are absent or of another kind are empty. For
// the rooms of this floor only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "foundation/base/time.h"

namespace posthorn::domains {

/// The text as an object; empty where it is none. Nesting is bounded by the parser (32).
[[nodiscard]] boost::json::object parse_object(std::string_view text);
[[nodiscard]] std::string text_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::uint64_t number_at(const boost::json::object& object, std::string_view key,
                                      std::uint64_t otherwise = 0);
[[nodiscard]] bool flag_at(const boost::json::object& object, std::string_view key, bool otherwise = false);
[[nodiscard]] std::vector<std::string> texts_at(const boost::json::object& object, std::string_view key);
/// The objects of a list.
[[nodiscard]] std::vector<const boost::json::object*> objects_at(const boost::json::object& object,
                                                                 std::string_view key);
[[nodiscard]] const boost::json::object* object_at(const boost::json::object& object, std::string_view key);
/// Microseconds since 1970.
[[nodiscard]] TimePoint time_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::optional<TimePoint> maybe_time_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] boost::json::array texts_json(const std::vector<std::string>& texts);

}  // namespace posthorn::domains
