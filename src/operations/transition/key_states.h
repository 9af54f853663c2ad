// Key states driven: a key's next step, when its condition holds (docs/states/keys.md). keyring holds the states; this
// asks the DNS and the queue and plans the units. Each step is one unit with its precondition, so a crash repeats a
// question and never a step, and two drivers cannot step twice.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "operations/domains/surroundings.h"
#include "platform/runtime/worker_pool.h"
#include "platform/storage/store.h"
#include "site/keyring/keyring.h"
#include "standards/dns/resolver.h"

namespace posthorn::transition {

/// A new record is asked for by nobody before it is used, but a resolver may have its absence cached: as long as
/// negative answers live at most (RFC 2308 5: one to three hours is recommended).
inline constexpr Duration key_absence_cached_max = std::chrono::hours(1);
/// RFC 6376 3.6.1 and STANDARDS: verifiers look when mail arrives; a week covers queues of other hosts.
inline constexpr Duration key_retired_at_least = std::chrono::days(7);
/// How long an empty p= stands before the record may go.
inline constexpr Duration key_revoked_at_least = std::chrono::days(30);

/// What the DNS answered for one key's record.
struct KeySighting {
  enum class Kind : std::uint8_t {
    everywhere,  ///< every server that was asked answers with it
    missing,     ///< one at least does not
    different,   ///< one at least answers with another record at the name
    unknown,     ///< could not be learnt now
  };
  Kind kind = Kind::unknown;
  std::string words;  ///< "ns2.example.net (192.0.2.2) has no record"
};

/// Asks whether a record is published. The server's one asks every authoritative server of the zone; a site whose DNS
/// is a zone file or one given server asks that.
class KeyWitness {
 public:
  virtual ~KeyWitness() = default;
  [[nodiscard]] virtual Task<KeySighting> look(keyring::KeyRecord wanted) = 0;
};
/// Whether a published record holds the key that is wanted, however it is written (order of tags, white space).
[[nodiscard]] bool is_same_key(std::string_view wanted, std::string_view published);
/// What one server's answer means.
[[nodiscard]] KeySighting judge_sighting(const keyring::KeyRecord& wanted, const dns::TxtLookup& lookup,
                                         std::string_view server);
/// Asks this resolver alone.
[[nodiscard]] std::unique_ptr<KeyWitness> resolver_witness(dns::Resolver& resolver);

/// One key after a look: what was done, or what it waits for.
struct KeyStep {
  keyring::DkimKey key;  ///< in its state after the step
  bool stepped = false;
  std::string words;  ///< "waits: ns2.example.net has no record"; "signs from now on"
};

/// A key as a plan wants to know it, with what becomes of it next (surroundings.h).
[[nodiscard]] domains::OwnKey own_key_of(const keyring::DkimKey& key);
/// The keys of a domain.
[[nodiscard]] std::vector<domains::OwnKey> own_keys(const keyring::Keyring& keyring, std::string_view domain);

/// What is due for one key, as far as time, queue and DNS are known. Pure.
struct KeyFacts {
  KeySighting sighting;      ///< of the record its state wants
  bool in_queue = false;     ///< a queued message bears its signature
  bool other_signs = false;  ///< the domain has a key of its kind in state signing
};
enum class KeyDue : std::uint8_t {
  nothing,
  to_published,
  to_signing,
  to_revoked,
  to_gone,
  note_queue_clear,
  note_queue_busy
};
struct KeyDecision {
  KeyDue due = KeyDue::nothing;
  std::string words;
};
[[nodiscard]] KeyDecision decide_key(const keyring::DkimKey& key, const KeyFacts& facts, bool force, TimePoint now);

/// Works on a store that others may change meanwhile; everything it points to outlives its tasks.
class KeyDriver {
 public:
  /// `witness` null: the DNS is not asked, and nothing goes on that needs it.
  KeyDriver(storage::Store& store, keyring::Keyring& keyring, runtime::WorkerPool& workers, KeyWitness* witness)
      : store_(store), keyring_(keyring), workers_(workers), witness_(witness) {}

  /// Looks at every key of the domain and takes each step that is due. `force`: made and published keys go on without
  /// a look, for people who know.
  [[nodiscard]] Task<Result<std::vector<KeyStep>, Problem>> advance(std::string domain, bool force,
                                                                    TimePoint now) const;
  /// The first keys of a domain, in this state. Made where the domain has a past that signs elsewhere; signing for one
  /// that has nothing to lose (quickstart).
  [[nodiscard]] Task<Result<std::vector<keyring::DkimKey>, Problem>> add_keys(std::string domain,
                                                                              keyring::KeyState state,
                                                                              TimePoint now) const;
  /// New keys in state made; those that sign now retire when the new ones begin.
  [[nodiscard]] Task<Result<std::vector<keyring::DkimKey>, Problem>> rotate(std::string domain, TimePoint now) const;
  /// At once and for good: the key signs no more, its record is to be emptied. For a key that may be known to others.
  [[nodiscard]] Task<Result<keyring::DkimKey, Problem>> revoke(std::string domain, std::string selector,
                                                               TimePoint now) const;

 private:
  [[nodiscard]] Task<Result<KeyStep, Problem>> advance_one(keyring::DkimKey key, bool force, TimePoint now) const;
  [[nodiscard]] Task<KeyFacts> learn(keyring::DkimKey key, bool force) const;
  [[nodiscard]] Task<Result<void, Problem>> commit(storage::Unit unit, std::string_view domain) const;

  storage::Store& store_;
  keyring::Keyring& keyring_;
  runtime::WorkerPool& workers_;
  KeyWitness* witness_;
};

}  // namespace posthorn::transition
