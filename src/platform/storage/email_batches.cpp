// Many emails at once: flags, moves, copies.
#include <algorithm>

#include "foundation/text/ascii.h"
#include "platform/storage/mailbox_rows.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

/// RFC 5788 3: keywords are the same in any case; the first spelling stays.
auto find_keyword(std::vector<std::string>& among, std::string_view keyword) {
  return std::ranges::find_if(among, [keyword](const std::string& other) { return text::iequals(other, keyword); });
}

struct FlagSet {
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
  friend bool operator==(const FlagSet&, const FlagSet&) = default;
};

FlagSet changed(FlagSet set, const ChangeFlags& change) {
  switch (change.how) {
    case ChangeFlags::How::replace:
      return {change.flags, change.keywords};
    case ChangeFlags::How::add:
      set.flags |= change.flags;
      for (const std::string& keyword : change.keywords)
        if (find_keyword(set.keywords, keyword) == set.keywords.end()) set.keywords.push_back(keyword);
      return set;
    case ChangeFlags::How::remove:
      set.flags &= static_cast<std::uint8_t>(~change.flags);
      for (const std::string& keyword : change.keywords)
        if (const auto at = find_keyword(set.keywords, keyword); at != set.keywords.end()) set.keywords.erase(at);
      return set;
  }
  return set;
}

}  // namespace

bool MailboxRows::change_flags(const ChangeFlags& change, Committed& outcome) {
  MailboxCounters* counters = change_counters(change.account, change.mailbox);
  if (counters == nullptr) return false;
  // One modseq for all that change: they change at one moment.
  const ModSeq modseq = counters->highest_modseq + 1;
  for (const Uid uid : change.uids) {
    const auto email = find(change.account, change.mailbox, uid);
    if (!email) continue;
    if (change.unchanged_since && email->modseq > *change.unchanged_since) {
      outcome.modified.push_back(uid);
      continue;
    }
    const FlagSet before{email->flags, email->keywords};
    FlagSet after = changed(before, change);
    if (after == before) {
      outcome.flags.push_back({change.mailbox, uid, email->modseq, false, email->flags, email->keywords});
      continue;
    }
    counters->highest_modseq = modseq;
    const std::string keywords = join(after.keywords, ' ');
    set_flags_.with(modseq, static_cast<std::uint32_t>(after.flags), keywords, change.account, change.mailbox, uid)
        .run();
    outcome.flags.push_back({change.mailbox, uid, modseq, true, after.flags, std::move(after.keywords)});
  }
  return true;
}

bool MailboxRows::move(const MoveEmail& which, TimePoint now, Committed& outcome) {
  return move(MoveEmails{which.account, which.mailbox, {which.uid}, which.to}, now, outcome);
}

bool MailboxRows::move(const MoveEmails& which, TimePoint now, Committed& outcome) {
  const MailboxId to = which.to.value != 0 ? which.to : outcome.mailbox;
  MailboxCounters* from_counters = change_counters(which.account, which.mailbox);
  if (from_counters == nullptr) return false;
  const ModSeq gone = ++from_counters->highest_modseq;
  MailboxCounters* to_counters = change_counters(which.account, to);
  if (to_counters == nullptr) return false;
  const ModSeq come = ++to_counters->highest_modseq;
  return std::ranges::all_of(
      which.uids, [&](Uid uid) { return move_one(which.account, which.mailbox, uid, to, gone, come, now, outcome); });
}

bool MailboxRows::move_one(AccountId account, MailboxId mailbox, Uid uid, MailboxId to, ModSeq gone, ModSeq come,
                           TimePoint now, Committed& outcome) {
  auto email = find(account, mailbox, uid);
  if (!email) return false;
  const EmailId id = email->email_id;
  take_out(account, mailbox, *email, gone, outcome);
  if (!place(account, to, come, std::move(*email), uid, outcome)) return false;
  // RFC 8514 2: the save date is that of the mailbox it stands in.
  move_data_.with(to, outcome.placed.back().uid, now, id).run();
  return true;
}

bool MailboxRows::copy(const CopyEmails& which, TimePoint now, Committed& outcome) {
  if (which.new_ids.size() != which.uids.size()) return false;
  MailboxCounters* counters = change_counters(which.account, which.to);
  if (counters == nullptr) return false;
  const ModSeq modseq = ++counters->highest_modseq;
  for (std::size_t i = 0; i < which.uids.size(); ++i)
    if (!copy_one(which, i, modseq, now, outcome)) return false;
  return true;
}

bool MailboxRows::copy_one(const CopyEmails& which, std::size_t index, ModSeq modseq, TimePoint now,
                           Committed& outcome) {
  auto email = find(which.account, which.mailbox, which.uids[index]);
  if (!email || !get_data_.with(email->email_id).step()) return false;
  const MailId content{get_data_.natural(0)};
  get_data_.reset();
  if (!contents_.add_reference(content)) return false;
  const EmailId from = email->email_id;
  const EmailId id = which.new_ids[index];
  email->email_id = id;
  if (!place(which.account, which.to, modseq, std::move(*email), which.uids[index], outcome)) return false;
  if (copy_data_.with(id, which.to, outcome.placed.back().uid, now, from).run() == 0) return false;
  copy_facts_.with(id, from).run();
  copy_fields_.with(id, from).run();
  return true;
}

}  // namespace posthorn::storage
