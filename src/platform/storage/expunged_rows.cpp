// What was expunged: kept aside with its octets while the undelete time lasts, and the tombstones that tell clients.
#include "platform/storage/mailbox_rows.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {

bool MailboxRows::expunge(const ExpungeEmails& which, TimePoint now, Committed& outcome) {
  MailboxCounters* counters = change_counters(which.account, which.mailbox);
  if (counters == nullptr) return false;
  const std::string name = which.recoverable ? name_of(which.account, which.mailbox) : std::string();
  // One modseq for all: they go at one moment.
  const ModSeq modseq = counters->highest_modseq + 1;
  for (const Uid uid : which.uids) {
    const auto email = find(which.account, which.mailbox, uid);
    if (!email) continue;
    if (which.only_deleted && (email->flags & static_cast<std::uint8_t>(Flag::deleted)) == 0) continue;
    counters->highest_modseq = modseq;
    take_out(which.account, which.mailbox, *email, modseq, outcome);
    if (which.recoverable) {
      keep_aside(*email, which.account, which.mailbox, name, now);
    } else {
      free_email(email->email_id);
    }
  }
  return true;
}

void MailboxRows::keep_aside(const EmailSummary& email, AccountId account, MailboxId mailbox, std::string_view name,
                             TimePoint now) {
  const std::string keywords = join(email.keywords, ' ');
  add_expunged_
      .with(email.email_id, now, account, mailbox, email.uid, email.size, static_cast<std::uint32_t>(email.flags), name,
            keywords)
      .run();
}

bool MailboxRows::undelete(const UndeleteEmail& which, TimePoint now, Committed& outcome) {
  MailboxCounters* counters = change_counters(which.account, which.to);
  if (counters == nullptr || !get_expunged_.with(which.email_id, which.account).step()) {
    get_expunged_.reset();
    return false;
  }
  EmailSummary email;
  email.email_id = which.email_id;
  email.size = get_expunged_.natural(0);
  // It was marked to be expunged; now it is to stay.
  email.flags =
      static_cast<std::uint8_t>(get_expunged_.small(1) & ~std::uint32_t{static_cast<std::uint8_t>(Flag::deleted)});
  email.keywords = split(get_expunged_.octets(2), ' ');
  email.internal_date = get_expunged_.time(3);
  get_expunged_.reset();
  if (!place(which.account, which.to, ++counters->highest_modseq, std::move(email), 0, outcome)) return false;
  move_data_.with(which.to, outcome.placed.back().uid, now, which.email_id).run();
  remove_expunged_.with(which.email_id).run();
  return true;
}

void MailboxRows::sweep(const SweepExpunged& sweep, Committed& outcome) {
  std::vector<EmailId> old;
  old_expunged_.with(sweep.before, static_cast<std::uint64_t>(sweep.max));
  while (old_expunged_.step()) old.push_back(EmailId{old_expunged_.natural(0)});
  for (const EmailId email : old) {
    free_email(email);
    remove_expunged_.with(email).run();
  }
  outcome.swept += old.size();
}

bool MailboxRows::forget_tombstones(const ForgetTombstones& which) {
  if (set_forgotten_.with(which.up_to, which.account, which.mailbox).run() == 0) return false;
  forget_tombstones_.with(which.account, which.mailbox, which.up_to).run();
  return true;
}

}  // namespace posthorn::storage
