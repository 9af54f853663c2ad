#include "platform/storage/mailbox_rows.h"

#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

// Mailboxes and accounts whose counters are kept between groups.
constexpr std::size_t kept_counters_max = 65'536;

}  // namespace

MailboxRows::MailboxRows(const Database& database, ContentRows& contents, Counters& counters)
    : contents_(contents),
      ids_(counters),
      threads_(database),
      add_email_(database.prepare("INSERT INTO emails (account, mailbox, uid, modseq, email_id, size, flags, keywords, "
                                  "internal_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      add_data_(database.prepare(
          "INSERT OR IGNORE INTO email_data (email_id, account, mailbox, uid, thread_id, content, "
          "internal_date, save_date, crc, ranges, header_block, object_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
          "?)")),
      get_email_(database.prepare("SELECT modseq, email_id, size, flags, keywords, internal_date FROM emails WHERE "
                                  "account = ? AND mailbox = ? AND uid = ?")),
      set_flags_(database.prepare("UPDATE emails SET modseq = ?, flags = ?, keywords = ? WHERE account = ? AND "
                                  "mailbox = ? AND uid = ?")),
      remove_email_(database.prepare("DELETE FROM emails WHERE account = ? AND mailbox = ? AND uid = ?")),
      get_data_(database.prepare("SELECT content FROM email_data WHERE email_id = ?")),
      move_data_(database.prepare("UPDATE email_data SET mailbox = ?, uid = ?, save_date = ? WHERE email_id = ?")),
      remove_data_(database.prepare("DELETE FROM email_data WHERE email_id = ?")),
      copy_data_(database.prepare(
          "INSERT OR IGNORE INTO email_data (email_id, account, mailbox, uid, thread_id, content, internal_date, "
          "save_date, crc, ranges, header_block, object_id) SELECT ?1, account, ?2, ?3, thread_id, content, "
          "internal_date, ?4, crc, ranges, header_block, iif(object_id = 0, email_id, object_id) FROM email_data WHERE "
          "email_id = ?5")),
      copy_facts_(database.prepare("INSERT INTO email_facts (email_id, envelope, structure, preview) SELECT ?, "
                                   "envelope, structure, preview FROM email_facts WHERE email_id = ?")),
      put_facts_(database.prepare(
          "INSERT INTO email_facts (email_id, envelope, structure, preview) SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT "
          "1 FROM email_data WHERE email_id = ?1) ON CONFLICT (email_id) DO UPDATE SET envelope = ?2, structure = ?3, "
          "preview = ?4")),
      remove_facts_(database.prepare("DELETE FROM email_facts WHERE email_id = ?")),
      copy_fields_(database.prepare("INSERT INTO email_fields (email_id, fields) SELECT ?, fields FROM email_fields "
                                    "WHERE email_id = ?")),
      put_fields_(database.prepare(
          "INSERT INTO email_fields (email_id, fields) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM email_data WHERE "
          "email_id = ?1) ON CONFLICT (email_id) DO UPDATE SET fields = ?2")),
      remove_fields_(database.prepare("DELETE FROM email_fields WHERE email_id = ?")),
      add_expunged_(database.prepare("INSERT INTO expunged (email_id, expunged, account, mailbox, uid, size, flags, "
                                     "mailbox_name, keywords) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      add_all_expunged_(database.prepare(
          "INSERT INTO expunged (email_id, expunged, account, mailbox, uid, size, flags, mailbox_name, keywords) "
          "SELECT "
          "email_id, ?3, account, mailbox, uid, size, flags, ?4, keywords FROM emails WHERE account = ?1 AND mailbox = "
          "?2")),
      get_expunged_(database.prepare(
          "SELECT x.size, x.flags, x.keywords, d.internal_date FROM expunged x JOIN email_data d ON d.email_id = "
          "x.email_id WHERE x.email_id = ? AND x.account = ?")),
      remove_expunged_(database.prepare("DELETE FROM expunged WHERE email_id = ?")),
      old_expunged_(database.prepare("SELECT email_id FROM expunged WHERE expunged < ? ORDER BY expunged LIMIT ?")),
      expunged_of_account_(database.prepare("SELECT email_id FROM expunged WHERE account = ?")),
      forget_tombstones_(database.prepare("DELETE FROM tombstones WHERE account = ? AND mailbox = ? AND modseq <= ?")),
      set_forgotten_(database.prepare("UPDATE mailboxes SET forgotten_modseq = max(forgotten_modseq, ?) WHERE account "
                                      "= ? AND id = ?")),
      take_recent_(database.prepare("UPDATE mailboxes SET first_recent = max(first_recent, ?) WHERE account = ? AND "
                                    "id = ?")),
      get_name_(database.prepare("SELECT name FROM mailboxes WHERE account = ? AND id = ?")),
      add_subscription_(database.prepare("INSERT OR IGNORE INTO subscriptions (account, name) VALUES (?, ?)")),
      remove_subscription_(database.prepare("DELETE FROM subscriptions WHERE account = ? AND name = ?")),
      remove_subscriptions_(database.prepare("DELETE FROM subscriptions WHERE account = ?")),
      set_subscribed_(database.prepare("UPDATE mailboxes SET subscribed = ? WHERE account = ? AND name = ?")),
      leave_subscription_(database.prepare(
          "INSERT OR IGNORE INTO subscriptions (account, name) SELECT account, name FROM mailboxes WHERE account = ? "
          "AND id = ? AND subscribed")),
      add_tombstone_(database.prepare("INSERT INTO tombstones (account, mailbox, modseq, uid) VALUES (?, ?, ?, ?)")),
      get_mailbox_(database.prepare("SELECT uid_validity, uid_next, highest_modseq, octets, messages FROM mailboxes "
                                    "WHERE account = ? AND id = ?")),
      add_mailbox_(database.prepare("INSERT OR IGNORE INTO mailboxes (account, id, uid_validity, uid_next, "
                                    "highest_modseq, subscribed, name, special_use) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")),
      rename_mailbox_(database.prepare("UPDATE OR IGNORE mailboxes SET name = ?, special_use = ?, subscribed = ? WHERE "
                                       "account = ? AND id = ?")),
      write_mailbox_(database.prepare("UPDATE mailboxes SET uid_next = ?, highest_modseq = ?, octets = ?, messages = ? "
                                      "WHERE account = ? AND id = ?")),
      remove_mailbox_(database.prepare("DELETE FROM mailboxes WHERE account = ? AND id = ?")),
      remove_tombstones_(database.prepare("DELETE FROM tombstones WHERE account = ? AND mailbox = ?")),
      emails_of_mailbox_(database.prepare("SELECT email_id, size FROM emails WHERE account = ? AND mailbox = ?")),
      remove_emails_(database.prepare("DELETE FROM emails WHERE account = ? AND mailbox = ?")),
      mailboxes_of_account_(database.prepare("SELECT id FROM mailboxes WHERE account = ?")),
      get_used_(database.prepare("SELECT coalesce(sum(octets), 0) FROM mailboxes WHERE account = ?")),
      get_quota_(database.prepare("SELECT quota_octets FROM accounts WHERE id = ?")) {}

