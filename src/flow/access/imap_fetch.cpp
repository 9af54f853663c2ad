// FETCH and UID FETCH (RFC 9051 6.4.5, RFC 7162 3.1.4 and 3.2.6, RFC 9394 3.3). What the view knows is answered from
// memory, envelopes, structures and the usual header fields from kept facts, other sections from the octets.
#include "flow/access/imap_chosen.h"
#include "flow/access/imap_commands.h"
#include "flow/access/imap_content.h"
#include "flow/access/imap_kept_facts.h"
#include "flow/access/imap_names.h"
#include "flow/access/imap_updates.h"
#include "standards/imap/section.h"
#include "standards/imap/usual_fields.h"
#include "standards/message/header.h"

namespace posthorn::access {

namespace code = imap::code;

namespace {

/// Messages answered between two looks at the output.
constexpr std::size_t kFromViewAtOnce = 500;
constexpr std::size_t kFromFactsAtOnce = 1000;
constexpr std::size_t kFromOctetsAtOnce = 500;

/// One FETCH command on its way through the mailbox.
class Fetching {
 public:
  Fetching(ImapContext& context, const imap::FetchCommand& command)
      : context_(context),
        command_(command),
        items_(command.items),
        selected_(*context.selected),
        sections_from_facts_(std::ranges::all_of(items_.sections, imap::needs_only_usual_fields)),
        facts_(context, {items_.envelope, items_.body || items_.body_structure, items_.preview,
                         sections_from_facts_ && !items_.sections.empty()}) {}

  [[nodiscard]] Task<Ending> run(const Chosen& chosen);

 private:
  using Positions = std::vector<std::size_t>;
  [[nodiscard]] bool needs_rows() const { return items_.email_id || items_.thread_id || items_.save_date; }
  [[nodiscard]] bool needs_only_headers() const;
  [[nodiscard]] std::size_t at_once() const;
  [[nodiscard]] std::vector<storage::Uid> uids_at(const Positions& positions) const;

  [[nodiscard]] Task<bool> gather(const Positions& positions);
  [[nodiscard]] Task<bool> mark_seen(const Positions& positions);
  [[nodiscard]] Task<bool> write_messages(const Positions& positions);
  [[nodiscard]] Task<bool> write_with_sections(const Positions& positions);
  [[nodiscard]] Task<bool> write_group(std::span<const std::size_t> group);
  [[nodiscard]] Task<bool> write_sections(const mailbox::ReadMessage& read);
  [[nodiscard]] Task<bool> write_section(Content& content, const imap::FetchSection& section);
  void write_nothing(const imap::FetchSection& section);
  void write_kept_sections(const mailbox::Facts& facts);
  [[nodiscard]] bool begin_message(std::size_t position);
  void write_view_items(const mailbox::Entry& entry);
  [[nodiscard]] bool has_gathered(storage::Uid uid) const;
  void write_gathered(storage::Uid uid);
  [[nodiscard]] Ending ending() const;

