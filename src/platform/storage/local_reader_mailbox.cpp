// The questions about mailboxes and emails.
#include "platform/storage/local_reader.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

// In Walk: rows between two wanted ones that are stepped over before the next is looked up.
constexpr int steps_before_seek = 16;
// Pieces of one email that visit_octets() puts together are read at most this much at once.
constexpr std::size_t visit_octets_at_once = 1 * MiB;

MailboxRow mailbox_row(const Statement& s) {
  MailboxRow row;
  row.account = AccountId{s.integer(0)};
  row.id = MailboxId{s.integer(1)};
  row.name = s.text(2);
  row.uid_validity = s.small(3);
  row.uid_next = s.small(4);
  row.highest_modseq = s.natural(5);
  row.special_use = s.text(6);
  row.subscribed = s.integer(7) != 0;
  row.forgotten_modseq = s.natural(8);
  row.first_recent = s.small(9);
  return row;
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
  const EmailId copied_from{s.natural(14)};
  row.object_id = copied_from.is_null() ? row.email_id : copied_from;
  return row;
}

}  // namespace

std::vector<MailboxRow> LocalReader::mailboxes(AccountId account) {
  return sql("SELECT account, id, name, uid_validity, uid_next, highest_modseq, special_use, subscribed, "
             "forgotten_modseq, first_recent FROM "
             "mailboxes WHERE account = ? ORDER BY id")
      .with(account)
      .rows(mailbox_row);
}

std::optional<MailboxRow> LocalReader::mailbox(AccountId account, MailboxId id) {
  return sql("SELECT account, id, name, uid_validity, uid_next, highest_modseq, special_use, subscribed, "
             "forgotten_modseq, first_recent FROM "
             "mailboxes WHERE account = ? AND id = ?")
      .with(account, id)
      .row(mailbox_row);
}

std::vector<EmailRow> LocalReader::emails(AccountId account, MailboxId mailbox, Uid from, std::size_t max) {
  return sql("SELECT e.account, e.mailbox, e.uid, e.modseq, e.email_id, e.size, e.flags, e.keywords, d.thread_id, "
             "d.content, d.internal_date, d.save_date, d.ranges, d.header_block, d.object_id FROM emails e JOIN "
             "email_data d ON "
             "d.email_id = e.email_id WHERE e.account = ? AND e.mailbox = ? AND e.uid >= ? ORDER BY e.uid LIMIT ?")
      .with(account, mailbox, from, static_cast<std::uint64_t>(max))
      .rows(email_row);
}

std::vector<EmailSummary> LocalReader::summaries(AccountId account, MailboxId mailbox, Uid from, std::size_t max) {
  return sql("SELECT uid, modseq, email_id, size, flags, keywords, internal_date FROM emails WHERE account = ? "
             "AND mailbox = ? AND uid >= ? ORDER BY uid LIMIT ?")
      .with(account, mailbox, from, static_cast<std::uint64_t>(max))
      .rows([](const Statement& s) {
        return EmailSummary{s.small(0),
                            s.natural(1),
                            EmailId{s.natural(2)},
                            s.natural(3),
                            static_cast<std::uint8_t>(s.integer(4)),
                            split(s.octets(5), ' '),
                            from_unix_seconds(s.integer(6))};
      });
}

std::optional<EmailRow> LocalReader::email(AccountId account, MailboxId mailbox, Uid uid) {
  std::vector<EmailRow> rows = emails(account, mailbox, uid, 1);
  if (rows.empty() || rows.front().uid != uid) return std::nullopt;
  return std::move(rows.front());
}

std::optional<EmailRow> LocalReader::email(EmailId id) {
  return sql("SELECT d.account, d.mailbox, d.uid, e.modseq, e.email_id, e.size, e.flags, e.keywords, d.thread_id, "
             "d.content, d.internal_date, d.save_date, d.ranges, d.header_block, d.object_id FROM email_data d JOIN "
             "emails e ON "
             "e.account = d.account AND e.mailbox = d.mailbox AND e.uid = d.uid WHERE d.email_id = ?")
      .with(id)
      .row(email_row);
}

std::vector<TombstoneRow> LocalReader::tombstones(AccountId account, MailboxId mailbox, ModSeq since) {
  return sql("SELECT uid, modseq FROM tombstones WHERE account = ? AND mailbox = ? AND modseq > ? ORDER BY "
             "modseq, uid")
      .with(account, mailbox, since)
      .rows(
          [account, mailbox](const Statement& s) { return TombstoneRow{account, mailbox, s.small(0), s.natural(1)}; });
}

