#include "platform/storage/trust_rows.h"

#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

constexpr std::string_view kWholeDay;              // dmarc_days: the name under which a day's sum stands
constexpr Duration kDay = std::chrono::hours(24);  // how exact last_seen is

}  // namespace

TrustRows::TrustRows(const Database& database)
    : add_count_(database.prepare("UPDATE dmarc_rows SET count = count + ? WHERE day = ? AND policy_domain = ? AND "
                                  "digest = ?")),
      rows_of_(database.prepare("SELECT rows FROM dmarc_days WHERE day = ? AND policy_domain = ?")),
      add_row_(database.prepare(
          "INSERT INTO dmarc_rows (count, day, policy_domain, digest, source_ip, record, disposition, dkim, spf, "
          "override_type, comment, header_from, envelope_from, envelope_to, dkim_results, spf_scope, spf_domain, "
          "spf_result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")),
      add_to_day_(database.prepare("INSERT INTO dmarc_days (day, policy_domain, rows, forgotten) VALUES (?, ?, 1, 0) "
                                   "ON CONFLICT DO UPDATE SET rows = rows + 1")),
      forget_one_(database.prepare("INSERT INTO dmarc_days (day, policy_domain, rows, forgotten) VALUES (?, ?, 0, ?) "
                                   "ON CONFLICT DO UPDATE SET forgotten = forgotten + excluded.forgotten")),
      sweep_rows_(database.prepare("DELETE FROM dmarc_rows WHERE id IN (SELECT id FROM dmarc_rows WHERE day < ? "
                                   "ORDER BY day, policy_domain LIMIT ?)")),
      sweep_days_(database.prepare("DELETE FROM dmarc_days WHERE day < ?")),
      first_left_(database.prepare("SELECT day, policy_domain FROM dmarc_rows ORDER BY day, policy_domain LIMIT 1")),
      sweep_domains_(database.prepare("DELETE FROM dmarc_days WHERE day < ?1 OR (day = ?1 AND policy_domain <> '' AND "
                                      "policy_domain < ?2)")),
      recount_domain_(database.prepare("UPDATE dmarc_days SET rows = (SELECT count(*) FROM dmarc_rows r WHERE r.day = "
                                       "?1 AND r.policy_domain = ?2) WHERE day = ?1 AND policy_domain = ?2")),
      recount_day_(database.prepare("UPDATE dmarc_days SET rows = (SELECT total(rows) FROM dmarc_days d WHERE d.day = "
                                    "?1 AND d.policy_domain <> '') WHERE day = ?1 AND policy_domain = ''")),
      seen_(database.prepare("SELECT selector, last_seen FROM selectors_seen WHERE domain = ? AND selector = ?")),
      see_again_(database.prepare("UPDATE selectors_seen SET last_seen = ?, algorithm = ?, key_bits = ? WHERE "
                                  "domain = ? AND selector = ?")),
      add_selector_(database.prepare("INSERT INTO selectors_seen (domain, selector, algorithm, key_bits, first_seen, "
                                     "last_seen) VALUES (?, ?, ?, ?, ?, ?)")),
      selectors_of_(database.prepare("SELECT count(*) FROM selectors_seen WHERE domain = ?")),
      drop_oldest_of_(database.prepare("DELETE FROM selectors_seen WHERE domain = ?1 AND selector = (SELECT selector "
                                       "FROM selectors_seen WHERE domain = ?1 ORDER BY last_seen LIMIT 1)")),
      drop_oldest_(database.prepare("DELETE FROM selectors_seen WHERE (domain, selector) IN (SELECT domain, selector "
                                    "FROM selectors_seen ORDER BY last_seen LIMIT 1)")),
      count_selectors_(database.prepare("SELECT count(*) FROM selectors_seen")) {}

// ---------------------------------------------------------------- rows for DMARC reports

void TrustRows::count(const DmarcRow& row) {
  const std::int64_t day = row.day.time_since_epoch().count();
  if (add_count_.with(row.count, day, row.policy_domain, Blob{row.digest}).run() != 0) return;
  const bool day_is_full = rows_of(day, kWholeDay) >= dmarc_rows_a_day_max;
  if (day_is_full || rows_of(day, row.policy_domain) >= dmarc_rows_a_domain_max) {
    forget_one_.with(day, kWholeDay, row.count).run();
    // Above the day's bound not even the names of new domains are kept.
    if (!day_is_full) forget_one_.with(day, row.policy_domain, row.count).run();
    return;
  }
  add_row_
      .with(row.count, day, row.policy_domain, Blob{row.digest}, row.source_ip, row.record, row.disposition, row.dkim,
            row.spf, row.override_type, row.comment, row.header_from, row.envelope_from, row.envelope_to,
            encode_dkim_results(row.dkim_results), row.spf_scope, row.spf_domain, row.spf_result)
      .run();
  add_to_day_.with(day, row.policy_domain).run();
  add_to_day_.with(day, kWholeDay).run();
}

std::uint64_t TrustRows::rows_of(std::int64_t day, std::string_view policy_domain) {
  rows_of_.with(day, policy_domain);
  const std::uint64_t rows = rows_of_.step() ? rows_of_.natural(0) : 0;
  rows_of_.reset();
  return rows;
}

std::uint64_t TrustRows::sweep(const SweepDmarcRows& which) {
  const std::int64_t before = which.before.time_since_epoch().count();
  const int swept = sweep_rows_.with(before, static_cast<std::uint64_t>(which.max)).run();
  if (static_cast<std::size_t>(swept) < which.max) {
    sweep_days_.with(before).run();
  } else {
    agree_with_what_is_left(before);
  }
  return static_cast<std::uint64_t>(swept);
}

/// A sweep that ends within a day or domain: its sums are those of the rows that are left, as `store verify` has them.
void TrustRows::agree_with_what_is_left(std::int64_t before) {
  std::int64_t day = before;
  std::string policy_domain;
  if (first_left_.with().step() && first_left_.integer(0) < before) {
    day = first_left_.integer(0);
    policy_domain = first_left_.text(1);
  }
  first_left_.reset();
  sweep_domains_.with(day, policy_domain).run();
  if (day == before) return;
  recount_domain_.with(day, policy_domain).run();
  recount_day_.with(day).run();
}

// ---------------------------------------------------------------- selectors

void TrustRows::note(const SelectorRow& row) {
  seen_.with(row.domain, row.selector);
  const bool is_known = seen_.step();
  const TimePoint last_seen = is_known ? seen_.time(1) : TimePoint{};
  seen_.reset();
  if (!is_known) {
    make_room_for_selector(row.domain);
    add_selector_.with(row.domain, row.selector, row.algorithm, row.key_bits, row.first_seen, row.last_seen).run();
    ++selectors_;
  } else if (last_seen + kDay <= row.last_seen) {
    see_again_.with(row.last_seen, row.algorithm, row.key_bits, row.domain, row.selector).run();
  }
}

void TrustRows::make_room_for_selector(std::string_view domain) {
  if (selectors_ < 0) {
    static_cast<void>(count_selectors_.with().step());
    selectors_ = count_selectors_.integer(0);
    count_selectors_.reset();
  }
  static_cast<void>(selectors_of_.with(domain).step());
  const std::uint64_t of_domain = selectors_of_.natural(0);
  selectors_of_.reset();
  if (of_domain >= selectors_a_domain_max) selectors_ -= drop_oldest_of_.with(domain).run();
  if (selectors_ >= static_cast<std::int64_t>(selectors_max)) selectors_ -= drop_oldest_.with().run();
}

}  // namespace posthorn::storage
