// Reader: questions to the store, inside one read transaction on a reader thread (Store::read). Synchronous; must
// not leave its thread. A page of rows has a bound that the caller gives.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
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
  std::string text;  ///< matches id, sender, recipient address or domain; empty: all
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
  [[nodiscard]] virtual std::vector<LoginRow> logins() = 0;
  [[nodiscard]] virtual std::vector<AddressRow> addresses() = 0;
  [[nodiscard]] virtual std::vector<GroupRow> groups() = 0;
  [[nodiscard]] virtual UsageRow usage(AccountId account) = 0;
  [[nodiscard]] virtual std::string setting(std::string_view key) = 0;

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
  [[nodiscard]] virtual std::optional<EmailRow> email(EmailId id) = 0;
  /// Expunged and moved away after `since`, by modseq.
  [[nodiscard]] virtual std::vector<TombstoneRow> tombstones(AccountId account, MailboxId mailbox, ModSeq since) = 0;

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
};

}  // namespace posthorn::storage