// ---------------------------------------------------------------- counters in memory

MailboxRows::MailboxCounters* MailboxRows::counters_of(AccountId account, MailboxId id) {
  const Key key{account.value, id.value};
  auto found = mailboxes_.find(key);
  if (found == mailboxes_.end()) {
    if (!get_mailbox_.with(account, id).step()) return nullptr;
    const MailboxCounters stored{get_mailbox_.small(0),
                                 get_mailbox_.natural(1),
                                 get_mailbox_.natural(2),
                                 get_mailbox_.integer(3),
                                 get_mailbox_.integer(4),
                                 true,
                                 false};
    get_mailbox_.reset();
    found = mailboxes_.emplace(key, stored).first;
  }
  return found->second.exists ? &found->second : nullptr;
}

MailboxRows::MailboxCounters* MailboxRows::change_counters(AccountId account, MailboxId id) {
  MailboxCounters* counters = counters_of(account, id);
  if (counters == nullptr) return nullptr;
  const Key key{account.value, id.value};
  undo_mailboxes_.emplace_back(key, *counters);
  if (!counters->dirty) dirty_mailboxes_.push_back(key);
  counters->dirty = true;
  return counters;
}

std::int64_t& MailboxRows::used_by(AccountId account) {
  const auto found = used_.find(account.value);
  if (found != used_.end()) return found->second;
  const std::int64_t stored = get_used_.with(account).step() ? get_used_.integer(0) : 0;
  get_used_.reset();
  return used_.emplace(account.value, stored).first->second;
}

/// The account's sum is known before a mailbox of it changes: the rows that it is made of are written with the group.
void MailboxRows::count_emails(MailboxCounters& counters, AccountId account, std::int64_t octets,
                               std::int64_t messages) {
  std::int64_t& used = used_by(account);
  undo_used_.emplace_back(account.value, used);
  used += octets;
  counters.octets += octets;
  counters.messages += messages;
}

void MailboxRows::begin_unit() {
  undo_mailboxes_.clear();
  undo_used_.clear();
}

void MailboxRows::undo_unit() {
  for (std::size_t i = undo_mailboxes_.size(); i-- > 0;) {
    const auto& [key, before] = undo_mailboxes_[i];
    const bool listed = mailboxes_[key].dirty;
    mailboxes_[key] = before;
    mailboxes_[key].dirty = listed;
  }
  for (std::size_t i = undo_used_.size(); i-- > 0;) used_[undo_used_[i].first] = undo_used_[i].second;
  begin_unit();
}

void MailboxRows::write_counters() {
  for (const Key key : dirty_mailboxes_) {
    MailboxCounters& counters = mailboxes_[key];
    counters.dirty = false;
    if (!counters.exists) continue;
    write_mailbox_
        .with(counters.uid_next, counters.highest_modseq, counters.octets, counters.messages, key.account, key.mailbox)
        .run();
  }
  dirty_mailboxes_.clear();
  if (mailboxes_.size() > kept_counters_max) mailboxes_.clear();
  if (used_.size() > kept_counters_max) used_.clear();
}

