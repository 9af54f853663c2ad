#include "platform/storage/queue_rows.h"

#include "platform/storage/row_codec.h"

namespace posthorn::storage {

QueueRows::QueueRows(const Database& database, ContentRows& contents)
    : contents_(contents),
      add_queue_(database.prepare(
          "INSERT OR IGNORE INTO queue (id, content, size, sender, envelope_id, ret, eight_bit, smtputf8, require_tls, "
          "stream, priority, signed_with, login, message_id, arrived, crc, ranges, header_block) VALUES (?, ?, ?, ?, "
          "?, ?, "
          "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      get_queue_(database.prepare("SELECT content FROM queue WHERE id = ?")),
      remove_queue_(database.prepare("DELETE FROM queue WHERE id = ?")),
      write_recipient_(database.prepare("INSERT INTO recipients (address, domain, original, notify, state, attempts, "
                                        "not_before, expires, delay_told, "
                                        "crc, last_reply, mail, idx) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      replace_recipient_(database.prepare(
          "UPDATE recipients SET address = ?, domain = ?, original = ?, notify = ?, state = ?, attempts = ?, "
          "not_before = ?, expires = ?, delay_told = ?, crc = ?, last_reply = ? WHERE mail = ? AND idx = ?")),
      get_recipient_(database.prepare("SELECT state, attempts FROM recipients WHERE mail = ? AND idx = ?")),
      remove_recipient_(database.prepare("DELETE FROM recipients WHERE mail = ? AND idx = ?")),
      any_recipient_(database.prepare("SELECT 1 FROM recipients WHERE mail = ? LIMIT 1")) {}

namespace {

int run_for(Statement& statement, const RecipientRow& row) {
  statement.with(row.address, row.domain, row.original, static_cast<std::uint32_t>(row.notify),
                 static_cast<std::uint32_t>(row.state), row.attempts, row.not_before, row.expires, row.delay_told,
                 recipient_crc(row), row.last_reply, row.mail, row.index);
  return statement.run();
}

}  // namespace

bool QueueRows::put(const PutQueued& queued, bool content_is_counted) {
  const QueueRow& row = queued.row;
  if (queued.recipients.empty()) return false;
  if (!content_is_counted && !contents_.add_reference(row.octets.content)) return false;
  const OctetString ranges = encode_ranges(row.octets.ranges);
  add_queue_.with(row.id, row.octets.content, row.octets.size, row.sender, row.envelope_id, row.ret, row.eight_bit,
                  row.smtputf8, row.require_tls, row.stream, row.priority, row.signed_with, row.login, row.message_id,
                  row.arrived, queue_crc(row), Blob{ranges}, Blob{row.octets.header_block});
  if (add_queue_.run() == 0) return false;
  for (const RecipientRow& recipient : queued.recipients) {
    if (get_recipient_.with(recipient.mail, recipient.index).step()) {
      get_recipient_.reset();
      return false;
    }
    if (recipient.mail != row.id) return false;
    run_for(write_recipient_, recipient);
  }
  return true;
}

bool QueueRows::put_recipient(const RecipientRow& row) {
  if (run_for(replace_recipient_, row) != 0) return true;
  if (!get_queue_.with(row.mail).step()) return false;
  get_queue_.reset();
  run_for(write_recipient_, row);
  return true;
}

bool QueueRows::remove_recipient(const RemoveRecipient& which) {
  if (remove_recipient_.with(which.mail, which.index).run() == 0) return false;
  const bool more = any_recipient_.with(which.mail).step();
  any_recipient_.reset();
  if (more || !get_queue_.with(which.mail).step()) return true;
  const MailId content{get_queue_.natural(0)};
  get_queue_.reset();
  remove_queue_.with(which.mail).run();
  contents_.release(content);
  return true;
}

bool QueueRows::unchanged(const RecipientUnchanged& which) {
  if (!get_recipient_.with(which.mail, which.index).step()) return false;
  const bool same = get_recipient_.integer(0) == static_cast<int>(RecipientState::queued) &&
                    get_recipient_.small(1) == which.attempts;
  get_recipient_.reset();
  return same;
}

}  // namespace posthorn::storage
