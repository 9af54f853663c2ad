// Mailboxes: the mail of all accounts, as sessions use it. Opens views, reads octets, and carries out each operation
// as one planned unit; an operation that failed has changed nothing (a STORE of very many emails is the exception:
// it goes in parts of store_part_emails_max).
//
// Thread-safe; outlives every coroutine that uses it. Observes the store: make it before sessions start.
#pragma once

#include <memory>
#include <span>

#include "flow/mailbox/append.h"
#include "flow/mailbox/folders.h"
#include "flow/mailbox/operations.h"
#include "flow/mailbox/snapshot.h"
#include "foundation/base/time.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/log.h"

namespace posthorn::mailbox {

class Views;
class Watch;
class Watches;

/// Makes the facts of one email from its octets (standards/imap knows how they are written).
using FactsMaker = std::function<storage::FactsRow(Octets message)>;

struct MailboxOptions {
  /// How long an expunged email can be brought back; 0: not at all.
  Duration undelete_time = std::chrono::hours{7 * 24};
  /// Emails in views that no session holds; the least recently used view goes first.
  std::size_t idle_view_emails_max = 1'000'000;
  /// Tombstones of one mailbox; beyond it the oldest half is forgotten.
  std::size_t tombstones_max = 100'000;
  FactsMaker make_facts;
};

/// Octets of one email, as read_messages() gives them.
struct ReadMessage {
  storage::EmailRow row;
  OctetString octets;
  bool whole = false;  ///< else only the first octets, as many as were asked for
};
using Facts = storage::FactsRow;
/// Called on a reader thread with the index and a header section: the usual fields, or the whole header where they are
/// too many to be kept. Owns what it captures.
using FieldsVisitor = std::function<void(std::size_t, Octets)>;

class Mailboxes {
 public:
  /// STORE, facts and reads of more than this go in parts, so that others get their turn.
  static constexpr std::size_t store_part_emails_max = 1'000;

  Mailboxes(storage::Store& store, Folders& folders, const runtime::Clock& clock, runtime::IdSource& ids,
            MailboxOptions options, runtime::Logger log);
  Mailboxes(const Mailboxes&) = delete;
  Mailboxes& operator=(const Mailboxes&) = delete;
  ~Mailboxes();

  [[nodiscard]] Folders& folders() { return folders_; }
  [[nodiscard]] storage::Store& store() { return store_; }
  [[nodiscard]] const MailboxOptions& options() const { return options_; }
  /// A change of the configuration; thread-safe.
  void set_undelete_time(Duration time);

  // ---- looking

  /// The view of a mailbox, loaded where it is not in memory.
  [[nodiscard]] Task<Outcome<std::shared_ptr<View>>> open(storage::AccountId account, MailboxId mailbox);
  /// The same, by name.
  [[nodiscard]] Task<Outcome<std::shared_ptr<View>>> open(storage::AccountId account, std::string name);
  /// What happens to the account's mailboxes from now on (watch.h).
  [[nodiscard]] std::unique_ptr<Watch> watch(storage::AccountId account, runtime::Executor executor);
  /// SELECT (not EXAMINE) takes what is \Recent; the uid from which on it is.
  [[nodiscard]] Uid take_recent(View& view);

  /// Whole rows: dates, EMAILID, THREADID, where the octets are. At most store_part_emails_max uids; ascending; those
  /// that went are left out.
  [[nodiscard]] Task<std::vector<storage::EmailRow>> rows(const View& view, std::vector<Uid> uids);
  /// Rows with their first `octets_each_max` octets, until together they exceed `octets_max` (at least one).
  [[nodiscard]] Task<Outcome<std::vector<ReadMessage>>> read_messages(const View& view, std::vector<Uid> uids,
                                                                      std::uint64_t octets_each_max,
                                                                      std::uint64_t octets_max);
  /// A piece of one email; shorter only at its end.
  [[nodiscard]] Task<Outcome<OctetString>> read(storage::StoredOctets octets, std::uint64_t offset, std::size_t max);
  /// The wanted parts for each uid (at most store_part_emails_max), made and kept where there were none; nullopt for
  /// those that went or cannot be read.
  [[nodiscard]] Task<std::vector<std::optional<Facts>>> facts(const View& view, std::vector<Uid> uids,
                                                              storage::FactsParts parts);
  /// Visits the usual header fields of each, made and kept where they were not; those that are gone are passed over.
  [[nodiscard]] Task<> visit_fields(std::vector<EmailId> ids, FieldsVisitor visit);
  /// RFC 7162 3.2.5.2, VANISHED (EARLIER): uids that went after `since`, ascending. Where tombstones that old are
  /// forgotten: every uid below UIDNEXT that is not there, among `known` where the client named what it knows.
  [[nodiscard]] Task<std::vector<Uid>> vanished_since(const View& view, ModSeq since,
                                                      std::optional<std::vector<Uid>> known);

