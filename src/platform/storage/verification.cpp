#include "platform/storage/verification.h"

#include "platform/storage/schema.h"

namespace posthorn::storage {
namespace {

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
  const std::string counts = stored_schema_version(database_) >= checked_version ? "octets, messages" : "NULL, NULL";
  scan("mailboxes", "SELECT account, id, name, uid_next, " + counts + " FROM mailboxes", "account, id",
       [this](const Statement& row) {
         Mailbox& mailbox = mailboxes_[{row.integer(0), row.integer(1)}] = {row.text(2), row.natural(3), {}, {}};
         if (!row.is_null(4)) mailbox.stored = Usage{row.integer(4), row.integer(5)};
       });
}

// ---------------------------------------------------------------- sums

void Verification::check_usage() {
  for (const auto& [key, mailbox] : mailboxes_) {
    if (!mailbox.stored) continue;
    const auto& [found, stored] = std::pair(mailbox.found, *mailbox.stored);
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

// ---------------------------------------------------------------- what a damaged content touches

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

}  // namespace posthorn::storage
