#include "operations/domains/json_fields.h"

#include <boost/json.hpp>

#include "foundation/text/json_text.h"

namespace posthorn::domains {

namespace json = boost::json;

namespace {

const json::value* find(const json::object& object, std::string_view key) {
  return object.if_contains(json::string_view(key.data(), key.size()));
}

}  // namespace

json::object parse_object(std::string_view text) {
  json::error_code error;
  json::value parsed = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !parsed.is_object()) return {};
  return std::move(parsed.as_object());
}

std::string text_at(const json::object& object, std::string_view key) {
  return text::json_text(object, key);
}

std::uint64_t number_at(const json::object& object, std::string_view key, std::uint64_t otherwise) {
  const json::value* value = find(object, key);
  if (value == nullptr) return otherwise;
  json::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error ? otherwise : number;
}

bool flag_at(const json::object& object, std::string_view key, bool otherwise) {
  const json::value* value = find(object, key);
  return value != nullptr && value->is_bool() ? value->as_bool() : otherwise;
}

std::vector<std::string> texts_at(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  const json::value* value = find(object, key);
  if (value == nullptr || !value->is_array()) return out;
  for (const json::value& element : value->as_array()) {
    if (element.is_string()) out.emplace_back(element.as_string());
  }
  return out;
}

std::vector<const json::object*> objects_at(const json::object& object, std::string_view key) {
  std::vector<const json::object*> out;
  const json::value* value = find(object, key);
  if (value == nullptr || !value->is_array()) return out;
  for (const json::value& element : value->as_array()) {
    if (element.is_object()) out.push_back(&element.as_object());
  }
  return out;
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value != nullptr ? value->if_object() : nullptr;
}

TimePoint time_at(const json::object& object, std::string_view key) {
  return maybe_time_at(object, key).value_or(TimePoint{});
}

std::optional<TimePoint> maybe_time_at(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr) return std::nullopt;
  json::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error) return std::nullopt;
  return from_unix_micros(number);
}

json::array texts_json(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

}  // namespace posthorn::domains
