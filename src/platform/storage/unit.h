// Unit: what changes state, as data. Rooms plan units; Store::commit writes one whole or not at all, together
// with others in one group, and answers when the group is on stable storage (DESIGN: units, acceptance law).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "platform/storage/rows.h"

namespace posthorn::disk {
class StagedFile;  // staged_file.h: a message file that is already on stable storage, removed unless a unit names it
}

namespace posthorn::storage {

// ---------------------------------------------------------------- preconditions

/// The account's use plus this much must stay within its quota. For APPEND and COPY, never for delivery.
struct QuotaAllows {
  AccountId account;
  std::uint64_t octets = 0;
  std::uint64_t messages = 0;
};
/// The recipient is still queued and has had exactly this many attempts: the lease of whoever took it.
struct RecipientUnchanged {
  MailId mail;
  std::uint32_t index = 0;
  std::uint32_t attempts = 0;
};
/// RFC 7162 UNCHANGEDSINCE for one email.
struct EmailUnchangedSince {
  AccountId account;
  MailboxId mailbox;
  Uid uid = 0;
  ModSeq modseq = 0;
};
struct EmailExists {
  AccountId account;
  MailboxId mailbox;
  Uid uid = 0;
};
struct MailboxExists {
  AccountId account;
  MailboxId id;
};
/// No domain, account, login, address or group of that name (kind: "domain", "account", "login", "address", "group").
struct NameFree {
  std::string kind;
  std::string name;
};
struct NameTaken {
  std::string kind;
  std::string name;
};
/// The key is there, in this state: nobody else has taken it a step further meanwhile.
struct KeyInState {
  std::string kind, owner, name;
  std::string state;
};
/// There is no such key.
struct KeyAbsent {
  std::string kind, owner, name;
};
/// The setting has exactly this value (empty: there is none): nobody has changed it since it was read.
struct SettingIs {
  std::string key;
  std::string value;
};
/// The domain's row has exactly this state and these settings.
struct DomainIs {
  std::string name;
  std::string state;
  std::string settings;
};
using Precondition = std::variant<QuotaAllows, RecipientUnchanged, EmailUnchangedSince, EmailExists, MailboxExists,
                                  NameFree, NameTaken, KeyInState, KeyAbsent, SettingIs, DomainIs>;

// ---------------------------------------------------------------- mutations

/// New octets: in memory (shared with the session that read them) or already on disk as a synced file.
/// A content lives while an email or queue row names it; it must be named within the same unit.
struct PutContent {
  MailId id;
  std::shared_ptr<const OctetString> octets;
  std::shared_ptr<disk::StagedFile> staged;
  /// For people who read a segment with `less`: sender and recipients on one line. Cut at 512 octets; may be empty.
  std::string envelope;
};
/// Adds an email; the commit gives uid, modseq and thread (Committed::placed).
struct AddEmail {
  EmailRow row;
  /// Hashes of the message ids that tell its thread, its own first (flow/mailbox/threads.h). The thread is that of the
  /// first one known to the account, else a new one that bears the email's id.
  std::vector<std::int64_t> thread_keys{};
};
/// Replaces the flags and keywords; the commit gives a new modseq.
struct SetFlags {
  AccountId account;
  MailboxId mailbox;
  Uid uid = 0;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
};
/// Changes the flags and keywords of several emails at once, on top of what they are at commit. Emails that have them
/// already keep their modseq; those that are gone are passed over. Committed::flags says what each is now.
struct ChangeFlags {
  enum class How : std::uint8_t { replace, add, remove };
  AccountId account;
  MailboxId mailbox;
  std::vector<Uid> uids;  ///< ascending
  How how = How::replace;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
  /// RFC 7162 3.1.3: emails with a higher modseq stay as they are and are named in Committed::modified.
  std::optional<ModSeq> unchanged_since;
};
/// Leaves a tombstone, frees the content when nothing else names it.
struct ExpungeEmail {
  AccountId account;
  MailboxId mailbox;
  Uid uid = 0;
};
/// The same for several; those that are gone already are passed over. Committed::gone names them.
struct ExpungeEmails {
  AccountId account;
  MailboxId mailbox;
  std::vector<Uid> uids;      ///< ascending
  bool only_deleted = false;  ///< those that bear \Deleted at commit
  bool recoverable = false;   ///< kept aside with their octets until SweepExpunged (ExpungedRow)
};
/// RFC 6851: the email keeps its EmailId, flags, keywords and internal date; it gets a new uid, modseq and save date in
/// `to` (Committed::placed) and leaves a tombstone in `mailbox` (Committed::gone).
struct MoveEmail {
  AccountId account;
  MailboxId mailbox;
  Uid uid = 0;
  MailboxId to;  ///< id 0: the last mailbox this unit made
};
/// The same for several, in order. An email that is gone fails the unit.
struct MoveEmails {
  AccountId account;
  MailboxId mailbox;
  std::vector<Uid> uids;
  MailboxId to;  ///< id 0: the last mailbox this unit made
};
/// Copies, sharing content, EMAILID and thread; `new_ids` has an id for each. An email that is gone fails the unit.
struct CopyEmails {
  AccountId account;
  MailboxId mailbox;
  std::vector<Uid> uids;
  std::vector<EmailId> new_ids;
  MailboxId to;
};
/// Brings an expunged email back, with a new uid and modseq in `to` (Committed::placed).
struct UndeleteEmail {
  AccountId account;
  EmailId email_id;
  MailboxId to;
};
/// Ends the undelete time of emails expunged before `before`, at most `max` of them (Committed::swept).
struct SweepExpunged {
  TimePoint before;
  std::size_t max = 1000;
};
/// Forgets the tombstones of a mailbox up to a modseq (MailboxRow::forgotten_modseq).
struct ForgetTombstones {
  AccountId account;
  MailboxId mailbox;
  ModSeq up_to = 0;
};
/// Keeps what was made from an email's octets, as long as the email is there; not an error where it is gone.
struct PutFacts {
  EmailId email_id;
  FactsRow facts;
};
struct PutMailbox {
  /// id 0: a new one. uid_validity 0: the store gives one that was never used before. Of an existing mailbox
  /// uid_validity, uid_next and highest_modseq are kept.
  MailboxRow row;
};
struct DeleteMailbox {
  AccountId account;
  MailboxId id;
  bool recoverable = false;  ///< its emails are kept aside as by ExpungeEmails
};
/// MailboxRow::first_recent; never lowered.
struct TakeRecent {
  AccountId account;
  MailboxId id;
  Uid first_recent = 1;
};
/// RFC 9051 6.3.7: a subscription may name no mailbox; it outlives the one it named, and holds for the next.
struct PutSubscription {
  AccountId account;
  std::string name;
  bool subscribed = true;
};

struct PutQueued {
  QueueRow row;
  std::vector<RecipientRow> recipients;
};
struct PutRecipient {
  RecipientRow row;  ///< replaces the row with the same key
};
/// The recipient is done; the last one takes the queue row with it.
struct RemoveRecipient {
  MailId mail;
  std::uint32_t index = 0;
};

struct PutStory {
  StoryRow row;
};
struct AppendStory {
  StoryPartRow row;
};
/// Retention: removes stories that began before `before`, and the oldest while all stories together (steps and
/// parts) exceed octets_max. At most 1,000 stories a unit: the caller comes again while it removed that many.
struct SweepStories {
  TimePoint before;
  std::uint64_t octets_max = 0;
};

inline constexpr std::uint64_t dmarc_rows_a_domain_max = 10'000;  // ours: rows of a policy domain and day
inline constexpr std::uint64_t dmarc_rows_a_day_max = 500'000;    // ours: rows of a day
/// Adds row.count to the row of the same day, policy domain and digest, or makes it. What a day or domain brings above
/// its bound is counted as forgotten (DmarcDayRow).
struct CountDmarcRow {
  DmarcRow row;
};
/// Retention: removes rows of days before `before`, at most `max` (Committed::swept), with the last the days' sums.
struct SweepDmarcRows {
  std::chrono::sys_days before;
  std::size_t max = 1000;
};
inline constexpr std::uint64_t selectors_a_domain_max = 30;  // ours: real domains have a handful
inline constexpr std::uint64_t selectors_max = 50'000;       // ours: of all domains
/// The selector was seen at row.last_seen; written when it is new or was last seen a day before. Above its bounds what
/// was not seen for longest goes.
struct NoteSelector {
  SelectorRow row;
};

struct PutDomain {
  DomainRow row;
};
struct RemoveDomain {
  std::string name;
};  ///< with its DKIM keys
/// id 0: a new one (Committed::account). PutMailbox, PutAddress and PutLogin behind it in the same unit mean it with
/// account 0.
struct PutAccount {
  AccountRow row;
};
struct RemoveAccount {
  AccountId id;
};  ///< with its mailboxes, logins and addresses
struct PutLogin {
  LoginRow row;
};  ///< id 0: a new one
struct RemoveLogin {
  LoginId id;
};
struct PutAddress {
  AddressRow row;
};
struct RemoveAddress {
  std::string address;
};
struct PutGroup {
  GroupRow row;
};
struct RemoveGroup {
  std::string address;
};

/// Adds the key, or replaces the one of the same kind, owner and name.
struct PutKey {
  KeyRow row;
};
struct RemoveKey {
  std::string kind, owner, name;
};

/// A named value of a room's own ("reports/last-run"); empty value removes it.
struct PutSetting {
  std::string key;
  std::string value;
};

using Mutation = std::variant<PutContent, AddEmail, SetFlags, ChangeFlags, ExpungeEmail, ExpungeEmails, MoveEmail,
                              MoveEmails, CopyEmails, UndeleteEmail, SweepExpunged, ForgetTombstones, PutFacts,
                              PutMailbox, DeleteMailbox, TakeRecent, PutSubscription, PutQueued, PutRecipient,
                              RemoveRecipient, PutStory, AppendStory, SweepStories, CountDmarcRow, SweepDmarcRows,
                              NoteSelector, PutDomain, RemoveDomain, PutAccount, RemoveAccount, PutLogin, RemoveLogin,
                              PutAddress, RemoveAddress, PutGroup, RemoveGroup, PutSetting, PutKey, RemoveKey>;

struct Unit {
  std::vector<Precondition> preconditions;
  std::vector<Mutation> mutations;
};

// ---------------------------------------------------------------- outcome

/// An email as a view in memory knows it.
struct EmailSummary {
  Uid uid = 0;
  ModSeq modseq = 0;
  EmailId email_id;
  std::uint64_t size = 0;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
  TimePoint internal_date;
};

struct Placed {
  MailboxId mailbox;
  std::uint32_t uid_validity = 0;
  Uid uid = 0;
  ModSeq modseq = 0;
  Uid from = 0;  ///< of MoveEmail, MoveEmails, CopyEmails: the uid in the mailbox it came from
};
/// What ChangeFlags made of one email.
struct FlagsNow {
  MailboxId mailbox;
  Uid uid = 0;
  ModSeq modseq = 0;
  bool changed = false;  ///< else it had them already
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
};
struct Gone {
  MailboxId mailbox;
  Uid uid = 0;
  ModSeq modseq = 0;
};

struct Committed {
  std::vector<Placed> placed;  ///< one for each email added, moved, copied or undeleted, in order
  /// The emails that came to a mailbox by MoveEmail, MoveEmails, CopyEmails and UndeleteEmail, in the order they stand
  /// in `placed` (AddEmail has its row).
  std::vector<EmailSummary> arrived;
  std::vector<FlagsNow> flags;  ///< of ChangeFlags
  std::vector<Uid> modified;    ///< of ChangeFlags: those that unchanged_since kept
  std::vector<Gone> gone;       ///< of ExpungeEmail, ExpungeEmails, MoveEmail, MoveEmails
  AccountId account;            ///< of a PutAccount with id 0
  LoginId login;
  MailboxId mailbox;            ///< of the last PutMailbox with id 0
  std::vector<ModSeq> modseqs;  ///< one for each SetFlags and ExpungeEmail, in order
  std::uint64_t swept = 0;      ///< removed by SweepStories, SweepExpunged or SweepDmarcRows
};

enum class CommitError : std::uint8_t {
  precondition_failed,  ///< CommitFailure::precondition says which; nothing of the unit is written
  no_space,             ///< the disk is full: temporary (452 4.3.1); service resumes by itself
  damaged,              ///< a page that the unit needs is damaged: nothing of it is written; others go on
  shutting_down,        ///< the store no longer takes units
};
struct CommitFailure {
  CommitError error{};
  /// Index in Unit::preconditions. At or above their number: the mutation (index less that number) whose own
  /// condition did not hold: a mailbox, email, content or account that is gone, a name that is taken.
  std::size_t precondition = 0;
};

}  // namespace posthorn::storage
