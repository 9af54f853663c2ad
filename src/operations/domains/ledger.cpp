#include "operations/domains/ledger.h"

#include <algorithm>

#include <boost/json.hpp>

#include "operations/domains/json_fields.h"

namespace posthorn::domains {
namespace {

namespace json = boost::json;

json::object row_json(const LedgerRow& row) {
  json::object out{{"name", row.name.text()},
                   {"type", dns::text(row.type)},
                   {"data", row.data},
                   {"ttl", row.ttl_seconds},
                   {"published", unix_micros(row.published)},
                   {"ours", row.ours}};
  if (row.removed) out["removed"] = unix_micros(*row.removed);
  return out;
}

std::optional<LedgerRow> read_row(const json::object& object) {
  auto name = dns::Name::parse(text_at(object, "name"));
  const auto type = dns::parse_record_type(text_at(object, "type"));
  if (!name || !type) return std::nullopt;
  return LedgerRow{std::move(*name),
                   *type,
                   text_at(object, "data"),
                   static_cast<std::uint32_t>(number_at(object, "ttl")),
                   time_at(object, "published"),
                   maybe_time_at(object, "removed"),
                   flag_at(object, "ours", true)};
}

bool is_of(const LedgerRow& row, const dns::Name& name, dns::RecordType type, std::string_view data) {
  return row.type == type && row.data == data && row.name == name;
}

}  // namespace

const LedgerRow* Ledger::find(const dns::Name& name, dns::RecordType type, std::string_view data) const {
  // The latest life of a record counts: it may have gone and come again.
  const auto at =
      std::find_if(rows.rbegin(), rows.rend(), [&](const LedgerRow& row) { return is_of(row, name, type, data); });
  return at == rows.rend() ? nullptr : &*at;
}

bool Ledger::owns(const dns::Name& name, dns::RecordType type, std::string_view data) const {
  const LedgerRow* row = find(name, type, data);
  return row != nullptr && row->ours && !row->removed;
}

void Ledger::saw_published(const dns::Name& name, dns::RecordType type, std::string data, std::uint32_t ttl_seconds,
                           TimePoint at, bool ours) {
  for (LedgerRow& row : rows) {
    if (!is_of(row, name, type, data) || row.removed) continue;
    // The larger TTL stays: a cache may have taken it before it was lowered.
    row.ttl_seconds = std::max(row.ttl_seconds, ttl_seconds);
    row.ours = row.ours || ours;
    return;
  }
  rows.push_back({name, type, std::move(data), ttl_seconds, at, std::nullopt, ours});
  if (rows.size() > ledger_rows_max) rows.erase(rows.begin());
}

void Ledger::saw_removed(const dns::Name& name, dns::RecordType type, std::string_view data, TimePoint at) {
  for (LedgerRow& row : rows) {
    if (is_of(row, name, type, data) && !row.removed) row.removed = at;
  }
}

void Ledger::forget(TimePoint now) {
  std::erase_if(rows, [now](const LedgerRow& row) { return row.removed && *row.cached_until() <= now; });
}

std::string ledger_json(const Ledger& ledger) {
  json::array out;
  for (const LedgerRow& row : ledger.rows) out.emplace_back(row_json(row));
  return json::serialize(json::object{{"records", std::move(out)}});
}

Ledger parse_ledger(std::string_view text) {
  Ledger ledger;
  const json::object object = parse_object(text);
  for (const json::object* row : objects_at(object, "records")) {
    if (auto read = read_row(*row)) ledger.rows.push_back(std::move(*read));
  }
  return ledger;
}

std::string ledger_key(std::string_view domain) {
  return fmt::format("domains/ledger/{}", domain);
}

}  // namespace posthorn::domains
