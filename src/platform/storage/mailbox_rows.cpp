#include "platform/storage/mailbox_rows.h"

#include <limits>

#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

constexpr std::uint64_t uid_max = std::numeric_limits<Uid>::max();
// Mailboxes and accounts whose counters are kept between groups.
constexpr std::size_t kept_counters_max = 65'536;

}  // namespace

MailboxRows::MailboxRows(const Database& database, ContentRows& contents, Counters& counters)
    : contents_(contents),
      ids_(counters),
      add_email_(database.prepare("INSERT INTO emails (account, mailbox, uid, modseq, email_id, size, flags, keywords) "
                                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")),
      add_data_(database.prepare(
          "INSERT OR IGNORE INTO email_data (email_id, account, mailbox, uid, thread_id, content, "
          "internal_date, save_date, crc, ranges, header_block) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      get_email_(database.prepare("SELECT modseq, email_id, size, flags, keywords FROM emails WHERE account = ? AND "
                                  "mailbox = ? AND uid = ?")),
      set_flags_(database.prepare("UPDATE emails SET modseq = ?, flags = ?, keywords = ? WHERE account = ? AND "
                                  "mailbox = ? AND uid = ?")),
      remove_email_(database.prepare("DELETE FROM emails WHERE account = ? AND mailbox = ? AND uid = ?")),
      get_data_(database.prepare("SELECT content FROM email_data WHERE email_id = ?")),
      move_data_(database.prepare("UPDATE email_data SET mailbox = ?, uid = ? WHERE email_id = ?")),
      remove_data_(database.prepare("DELETE FROM email_data WHERE email_id = ?")),
      add_tombstone_(database.prepare("INSERT INTO tombstones (account, mailbox, modseq, uid) VALUES (?, ?, ?, ?)")),
      get_mailbox_(database.prepare("SELECT uid_validity, uid_next, highest_modseq FROM mailboxes WHERE account = ? "
                                    "AND id = ?")),
      add_mailbox_(database.prepare("INSERT OR IGNORE INTO mailboxes (account, id, uid_validity, uid_next, "
                                    "highest_modseq, subscribed, name, special_use) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")),
      rename_mailbox_(database.prepare("UPDATE OR IGNORE mailboxes SET name = ?, special_use = ?, subscribed = ? WHERE "
                                       "account = ? AND id = ?")),
      write_mailbox_(database.prepare("UPDATE mailboxes SET uid_next = ?, highest_modseq = ? WHERE account = ? AND "
                                      "id = ?")),
      remove_mailbox_(database.prepare("DELETE FROM mailboxes WHERE account = ? AND id = ?")),
      remove_tombstones_(database.prepare("DELETE FROM tombstones WHERE account = ? AND mailbox = ?")),
      emails_of_mailbox_(
          database.prepare("SELECT e.email_id, e.size, d.content FROM emails e LEFT JOIN email_data d ON "
                           "d.email_id = e.email_id WHERE e.account = ? AND e.mailbox = ?")),
      remove_emails_(database.prepare("DELETE FROM emails WHERE account = ? AND mailbox = ?")),
      mailboxes_of_account_(database.prepare("SELECT id FROM mailboxes WHERE account = ?")),
      get_usage_(database.prepare("SELECT octets, messages FROM usage WHERE account = ?")),
      write_usage_(database.prepare("INSERT INTO usage (account, octets, messages) VALUES (?1, ?2, ?3) ON CONFLICT "
                                    "(account) DO UPDATE SET octets = ?2, messages = ?3")),
      remove_usage_(database.prepare("DELETE FROM usage WHERE account = ?")),
      get_quota_(database.prepare("SELECT quota_octets FROM accounts WHERE id = ?")) {}

// ---------------------------------------------------------------- counters in memory

MailboxRows::MailboxCounters* MailboxRows::counters_of(AccountId account, MailboxId id) {
  const Key key{account.value, id.value};
  auto found = mailboxes_.find(key);
  if (found == mailboxes_.end()) {
    if (!get_mailbox_.with(account, id).step()) return nullptr;
    const MailboxCounters stored{get_mailbox_.small(0), get_mailbox_.natural(1), get_mailbox_.natural(2), true, false};
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

MailboxRows::Usage& MailboxRows::usage_of(AccountId account) {
  const auto found = usage_.find(account.value);
  if (found != usage_.end()) return found->second;
  Usage stored;
  if (get_usage_.with(account).step()) {
    stored = Usage{get_usage_.integer(0), get_usage_.integer(1), false};
    get_usage_.reset();
  }
  return usage_.emplace(account.value, stored).first->second;
}

void MailboxRows::change_usage(AccountId account, std::int64_t octets, std::int64_t messages) {
  Usage& usage = usage_of(account);
  undo_usage_.emplace_back(account.value, usage);
  if (!usage.dirty) dirty_usage_.push_back(account.value);
  usage.octets += octets;
  usage.messages += messages;
  usage.dirty = true;
}

void MailboxRows::begin_unit() {
  undo_mailboxes_.clear();
  undo_usage_.clear();
}

void MailboxRows::undo_unit() {
  for (std::size_t i = undo_mailboxes_.size(); i-- > 0;) {
    const auto& [key, before] = undo_mailboxes_[i];
    const bool listed = mailboxes_[key].dirty;
    mailboxes_[key] = before;
    mailboxes_[key].dirty = listed;
  }
  for (std::size_t i = undo_usage_.size(); i-- > 0;) {
    const auto& [account, before] = undo_usage_[i];
    const bool listed = usage_[account].dirty;
    usage_[account] = before;
    usage_[account].dirty = listed;
  }
  begin_unit();
}

void MailboxRows::write_counters() {
  for (const Key key : dirty_mailboxes_) {
    MailboxCounters& counters = mailboxes_[key];
    counters.dirty = false;
    if (!counters.exists) continue;
    write_mailbox_.with(counters.uid_next, counters.highest_modseq, key.account, key.mailbox).run();
  }
  for (const std::int64_t account : dirty_usage_) {
    Usage& usage = usage_[account];
    usage.dirty = false;
    if (usage.octets == 0 && usage.messages == 0) {
      remove_usage_.with(account).run();
    } else {
      write_usage_.with(account, usage.octets, usage.messages).run();
    }
  }
  dirty_mailboxes_.clear();
  dirty_usage_.clear();
  if (mailboxes_.size() > kept_counters_max) mailboxes_.clear();
  if (usage_.size() > kept_counters_max) usage_.clear();
}

void MailboxRows::forget() {
  mailboxes_.clear();
  usage_.clear();
  dirty_mailboxes_.clear();
  dirty_usage_.clear();
  begin_unit();
}

// ---------------------------------------------------------------- emails

bool MailboxRows::add(const EmailRow& row, bool content_is_counted, Committed& outcome) {
  MailboxCounters* counters = change_counters(row.account, row.mailbox);
  if (counters == nullptr || counters->uid_next > uid_max) return false;
  if (!content_is_counted && !contents_.add_reference(row.octets.content)) return false;
  const Placed placed{row.mailbox, counters->uid_validity, static_cast<Uid>(counters->uid_next++),
                      ++counters->highest_modseq};
  const OctetString ranges = encode_ranges(row.octets.ranges);
  add_data_.with(row.email_id, row.account, row.mailbox, placed.uid, row.thread_id, row.octets.content,
                 row.internal_date, row.save_date, octets_crc(row.octets), Blob{ranges}, Blob{row.octets.header_block});
  if (add_data_.run() == 0) return false;
  const std::string keywords = join(row.keywords, ' ');
  add_email_.with(row.account, row.mailbox, placed.uid, placed.modseq, row.email_id, row.octets.size,
                  static_cast<std::uint32_t>(row.flags), keywords);
  add_email_.run();
  change_usage(row.account, static_cast<std::int64_t>(row.octets.size), 1);
  outcome.placed.push_back(placed);
  return true;
}

bool MailboxRows::set_flags(const SetFlags& change, Committed& outcome) {
  MailboxCounters* counters = change_counters(change.account, change.mailbox);
  if (counters == nullptr) return false;
  const ModSeq modseq = ++counters->highest_modseq;
  const std::string keywords = join(change.keywords, ' ');
  set_flags_.with(modseq, static_cast<std::uint32_t>(change.flags), keywords, change.account, change.mailbox,
                  change.uid);
  if (set_flags_.run() == 0) return false;
  outcome.modseqs.push_back(modseq);
  return true;
}

bool MailboxRows::expunge(const ExpungeEmail& which, Committed& outcome) {
  MailboxCounters* counters = change_counters(which.account, which.mailbox);
  if (counters == nullptr || !get_email_.with(which.account, which.mailbox, which.uid).step()) return false;
  const EmailId email{get_email_.natural(1)};
  const std::int64_t size = get_email_.integer(2);
  get_email_.reset();
  const ModSeq modseq = ++counters->highest_modseq;
  remove_email_.with(which.account, which.mailbox, which.uid).run();
  add_tombstone_.with(which.account, which.mailbox, modseq, which.uid).run();
  if (get_data_.with(email).step()) {
    const MailId content{get_data_.natural(0)};
    get_data_.reset();
    remove_data_.with(email).run();
    contents_.release(content);
  }
  change_usage(which.account, -size, -1);
  outcome.modseqs.push_back(modseq);
  return true;
}

bool MailboxRows::move(const MoveEmail& which, Committed& outcome) {
  if (!get_email_.with(which.account, which.mailbox, which.uid).step()) return false;
  const EmailId email{get_email_.natural(1)};
  const std::int64_t size = get_email_.integer(2);
  const std::uint32_t flags = get_email_.small(3);
  const std::string keywords = get_email_.text(4);
  get_email_.reset();
  if (counters_of(which.account, which.to) == nullptr) return false;
  MailboxCounters* from = change_counters(which.account, which.mailbox);
  const ModSeq gone = ++from->highest_modseq;
  MailboxCounters* to = change_counters(which.account, which.to);
  if (to->uid_next > uid_max) return false;
  const Placed placed{which.to, to->uid_validity, static_cast<Uid>(to->uid_next++), ++to->highest_modseq};
  remove_email_.with(which.account, which.mailbox, which.uid).run();
  add_tombstone_.with(which.account, which.mailbox, gone, which.uid).run();
  add_email_.with(which.account, which.to, placed.uid, placed.modseq, email, size, flags, keywords).run();
  move_data_.with(which.to, placed.uid, email).run();
  outcome.placed.push_back(placed);
  return true;
}

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
  const auto used = static_cast<std::uint64_t>(std::max<std::int64_t>(usage_of(quota.account).octets, 0));
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
  add_mailbox_.with(account, id, uid_validity, row.uid_next, highest, row.subscribed, row.name, row.special_use);
  if (add_mailbox_.run() == 0) return false;
  outcome.mailbox = id;
  return true;
}

void MailboxRows::remove_emails(AccountId account, MailboxId mailbox) {
  struct Gone {
    EmailId id;
    MailId content;
  };
  std::vector<Gone> gone;
  std::int64_t octets = 0;
  emails_of_mailbox_.with(account, mailbox);
  while (emails_of_mailbox_.step()) {
    gone.push_back({EmailId{emails_of_mailbox_.natural(0)}, MailId{emails_of_mailbox_.natural(2)}});
    octets += emails_of_mailbox_.integer(1);
  }
  for (const Gone& email : gone) {
    remove_data_.with(email.id).run();
    contents_.release(email.content);
  }
  remove_emails_.with(account, mailbox).run();
  change_usage(account, -octets, -static_cast<std::int64_t>(gone.size()));
}

bool MailboxRows::delete_mailbox(AccountId account, MailboxId id) {
  MailboxCounters* counters = change_counters(account, id);
  if (counters == nullptr) return false;
  counters->exists = false;
  remove_emails(account, id);
  remove_tombstones_.with(account, id).run();
  remove_mailbox_.with(account, id).run();
  return true;
}

void MailboxRows::delete_account(AccountId account) {
  std::vector<MailboxId> all;
  mailboxes_of_account_.with(account);
  while (mailboxes_of_account_.step()) all.push_back(MailboxId{mailboxes_of_account_.integer(0)});
  for (const MailboxId id : all) static_cast<void>(delete_mailbox(account, id));
}

}  // namespace posthorn::storage
