// Reader: questions to the store, inside one read transaction on a reader thread (Store::read). Synchronous; must
// not leave its thread. A page of rows has a bound that the caller gives.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"
#include "platform/storage/rows.h"
#include "platform/storage/unit.h"

namespace posthorn::storage {

/// A place among the queued recipients of one destination, to go on from.
struct QueuePosition {
  TimePoint not_before;
  MailId mail;
  std::uint32_t index = 0;
};

/// How much waits for one destination.
struct DestinationRow {
  std::string domain;
  std::uint64_t recipients = 0;
  TimePoint earliest;
};

struct QueueFilter {
  std::string text;  ///< matches id, sender, recipient address, its domain or next hop; empty: all
};

/// What STATUS tells of a mailbox beside its row.
struct MailboxTotals {
  std::uint64_t messages = 0;
  std::uint64_t unseen = 0;   ///< without \Seen
  std::uint64_t deleted = 0;  ///< with \Deleted
  std::uint64_t octets = 0;
};

/// A mailbox, and how many tombstones it has.
struct TombstoneCount {
  AccountId account;
  MailboxId mailbox;
  std::uint64_t count = 0;
};

class Reader {
 public:
  virtual ~Reader() = default;

  // octets
  /// Appends at most `max` octets of the message from `offset` to `to`; a content that is gone is a Problem.
  [[nodiscard]] virtual Result<void, Problem> read_octets(const StoredOctets& octets, std::uint64_t offset,
                                                          std::size_t max, OctetString& to) = 0;

  // directory
  [[nodiscard]] virtual std::vector<DomainRow> domains() = 0;
  [[nodiscard]] virtual std::vector<AccountRow> accounts() = 0;
  [[nodiscard]] virtual std::optional<AccountRow> account(AccountId id) = 0;
  [[nodiscard]] virtual std::vector<LoginRow> logins() = 0;
  [[nodiscard]] virtual std::vector<AddressRow> addresses() = 0;
  [[nodiscard]] virtual std::vector<GroupRow> groups() = 0;
  [[nodiscard]] virtual UsageRow usage(AccountId account) = 0;
  [[nodiscard]] virtual std::string setting(std::string_view key) = 0;
  /// Keys that begin with `prefix` (not empty) and come after `after`, in order, at most `max`, with their values.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> settings(std::string_view prefix,
                                                                                  std::string_view after,
                                                                                  std::size_t max) = 0;

  // keys
  /// Of one kind, by owner and name.
  [[nodiscard]] virtual std::vector<KeyRow> keys(std::string_view kind) = 0;

