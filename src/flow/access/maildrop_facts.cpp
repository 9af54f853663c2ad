#include "flow/access/maildrop_facts.h"

#include <algorithm>

#include "foundation/text/ascii.h"

namespace posthorn::access {
namespace {

// Of each message at first; most end within it, and a header does.
constexpr std::size_t first_octets = 64 * KiB;
constexpr std::size_t piece_octets = 1 * MiB;

struct Unseen {
  std::vector<EmailId> ids;
  std::vector<storage::Uid> uids;
  std::vector<std::uint64_t> sizes;
};

/// From `below` on, as many as are looked at in one go.
Unseen unseen_from(const mailbox::Version& version, storage::Uid below) {
  Unseen unseen;
  std::uint64_t octets = 0;
  const std::size_t first = version.lower_bound(below);
  version.for_each(first, first + MaildropFacts::messages_at_once, [&](std::size_t, const mailbox::Entry& entry) {
    if (octets >= MaildropFacts::octets_at_once) return;
    octets += entry.size();
    unseen.ids.push_back(entry.email_id());
    unseen.uids.push_back(entry.uid());
    unseen.sizes.push_back(entry.size());
  });
  return unseen;
}

/// Whether headers may stand behind the first octets.
bool may_have_headers_later(Octets first) {
  message::HeaderReader section(first.size() + 1);
  section.push(first);
  if (section.state() != message::HeaderReader::State::complete) return true;
  const auto header = section.take();
  if (!text::is_ascii(header.octets())) return true;
  const auto type = header.first("Content-Type");
  if (!type) return false;
  const std::string value = message::parse_parameterized(type->value).value;
  return value.starts_with("multipart/") || value.starts_with("message/");
}

std::optional<std::uint64_t> ascii_octets(std::uint64_t octets, const std::vector<message::Replacement>& replacements) {
  if (replacements.empty()) return std::nullopt;
  return message::downgraded_octets(octets, replacements);
}

OddMessage look_at_whole(Octets octets) {
  OddMessage odd;
  odd.lacks_line_end = !octets.empty() && octets.back() != '\n';
  if (!text::is_ascii(octets))
    odd.ascii_octets = ascii_octets(octets.size(), message::downgrade(message::parse_mime(octets)));
  return odd;
}

/// A message of which only the first octets were visited.
OddMessage look_at_long(storage::Reader& reader, EmailId id, bool has_parts) {
  OddMessage odd;
  const auto row = reader.email(id);
  if (!row) return odd;
  OctetString last;
  odd.lacks_line_end = reader.read_octets(row->octets, row->octets.size - 1, 1, last) && last != "\n";
  if (has_parts) odd.ascii_octets = ascii_octets(row->octets.size, replacements_of(reader, row->octets));
  return odd;
}

OddMessages look_at_all(storage::Reader& reader, const Unseen& unseen) {
  OddMessages found;
  const auto take = [&](std::size_t i, OddMessage odd) {
    odd.uid = unseen.uids[i];
    if (odd.lacks_line_end || odd.ascii_octets) found.push_back(odd);
  };
  std::vector<std::pair<std::size_t, bool>> longer;  // than what was visited; whether more headers may come
  reader.visit_octets(unseen.ids, first_octets, [&](std::size_t i, Octets octets) {
    if (octets.size() == unseen.sizes[i]) {
      take(i, look_at_whole(octets));
    } else {
      longer.emplace_back(i, may_have_headers_later(octets));
    }
    return true;
  });
  for (const auto& [i, has_parts] : longer) take(i, look_at_long(reader, unseen.ids[i], has_parts));
  std::ranges::sort(found, {}, &OddMessage::uid);
  return found;
}

}  // namespace

std::vector<message::Replacement> replacements_of(storage::Reader& reader, const storage::StoredOctets& octets) {
  message::MimeParser parser;
  OctetString piece;
  for (std::uint64_t at = 0; at < octets.size; at += piece.size()) {
    piece.clear();
    if (!reader.read_octets(octets, at, piece_octets, piece) || piece.empty()) return {};
    parser.push(piece);
  }
  return message::downgrade(parser.finish());
}

const OddMessage* find_odd(const OddMessages& odd, storage::Uid uid) {
  const auto place = std::ranges::lower_bound(odd, uid, {}, &OddMessage::uid);
  return place != odd.end() && place->uid == uid ? &*place : nullptr;
}

Task<std::shared_ptr<const OddMessages>> MaildropFacts::of(storage::MailboxId mailbox,
                                                           std::shared_ptr<const mailbox::Version> version) {
  Known facts = known(mailbox);
  auto odd = std::make_shared<OddMessages>();
  for (const OddMessage& each : *facts.odd)  // what is gone need not be remembered
    if (version->find(each.uid) != nullptr) odd->push_back(each);
  while (true) {
    Unseen unseen = unseen_from(*version, facts.below);
    if (unseen.ids.empty()) break;
    facts.below = unseen.uids.back() + 1;
    auto question = [unseen = std::move(unseen)](storage::Reader& reader) { return look_at_all(reader, unseen); };
    const OddMessages found = co_await store_.read(std::move(question));
    odd->insert(odd->end(), found.begin(), found.end());
  }
  facts.odd = odd;
  remember(mailbox, facts);
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
