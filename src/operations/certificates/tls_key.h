// A private key of this host's certificates, and its states (docs/states/certificates.md). A certificate is renewed
// with the key it has; the key itself changes only where every server has shown the next one's TLSA record long enough.
// Rows of kind "tls" in the store, the secret sealed. Pure.
//
//   next ─► live ─► retiring ─► (gone: no row)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/time.h"
#include "foundation/crypto/certificate.h"
#include "foundation/crypto/ec_key.h"
#include "operations/certificates/record_witness.h"
#include "platform/storage/unit.h"

namespace posthorn::certificates {

inline constexpr const char* tls_key_kind = "tls";

enum class TlsKeyState : std::uint8_t {
  next,      ///< made; its TLSA record is wanted beside the present one's; not used
  live,      ///< in use
  retiring,  ///< used no more, its secret forgotten; its TLSA record is wanted until caches know the next one
};
[[nodiscard]] std::string_view name(TlsKeyState state);

struct TlsKey {
  std::string owner;  ///< the first name of its certificate
  std::string id;
  TlsKeyState state = TlsKeyState::next;
  std::string digest;  ///< SHA-256 of the SubjectPublicKeyInfo, lower-case hex
  std::string chain;   ///< PEM, leaf first; empty: no certificate yet
  TimePoint created, changed;
  bool change_asked = false;  ///< of a next key: it is to take over as soon as it may
  /// Of a next key: since when every server lists it, without a break; and what was seen of TTLs meanwhile.
  std::optional<TimePoint> seen_since;
  std::uint32_t ttl_seconds = 0;  ///< the longest of the host's TLSA records
  OctetString sealed;             ///< PKCS#8 PEM

  /// RFC 7672 3.1.1: "3 1 1 …".
  [[nodiscard]] std::string tlsa() const { return "3 1 1 " + digest; }
};

[[nodiscard]] std::string key_digest(const crypto::EcKey& key);
/// The TLSA record of a certificate's key, whoever has made it.
[[nodiscard]] std::string tlsa_text(const crypto::Certificate& certificate);
[[nodiscard]] storage::KeyRow row_of(const TlsKey& key);
/// nullopt: a row that this version cannot read.
[[nodiscard]] std::optional<TlsKey> tls_key_from(const storage::KeyRow& row);
/// What a sealed key is bound to.
[[nodiscard]] std::string seal_context(const storage::KeyRow& row);

// ---- what the DNS says of a key

/// The TLSA records of the names that senders look at, as all their servers have them.
struct TlsaFacts {
  enum class Kind : std::uint8_t {
    unknown,  ///< not every server has answered
    none,     ///< there is no record that binds a key: any key may be used
    lacking,  ///< there are, and somewhere the key is not among them
    listed,   ///< the key is among them wherever there are any
  };
  Kind kind = Kind::unknown;
  std::uint32_t ttl_seconds = 0;  ///< the longest
  std::string words;
};
/// `sightings`: one for each name.
[[nodiscard]] TlsaFacts judge_tlsa(std::string_view digest, const std::vector<Sighting>& sightings);

// RFC 7671 8.1, RFC 7672 8.1: two TTLs, so that no cache holds a set without the key.
inline constexpr int tlsa_ttls_waited = 2;
inline constexpr std::uint32_t tlsa_ttl_seconds_least = 300;  // ours: clocks and secondaries differ

[[nodiscard]] Duration tlsa_wait(std::uint32_t ttl_seconds);

enum class NextKeyDue : std::uint8_t { nothing, note_seen, note_lost, may_take_over };
struct NextKeyDecision {
  NextKeyDue due = NextKeyDue::nothing;
  std::string words;
};
/// `bound_until`: until when a cache may still hold TLSA records that were seen earlier and are gone now.
[[nodiscard]] NextKeyDecision decide_next(const TlsKey& key, const TlsaFacts& facts,
                                          std::optional<TimePoint> bound_until, TimePoint now);

// ---- mutations; each with the precondition that nobody else was faster
void plan_new(const TlsKey& key, storage::Unit& unit);
void plan_note(const TlsKey& key, storage::Unit& unit);
/// `next` becomes live with this chain and `live`, where there is one, retires: in one unit.
void plan_take_over(const TlsKey& next, const TlsKey* live, std::string chain, TimePoint now, storage::Unit& unit);
void plan_gone(const TlsKey& key, storage::Unit& unit);
/// When a retiring key's record is wanted no more.
[[nodiscard]] TimePoint gone_at(const TlsKey& key);

}  // namespace posthorn::certificates
