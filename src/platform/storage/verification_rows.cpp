// Verification, the rows of emails and of the queue.
#include "platform/storage/row_codec.h"
#include "platform/storage/verification.h"

namespace posthorn::storage {

void Verification::check_emails() {
  Statement data = database_.prepare("SELECT account, mailbox, uid FROM email_data WHERE email_id = ?");
  scan("emails", "SELECT account, mailbox, uid, email_id, size FROM emails", "account, mailbox, uid",
       [&](const Statement& row) { check_email_row(row, data); });
}

void Verification::check_email_row(const Statement& row, Statement& data) {
  ++report_.emails;
  const std::int64_t account = row.integer(0);
  const std::int64_t mailbox = row.integer(1);
  const Uid uid = row.small(2);
  const EmailId id{row.natural(3)};
  const auto box = mailboxes_.find({account, mailbox});
  if (box != mailboxes_.end()) {
    box->second.found.octets += row.integer(4);
    ++box->second.found.messages;
  }
  if (box == mailboxes_.end()) {
    add(DamageKind::mailbox, "an email in a mailbox that is gone").emails = {touched(account, mailbox, uid, id)};
  } else if (uid >= box->second.uid_next) {
    add(DamageKind::mailbox, "a uid that is not below the mailbox's uid_next").emails = {
        touched(account, mailbox, uid, id)};
  }
  try {
    if (!data.with(id).step()) {
      add(DamageKind::mailbox, "an email without its data").emails = {touched(account, mailbox, uid, id)};
    }
  } catch (const DatabaseError& error) {
    add(DamageKind::database, error.what()).emails = {touched(account, mailbox, uid, id)};
  }
  data.reset();
}

void Verification::check_email_data() {
  Statement place = database_.prepare(
      "SELECT email_id, size FROM emails WHERE account = ?1 AND mailbox = ?2 AND uid = ?3 UNION ALL "
      "SELECT email_id, size FROM expunged WHERE email_id = ?4");
  scan("the data of emails",
       "SELECT email_id, account, mailbox, uid, content, crc, ranges, header_block FROM email_data", "email_id",
       [&](const Statement& row) {
         const EmailId id{row.natural(0)};
         const TouchedEmail email = touched(row.integer(1), row.integer(2), row.small(3), id);
         StoredOctets octets{MailId{row.natural(4)}, row.text(7), decode_ranges(row.octets(6)), 0};
         ++contents_[octets.content.value].references;
         try {
           place.with(email.account, email.mailbox, email.uid, id);
           const bool placed = place.step() && place.natural(0) == id.value;
           if (placed) octets.size = place.natural(1);
           if (!placed) {
             add(DamageKind::mailbox, "the data of an email that stands in no mailbox and was not expunged").emails = {
                 email};
           } else if (octets_crc(octets) != row.small(5)) {
             add(DamageKind::content_octets, "an email's row does not have its checksum").emails = {email};
           }
         } catch (const DatabaseError& error) {
           add(DamageKind::database, error.what()).emails = {email};
         }
         place.reset();
       });
}

/// What was made of an email goes with it.
void Verification::check_facts() {
  for (const std::string_view table : {"email_facts", "email_fields"}) {
    scan("what is kept of emails",
         fmt::format("SELECT email_id, EXISTS (SELECT 1 FROM email_data d WHERE d.email_id = {0}.email_id) FROM {0}",
                     table),
         "email_id", [&](const Statement& row) {
           if (row.integer(1) != 0) return;
           add(DamageKind::mailbox, fmt::format("a row of {} of an email that is not there", table)).emails = {
               touched(0, 0, 0, EmailId{row.natural(0)})};
         });
  }
}

// ---------------------------------------------------------------- queue

void Verification::check_queue() {
  Statement any = database_.prepare("SELECT 1 FROM recipients WHERE mail = ? LIMIT 1");
  scan("the queue", "SELECT id, content, size, sender, crc, ranges, header_block FROM queue", "id",
       [&](const Statement& row) {
         ++report_.queued;
         QueueRow queued;
         queued.id = MailId{row.natural(0)};
         queued.sender = row.text(3);
         queued.octets = {MailId{row.natural(1)}, row.text(6), decode_ranges(row.octets(5)), row.natural(2)};
         ++contents_[queued.octets.content.value].references;
         if (queue_crc(queued) != row.small(4)) {
           add(DamageKind::queue, "a queue row does not have its checksum").queued = {queued.id};
         }
         try {
           if (!any.with(queued.id).step()) {
             add(DamageKind::queue, "a queue row without recipients").queued = {queued.id};
           }
         } catch (const DatabaseError& error) {
           add(DamageKind::database, error.what()).queued = {queued.id};
         }
         any.reset();
       });
}

void Verification::check_recipients() {
  Statement parent = database_.prepare("SELECT 1 FROM queue WHERE id = ?");
  scan("recipients", "SELECT mail, idx, address, domain, crc FROM recipients", "mail, idx", [&](const Statement& row) {
    ++report_.recipients;
    RecipientRow recipient;
    recipient.mail = MailId{row.natural(0)};
    recipient.address = row.text(2);
    recipient.domain = row.text(3);
    if (recipient_crc(recipient) != row.small(4)) {
      add(DamageKind::queue, "a recipient's row does not have its checksum").queued = {recipient.mail};
    }
    try {
      if (!parent.with(recipient.mail).step()) {
        add(DamageKind::queue, "a recipient without its queue row").queued = {recipient.mail};
      }
    } catch (const DatabaseError& error) {
      add(DamageKind::database, error.what()).queued = {recipient.mail};
    }
    parent.reset();
  });
}

}  // namespace posthorn::storage