std::vector<EmailRow> LocalReader::emails(AccountId account, MailboxId mailbox, std::span<const Uid> uids) {
  std::vector<EmailRow> rows;
  rows.reserve(uids.size());
  Statement& s =
      sql("SELECT e.account, e.mailbox, e.uid, e.modseq, e.email_id, e.size, e.flags, e.keywords, d.thread_id, "
          "d.content, d.internal_date, d.save_date, d.ranges, d.header_block, d.object_id FROM emails e JOIN "
          "email_data d ON d.email_id = e.email_id WHERE e.account = ? AND e.mailbox = ? AND e.uid = ?");
  for (const Uid uid : uids) {
    if (s.with(account, mailbox, uid).step()) rows.push_back(email_row(s));
  }
  s.reset();
  return rows;
}

MailboxTotals LocalReader::totals(AccountId account, MailboxId mailbox) {
  return sql("SELECT count(*), count(*) FILTER (WHERE flags & 1 = 0), count(*) FILTER (WHERE flags & 8), "
             "coalesce(sum(size), 0) FROM emails WHERE account = ? AND mailbox = ?")
      .with(account, mailbox)
      .row([](const Statement& s) { return MailboxTotals{s.natural(0), s.natural(1), s.natural(2), s.natural(3)}; })
      .value_or(MailboxTotals{});
}

namespace {

/// Rows of a table ordered by email id, looked up one after another by `SELECT email_id, … WHERE email_id >= ? ORDER BY
/// email_id`. Ids of one mailbox mostly ascend and stand close together: stepping on is cheaper than looking each up.
class Walk {
 public:
  explicit Walk(Statement& rows) : rows_(rows) {}
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  ~Walk() { rows_.reset(); }

  /// Whether there is one; the statement then stands on it.
  [[nodiscard]] bool find(EmailId id) {
    for (int steps = 0; at_row_ && here_ < id && steps < steps_before_seek; ++steps) arrive(rows_.step());
    // Where the row before this one was behind the id already, there is none.
    const bool sought = at_row_ && here_ >= id && last_ < id;
    if (!sought) arrive(rows_.with(id).step());
    last_ = id;
    return at_row_ && here_ == id;
  }

 private:
  void arrive(bool at_row) {
    at_row_ = at_row;
    if (at_row_) here_ = EmailId{rows_.natural(0)};
  }

  Statement& rows_;
  bool at_row_ = false;
  EmailId here_, last_;
};

constexpr std::string_view fields_rows =
    "SELECT email_id, fields FROM email_fields WHERE email_id >= ? ORDER BY email_id";

/// Columns that are not wanted are not read: they may stand on pages of their own.
std::string_view facts_rows(FactsParts parts) {
  if (parts.envelope && !parts.structure && !parts.preview)
    return "SELECT email_id, envelope, '', '' FROM email_facts WHERE email_id >= ? ORDER BY email_id";
  if (!parts.envelope && parts.structure && !parts.preview)
    return "SELECT email_id, '', structure, '' FROM email_facts WHERE email_id >= ? ORDER BY email_id";
  return "SELECT email_id, envelope, structure, preview FROM email_facts WHERE email_id >= ? ORDER BY email_id";
}

}  // namespace

std::vector<std::optional<FactsRow>> LocalReader::facts(std::span<const EmailId> ids, FactsParts parts) {
  std::vector<std::optional<FactsRow>> found(ids.size());
  const bool wants_row = parts.envelope || parts.structure || parts.preview;
  if (wants_row) {
    Statement& s = sql(facts_rows(parts));
    Walk walk(s);
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (walk.find(ids[i])) found[i] = FactsRow{s.text(1), s.text(2), s.text(3), {}};
  }
  if (!parts.fields) return found;
  Statement& s = sql(fields_rows);
  Walk walk(s);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (wants_row && !found[i]) continue;
    if (!walk.find(ids[i])) {
      found[i].reset();
      continue;
    }
    if (!found[i]) found[i].emplace();
    found[i]->fields = s.text(1);
  }
  return found;
}

void LocalReader::visit_fields(std::span<const EmailId> ids, const std::function<void(std::size_t, Octets)>& visitor) {
  Statement& s = sql(fields_rows);
  Walk walk(s);
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (walk.find(ids[i])) visitor(i, s.octets(1));
}

