// The questions about mailboxes and emails.
#include "platform/storage/local_reader.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

MailboxRow mailbox_row(const Statement& s) {
  return {AccountId{s.integer(0)},
          MailboxId{s.integer(1)},
          s.text(2),
          s.small(3),
          s.small(4),
          s.natural(5),
          s.text(6),
          s.integer(7) != 0,
          0,
          1};
}

EmailRow email_row(const Statement& s) {
  EmailRow row;
  row.account = AccountId{s.integer(0)};
  row.mailbox = MailboxId{s.integer(1)};
  row.uid = s.small(2);
  row.modseq = s.natural(3);
  row.email_id = EmailId{s.natural(4)};
  row.octets.size = s.natural(5);
  row.flags = static_cast<std::uint8_t>(s.integer(6));
  row.keywords = split(s.octets(7), ' ');
  row.thread_id = s.natural(8);
  row.octets.content = MailId{s.natural(9)};
  row.internal_date = s.time(10);
  row.save_date = s.time(11);
  row.octets.ranges = decode_ranges(s.octets(12));
  row.octets.header_block = s.text(13);
  return row;
}

}  // namespace

std::vector<MailboxRow> LocalReader::mailboxes(AccountId account) {
  std::vector<MailboxRow> rows;
  Statement& s = sql("SELECT account, id, name, uid_validity, uid_next, highest_modseq, special_use, subscribed FROM "
                     "mailboxes WHERE account = ? ORDER BY id")
                     .with(account);
  while (s.step()) rows.push_back(mailbox_row(s));
  return rows;
}

std::optional<MailboxRow> LocalReader::mailbox(AccountId account, MailboxId id) {
  std::optional<MailboxRow> row;
  Statement& s = sql("SELECT account, id, name, uid_validity, uid_next, highest_modseq, special_use, subscribed FROM "
                     "mailboxes WHERE account = ? AND id = ?")
                     .with(account, id);
  if (s.step()) row = mailbox_row(s);
  s.reset();
  return row;
}

std::vector<EmailRow> LocalReader::emails(AccountId account, MailboxId mailbox, Uid from, std::size_t max) {
  std::vector<EmailRow> rows;
  Statement& s =
      sql("SELECT e.account, e.mailbox, e.uid, e.modseq, e.email_id, e.size, e.flags, e.keywords, d.thread_id, "
          "d.content, d.internal_date, d.save_date, d.ranges, d.header_block FROM emails e JOIN email_data d ON "
          "d.email_id = e.email_id WHERE e.account = ? AND e.mailbox = ? AND e.uid >= ? ORDER BY e.uid LIMIT ?")
          .with(account, mailbox, from, static_cast<std::uint64_t>(max));
  while (s.step()) rows.push_back(email_row(s));
  return rows;
}

std::vector<EmailSummary> LocalReader::summaries(AccountId account, MailboxId mailbox, Uid from, std::size_t max) {
  std::vector<EmailSummary> rows;
  Statement& s =
      sql("SELECT uid, modseq, email_id, size, flags, keywords FROM emails WHERE account = ? AND mailbox = ? "
          "AND uid >= ? ORDER BY uid LIMIT ?")
          .with(account, mailbox, from, static_cast<std::uint64_t>(max));
  while (s.step()) {
    rows.push_back({s.small(0),
                    s.natural(1),
                    EmailId{s.natural(2)},
                    s.natural(3),
                    static_cast<std::uint8_t>(s.integer(4)),
                    split(s.octets(5), ' '),
                    {}});
  }
  return rows;
}

std::optional<EmailRow> LocalReader::email(AccountId account, MailboxId mailbox, Uid uid) {
  std::vector<EmailRow> rows = emails(account, mailbox, uid, 1);
  if (rows.empty() || rows.front().uid != uid) return std::nullopt;
  return std::move(rows.front());
}

std::optional<EmailRow> LocalReader::email(EmailId id) {
  std::optional<EmailRow> row;
  Statement& s =
      sql("SELECT d.account, d.mailbox, d.uid, e.modseq, e.email_id, e.size, e.flags, e.keywords, d.thread_id, "
          "d.content, d.internal_date, d.save_date, d.ranges, d.header_block FROM email_data d JOIN emails e ON "
          "e.account = d.account AND e.mailbox = d.mailbox AND e.uid = d.uid WHERE d.email_id = ?")
          .with(id);
  if (s.step()) row = email_row(s);
  s.reset();
  return row;
}

std::vector<TombstoneRow> LocalReader::tombstones(AccountId account, MailboxId mailbox, ModSeq since) {
  std::vector<TombstoneRow> rows;
  Statement& s = sql("SELECT uid, modseq FROM tombstones WHERE account = ? AND mailbox = ? AND modseq > ? ORDER BY "
                     "modseq, uid")
                     .with(account, mailbox, since);
  while (s.step()) rows.push_back({account, mailbox, s.small(0), s.natural(1)});
  return rows;
}

}  // namespace posthorn::storage
