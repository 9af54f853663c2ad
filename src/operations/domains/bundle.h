// Bundle: all records of a domain in one signed document, for whoever takes its DNS over (a soft cut-over: the same
// records on both sides before the delegation moves). Signed with Ed25519 over a text of its contents, so that the
// document may be reformatted. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/time.h"
#include "foundation/crypto/signature.h"
#include "operations/domains/model.h"

namespace posthorn::domains {

inline constexpr std::size_t bundle_octets_max = 64 * 1024 * 1024;

struct Bundle {
  std::string domain;
  std::string host;  ///< that wrote it
  TimePoint written;
  std::vector<ExtraRecord> records;  ///< absolute names, canonical data
  std::string model;                 ///< model_json; empty: not in it
  std::string policies;              ///< policy_log_json: how long policies may be held goes with the domain
};

/// The site's signing key for bundles, from the secret that seals its keys: nothing more to keep.
[[nodiscard]] crypto::PrivateKey bundle_key(Octets sealing_secret);
/// 16 hex digits of a key, for people to compare by telephone.
[[nodiscard]] std::string fingerprint(const crypto::PublicKey& key);

/// One JSON document.
[[nodiscard]] std::string write_bundle(const Bundle& bundle, const crypto::PrivateKey& key);

struct ReadBundle {
  Bundle bundle;
  std::string fingerprint;  ///< of the key that signed it
};
/// A Problem where it is no bundle or its signature does not hold. Whether the key is the right one is the reader's to
/// judge.
[[nodiscard]] Result<ReadBundle, Problem> read_bundle(std::string_view text);

}  // namespace posthorn::domains
