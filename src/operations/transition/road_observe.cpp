// What the servers show, noted in the ledger.
#include <algorithm>

#include "operations/transition/road.h"

namespace posthorn::transition {
namespace {

using Views = std::vector<domains::PublishedRecords>;

bool has(const domains::PublishedRecords& view, const dns::Name& name, dns::RecordType type, const std::string& data) {
  const domains::PublishedSet* set = view.find(name, type);
  // Behind an alias it is somebody else's record.
  return set != nullptr && set->alias_of.empty() && std::ranges::find(set->data, data) != set->data.end();
}

bool is_known(const domains::PublishedRecords& view, const dns::Name& name, dns::RecordType type) {
  const domains::PublishedSet* set = view.find(name, type);
  return set != nullptr && dns::is_definite(set->status);
}

struct Seen {
  const Views& views;
  domains::Ledger& ledger;
  TimePoint now;

  void note(const dns::Name& name, dns::RecordType type, const std::string& data, bool ours) {
    const bool everywhere = std::ranges::all_of(views, [&](const auto& view) { return has(view, name, type, data); });
    if (!everywhere) return;
    std::uint32_t ttl = 0;
    for (const domains::PublishedRecords& view : views) ttl = std::max(ttl, view.find(name, type)->ttl_seconds);
    ledger.saw_published(name, type, data, ttl, now, ours);
  }

  void note_gone() {
    for (domains::LedgerRow& row : ledger.rows) {
      if (row.removed) continue;
      const bool nowhere = std::ranges::all_of(views, [&](const domains::PublishedRecords& view) {
        return is_known(view, row.name, row.type) && !has(view, row.name, row.type, row.data);
      });
      if (nowhere) row.removed = now;
    }
  }
};

}  // namespace

void observe(domains::Ledger& ledger, const domains::Wanted& wanted, const Views& views, TimePoint now, bool claim) {
  if (views.empty()) return;
  Seen seen{views, ledger, now};
  seen.note_gone();
  for (const domains::WantedRecord& record : wanted.records) {
    if (record.owner == domains::Owner::network) continue;
    seen.note(record.name, record.type, record.data, claim);
    for (const std::string& before : record.replaces) seen.note(record.name, record.type, before, false);
  }
  ledger.forget(now);
}

}  // namespace posthorn::transition
