// Delivery: takes responsibility for mail. accept() is the only way in for mail in transit (the acceptance law): it
// decides mailbox or queue for every recipient, writes the whole outcome as one unit, and returns when that unit is on
// stable storage; only then may a 250 be said. Reports of our own come in through plan() (queue::Acceptor).
//
// Thread-safe; everything in Surroundings outlives it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "flow/delivery/arrival.h"
#include "flow/delivery/places.h"
#include "flow/mailbox/folders.h"
#include "flow/queue/acceptor.h"
#include "flow/queue/policy.h"
#include "flow/queue/routes.h"
#include "flow/signing/signing.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/random.h"
#include "platform/storage/store.h"
#include "site/directory/directory.h"
#include "standards/dsn/dsn.h"
#include "standards/smtp/reply.h"

namespace posthorn::delivery {

struct Surroundings {
  storage::Store* store = nullptr;
  directory::Directory* directory = nullptr;
  mailbox::Folders* folders = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::IdSource* ids = nullptr;
  const signing::Signing* signing = nullptr;  ///< null: nothing is signed
};

/// What the configuration says about it; replaced on SIGHUP.
struct Rules {
  std::string host_name;
  std::uint64_t received_fields_max = 100;      ///< limits.received_fields
  std::uint64_t header_octets_max = 256 * KiB;  ///< limits.header_size
  queue::Policy policy;
  queue::Routes routes;
};

class Delivery final : public queue::Acceptor {
 public:
  Delivery(Surroundings surroundings, Rules rules);

  /// Accepts the message in `intake` for all recipients of `arrival`, or refuses it whole. Refused: nothing is
  /// written, and arrival.story (still the caller's) has the reason. On success the story went with the unit.
  [[nodiscard]] Task<Result<Accepted, smtp::Reply>> accept(Arrival& arrival, std::unique_ptr<storage::Intake> intake);

  [[nodiscard]] Task<Result<storage::Unit, Problem>> plan(queue::OwnMessage message) override;

  /// Signs what `arrival` will be when it leaves: the last change before accept(). The story says with what, or why
  /// not. `body_hash`: signing::BodyHash over the octets as they came; empty where none was wanted (signs()).
  [[nodiscard]] Task<> sign(Arrival& arrival, signing::Origin origin, std::string body_hash) const;
  /// Whether body hashes are wanted.
  [[nodiscard]] bool signs() const { return around_.signing != nullptr && around_.signing->is_active(); }

  void reconfigure(Rules rules);
  [[nodiscard]] std::shared_ptr<const Rules> rules() const { return rules_.load(); }

 private:
  [[nodiscard]] Task<Result<AccountPlaces, storage::CommitFailure>> find_places(
      const std::vector<Recipient>& recipients);
  /// Plans one report to the sender into the same unit; temporary failures only.
  [[nodiscard]] Task<Result<void, Problem>> add_report(const Rules& rules, const Arrival& arrival,
                                                       const std::vector<dsn::RecipientReport>& reports,
                                                       storage::Unit& unit);

  Surroundings around_;
  std::atomic<std::shared_ptr<const Rules>> rules_;
};

}  // namespace posthorn::delivery