  /// By name; MESSAGES, UNSEEN, DELETED, SIZE, RECENT and the row.
  [[nodiscard]] Task<Outcome<Status>> status(storage::AccountId account, std::string name);
  [[nodiscard]] Task<Quota> quota(storage::AccountId account);

  // ---- emails

  [[nodiscard]] Append begin_append(storage::AccountId account);
  /// `with_it`: what belongs to the same unit (an import's place to go on from, and that nobody has changed it; where
  /// somebody has: not_allowed).
  [[nodiscard]] Task<Outcome<Appended>> finish_append(Append append, std::string target, storage::Unit with_it = {});
  /// RFC 8508: the one message of `append` takes the place of `uid` in `view`'s mailbox.
  [[nodiscard]] Task<Outcome<Appended>> replace(Append append, std::string target, const View& view, Uid uid);

  [[nodiscard]] Task<Outcome<StoredFlags>> store_flags(const View& view, StoreFlags change);
  /// Those with \Deleted; all of them, or those among `uids` (UID EXPUNGE). Uids that went, ascending.
  [[nodiscard]] Task<Outcome<std::vector<Uid>>> expunge(const View& view, std::optional<std::vector<Uid>> uids);
  /// By uid whatever their flags: POP3's QUIT and `message remove`. One unit.
  [[nodiscard]] Task<Outcome<std::vector<Uid>>> remove(const View& view, std::vector<Uid> uids);
  /// Uids that are gone are passed over; nothing left is an outcome without pairs.
  [[nodiscard]] Task<Outcome<Copied>> copy(const View& view, std::vector<Uid> uids, std::string target);
  [[nodiscard]] Task<Outcome<Copied>> move(const View& view, std::vector<Uid> uids, std::string target);

  // ---- mailboxes

  /// Makes the levels above it as well (RFC 9051 6.3.4). A trailing "/" is dropped.
  [[nodiscard]] Task<Outcome<MailboxId>> create(storage::AccountId account, std::string name,
                                                std::string special_use = "");
  [[nodiscard]] Task<Outcome<void>> remove_mailbox(storage::AccountId account, std::string name);
  /// With what stands below it. INBOX: its emails move to the new name, INBOX stays (RFC 9051 6.3.6).
  [[nodiscard]] Task<Outcome<void>> rename(storage::AccountId account, std::string from, std::string to);
  [[nodiscard]] Task<Outcome<void>> subscribe(storage::AccountId account, std::string name, bool subscribed);
  /// Subscribed names that no mailbox has, beside MailboxRow::subscribed.
  [[nodiscard]] Task<std::vector<std::string>> lost_subscriptions(storage::AccountId account);

  // ---- care

  /// Emails that can be brought back, oldest first, at most 10,000.
  [[nodiscard]] Task<std::vector<storage::ExpungedRow>> recoverable(storage::AccountId account, TimePoint since);
  /// Each goes to the mailbox of the name it was in, else to INBOX.
  [[nodiscard]] Task<Outcome<std::size_t>> undelete(storage::AccountId account,
                                                    std::vector<storage::ExpungedRow> emails);
  /// Ends undelete times that are over, forgets tombstones beyond the bound. The server calls it every minute.
  [[nodiscard]] Task<> sweep();

 private:
  [[nodiscard]] Task<Outcome<storage::MailboxRow>> mailbox_named(storage::AccountId account, std::string name);
  [[nodiscard]] static std::optional<Status> read_status(storage::Reader& reader, storage::AccountId account,
                                                         MailboxId mailbox);
  [[nodiscard]] OperationFailure damaged(const Problem& problem) const;
  [[nodiscard]] bool keeps_expunged() const { return undelete_time_.load() > Duration::zero(); }
  [[nodiscard]] Task<Outcome<storage::Committed>> expunge_unit(const View& view, std::vector<Uid> uids,
                                                               bool only_deleted);
  /// COPY and MOVE, tried again where an email went meanwhile.
  enum class Transfer : std::uint8_t { copy, move };
  [[nodiscard]] Task<Outcome<Copied>> transfer(const View& view, std::vector<Uid> uids, std::string target,
                                               Transfer how);
  [[nodiscard]] storage::Unit plan_transfer(const View& view, const std::vector<Uid>& uids, MailboxId to, Transfer how);
  [[nodiscard]] Task<Outcome<void>> rename_inbox(storage::AccountId account, std::string to);
  [[nodiscard]] Task<bool> undelete_unit(storage::AccountId account, const FolderList& folders,
                                         std::span<const storage::ExpungedRow> emails);
  [[nodiscard]] Task<> forget_tombstones();

  storage::Store& store_;
  Folders& folders_;
  const runtime::Clock& clock_;
  runtime::IdSource& ids_;
  const MailboxOptions options_;
  std::atomic<Duration> undelete_time_;
  std::atomic<std::uint64_t> sweeps_{0};
  runtime::Logger log_;
  std::shared_ptr<Views> views_;
  std::shared_ptr<Watches> watches_;
};

}  // namespace posthorn::mailbox