  ImapContext& context_;
  const imap::FetchCommand& command_;
  const imap::FetchItems& items_;
  Selected& selected_;
  const bool sections_from_facts_;  ///< every section is a choice of usual fields
  KeptFacts facts_;
  // Of the messages in hand, by uid.
  std::unordered_map<storage::Uid, storage::EmailRow> rows_;
  std::unordered_map<storage::Uid, storage::FlagsNow> seen_;
  bool some_gone_ = false;
  bool unknown_encoding_ = false;
  bool too_large_ = false;
};

bool Fetching::needs_only_headers() const {
  return std::ranges::all_of(items_.sections, [](const imap::FetchSection& section) {
    return imap::needs(section) == imap::SectionNeed::header_only;
  });
}

std::size_t Fetching::at_once() const {
  if (!sections_from_facts_) return kFromOctetsAtOnce;
  return needs_rows() || facts_.any() ? kFromFactsAtOnce : kFromViewAtOnce;
}

std::vector<storage::Uid> Fetching::uids_at(const Positions& positions) const {
  std::vector<storage::Uid> uids;
  uids.reserve(positions.size());
  for (const std::size_t position : positions) uids.push_back(selected_.known().at(position).uid());
  return uids;
}

Task<Ending> Fetching::run(const Chosen& chosen) {
  std::vector<PositionRange> rest = chosen.ranges();
  Positions next = take_positions(rest, at_once());
  if (facts_.any()) facts_.begin(uids_at(next));
  while (!next.empty()) {
    const Positions positions = std::exchange(next, {});
    co_await facts_.take();
    if (!rest.empty()) {
      next = take_positions(rest, at_once());
      if (facts_.any()) facts_.begin(uids_at(next));
    }
    if (!co_await gather(positions)) break;
    const bool written =
        sections_from_facts_ ? co_await write_messages(positions) : co_await write_with_sections(positions);
    if (!written) break;
  }
  co_return ending();
}

Ending Fetching::ending() const {
  if (unknown_encoding_) return no(code::unknown_cte(), "A part has an encoding that is not known");
  if (too_large_) return no(code::limit(), "A part is too large to be decoded; fetch it with BODY");
  // RFC 2180 4.1.2; by uid, a message that is not there is no error (RFC 9051 6.4.9).
  if (some_gone_ && !command_.is_uid) return no(code::expunge_issued(), "Some of these messages are gone");
  return ok("FETCH completed");
}

Task<bool> Fetching::gather(const Positions& positions) {
  rows_.clear();
  seen_.clear();
  if (needs_rows()) {
    std::vector<storage::Uid> uids = uids_at(positions);
    for (storage::EmailRow& row : co_await context_.mailboxes().rows(selected_.view(), std::move(uids)))
      rows_.emplace(row.uid, std::move(row));
  }
  if (!items_.sets_seen() || selected_.read_only) co_return true;
  co_return co_await mark_seen(positions);
}

/// RFC 9051 6.4.5: BODY[…] without .PEEK sets \Seen, and the response says so.
Task<bool> Fetching::mark_seen(const Positions& positions) {
  mailbox::StoreFlags change;
  for (const std::size_t position : positions) {
    const mailbox::Entry& entry = selected_.known().at(position);
    if (!entry.has(mailbox::Flag::seen)) change.uids.push_back(entry.uid());
  }
  if (change.uids.empty()) co_return true;
  change.how = mailbox::FlagsChange::add;
  change.flags = static_cast<std::uint8_t>(mailbox::Flag::seen);
  const auto stored = co_await context_.mailboxes().store_flags(selected_.view(), std::move(change));
  if (!stored) co_return true;  // a full disk: reading goes on
  for (const storage::FlagsNow& now : stored->now) {
    selected_.snapshot.told(now.uid, now.modseq);
    seen_.emplace(now.uid, now);
  }
  co_return true;
}

void Fetching::write_view_items(const mailbox::Entry& entry) {
  imap::ResponseWriter& out = context_.out();
  if (items_.uid) out.fetch_uid(entry.uid());
  const auto seen = seen_.find(entry.uid());
  if (seen != seen_.end()) {
    std::uint8_t flags = seen->second.flags;
    if (!context_.encoding().rev2 && selected_.recent.contains(entry.uid()))
      flags |= static_cast<std::uint8_t>(imap::SystemFlag::recent);
    out.fetch_flags(flags, seen->second.keywords);
  } else if (items_.flags) {
    write_flags(context_, entry);
  }
  // RFC 7162 3.2.4: a FETCH response that changes flags bears MODSEQ once CONDSTORE is on.
  if (items_.mod_seq || (seen != seen_.end() && context_.encoding().condstore))
    out.fetch_mod_seq(seen != seen_.end() ? seen->second.modseq : entry.modseq());
  if (items_.internal_date) out.fetch_internal_date(entry.internal_date());
  if (items_.size) out.fetch_size(entry.size());
}

bool Fetching::has_gathered(storage::Uid uid) const {
  return (!needs_rows() || rows_.contains(uid)) && (!facts_.any() || facts_.find(uid) != nullptr);
}

void Fetching::write_gathered(storage::Uid uid) {
  imap::ResponseWriter& out = context_.out();
  if (needs_rows()) {
    const storage::EmailRow& row = rows_.at(uid);
    if (items_.email_id) out.fetch_email_id(email_id_text(row.object_id));
    if (items_.thread_id) out.fetch_thread_id(row.thread_id == 0 ? "" : thread_id_text(row.thread_id));
    if (items_.save_date) out.fetch_save_date(row.save_date);
  }
  if (!facts_.any()) return;
  const mailbox::Facts& facts = *facts_.find(uid);
  if (items_.envelope) out.fetch_envelope(facts.envelope);
  if (items_.body) out.fetch_body(facts.structure);
  if (items_.body_structure) out.fetch_body_structure(facts.structure);
  if (items_.preview) out.fetch_preview(facts.preview);
  if (facts_.parts().fields) write_kept_sections(facts);
}

void Fetching::write_kept_sections(const mailbox::Facts& facts) {
  const message::Header header = message::Header::parse(facts.fields);
  for (const imap::FetchSection& section : items_.sections) {
    const imap::SectionContent content = imap::resolve_header_section(section, header, 0);
    const imap::OctetRange range = imap::window(section.partial, content.made->size());
    context_.out().fetch_section(section, Octets(*content.made).substr(range.offset, range.length));
  }
}

/// Everything but the sections. False: the message is gone.
bool Fetching::begin_message(std::size_t position) {
  const mailbox::Entry& entry = selected_.known().at(position);
  if (!has_gathered(entry.uid())) {
    some_gone_ = true;
    return false;
  }
  context_.out().fetch_begin(selected_.number_of(position));
  write_view_items(entry);
  write_gathered(entry.uid());
  return true;
}

Task<bool> Fetching::write_messages(const Positions& positions) {
  for (const std::size_t position : positions) {
    if (!begin_message(position)) continue;
    context_.out().fetch_end();
    if (context_.is_full() && !co_await context_.flush()) co_return false;
  }
  co_return true;
}

/// Messages that are read whole go together, larger ones alone.
Task<bool> Fetching::write_with_sections(const Positions& positions) {
  const std::span<const std::size_t> all(positions);
  const bool only_headers = needs_only_headers();
  for (std::size_t at = 0; at < all.size();) {
    std::size_t end = at + 1;
    const auto is_small = [&](std::size_t i) { return selected_.known().at(all[i]).size() <= kWholeOctetsMax; };
    while (end < all.size() && (only_headers || (is_small(at) && is_small(end)))) ++end;
    if (!co_await write_group(all.subspan(at, end - at))) co_return false;
    at = end;
  }
  co_return true;
}

Task<bool> Fetching::write_group(std::span<const std::size_t> group) {
  const bool is_large = selected_.known().at(group.front()).size() > kWholeOctetsMax;
  const std::uint64_t each = needs_only_headers() || is_large ? kHeaderOctets : kWholeOctetsMax;
  std::vector<storage::Uid> left = uids_at(Positions(group.begin(), group.end()));
  while (!left.empty()) {
    const auto read = co_await context_.mailboxes().read_messages(selected_.view(), left, each, kWholeOctetsMax);
    if (!read || read->empty()) break;
    for (const mailbox::ReadMessage& message : *read) {
      const auto position = selected_.known().position_of(message.row.uid);
      if (!position || !begin_message(*position)) continue;
      const bool written = co_await write_sections(message);
      if (!written) co_return false;
      context_.out().fetch_end();
      if (context_.is_full() && !co_await context_.flush()) co_return false;
    }
    const auto next = std::ranges::upper_bound(left, read->back().row.uid);
    some_gone_ = some_gone_ || static_cast<std::size_t>(next - left.begin()) > read->size();
    left.erase(left.begin(), next);
  }
  some_gone_ = some_gone_ || !left.empty();
  co_return true;
}

Task<bool> Fetching::write_sections(const mailbox::ReadMessage& read) {
  Content content(context_, read);
  for (const imap::FetchSection& section : items_.sections)
    if (!co_await write_section(content, section)) co_return false;
  co_return true;
}

void Fetching::write_nothing(const imap::FetchSection& section) {
  if (section.kind == imap::FetchSection::Kind::binary_size) {
    context_.out().fetch_binary_size(section, 0);
  } else {
    context_.out().fetch_section(section, std::nullopt);
  }
}

Task<bool> Fetching::write_section(Content& content, const imap::FetchSection& section) {
  using Kind = imap::FetchSection::Kind;
  const auto found = co_await content.find(section);
  const bool is_decoded = section.kind == Kind::binary || section.kind == Kind::binary_size;
  const bool is_too_large = found && is_decoded && found->length > kDecodedOctetsMax;
  if (!found || is_too_large) {
    unknown_encoding_ = unknown_encoding_ || (!found && found.error() == imap::SectionError::unknown_cte);
    too_large_ = too_large_ || is_too_large;
    write_nothing(section);
    co_return true;
  }
  co_return co_await content.write(section, *found);
}

// ---------------------------------------------------------------- which messages

/// RFC 7162 3.1.4.1: only those that changed since.
Chosen changed_since(const mailbox::Version& known, const Chosen& chosen, imap::ModSeq since) {
  Chosen changed;
  chosen.for_each(known, [&](std::size_t position, const mailbox::Entry& entry) {
    if (entry.modseq() > since) changed.add({position, position + 1});
  });
  return changed;
}

/// RFC 9394 3.3: a window of what would be answered.
Chosen window_of(const mailbox::Version& known, const Chosen& chosen, const imap::PartialRange& partial) {
  imap::NumberSet uids;
  for (const storage::Uid uid : chosen.uids(known)) uids.add(uid);
  return choose_uids(known, partial.of(uids));
}

/// RFC 7162 3.2.6: what went among the uids asked for.
Task<> tell_vanished(ImapContext& context, const imap::FetchCommand& command) {
  const Selected& selected = *context.selected;
  const mailbox::Version& known = selected.known();
  const imap::NumberSet asked = command.set.is_saved() ? selected.saved : command.set.resolve(known.uid_next() - 1);
  imap::NumberSet vanished;
  for (const storage::Uid uid :
       co_await context.mailboxes().vanished_since(selected.view(), *command.changed_since, std::nullopt))
    if (asked.contains(uid) && known.find(uid) == nullptr) vanished.add(uid);
  if (!vanished.empty()) context.out().vanished(vanished, true);
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::FetchCommand& command) {
  const Selected& selected = *context.selected;
  auto chosen = choose(selected, command.set, command.is_uid);
  if (!chosen) co_return std::move(chosen.error());
  if (command.vanished && command.changed_since) co_await tell_vanished(context, command);
  if (command.changed_since) *chosen = changed_since(selected.known(), *chosen, *command.changed_since);
  if (command.partial) *chosen = window_of(selected.known(), *chosen, *command.partial);
  Fetching fetching(context, command);
  co_return co_await fetching.run(*chosen);
}

}  // namespace posthorn::access
