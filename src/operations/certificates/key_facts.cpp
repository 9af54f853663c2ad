#include "operations/certificates/key_facts.h"

#include <algorithm>

#include <boost/json.hpp>

#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"

namespace posthorn::certificates {
namespace {

namespace json = boost::json;

std::optional<std::int64_t> fact_number(const json::object& facts, std::string_view name) {
  const auto* const value = facts.if_contains(name);
  return value != nullptr && value->is_int64() ? std::optional(value->get_int64()) : std::nullopt;
}

}  // namespace

std::optional<json::object> facts_in(const storage::KeyRow& row) {
  json::error_code error;
  json::value parsed = json::parse(row.facts, error);
  if (error || !parsed.is_object()) return std::nullopt;
  return std::move(parsed.get_object());
}

std::optional<TimePoint> fact_time(const json::object& facts, std::string_view name) {
  const auto seconds = fact_number(facts, name);
  return seconds ? std::optional(from_unix_seconds(*seconds)) : std::nullopt;
}

std::uint32_t fact_seconds(const json::object& facts, std::string_view name) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(fact_number(facts, name).value_or(0), 0, INT32_MAX));
}

void put_time(json::object& facts, std::string_view name, std::optional<TimePoint> at) {
  if (at) facts[name] = unix_seconds(*at);
}

void put_seconds(json::object& facts, std::string_view name, std::uint32_t seconds) {
  if (seconds > 0) facts[name] = static_cast<std::int64_t>(seconds);
}

std::optional<crypto::Certificate> leaf_of(const std::string& chain_pem) {
  auto chain = crypto::Certificate::from_pem(chain_pem);
  if (!chain || chain->empty()) return std::nullopt;
  return chain->front();
}

std::string digest_of(const crypto::Certificate& certificate) {
  return codec::hex_encode(crypto::sha256(certificate.public_key_der()));
}

}  // namespace posthorn::certificates
