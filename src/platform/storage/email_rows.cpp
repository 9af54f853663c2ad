// Emails one by one: adding, flags, expunging, facts.
#include <limits>

#include "platform/storage/mailbox_rows.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

constexpr std::uint64_t uid_max = std::numeric_limits<Uid>::max();

}  // namespace

std::optional<EmailSummary> MailboxRows::find(AccountId account, MailboxId mailbox, Uid uid) {
  std::optional<EmailSummary> found;
  if (get_email_.with(account, mailbox, uid).step()) {
    found = EmailSummary{uid,
                         get_email_.natural(0),
                         EmailId{get_email_.natural(1)},
                         get_email_.natural(2),
                         static_cast<std::uint8_t>(get_email_.integer(3)),
                         split(get_email_.octets(4), ' '),
                         from_unix_seconds(get_email_.integer(5))};
  }
  get_email_.reset();
  return found;
}

bool MailboxRows::add(const AddEmail& add, bool content_is_counted, Committed& outcome) {
  const EmailRow& row = add.row;
  MailboxCounters* counters = change_counters(row.account, row.mailbox);
  if (counters == nullptr || counters->uid_next > uid_max) return false;
  if (!content_is_counted && !contents_.add_reference(row.octets.content)) return false;
  const Placed placed{row.mailbox, counters->uid_validity, static_cast<Uid>(counters->uid_next++),
                      ++counters->highest_modseq, 0};
  const std::uint64_t thread =
      row.thread_id != 0 ? row.thread_id : threads_.join(row.account, add.thread_keys, row.email_id.value);
  const EmailId object = row.object_id == row.email_id ? EmailId{} : row.object_id;
  const OctetString ranges = encode_ranges(row.octets.ranges);
  add_data_.with(row.email_id, row.account, row.mailbox, placed.uid, thread, row.octets.content, row.internal_date,
                 row.save_date, octets_crc(row.octets), Blob{ranges}, Blob{row.octets.header_block}, object);
  if (add_data_.run() == 0) return false;
  const std::string keywords = join(row.keywords, ' ');
  add_email_.with(row.account, row.mailbox, placed.uid, placed.modseq, row.email_id, row.octets.size,
                  static_cast<std::uint32_t>(row.flags), keywords, unix_seconds(row.internal_date));
  add_email_.run();
  count_emails(*counters, row.account, static_cast<std::int64_t>(row.octets.size), 1);
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
  const auto email = find(which.account, which.mailbox, which.uid);
  if (counters == nullptr || !email) return false;
  const ModSeq modseq = ++counters->highest_modseq;
  take_out(which.account, which.mailbox, *email, modseq, outcome);
  free_email(email->email_id);
  outcome.modseqs.push_back(modseq);
  return true;
}

void MailboxRows::take_out(AccountId account, MailboxId mailbox, const EmailSummary& email, ModSeq modseq,
                           Committed& outcome) {
  remove_email_.with(account, mailbox, email.uid).run();
  add_tombstone_.with(account, mailbox, modseq, email.uid).run();
  if (MailboxCounters* counters = counters_of(account, mailbox))
    count_emails(*counters, account, -static_cast<std::int64_t>(email.size), -1);
  outcome.gone.push_back({mailbox, email.uid, modseq});
}

void MailboxRows::free_email(EmailId email) {
  remove_facts_.with(email).run();
  remove_fields_.with(email).run();
  if (!get_data_.with(email).step()) return;
  const MailId content{get_data_.natural(0)};
  get_data_.reset();
  remove_data_.with(email).run();
  contents_.release(content);
}

bool MailboxRows::place(AccountId account, MailboxId to, ModSeq modseq, EmailSummary email, Uid from,
                        Committed& outcome) {
  MailboxCounters* counters = counters_of(account, to);
  if (counters == nullptr || counters->uid_next > uid_max) return false;
  email.uid = static_cast<Uid>(counters->uid_next++);
  email.modseq = modseq;
  const std::string keywords = join(email.keywords, ' ');
  add_email_.with(account, to, email.uid, modseq, email.email_id, email.size, static_cast<std::uint32_t>(email.flags),
                  keywords, unix_seconds(email.internal_date));
  add_email_.run();
  count_emails(*counters, account, static_cast<std::int64_t>(email.size), 1);
  outcome.placed.push_back({to, counters->uid_validity, email.uid, modseq, from});
  outcome.arrived.push_back(std::move(email));
  return true;
}

void MailboxRows::put_facts(const PutFacts& put) {
  put_facts_.with(put.email_id, Blob{put.facts.envelope}, Blob{put.facts.structure}, Blob{put.facts.preview}).run();
  put_fields_.with(put.email_id, Blob{put.facts.fields}).run();
}

}  // namespace posthorn::storage