void MailboxRows::forget() {
  mailboxes_.clear();
  used_.clear();
  dirty_mailboxes_.clear();
  begin_unit();
}

// ---------------------------------------------------------------- preconditions

bool MailboxRows::unchanged_since(const EmailUnchangedSince& which) {
  if (!get_email_.with(which.account, which.mailbox, which.uid).step()) return false;
  const bool unchanged = get_email_.natural(0) <= which.modseq;
  get_email_.reset();
  return unchanged;
}

bool MailboxRows::has_email(AccountId account, MailboxId mailbox, Uid uid) {
  const bool found = get_email_.with(account, mailbox, uid).step();
  get_email_.reset();
  return found;
}

bool MailboxRows::allows(const QuotaAllows& quota) {
  if (!get_quota_.with(quota.account).step()) return false;
  const std::uint64_t limit = get_quota_.natural(0);
  get_quota_.reset();
  if (limit == 0) return true;
  const auto used = static_cast<std::uint64_t>(std::max<std::int64_t>(used_by(quota.account), 0));
  return used <= limit && quota.octets <= limit - used;
}

// ---------------------------------------------------------------- mailboxes

bool MailboxRows::put_mailbox(const MailboxRow& row, AccountId account, std::uint32_t now_seconds, Committed& outcome) {
  if (row.id.value != 0) {
    if (counters_of(account, row.id) == nullptr) return false;
    return rename_mailbox_.with(row.name, row.special_use, row.subscribed, account, row.id).run() != 0;
  }
  if (!get_quota_.with(account).step()) return false;
  get_quota_.reset();
  const MailboxId id{ids_.next("next_mailbox")};
  // RFC 9051 2.3.1.1: a mailbox deleted and made again under its name must get a greater UIDVALIDITY.
  const std::uint32_t uid_validity =
      row.uid_validity != 0 ? row.uid_validity : static_cast<std::uint32_t>(ids_.next("uid_validity", now_seconds));
  const ModSeq highest = std::max<ModSeq>(row.highest_modseq, 1);
  // A subscription that waited for this name.
  const bool subscribed = remove_subscription_.with(account, row.name).run() != 0 || row.subscribed;
  add_mailbox_.with(account, id, uid_validity, row.uid_next, highest, subscribed, row.name, row.special_use);
  if (add_mailbox_.run() == 0) return false;
  outcome.mailbox = id;
  return true;
}

void MailboxRows::remove_emails(AccountId account, MailboxId mailbox, bool recoverable, TimePoint now) {
  std::vector<EmailId> gone;
  std::int64_t octets = 0;
  emails_of_mailbox_.with(account, mailbox);
  while (emails_of_mailbox_.step()) {
    gone.push_back(EmailId{emails_of_mailbox_.natural(0)});
    octets += emails_of_mailbox_.integer(1);
  }
  if (recoverable) {
    const std::string name = name_of(account, mailbox);
    add_all_expunged_.with(account, mailbox, now, name).run();
  } else {
    for (const EmailId email : gone) free_email(email);
  }
  remove_emails_.with(account, mailbox).run();
  if (MailboxCounters* counters = counters_of(account, mailbox))
    count_emails(*counters, account, -octets, -static_cast<std::int64_t>(gone.size()));
}

std::string MailboxRows::name_of(AccountId account, MailboxId mailbox) {
  const std::string name = get_name_.with(account, mailbox).step() ? get_name_.text(0) : std::string();
  get_name_.reset();
  return name;
}

bool MailboxRows::delete_mailbox(const DeleteMailbox& which, TimePoint now) {
  MailboxCounters* counters = change_counters(which.account, which.id);
  if (counters == nullptr) return false;
  remove_emails(which.account, which.id, which.recoverable, now);
  counters->exists = false;
  remove_tombstones_.with(which.account, which.id).run();
  leave_subscription_.with(which.account, which.id).run();
  remove_mailbox_.with(which.account, which.id).run();
  return true;
}

bool MailboxRows::take_recent(const TakeRecent& take) {
  return take_recent_.with(take.first_recent, take.account, take.id).run() != 0;
}

void MailboxRows::put_subscription(const PutSubscription& put, AccountId account) {
  if (set_subscribed_.with(put.subscribed, account, put.name).run() != 0) return;
  Statement& statement = put.subscribed ? add_subscription_ : remove_subscription_;
  statement.with(account, put.name).run();
}

void MailboxRows::delete_account(AccountId account) {
  std::vector<MailboxId> all;
  mailboxes_of_account_.with(account);
  while (mailboxes_of_account_.step()) all.push_back(MailboxId{mailboxes_of_account_.integer(0)});
  for (const MailboxId id : all) static_cast<void>(delete_mailbox({account, id, false}, TimePoint{}));
  std::vector<EmailId> aside;
  expunged_of_account_.with(account);
  while (expunged_of_account_.step()) aside.push_back(EmailId{expunged_of_account_.natural(0)});
  for (const EmailId email : aside) {
    free_email(email);
    remove_expunged_.with(email).run();
  }
  threads_.remove_account(account);
  remove_subscriptions_.with(account).run();
}

}  // namespace posthorn::storage
