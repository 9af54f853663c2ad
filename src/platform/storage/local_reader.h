// LocalReader: the questions of reader.h on one SQLite connection. One thread each.
#pragma once

#include "platform/disk/segments.h"
#include "platform/storage/database.h"
#include "platform/storage/reader.h"

namespace posthorn::storage {

class LocalReader final : public Reader {
 public:
  LocalReader(Database database, disk::SegmentFiles& segments);

  /// Around a question: all it asks is answered from one state of the store.
  void begin();
  void end();

  Result<void, Problem> read_octets(const StoredOctets& octets, std::uint64_t offset, std::size_t max,
                                    OctetString& to) override;

  std::vector<DomainRow> domains() override;
  std::vector<AccountRow> accounts() override;
  std::optional<AccountRow> account(AccountId id) override;
  std::vector<LoginRow> logins() override;
  std::vector<AddressRow> addresses() override;
  std::vector<GroupRow> groups() override;
  UsageRow usage(AccountId account) override;
  std::string setting(std::string_view key) override;
  std::vector<std::pair<std::string, std::string>> settings(std::string_view prefix, std::string_view after,
                                                            std::size_t max) override;
  std::vector<KeyRow> keys(std::string_view kind) override;

  std::vector<MailboxRow> mailboxes(AccountId account) override;
  std::optional<MailboxRow> mailbox(AccountId account, MailboxId id) override;
  std::vector<EmailRow> emails(AccountId account, MailboxId mailbox, Uid from, std::size_t max) override;
  std::vector<EmailSummary> summaries(AccountId account, MailboxId mailbox, Uid from, std::size_t max) override;
  std::optional<EmailRow> email(AccountId account, MailboxId mailbox, Uid uid) override;
  std::vector<EmailRow> emails(AccountId account, MailboxId mailbox, std::span<const Uid> uids) override;
  MailboxTotals totals(AccountId account, MailboxId mailbox) override;
  std::vector<std::optional<FactsRow>> facts(std::span<const EmailId> ids, FactsParts parts) override;
  void visit_fields(std::span<const EmailId> ids, const std::function<void(std::size_t, Octets)>& visitor) override;
  void visit_octets(std::span<const EmailId> ids, std::uint64_t octets_max,
                    const std::function<bool(std::size_t, Octets)>& visitor) override;
  std::optional<EmailRow> email(EmailId id) override;
  std::vector<TombstoneRow> tombstones(AccountId account, MailboxId mailbox, ModSeq since) override;
  std::optional<ModSeq> tombstone_bound(AccountId account, MailboxId mailbox, std::uint64_t keep) override;
  std::vector<TombstoneCount> long_tombstone_lists(std::uint64_t more_than) override;
  std::vector<ExpungedRow> expunged(AccountId account, TimePoint since, std::size_t max) override;
  bool has_expunged_before(TimePoint before) override;
  std::vector<std::string> subscriptions(AccountId account) override;

  std::vector<DestinationRow> destinations() override;
  std::vector<RecipientRow> waiting(std::string_view domain, const QueuePosition& after, std::size_t max) override;
  std::optional<QueueRow> queued(MailId id) override;
  std::vector<RecipientRow> recipients(MailId id) override;
  std::vector<QueueRow> queue_page(const QueueFilter& filter, MailId after, std::size_t max) override;
  bool is_signed_in_queue(std::string_view selector_and_domain) override;

  std::vector<StoryRow> stories_by_key(std::string_view key, std::size_t max) override;
  std::optional<StoryRow> story(MailId id) override;
  std::vector<StoryPartRow> story_parts(MailId id) override;

  std::vector<DmarcRow> dmarc_rows(std::chrono::sys_days day, std::string_view policy_domain, std::string_view after,
                                   std::size_t max) override;
  std::vector<DmarcDayRow> dmarc_days(std::chrono::sys_days day, std::string_view after, std::size_t max) override;
  DmarcDayRow dmarc_day(std::chrono::sys_days day) override;
  std::vector<SelectorRow> selectors_seen(std::string_view domain) override;

  [[nodiscard]] const Database& database() const { return database_; }

 private:
  /// `max` octets of a content from `offset`, which lie within it.
  [[nodiscard]] Result<void, Problem> read_content(MailId id, std::uint64_t offset, std::uint64_t max, OctetString& to);
  [[nodiscard]] Result<void, Problem> read_file(MailId id, Result<std::shared_ptr<disk::File>, disk::FileError> file,
                                                std::uint64_t offset, std::uint64_t max, OctetString& to);
  /// The first octets of an email; `content` where it stands in the database. False where it is damaged.
  [[nodiscard]] bool gather(const StoredOctets& stored, std::optional<Octets> content, std::uint64_t octets_max,
                            OctetString& to);
  /// A statement of this connection, prepared at its first use.
  [[nodiscard]] Statement& sql(std::string_view text);

  Database database_;
  disk::SegmentFiles& segments_;
  std::unordered_map<std::string_view, Statement> statements_;  // keys are literals
};

}  // namespace posthorn::storage
