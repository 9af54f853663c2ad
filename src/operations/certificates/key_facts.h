// The facts that a row of a certificate's key keeps as JSON (docs/states/certificates.md): what is absent or of another
// kind is nothing. Within the room only. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "foundation/base/time.h"
#include "foundation/crypto/certificate.h"
#include "platform/storage/rows.h"

namespace posthorn::certificates {

/// nullopt: they are no JSON object.
[[nodiscard]] std::optional<boost::json::object> facts_in(const storage::KeyRow& row);
[[nodiscard]] std::optional<TimePoint> fact_time(const boost::json::object& facts, std::string_view name);
/// 0 where there is none, or none that can be.
[[nodiscard]] std::uint32_t fact_seconds(const boost::json::object& facts, std::string_view name);
void put_time(boost::json::object& facts, std::string_view name, std::optional<TimePoint> at);
/// 0 is not written.
void put_seconds(boost::json::object& facts, std::string_view name, std::uint32_t seconds);

/// The first certificate of a chain; nullopt: there is none to be read.
[[nodiscard]] std::optional<crypto::Certificate> leaf_of(const std::string& chain_pem);
/// RFC 6698 2.1.2, selector 1 and matching type 1: SHA-256 of its SubjectPublicKeyInfo, lower-case hex.
[[nodiscard]] std::string digest_of(const crypto::Certificate& certificate);

}  // namespace posthorn::certificates