void LocalReader::visit_octets(std::span<const EmailId> ids, std::uint64_t octets_max,
                               const std::function<bool(std::size_t, Octets)>& visitor) {
  OctetString together;
  Statement& s =
      sql("SELECT d.header_block, d.ranges, d.content, c.size, c.octets FROM email_data d JOIN contents c ON "
          "c.id = d.content WHERE d.email_id = ?");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!s.with(ids[i]).step()) continue;
    if (s.octets(0).empty() && s.octets(1).empty() && !s.is_null(4)) {
      if (!visitor(i, s.octets(4).substr(0, octets_max))) break;
      continue;
    }
    StoredOctets stored{MailId{s.natural(2)}, s.text(0), decode_ranges(s.octets(1)), 0};
    stored.size = stored.header_block.size();
    if (stored.ranges.empty()) stored.size += s.natural(3);
    for (const ContentRange& range : stored.ranges) stored.size += range.length;
    together.clear();
    if (!gather(stored, s.is_null(4) ? std::nullopt : std::optional(s.octets(4)), octets_max, together)) continue;
    if (!visitor(i, together)) break;
  }
  s.reset();
}

bool LocalReader::gather(const StoredOctets& stored, std::optional<Octets> content, std::uint64_t octets_max,
                         OctetString& to) {
  const std::uint64_t wanted = std::min(stored.size, octets_max);
  if (!content) {
    while (to.size() < wanted) {
      const std::size_t before = to.size();
      const std::size_t count = std::min<std::uint64_t>(wanted - before, visit_octets_at_once);
      if (!read_octets(stored, before, count, to) || to.size() == before) return false;
    }
    return true;
  }
  to.append(Octets(stored.header_block).substr(0, wanted));
  const ContentRange whole{0, content->size()};
  const std::span<const ContentRange> ranges =
      stored.ranges.empty() ? std::span(&whole, 1) : std::span<const ContentRange>(stored.ranges);
  for (const ContentRange& range : ranges) {
    if (range.offset > content->size()) return false;
    to.append(content->substr(range.offset, std::min(range.length, wanted - to.size())));
  }
  return true;
}

std::optional<ModSeq> LocalReader::tombstone_bound(AccountId account, MailboxId mailbox, std::uint64_t keep) {
  return sql("SELECT modseq FROM tombstones WHERE account = ? AND mailbox = ? ORDER BY modseq DESC, uid DESC "
             "LIMIT 1 OFFSET ?")
      .with(account, mailbox, keep)
      .row([](const Statement& s) { return s.natural(0); });
}

std::vector<TombstoneCount> LocalReader::long_tombstone_lists(std::uint64_t more_than) {
  return sql("SELECT account, mailbox, count(*) FROM tombstones GROUP BY account, mailbox HAVING count(*) > ?")
      .with(more_than)
      .rows([](const Statement& s) {
        return TombstoneCount{AccountId{s.integer(0)}, MailboxId{s.integer(1)}, s.natural(2)};
      });
}

std::vector<ExpungedRow> LocalReader::expunged(AccountId account, TimePoint since, std::size_t max) {
  return sql("SELECT account, mailbox, mailbox_name, uid, email_id, size, flags, keywords, expunged FROM "
             "expunged WHERE account = ? AND expunged >= ? ORDER BY expunged, email_id LIMIT ?")
      .with(account, since, static_cast<std::uint64_t>(max))
      .rows([](const Statement& s) {
        return ExpungedRow{AccountId{s.integer(0)},
                           MailboxId{s.integer(1)},
                           s.text(2),
                           s.small(3),
                           EmailId{s.natural(4)},
                           s.natural(5),
                           static_cast<std::uint8_t>(s.integer(6)),
                           split(s.octets(7), ' '),
                           s.time(8)};
      });
}

bool LocalReader::has_expunged_before(TimePoint before) {
  Statement& s = sql("SELECT 1 FROM expunged WHERE expunged < ? LIMIT 1").with(before);
  const bool found = s.step();
  s.reset();
  return found;
}

std::vector<std::string> LocalReader::subscriptions(AccountId account) {
  return sql("SELECT name FROM subscriptions WHERE account = ? ORDER BY name")
      .with(account)
      .rows([](const Statement& s) { return s.text(0); });
}

}  // namespace posthorn::storage
