// The questions about the queue and about stories.
#include <set>

#include "platform/storage/local_reader.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

RecipientRow recipient_row(const Statement& s) {
  RecipientRow row;
  row.mail = MailId{s.natural(0)};
  row.index = s.small(1);
  row.address = s.text(2);
  row.domain = s.text(3);
  row.original = s.text(4);
  row.notify = static_cast<std::uint8_t>(s.integer(5));
  row.state = static_cast<RecipientState>(s.integer(6));
  row.attempts = s.small(7);
  row.not_before = s.time(8);
  row.expires = s.time(9);
  row.delay_told = s.integer(10) != 0;
  row.last_reply = s.text(11);
  return row;
}

QueueRow queue_row(const Statement& s) {
  QueueRow row;
  row.id = MailId{s.natural(0)};
  row.octets.content = MailId{s.natural(1)};
  row.octets.size = s.natural(2);
  row.sender = s.text(3);
  row.envelope_id = s.text(4);
  row.ret = s.text(5);
  row.eight_bit = s.integer(6) != 0;
  row.smtputf8 = s.integer(7) != 0;
  row.require_tls = s.integer(8) != 0;
  row.stream = s.text(9);
  row.priority = static_cast<int>(s.integer(10));
  row.signed_with = s.text(11);
  row.login = s.text(12);
  row.message_id = s.text(13);
  row.arrived = s.time(14);
  row.octets.ranges = decode_ranges(s.octets(15));
  row.octets.header_block = s.text(16);
  return row;
}

StoryRow story_row(const Statement& s) {
  return {MailId{s.natural(0)}, s.time(1), split(s.octets(2), '\n'), s.text(3)};
}

}  // namespace

std::vector<DestinationRow> LocalReader::destinations() {
  return sql("SELECT domain, count(*), min(not_before) FROM recipients INDEXED BY recipients_waiting WHERE "
             "state = 0 GROUP BY domain")
      .with()
      .rows([](const Statement& s) { return DestinationRow{s.text(0), s.natural(1), s.time(2)}; });
}

std::vector<RecipientRow> LocalReader::waiting(std::string_view domain, const QueuePosition& after, std::size_t max) {
  return sql("SELECT mail, idx, address, domain, original, notify, state, attempts, not_before, expires, "
             "delay_told, last_reply FROM recipients INDEXED BY recipients_waiting WHERE state = 0 AND domain = "
             "? AND (not_before, mail, idx) > (?, ?, ?) ORDER BY not_before, mail, idx LIMIT ?")
      .with(domain, after.not_before, after.mail, after.index, static_cast<std::uint64_t>(max))
      .rows(recipient_row);
}

std::optional<QueueRow> LocalReader::queued(MailId id) {
  return sql("SELECT id, content, size, sender, envelope_id, ret, eight_bit, smtputf8, require_tls, stream, "
             "priority, signed_with, login, message_id, arrived, ranges, header_block FROM queue WHERE id = ?")
      .with(id)
      .row(queue_row);
}

std::vector<RecipientRow> LocalReader::recipients(MailId id) {
  return sql("SELECT mail, idx, address, domain, original, notify, state, attempts, not_before, expires, "
             "delay_told, last_reply FROM recipients WHERE mail = ? ORDER BY idx")
      .with(id)
      .rows(recipient_row);
}

std::vector<QueueRow> LocalReader::queue_page(const QueueFilter& filter, MailId after, std::size_t max) {
  const auto limit = static_cast<std::uint64_t>(max);
  if (filter.text.empty()) {
    return sql("SELECT id, content, size, sender, envelope_id, ret, eight_bit, smtputf8, require_tls, stream, "
               "priority, signed_with, login, message_id, arrived, ranges, header_block FROM queue WHERE id > "
               "? ORDER BY id LIMIT ?")
        .with(after, limit)
        .rows(queue_row);
  }
  const auto id = MailId::parse(filter.text);
  return sql("SELECT id, content, size, sender, envelope_id, ret, eight_bit, smtputf8, require_tls, stream, "
             "priority, signed_with, login, message_id, arrived, ranges, header_block FROM queue q WHERE id > "
             "?1 AND (id = ?3 OR sender = ?2 COLLATE NOCASE OR EXISTS (SELECT 1 FROM recipients r WHERE r.mail "
             "= q.id AND (r.address = ?2 COLLATE NOCASE OR r.domain = ?2 COLLATE NOCASE OR substr(r.address, "
             "-length(?2) - 1) = '@' || ?2 COLLATE NOCASE))) ORDER BY id LIMIT ?4")
      .with(after, filter.text, id.value_or(MailId{}), limit)
      .rows(queue_row);
}

bool LocalReader::is_signed_in_queue(std::string_view selector_and_domain) {
  Statement& s = sql("SELECT 1 FROM queue WHERE instr(' ' || signed_with || ' ', ' ' || ? || ' ') LIMIT 1")
                     .with(selector_and_domain);
  const bool found = s.step();
  s.reset();
  return found;
}

std::vector<StoryRow> LocalReader::stories_by_key(std::string_view key, std::size_t max) {
  const std::int64_t hash = story_key_hash(key);
  std::set<std::uint64_t, std::greater<>> ids;  // newest first
  Statement& batches = sql("SELECT k.id FROM story_batches b JOIN story_keys k ON k.batch = b.batch WHERE k.hash = ?");
  batches.with(hash);
  while (batches.step()) ids.insert(batches.natural(0));
  Statement& recent = sql(
      "SELECT id FROM stories WHERE id > (SELECT coalesce(max(newest), 0) FROM story_batches) AND instr(char(10) || "
      "keys || char(10), char(10) || ? || char(10)) > 0");
  recent.with(key);
  while (recent.step()) ids.insert(recent.natural(0));
  Statement& late = sql("SELECT id, hashes FROM story_tail").with();
  while (late.step()) {
    for (Octets hashes = late.octets(1); hashes.size() >= sizeof hash; hashes.remove_prefix(sizeof hash)) {
      if (std::memcmp(hashes.data(), &hash, sizeof hash) == 0) ids.insert(late.natural(0));
    }
  }
  std::vector<StoryRow> rows;
  for (const std::uint64_t id : ids) {
    if (rows.size() >= max) break;
    // A hash may belong to another key, and a story may be gone (retention).
    auto row = story(MailId{id});
    if (row && std::ranges::find(row->keys, key) != row->keys.end()) rows.push_back(std::move(*row));
  }
  return rows;
}

std::optional<StoryRow> LocalReader::story(MailId id) {
  return sql("SELECT id, at, keys, steps FROM stories WHERE id = ?").with(id).row(story_row);
}

std::vector<StoryPartRow> LocalReader::story_parts(MailId id) {
  return sql("SELECT id, at, steps FROM story_parts WHERE id = ? ORDER BY seq").with(id).rows([](const Statement& s) {
    return StoryPartRow{MailId{s.natural(0)}, s.time(1), s.text(2)};
  });
}

}  // namespace posthorn::storage
