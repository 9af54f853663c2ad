// TransactionPlan: decides every recipient of one transaction (mailbox, queue, group, loop) and collects the mutations
// and the reports that follow. Pure but for ids; internal to the room.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "flow/delivery/arrival.h"
#include "flow/delivery/delivery.h"
#include "platform/storage/unit.h"
#include "standards/dsn/dsn.h"

namespace posthorn::delivery {

/// Every mailbox a recipient leads to; none for one that is relayed.
[[nodiscard]] std::span<const directory::ToMailbox> mailboxes_of(const Recipient& recipient);
/// RFC 9228 4: a message that bears our Delivered-To for all these mailboxes has been here before.
[[nodiscard]] bool was_here(const message::Header& header, const Recipient& recipient);

class TransactionPlan {
 public:
  /// Removes from arrival.edit what final delivery removes, and decides all recipients; the story has each decision.
  /// References are used during construction only.
  TransactionPlan(const Rules& rules, Arrival& arrival, const AccountPlaces& places, std::uint64_t content_octets,
                  runtime::IdSource& ids);

  [[nodiscard]] const Accepted& accepted() const { return accepted_; }
  /// What the sender must be told (RFC 3461 NOTIFY=SUCCESS, loops); empty for most.
  [[nodiscard]] const std::vector<dsn::RecipientReport>& reports() const { return reports_; }
  /// Moves the mutations to the end of `unit`, the content before what names it.
  void add_to(storage::Unit& unit, storage::PutContent content);

 private:
  void decide(const Recipient& recipient, std::uint32_t index);
  void decide_loop(const Recipient& recipient);
  void decide_remote(const Recipient& recipient, std::uint32_t index);
  void decide_group(const Recipient& recipient, const directory::ToGroup& group);
  /// Whether the sender asked to hear of success, and may hear from us at all.
  [[nodiscard]] bool wants_success(const Recipient& recipient) const;
  void store_copy(const directory::ToMailbox& to, std::string_view address, bool junk);
  void put_queue_row();
  void share_octets(std::uint64_t content_octets);
  [[nodiscard]] storage::StoredOctets octets_with(std::string header_block) const;

  const Rules& rules_;
  Arrival& arrival_;
  const AccountPlaces& places_;
  runtime::IdSource& ids_;
  std::string top_;                            ///< trace fields that every copy bears
  std::vector<storage::ContentRange> ranges_;  ///< of the content that stay; empty: the whole
  std::uint64_t kept_octets_ = 0;
  std::vector<std::int64_t> thread_keys_;
  std::set<storage::MailboxId> stored_;  ///< one copy a mailbox, however many recipients lead there
  std::set<std::string> queued_;         ///< one copy a remote mailbox and its DSN parameters
  std::vector<storage::RecipientRow> remote_;
  std::vector<storage::Mutation> mutations_;
  std::vector<dsn::RecipientReport> reports_;
  Accepted accepted_;
};

}  // namespace posthorn::delivery
