// MailboxRows: mailboxes, emails, tombstones. Committer only. mailbox_rows.cpp: counters and mailboxes;
// email_rows.cpp: emails one by one; email_batches.cpp: many at once; expunged_rows.cpp: what was expunged.
//
// The counters of a mailbox (uid_next, highest_modseq, what its emails are and have) are kept in memory while groups
// run, and written once a group: a group of a hundred deliveries to one mailbox updates its row once. They are only
// ever as new as the group: a group that is rolled back calls forget().
#pragma once

#include <unordered_map>

#include "platform/storage/content_rows.h"
#include "platform/storage/counters.h"
#include "platform/storage/thread_rows.h"

namespace posthorn::storage {

class MailboxRows {
 public:
  MailboxRows(const Database& database, ContentRows& contents, Counters& counters);

  // Mutations: false when the row they need is not there, or a name is taken.
  [[nodiscard]] bool add(const AddEmail& add, bool content_is_counted, Committed& outcome);
  [[nodiscard]] bool set_flags(const SetFlags& change, Committed& outcome);
  [[nodiscard]] bool change_flags(const ChangeFlags& change, Committed& outcome);
  [[nodiscard]] bool expunge(const ExpungeEmail& which, Committed& outcome);
  [[nodiscard]] bool expunge(const ExpungeEmails& which, TimePoint now, Committed& outcome);
  [[nodiscard]] bool move(const MoveEmail& which, TimePoint now, Committed& outcome);
  [[nodiscard]] bool move(const MoveEmails& which, TimePoint now, Committed& outcome);
  [[nodiscard]] bool copy(const CopyEmails& which, TimePoint now, Committed& outcome);
  [[nodiscard]] bool undelete(const UndeleteEmail& which, TimePoint now, Committed& outcome);
  void sweep(const SweepExpunged& sweep, Committed& outcome);
  [[nodiscard]] bool forget_tombstones(const ForgetTombstones& which);
  void put_facts(const PutFacts& put);
  [[nodiscard]] bool put_mailbox(const MailboxRow& row, AccountId account, std::uint32_t now_seconds,
                                 Committed& outcome);
  [[nodiscard]] bool delete_mailbox(const DeleteMailbox& which, TimePoint now);
  [[nodiscard]] bool take_recent(const TakeRecent& take);
  void put_subscription(const PutSubscription& put, AccountId account);
  void delete_account(AccountId account);

  // Preconditions.
  [[nodiscard]] bool allows(const QuotaAllows& quota);
  [[nodiscard]] bool unchanged_since(const EmailUnchangedSince& which);
  [[nodiscard]] bool has_email(AccountId account, MailboxId mailbox, Uid uid);
  [[nodiscard]] bool has_mailbox(AccountId account, MailboxId id) { return counters_of(account, id) != nullptr; }

  /// Around each unit: what failed leaves no trace in the counters.
  void begin_unit();
  void undo_unit();
  /// Before the group's COMMIT.
  void write_counters();
  /// After a rollback of the whole group.
  void forget();

 private:
  struct Key {
    std::int64_t account = 0;
    std::int64_t mailbox = 0;
    friend bool operator==(Key, Key) = default;
  };
  struct KeyHash {
    std::size_t operator()(Key key) const noexcept {
      return static_cast<std::size_t>(static_cast<std::uint64_t>(key.account) * 0x9e3779b97f4a7c15ULL ^
                                      static_cast<std::uint64_t>(key.mailbox) * 0xc2b2ae3d27d4eb4fULL);
    }
  };
  struct MailboxCounters {
    std::uint32_t uid_validity = 0;
    std::uint64_t uid_next = 0;  // 2^32 when every uid is used up
    ModSeq highest_modseq = 0;
    std::int64_t octets = 0;
    std::int64_t messages = 0;
    bool exists = false;
    bool dirty = false;
  };

  [[nodiscard]] MailboxCounters* counters_of(AccountId account, MailboxId id);
  /// The same, noted for undo_unit() and for write_counters().
  [[nodiscard]] MailboxCounters* change_counters(AccountId account, MailboxId id);
  /// Octets of all the account's emails.
  [[nodiscard]] std::int64_t& used_by(AccountId account);
  /// So many more (or fewer) stand in a mailbox whose counters were noted by change_counters().
  void count_emails(MailboxCounters& counters, AccountId account, std::int64_t octets, std::int64_t messages);
  void remove_emails(AccountId account, MailboxId mailbox, bool recoverable, TimePoint now);
  [[nodiscard]] std::optional<EmailSummary> find(AccountId account, MailboxId mailbox, Uid uid);
  [[nodiscard]] std::string name_of(AccountId account, MailboxId mailbox);
  /// The row leaves the mailbox; what stays behind is a tombstone.
  void take_out(AccountId account, MailboxId mailbox, const EmailSummary& email, ModSeq modseq, Committed& outcome);
  /// An email's data, facts and hold on its content.
  void free_email(EmailId email);
  void keep_aside(const EmailSummary& email, AccountId account, MailboxId mailbox, std::string_view name,
                  TimePoint now);
  [[nodiscard]] bool place(AccountId account, MailboxId to, ModSeq modseq, EmailSummary email, Uid from,
                           Committed& outcome);
  [[nodiscard]] bool move_one(AccountId account, MailboxId mailbox, Uid uid, MailboxId to, ModSeq gone, ModSeq come,
                              TimePoint now, Committed& outcome);
  [[nodiscard]] bool copy_one(const CopyEmails& which, std::size_t index, ModSeq modseq, TimePoint now,
                              Committed& outcome);

  ContentRows& contents_;
  Counters& ids_;
  std::unordered_map<Key, MailboxCounters, KeyHash> mailboxes_;
  std::unordered_map<std::int64_t, std::int64_t> used_;  // by account
  std::vector<Key> dirty_mailboxes_;
  std::vector<std::pair<Key, MailboxCounters>> undo_mailboxes_;
  std::vector<std::pair<std::int64_t, std::int64_t>> undo_used_;

  ThreadRows threads_;
  Statement add_email_, add_data_, get_email_, set_flags_, remove_email_, get_data_, move_data_, remove_data_;
  Statement copy_data_, copy_facts_, put_facts_, remove_facts_;
  Statement copy_fields_, put_fields_, remove_fields_;
  Statement add_expunged_, add_all_expunged_, get_expunged_, remove_expunged_, old_expunged_, expunged_of_account_;
  Statement forget_tombstones_, set_forgotten_, take_recent_, get_name_;
  Statement add_subscription_, remove_subscription_, remove_subscriptions_, set_subscribed_, leave_subscription_;
  Statement add_tombstone_, get_mailbox_, add_mailbox_, rename_mailbox_, write_mailbox_, remove_mailbox_;
  Statement remove_tombstones_, emails_of_mailbox_, remove_emails_, mailboxes_of_account_;
  Statement get_used_, get_quota_;
};

}  // namespace posthorn::storage
