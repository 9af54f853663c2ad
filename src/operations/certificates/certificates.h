// Certificates: what this host has from an authority, and their renewal. One certificate for the host's own names, one
// for each policy host (mta-sts.DOMAIN), so that one name that fails does not hold back the others.
//
// A renewal keeps the private key: a TLSA record of its public key (usage 3, selector 1) stays true. The key itself is
// replaced when it is old or an administrator asks, and only by one whose TLSA record every server has shown long
// enough (tls_key.h, docs/states/certificates.md). Keys stand in the store, sealed.
//
// keep(), look() and the administrator's calls run on one executor; issued() and standings() are thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operations/certificates/acme.h"
#include "operations/certificates/dns_prover.h"
#include "operations/certificates/tls_key.h"
#include "platform/net/tls.h"
#include "platform/runtime/log.h"
#include "platform/storage/store.h"
#include "site/keyring/keyring.h"

namespace posthorn::certificates {

inline constexpr Duration renewal_look = std::chrono::minutes(10);  // how often it is looked whether one is due
inline constexpr Duration tlsa_look = std::chrono::hours(1);        // at the TLSA records of keys in use
inline constexpr Duration retry_first = std::chrono::minutes(15);   // after a failure; doubled each time
inline constexpr Duration retry_max = std::chrono::hours(24);       // authorities limit failures an hour
inline constexpr std::size_t tls_keys_per_name_max = 10;            // ours: two changes at once are two too many

/// A set of names to have one certificate for.
struct Want {
  std::vector<std::string> names;  ///< the first is its name in the store and in verbs
  bool takes_mail = false;         ///< senders with DANE look at TLSA records of these names
};

/// A certificate that is here, with the key in use.
struct Issued {
  std::vector<std::string> names;
  std::string chain_pem;
  std::string key_pem;  ///< a secret
  TimePoint not_before, not_after;
};
/// When it must be renewed: with a third of its life left.
[[nodiscard]] TimePoint renewal_time(TimePoint not_before, TimePoint not_after);

/// How a name stands, for `certificate list` and its kin.
struct Standing {
  std::string problem;  ///< of the last attempt; empty: it went well
  std::optional<TimePoint> next_attempt;
  std::string waits;  ///< what the next key waits for
  std::string tlsa;   ///< what is wrong with the TLSA records of the key in use; empty: nothing is known
};

struct Surroundings {
  storage::Store* store = nullptr;
  keyring::Keyring* keyring = nullptr;  ///< for its sealing key
  runtime::Clock* clock = nullptr;
  Prover* prover = nullptr;
  AcmeTransport* transport = nullptr;
  runtime::Logger log;
  RecordWitness* witness = nullptr;  ///< null: nobody asks for TLSA records, and a next key waits for none
  DnsProver* dns_prover = nullptr;   ///< null: there is none
  /// Who publishes the TLSA records of names that are proven by dns-01; null: nobody, an administrator does.
  Publishers* publishers = nullptr;
};
struct Options {
  std::string directory;
  std::vector<std::string> contact;
  Duration key_age = std::chrono::days(365);  ///< zero: a key changes only when it is asked for
};

class Certificates {
 public:
  /// `wanted`: what to have certificates for, asked at each look. `changed`: called when there is a new one.
  Certificates(Surroundings around, Options options, std::function<std::vector<Want>()> wanted,
               std::function<void()> changed)
      : around_(std::move(around)),
        options_(std::move(options)),
        wanted_(std::move(wanted)),
        changed_(std::move(changed)) {}

  /// Reads what is in the store. Keys that cannot be opened are told in the log and left out.
  [[nodiscard]] Task<> load();
  /// Looks and renews until it is cancelled.
  [[nodiscard]] Task<> keep();
  /// One look: what is due is done. How many certificates were issued.
  [[nodiscard]] Task<std::size_t> look();

  // ---- an administrator's; a Problem says why not
  /// A new certificate now, whatever the age of the present one, for the key that is in use.
  [[nodiscard]] Task<Result<void, Problem>> renew_now(std::string name);
  /// The key changes as soon as it may; with `force` at once, whatever the TLSA records say. What it waits for; empty:
  /// it has changed.
  [[nodiscard]] Task<Result<std::string, Problem>> change_key(std::string name, bool force);

  [[nodiscard]] std::vector<Issued> issued() const;
  [[nodiscard]] std::vector<TlsKey> keys() const;
  [[nodiscard]] Standing standing(const std::string& name) const;

 private:
  struct Failure {
    TimePoint next;
    Duration wait = retry_first;
  };
  using Keys = std::vector<TlsKey>;
  /// At most one of these at a time: an administrator's call while a look is at work is told to come again.
  class Turn;

  [[nodiscard]] Task<Result<bool, Problem>> tend(Want want);
  [[nodiscard]] Task<Result<bool, Problem>> tend_next(Want want, TlsKey next, bool force);
  [[nodiscard]] Task<Result<void, Problem>> retire(Want want);
  [[nodiscard]] Task<> watch_tlsa(Want want);
  [[nodiscard]] bool wants_next(const Want& want, TimePoint now) const;
  [[nodiscard]] bool is_due(const Want& want, TimePoint now) const;
  [[nodiscard]] bool takes_over(const TlsKey& next, TimePoint now) const;

  [[nodiscard]] Task<TlsaFacts> facts_of(Want want, std::string digest);
  [[nodiscard]] Task<std::vector<Sighting>> sight(Want want);
  [[nodiscard]] Task<Result<void, Problem>> publish_tlsa(Want want, TlsKey key, bool add);

  [[nodiscard]] Task<Result<TlsKey, Problem>> make_next(std::string owner);
  /// A certificate for the key; kept with it. Where the key is not live yet, it takes over.
  [[nodiscard]] Task<Result<void, Problem>> issue(Want want, TlsKey key);
  [[nodiscard]] Task<Result<crypto::EcKey, Problem>> account_key();
  [[nodiscard]] Task<Result<void, Problem>> commit(storage::Unit unit);
  void count_failure(const std::string& name, const Problem& problem);

  [[nodiscard]] std::optional<Want> find_want(const std::string& name) const;
  /// What an administrator may ask for at this moment.
  [[nodiscard]] Result<Want, Problem> want_now(const std::string& name, const Turn& turn) const;
  [[nodiscard]] std::optional<TlsKey> key_in(const std::string& owner, TlsKeyState state) const;
  void take_in(const storage::Unit& unit);
  void put(TlsKey key);
  void note_waits(const std::string& name, std::string words);

  Surroundings around_;
  Options options_;
  std::function<std::vector<Want>()> wanted_;
  std::function<void()> changed_;
  bool busy_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, Keys> keys_;          ///< by owner
  std::map<std::string, Issued> issued_;      ///< by owner
  std::map<std::string, Standing> standing_;  ///< by owner
  // Of the one executor alone:
  std::map<std::string, Failure> failures_;
  std::map<std::string, TimePoint> bound_until_;  ///< caches may hold TLSA records that bind the name until then
  std::map<std::string, TimePoint> tlsa_seen_;    ///< when they were looked at last
};

}  // namespace posthorn::certificates