  // mailboxes
  [[nodiscard]] virtual std::vector<MailboxRow> mailboxes(AccountId account) = 0;
  [[nodiscard]] virtual std::optional<MailboxRow> mailbox(AccountId account, MailboxId id) = 0;
  /// Rows with from <= uid, ascending, at most `max`.
  [[nodiscard]] virtual std::vector<EmailRow> emails(AccountId account, MailboxId mailbox, Uid from,
                                                     std::size_t max) = 0;
  /// The same range, without what only FETCH needs.
  [[nodiscard]] virtual std::vector<EmailSummary> summaries(AccountId account, MailboxId mailbox, Uid from,
                                                            std::size_t max) = 0;
  [[nodiscard]] virtual std::optional<EmailRow> email(AccountId account, MailboxId mailbox, Uid uid) = 0;
  /// The rows of these uids (ascending); those that are gone are left out.
  [[nodiscard]] virtual std::vector<EmailRow> emails(AccountId account, MailboxId mailbox,
                                                     std::span<const Uid> uids) = 0;
  [[nodiscard]] virtual MailboxTotals totals(AccountId account, MailboxId mailbox) = 0;
  /// One for each id, with the parts that are wanted; nullopt where they were not kept.
  [[nodiscard]] virtual std::vector<std::optional<FactsRow>> facts(std::span<const EmailId> ids, FactsParts parts) = 0;
  /// Calls `visitor` with the index and FactsRow::fields of each email of which they are kept, in order. The octets are
  /// valid during the call.
  virtual void visit_fields(std::span<const EmailId> ids, const std::function<void(std::size_t, Octets)>& visitor) = 0;
  /// Calls `visitor` with the index and the first `octets_max` octets of each email, in order, until it says false;
  /// emails that are gone or damaged are passed over. The octets are valid during the call. For searches: nothing is
  /// copied where the octets stand in one piece.
  virtual void visit_octets(std::span<const EmailId> ids, std::uint64_t octets_max,
                            const std::function<bool(std::size_t, Octets)>& visitor) = 0;
  [[nodiscard]] virtual std::optional<EmailRow> email(EmailId id) = 0;
  /// Expunged and moved away after `since`, by modseq.
  [[nodiscard]] virtual std::vector<TombstoneRow> tombstones(AccountId account, MailboxId mailbox, ModSeq since) = 0;
  /// The modseq up to which tombstones must be forgotten so that not more than `keep` are left; nullopt: none.
  [[nodiscard]] virtual std::optional<ModSeq> tombstone_bound(AccountId account, MailboxId mailbox,
                                                              std::uint64_t keep) = 0;
  /// Mailboxes with more tombstones than `more_than`.
  [[nodiscard]] virtual std::vector<TombstoneCount> long_tombstone_lists(std::uint64_t more_than) = 0;
  /// Emails expunged at `since` or later that can be brought back, oldest first, at most `max` of them.
  [[nodiscard]] virtual std::vector<ExpungedRow> expunged(AccountId account, TimePoint since, std::size_t max) = 0;
  /// Whether an email was expunged before `before` and is still kept.
  [[nodiscard]] virtual bool has_expunged_before(TimePoint before) = 0;
  /// Names that are subscribed to and no mailbox has.
  [[nodiscard]] virtual std::vector<std::string> subscriptions(AccountId account) = 0;

  // queue
  [[nodiscard]] virtual std::vector<DestinationRow> destinations() = 0;
  /// Recipients in state queued of one destination after `position`, ordered by not_before, mail, index.
  [[nodiscard]] virtual std::vector<RecipientRow> waiting(std::string_view domain, const QueuePosition& after,
                                                          std::size_t max) = 0;
  [[nodiscard]] virtual std::optional<QueueRow> queued(MailId id) = 0;
  [[nodiscard]] virtual std::vector<RecipientRow> recipients(MailId id) = 0;
  /// Queue rows after `after` (null: from the start) that the filter lets through, at most `max`.
  [[nodiscard]] virtual std::vector<QueueRow> queue_page(const QueueFilter& filter, MailId after, std::size_t max) = 0;
  /// Whether a queued message bears this signature ("selector:domain", QueueRow::signed_with). Looks at every row.
  [[nodiscard]] virtual bool is_signed_in_queue(std::string_view selector_and_domain) = 0;

  // stories
  [[nodiscard]] virtual std::vector<StoryRow> stories_by_key(std::string_view key, std::size_t max) = 0;
  [[nodiscard]] virtual std::optional<StoryRow> story(MailId id) = 0;
  [[nodiscard]] virtual std::vector<StoryPartRow> story_parts(MailId id) = 0;

  // what verification remembers
  /// Rows of a day and policy domain whose digest comes after `after`, in that order, at most `max`.
  [[nodiscard]] virtual std::vector<DmarcRow> dmarc_rows(std::chrono::sys_days day, std::string_view policy_domain,
                                                         std::string_view after, std::size_t max) = 0;
  /// The policy domains of a day that come after `after`, in order, at most `max`.
  [[nodiscard]] virtual std::vector<DmarcDayRow> dmarc_days(std::chrono::sys_days day, std::string_view after,
                                                            std::size_t max) = 0;
  /// What all policy domains of a day have together.
  [[nodiscard]] virtual DmarcDayRow dmarc_day(std::chrono::sys_days day) = 0;
  /// Of one domain, oldest first.
  [[nodiscard]] virtual std::vector<SelectorRow> selectors_seen(std::string_view domain) = 0;
};

}  // namespace posthorn::storage
