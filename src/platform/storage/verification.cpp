#include "platform/storage/verification.h"

#include "platform/disk/crc32c.h"
#include "platform/storage/rewrite.h"
#include "platform/storage/row_codec.h"
#include "platform/storage/schema.h"

namespace posthorn::storage {
namespace {

/// `projection` of one of the range is this value.
template <class Range, class Value, class Projection = std::identity>
bool contains(const Range& range, const Value& value, Projection projection = {}) {
  return std::ranges::find(range, value, projection) != std::ranges::end(range);
}

constexpr std::size_t read_octets_at_once = 1 * MiB;
// Lines of integrity_check that are reported.
constexpr int integrity_lines_max = 100;

/// A day as the database has it, which may be any number.
std::string day_text(std::int64_t days_since_1970) {
  constexpr std::int64_t days_max = 1'000'000;
  if (days_since_1970 < 0 || days_since_1970 > days_max) return fmt::format("day {}", days_since_1970);
  return fmt::format("{:%F}", std::chrono::sys_days(std::chrono::days(days_since_1970)));
}

}  // namespace

std::string_view damage_name(DamageKind kind) {
  switch (kind) {
    case DamageKind::database:
      return "database";
    case DamageKind::content_octets:
      return "content-octets";
    case DamageKind::content_missing:
      return "content-missing";
    case DamageKind::record_header:
      return "record-header";
    case DamageKind::dangling_content:
      return "dangling-content";
    case DamageKind::reference_count:
      return "reference-count";
    case DamageKind::usage:
      return "usage";
    case DamageKind::mailbox:
      return "mailbox";
    case DamageKind::queue:
      return "queue";
    case DamageKind::segment_total:
      return "segment-total";
    case DamageKind::dmarc_day:
      return "dmarc-day";
  }
  return "unknown";
}

VerifyReport Verification::run() {
  database_.execute("BEGIN");
  check_database();
  read_names();
  check_emails();
  check_email_data();
  check_facts();
  check_queue();
  check_recipients();
  check_contents();
  check_unnamed_contents();
  check_segment_totals();
  check_usage();
  check_dmarc_days();
  name_touched_messages();
  check_pages();
  database_.execute("ROLLBACK");  // nothing was written; COMMIT fails where the damage is bad enough
  return std::move(report_);
}

Damage& Verification::add(DamageKind kind, std::string what, MailId content) {
  if (report_.damages.size() >= damages_max) {
    report_.more = true;
    return overflow_ = Damage{};
  }
  report_.damages.push_back({kind, std::move(what), content, {}, {}});
  return report_.damages.back();
}

void Verification::damage_content(DamageKind kind, MailId id, std::string what) {
  contents_[id.value].damaged = true;
  damage_of_content_.emplace(id.value, report_.damages.size());
  add(kind, std::move(what), id);
}

TouchedEmail Verification::touched(std::int64_t account, std::int64_t mailbox, Uid uid, EmailId id) const {
  TouchedEmail email{AccountId{account}, {}, MailboxId{mailbox}, {}, uid, id};
  if (const auto found = accounts_.find(account); found != accounts_.end()) email.account_address = found->second;
  const auto named = mailboxes_.find({account, mailbox});
  if (named != mailboxes_.end()) email.mailbox_name = named->second.name;
  return email;
}

void Verification::scan(std::string_view what, const std::string& select, const std::string& key,
                        const RowHandler& handle) {
  bool failed = false;
  for (const char* order : {" ASC", " DESC"}) {
    std::string ordered = select;
    ordered.append(" ORDER BY ").append(key);
    // Every column of the key in this direction.
    for (std::size_t at = ordered.find(", ", select.size()); at != std::string::npos;) {
      ordered.insert(at, order);
      at = ordered.find(", ", at + std::strlen(order) + 2);
    }
    try {
      Statement statement = database_.prepare(ordered + order);
      statement.with();
      while (statement.step()) {
        handle(statement);
      }
      return;
    } catch (const DatabaseError& error) {
      if (!failed) add(DamageKind::database, fmt::format("reading {}: {}", what, error.what()));
      failed = true;
    }
  }
}

// ---------------------------------------------------------------- the database itself

void Verification::check_database() {
  try {
    Statement check = database_.prepare(fmt::format("PRAGMA integrity_check({})", integrity_lines_max));
    check.with();
    while (check.step()) {
      const std::string line = check.text(0);
      if (line != "ok") add(DamageKind::database, "integrity_check: " + line);
    }
  } catch (const DatabaseError& error) {
    add(DamageKind::database, error.what());
  }
}

void Verification::read_names() {
  scan("accounts", "SELECT id, address FROM accounts", "id",
       [this](const Statement& row) { accounts_[row.integer(0)] = row.text(1); });
  scan("mailboxes", "SELECT account, id, name, uid_next, octets, messages FROM mailboxes", "account, id",
       [this](const Statement& row) {
         mailboxes_[{row.integer(0), row.integer(1)}] = {
             row.text(2), row.natural(3), {row.integer(4), row.integer(5)}, {}};
       });
}

// ---------------------------------------------------------------- emails

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

// ---------------------------------------------------------------- contents

void Verification::check_contents() {
  Statement rows =
      database_.prepare("SELECT refs, size, crc, place, segment, position, octets FROM contents WHERE id = ?");
  for (const auto& [id, content] : contents_) {
    try {
      check_content(MailId{id}, content, rows);
    } catch (const DatabaseError& error) {
      damage_content(DamageKind::database, MailId{id}, error.what());
    }
    rows.reset();
  }
}

void Verification::check_content(MailId id, const Content& content, Statement& rows) {
  if (!rows.with(id).step()) {
    damage_content(DamageKind::dangling_content, id, "named, but not there: content " + id.text());
    return;
  }
  ++report_.contents;
  const std::uint64_t size = rows.natural(1);
  const std::uint32_t crc = rows.small(2);
  report_.octets += size;
  if (rows.integer(0) != content.references) {
    add(DamageKind::reference_count,
        fmt::format("content {} is named {} times, its row says {}", id.text(), content.references, rows.integer(0)),
        id);
  }
  switch (rows.integer(3)) {
    case 0: {
      const Octets octets = rows.octets(6);
      if (octets.size() != size || disk::crc32c(octets) != crc) {
        damage_content(DamageKind::content_octets, id,
                       fmt::format("content {} in the database does not have its checksum", id.text()));
      }
      return;
    }
    case 1:
      return check_segment_octets(id, rows.natural(4), rows.natural(5), size, crc);
    case 2:
      return check_file_octets(id, size, crc);
    default:
      damage_content(DamageKind::content_missing, id, fmt::format("content {} has no place", id.text()));
  }
}

void Verification::check_segment_octets(MailId id, std::uint64_t segment, std::uint64_t position, std::uint64_t size,
                                        std::uint32_t crc) {
  const std::string name = segments_.layout().segment(segment).filename().string();
  const auto file = segments_.file(segment);
  if (!file) {
    return damage_content(DamageKind::content_missing, id,
                          fmt::format("{}: {}", name, std::strerror(file.error().code)));
  }
  OctetString octets(size, '\0');
  const auto count = (*file)->read_at(position, octets);
  if (!count || *count != size) {
    const char* why = count ? "the file ends before it" : std::strerror(count.error().code);
    return damage_content(DamageKind::content_missing, id,
                          fmt::format("{} at {}: content {}: {}", name, position, id.text(), why));
  }
  if (disk::crc32c(octets) != crc) {
    return damage_content(DamageKind::content_octets, id,
                          fmt::format("{} at {}: content {} does not have its checksum", name, position, id.text()));
  }
  const auto header = read_record_header_before(**file, position);
  const bool matches = header && header->header.id == id && header->header.length == size && header->header.crc == crc;
  if (!matches) {
    // The octets are whole: the row knows where they stand and what they are.
    damage_content(DamageKind::record_header, id,
                   fmt::format("{} before {}: the record's header is not that of content {}; its octets are whole",
                               name, position, id.text()));
  }
}

void Verification::check_file_octets(MailId id, std::uint64_t size, std::uint32_t crc) {
  ++report_.files;
  const auto path = segments_.layout().message(id);
  const std::string name = path.filename().string();
  const auto file = segments_.files().open(path, disk::OpenMode::read);
  if (!file) {
    return damage_content(DamageKind::content_missing, id,
                          fmt::format("{}: {}", name, std::strerror(file.error().code)));
  }
  OctetString part(read_octets_at_once, '\0');
  std::uint64_t done = 0;
  std::uint32_t found = 0;
  while (true) {
    const auto count = (*file)->read_at(done, part);
    if (!count) {
      return damage_content(DamageKind::content_missing, id,
                            fmt::format("{} at {}: {}", name, done, std::strerror(count.error().code)));
    }
    if (*count == 0) break;
    found = disk::crc32c(Octets(part).substr(0, *count), found);
    done += *count;
  }
  if (done < size) {
    damage_content(DamageKind::content_missing, id, fmt::format("{}: {} octets instead of {}", name, done, size));
  } else if (done != size || found != crc) {
    damage_content(DamageKind::content_octets, id, name + " does not have its checksum");
  }
}

void Verification::check_unnamed_contents() {
  scan("contents", "SELECT id, refs FROM contents", "id", [this](const Statement& row) {
    if (contents_.contains(row.natural(0))) return;
    const MailId id{row.natural(0)};
    add(DamageKind::reference_count,
        fmt::format("content {} is named by nothing, its row says {}", id.text(), row.integer(1)), id);
  });
}

void Verification::check_segment_totals() {
  scan(
      "segments",
      "SELECT id, octets, live, (SELECT coalesce(sum(size), 0) FROM contents c WHERE c.segment = s.id) FROM segments s",
      "id", [this](const Statement& row) {
        ++report_.segments;
        if (row.integer(2) == row.integer(3)) return;
        add(DamageKind::segment_total,
            fmt::format("segment {}: {} octets live, its row says {}", row.integer(0), row.integer(3), row.integer(2)));
      });
}

void Verification::check_usage() {
  for (const auto& [key, mailbox] : mailboxes_) {
    const auto& [found, stored] = std::pair(mailbox.found, mailbox.stored);
    if (found.octets == stored.octets && found.messages == stored.messages) continue;
    add(DamageKind::usage, fmt::format("{} {} has {} octets in {} emails, its row says {} in {}", accounts_[key.first],
                                       mailbox.name, found.octets, found.messages, stored.octets, stored.messages));
  }
}

/// dmarc_days has how many rows each day and policy domain have, and under the empty name those of the whole day. Where
/// only a sum is wrong no message and no row is lost: who is to have a report, and the bound of rows, go by the sums.
void Verification::check_dmarc_days() {
  using Day = std::pair<std::int64_t, std::string>;
  const std::size_t damages = report_.damages.size();
  std::map<Day, std::pair<std::int64_t, std::int64_t>> rows;  // as they are, as the sum says
  scan("rows for DMARC reports", "SELECT day, policy_domain, count(*) FROM dmarc_rows GROUP BY day, policy_domain",
       "day, policy_domain", [&](const Statement& row) {
         rows[{row.integer(0), row.text(1)}].first = row.integer(2);
         rows[{row.integer(0), ""}].first += row.integer(2);
       });
  scan("the sums of rows for DMARC reports", "SELECT day, policy_domain, rows FROM dmarc_days", "day, policy_domain",
       [&](const Statement& row) { rows[{row.integer(0), row.text(1)}].second = row.integer(2); });
  if (report_.damages.size() != damages) return;  // what could not be read cannot be compared
  for (const auto& [day, count] : rows) {
    if (count.first == count.second) continue;
    add(DamageKind::dmarc_day,
        fmt::format("{}, {}: {} rows for DMARC reports, their sum says {}; no message is touched, and both go by "
                    "themselves when the day is old enough; a backup has what they were",
                    day_text(day.first), day.second.empty() ? "all domains" : day.second, count.first, count.second));
  }
}

void Verification::name_touched_messages() {
  if (damage_of_content_.empty()) return;
  const auto damage_of = [this](std::uint64_t content) -> Damage* {
    const auto found = damage_of_content_.find(content);
    const bool kept = found != damage_of_content_.end() && found->second < report_.damages.size();
    return kept ? &report_.damages[found->second] : nullptr;
  };
  const std::size_t damages = report_.damages.size();
  scan("the data of emails", "SELECT email_id, account, mailbox, uid, content FROM email_data", "email_id",
       [&](const Statement& row) {
         if (Damage* damage = damage_of(row.natural(4))) {
           damage->emails.push_back(touched(row.integer(1), row.integer(2), row.small(3), EmailId{row.natural(0)}));
         }
       });
  scan("the queue", "SELECT id, content FROM queue", "id", [&](const Statement& row) {
    if (Damage* damage = damage_of(row.natural(1))) damage->queued.push_back(MailId{row.natural(0)});
  });
  report_.damages.resize(std::min(damages, report_.damages.size()));  // what cannot be read was told before
}

// ---------------------------------------------------------------- checksums of pages

/// After everything else: where another check has named the row that stands on a damaged page, it has said more.
void Verification::check_pages() {
  try {
    if (!disk::has_page_sums(database_.handle())) {
      if (stored_schema_version(database_) < schema_version) return;  // made before there were checksums
      add(DamageKind::database,
          "page 1 of posthorn.db does not say that its pages have checksums: it is damaged, or "
          "`posthorn store migrate` was interrupted");
      return;
    }
    read_free_pages();
    if (notes_.pages().empty()) return;
    for (const PageDamage& page : place_damage(database_, notes_)) tell_page(page);
  } catch (const DatabaseError& error) {
    add(DamageKind::database,
        fmt::format("{} pages of posthorn.db do not have their checksum; which rows stand on them "
                    "cannot be read: {}",
                    notes_.pages().size(), error.what()));
  }
  if (notes_.more()) report_.more = true;
}

/// Pages that nothing leads to. Beside a log they cannot be told from those of which the log has a later state.
void Verification::read_free_pages() {
  const auto log = segments_.files().open(segments_.layout().write_ahead_log(), disk::OpenMode::read);
  const auto logged = log ? (*log)->size() : Result<std::uint64_t, disk::FileError>(std::uint64_t{0});
  if (!logged || *logged != 0) return;
  const auto pages = static_cast<std::uint32_t>(database_.integer("PRAGMA page_count"));
  std::array<char, disk::page_octets> page{};
  for (std::uint32_t number = 1; number <= pages; ++number) {
    if (!notes_.was_read(number)) static_cast<void>(disk::read_page(database_.handle(), number, page));
  }
}

void Verification::tell_page(const PageDamage& page) {
  Damage damage = touched_by(page);
  const bool touches = !damage.emails.empty() || !damage.queued.empty();
  leave_out_the_named(damage);
  if (touches && damage.emails.empty() && damage.queued.empty()) return;
  if (page.table == "contents") {
    const bool told = std::ranges::any_of(page.rows, [this](const disk::PageCell& row) {
      const auto id = static_cast<std::uint64_t>(row.rowid.value_or(0));
      return contains(report_.damages, MailId{id}, &Damage::content);
    });
    if (told) return;
    damage.what += "; the messages there have their own checksums and are whole";
  }
  add(DamageKind::database, {}) = std::move(damage);
}

Damage Verification::touched_by(const PageDamage& page) const {
  Damage damage{DamageKind::database, page.what, {}, {}, {}};
  const auto integer = [](const disk::PageCell& row, std::size_t column) -> std::int64_t {
    const auto* value = column < row.columns.size() ? std::get_if<std::int64_t>(&row.columns[column]) : nullptr;
    return value != nullptr ? *value : 0;
  };
  constexpr std::array<std::string_view, 3> by_email_id{"email_data", "email_facts", "email_fields"};
  Statement place = database_.prepare("SELECT account, mailbox, uid FROM email_data WHERE email_id = ?");
  for (const disk::PageCell& row : page.rows) {
    const std::int64_t id = row.rowid.value_or(0);
    if (page.table == "emails") {
      damage.emails.push_back(touched(integer(row, 0), integer(row, 1), static_cast<Uid>(integer(row, 2)),
                                      EmailId{static_cast<std::uint64_t>(integer(row, 4))}));
    } else if (contains(by_email_id, page.table) && place.with(id).step()) {
      damage.emails.push_back(
          touched(place.integer(0), place.integer(1), place.small(2), EmailId{static_cast<std::uint64_t>(id)}));
    } else if (page.table == "queue") {
      damage.queued.push_back(MailId{static_cast<std::uint64_t>(id)});
    } else if (page.table == "recipients") {
      damage.queued.push_back(MailId{static_cast<std::uint64_t>(integer(row, 0))});
    }
    place.reset();
  }
  damage.queued.erase(std::ranges::unique(damage.queued).begin(), damage.queued.end());
  return damage;
}

/// Messages that a damage told before has named.
void Verification::leave_out_the_named(Damage& damage) const {
  for (const Damage& before : report_.damages) {
    std::erase_if(damage.emails, [&](const TouchedEmail& email) {
      return contains(before.emails, email.email_id, &TouchedEmail::email_id);
    });
    std::erase_if(damage.queued, [&](MailId id) { return contains(before.queued, id); });
  }
}

}  // namespace posthorn::storage
