// dns-01 (RFC 8555 8.4): the proof is a TXT record at _acme-challenge.NAME, placed by an update of the zone (RFC 2136),
// waited for at every authoritative server, and removed when the authority has looked. An alias at the name is
// followed: the record goes where it leads.
//
// What is placed is noted in the store before, so that a crash in between leaves nothing behind for ever: clean_up()
// removes what an earlier run left.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "operations/certificates/proof.h"
#include "operations/certificates/record_witness.h"
#include "operations/transition/zone_publisher.h"
#include "platform/runtime/log.h"
#include "platform/storage/store.h"

namespace posthorn::certificates {

inline constexpr std::uint32_t challenge_ttl_seconds = 60;                // it stands for a minute or two
inline constexpr Duration challenge_patience = std::chrono::minutes(10);  // for the slowest of the secondaries
inline constexpr const char* challenges_setting = "certificates/challenges";

/// Who changes the zone of a name.
class Publishers {
 public:
  virtual ~Publishers() = default;
  /// A Problem says what the administrator must set for it.
  [[nodiscard]] virtual Result<std::unique_ptr<transition::ZonePublisher>, Problem> publisher(
      const dns::Name& name) = 0;
};

/// A TXT record that stands, or may stand, in a zone for us.
struct PlacedChallenge {
  std::string name;   ///< where the record is, aliases followed
  std::string value;  ///< base64url of the SHA-256 of the key authorization
  friend auto operator<=>(const PlacedChallenge&, const PlacedChallenge&) = default;
};
[[nodiscard]] std::string challenges_json(const std::set<PlacedChallenge>& placed);
[[nodiscard]] std::set<PlacedChallenge> parse_challenges(std::string_view json);

/// One proof at a time; on one executor. All arguments outlive it.
class DnsProver final : public Prover {
 public:
  DnsProver(storage::Store& store, runtime::Clock& clock, RecordWitness& witness, Publishers& publishers,
            runtime::Logger log)
      : store_(store), clock_(clock), witness_(witness), publishers_(publishers), log_(std::move(log)) {}

  [[nodiscard]] std::string_view challenge(std::string_view /*name*/) const override { return challenge_dns; }
  [[nodiscard]] Task<Result<void, Problem>> place(Proof proof) override;
  [[nodiscard]] Task<> take_away(Proof proof) override;

  /// Removes what stands in the notes: left by a crash, or by a server that took no update. Not while a proof is
  /// placed. How many are gone.
  [[nodiscard]] Task<std::size_t> clean_up();

 private:
  [[nodiscard]] Task<std::set<PlacedChallenge>> notes();
  [[nodiscard]] Task<Result<void, Problem>> note(PlacedChallenge placed, bool stands);
  [[nodiscard]] Task<dns::Name> where(dns::Name name);
  [[nodiscard]] Task<Result<void, Problem>> change(PlacedChallenge placed, bool add);
  [[nodiscard]] Task<Result<void, Problem>> wait_for(PlacedChallenge placed);
  [[nodiscard]] Task<bool> remove(PlacedChallenge placed);

  storage::Store& store_;
  runtime::Clock& clock_;
  RecordWitness& witness_;
  Publishers& publishers_;
  runtime::Logger log_;
  std::map<std::string, PlacedChallenge> standing_;  ///< by token
};

}  // namespace posthorn::certificates
