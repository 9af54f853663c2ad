// A DKIM key of a hosted domain and its states. The states are held here; who drives them is operations/domains
// (key_states.h); docs/states/keys.md has the table. Pure.
//
//   made ─► published ─► signing ─► retiring ─► revoked ─► (gone: no row)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/time.h"
#include "foundation/crypto/seal.h"
#include "foundation/crypto/signature.h"
#include "platform/storage/unit.h"

namespace posthorn::keyring {

inline constexpr unsigned dkim_rsa_bits = 2048;              // RFC 8301 3.2: signers should use at least this
inline constexpr std::uint32_t dkim_ttl_seconds = 3600;      // key records move only at rotation
inline constexpr std::size_t dkim_keys_per_domain_max = 50;  // rotations twice a year leave four at work at most

enum class KeyState : std::uint8_t {
  made,       ///< its record waits to be published
  published,  ///< every authoritative server answers with it; it may sign once caches have forgotten its absence
  signing,    ///< messages are signed with it
  retiring,   ///< signs no more; its record stays while its signatures are on their way
  revoked,    ///< its record is to have an empty p= (RFC 6376 3.6.1)
};
[[nodiscard]] std::string_view name(KeyState state);
[[nodiscard]] std::optional<KeyState> parse_key_state(std::string_view text);

/// What is public of a key, and the sealed rest.
struct DkimKey {
  std::string domain;    ///< A-labels, lower case
  std::string selector;  ///< one label: "20261122r"
  crypto::KeyKind kind = crypto::KeyKind::rsa;
  KeyState state = KeyState::made;
  std::string record;  ///< the TXT record's text with its public key
  TimePoint created;
  TimePoint changed;  ///< when it came into this state
  /// Since when no message it signed has been in the queue; for retiring keys.
  std::optional<TimePoint> queue_clear_since;
  OctetString sealed;  ///< the private key, PKCS#8 PEM

  /// "20261122r:alpha.example": how queue rows name the signature (QueueRow::signed_with).
  [[nodiscard]] std::string signature_name() const { return selector + ":" + domain; }
};

/// What stands in the DNS for a key in its present state.
struct KeyRecord {
  std::string name;  ///< "20261122r._domainkey.alpha.example", absolute, without the root dot
  std::string text;  ///< the whole text; dkim::txt_strings cuts it for TXT
  std::uint32_t ttl_seconds = dkim_ttl_seconds;
};
[[nodiscard]] KeyRecord record_of(const DkimKey& key);

/// The row of a key, and back; nullopt for a row this version cannot read.
[[nodiscard]] storage::KeyRow row_of(const DkimKey& key);
[[nodiscard]] std::optional<DkimKey> key_from(const storage::KeyRow& row);

/// Two new keys in this state: RSA-2048 and Ed25519, their selectors dated ("20261122r", "20261122e"; a number behind
/// it where that is taken: a selector never names two keys). Takes a tenth of a second and more: on a worker.
[[nodiscard]] std::vector<DkimKey> make_dkim_keys(const crypto::SealingKey& sealing, std::string_view domain,
                                                  const std::vector<DkimKey>& present, KeyState state, TimePoint now);
/// The secret half.
[[nodiscard]] Result<crypto::PrivateKey, Problem> open_key(const crypto::SealingKey& sealing, const DkimKey& key);

// ---- mutations; each with the precondition that nobody else was faster
void plan_add(const DkimKey& key, storage::Unit& unit);
/// The key in another state, since `now`.
void plan_state(const DkimKey& key, KeyState to, TimePoint now, storage::Unit& unit);
/// The key as it is, with new facts (queue_clear_since).
void plan_facts(const DkimKey& key, storage::Unit& unit);
/// Its end: the row goes.
void plan_forget(const DkimKey& key, storage::Unit& unit);

}  // namespace posthorn::keyring
