#include "flow/access/maildrop_facts.h"

#include <algorithm>

#include "standards/message/downgrade.h"

namespace posthorn::access {
namespace {

struct Unseen {
  std::vector<EmailId> ids;
  std::vector<storage::Uid> uids;
  std::vector<std::uint64_t> sizes;
};

Unseen unseen_from(const mailbox::Version& version, storage::Uid below) {
  Unseen unseen;
  version.for_each(0, version.size(), [&](std::size_t, const mailbox::Entry& entry) {
    if (entry.uid() < below) return;
    unseen.ids.push_back(entry.email_id());
    unseen.uids.push_back(entry.uid());
    unseen.sizes.push_back(entry.size());
  });
  return unseen;
}

/// The last octet of a message of which only the first are in memory.
bool ends_a_line(storage::Reader& reader, EmailId id) {
  const auto row = reader.email(id);
  OctetString last;
  return row && reader.read_octets(row->octets, row->octets.size - 1, 1, last) && last == "\n";
}

OddMessage look_at(Octets octets, bool ends_line) {
  OddMessage odd;
  odd.lacks_line_end = !ends_line;
  const std::size_t header = message::header_section_octets(octets);
  if (header == 0 || !message::needs_downgrade(octets.substr(0, header))) return odd;
  odd.header_octets = header;
  odd.ascii_header_octets = message::downgraded_header(octets.substr(0, header)).size();
  return odd;
}

OddMessages look_at_all(storage::Reader& reader, const Unseen& unseen) {
  OddMessages found;
  std::vector<std::size_t> cut;  // longer than what was visited
  reader.visit_octets(unseen.ids, MaildropFacts::header_octets_max, [&](std::size_t i, Octets octets) {
    const bool is_whole = octets.size() == unseen.sizes[i];
    OddMessage odd = look_at(octets, !is_whole || octets.empty() || octets.back() == '\n');
    odd.uid = unseen.uids[i];
    if (!is_whole) cut.push_back(i);
    if (odd.lacks_line_end || odd.header_octets != 0) found.push_back(odd);
    return true;
  });
  for (const std::size_t i : cut) {
    if (ends_a_line(reader, unseen.ids[i])) continue;
    const auto place = std::ranges::lower_bound(found, unseen.uids[i], {}, &OddMessage::uid);
    if (place != found.end() && place->uid == unseen.uids[i]) {
      place->lacks_line_end = true;
    } else {
      found.insert(place, OddMessage{.uid = unseen.uids[i], .lacks_line_end = true});
    }
  }
  return found;
}

}  // namespace

const OddMessage* find_odd(const OddMessages& odd, storage::Uid uid) {
  const auto place = std::ranges::lower_bound(odd, uid, {}, &OddMessage::uid);
  return place != odd.end() && place->uid == uid ? &*place : nullptr;
}

Task<std::shared_ptr<const OddMessages>> MaildropFacts::of(storage::MailboxId mailbox,
                                                           std::shared_ptr<const mailbox::Version> version) {
  Known before = known(mailbox);
  Unseen unseen = unseen_from(*version, before.below);
  if (unseen.ids.empty()) co_return before.odd;
  const storage::Uid last = unseen.uids.back();
  auto question = [unseen = std::move(unseen)](storage::Reader& reader) { return look_at_all(reader, unseen); };
  const OddMessages found = co_await store_.read(std::move(question));
  auto odd = std::make_shared<OddMessages>();
  for (const OddMessage& each : *before.odd)  // what is gone need not be remembered
    if (version->find(each.uid) != nullptr) odd->push_back(each);
  odd->insert(odd->end(), found.begin(), found.end());
  remember(mailbox, {last + 1, odd});
  co_return odd;
}

MaildropFacts::Known MaildropFacts::known(storage::MailboxId mailbox) {
  const std::lock_guard lock(mutex_);
  const auto place = known_.find(mailbox.value);
  return place == known_.end() ? Known{} : place->second;
}

void MaildropFacts::remember(storage::MailboxId mailbox, Known known) {
  const std::lock_guard lock(mutex_);
  if (known_.size() >= mailboxes_max && !known_.contains(mailbox.value)) known_.clear();
  known_[mailbox.value] = std::move(known);
}

}  // namespace posthorn::access
