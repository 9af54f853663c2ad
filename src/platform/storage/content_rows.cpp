#include "platform/storage/content_rows.h"

#include <map>

#include "platform/disk/crc32c.h"
#include "platform/disk/staged_file.h"

namespace posthorn::storage {

void ContentEffects::add(ContentEffects more) {
  live.insert(live.end(), more.live.begin(), more.live.end());
  freed_files.insert(freed_files.end(), more.freed_files.begin(), more.freed_files.end());
  for (auto& file : more.taken_files) taken_files.push_back(std::move(file));
}

ContentRows::ContentRows(const Database& database)
    : insert_(database.prepare("INSERT OR IGNORE INTO contents (id, refs, size, crc, place, segment, position, octets) "
                               "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")),
      add_(database.prepare("UPDATE contents SET refs = refs + 1 WHERE id = ?")),
      get_(database.prepare("SELECT refs, place, segment, size FROM contents WHERE id = ?")),
      drop_(database.prepare("UPDATE contents SET refs = refs - 1 WHERE id = ?")),
      remove_(database.prepare("DELETE FROM contents WHERE id = ?")),
      segment_(database.prepare("INSERT INTO segments (id, octets, live) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO "
                                "UPDATE SET octets = max(octets, ?2), live = live + ?3")) {}

bool ContentRows::put(const PutContent& put, std::uint32_t references, const Placement* placement) {
  if (put.staged) {
    insert_.with(put.id, references, put.staged->size(), put.staged->crc(), place_file, nullptr, nullptr, nullptr);
    if (insert_.run() == 0) return false;
    effects_.taken_files.push_back(put.staged);
    return true;
  }
  const std::uint64_t size = put.octets->size();
  if (placement == nullptr) {
    insert_.with(put.id, references, size, disk::crc32c(*put.octets), place_inline, nullptr, nullptr,
                 Blob{*put.octets});
    return insert_.run() != 0;
  }
  insert_.with(put.id, references, size, placement->crc, place_segment, placement->segment.segment,
               placement->segment.position, nullptr);
  if (insert_.run() == 0) return false;
  effects_.live.push_back({placement->segment.segment, static_cast<std::int64_t>(size)});
  return true;
}

bool ContentRows::add_reference(MailId id) {
  return add_.with(id).run() != 0;
}

void ContentRows::release(MailId id) {
  if (!get_.with(id).step()) return;  // damage that verify reports; the row that named it goes in any case
  const bool last = get_.integer(0) <= 1;
  const std::int64_t place = get_.integer(1);
  const std::uint64_t segment = get_.natural(2);
  const std::int64_t size = get_.integer(3);
  get_.reset();
  if (!last) {
    drop_.with(id).run();
    return;
  }
  remove_.with(id).run();
  if (place == place_segment) effects_.live.push_back({segment, -size});
  if (place == place_file) effects_.freed_files.push_back(id);
}

void ContentRows::write_segment_totals(std::uint64_t open_segment, std::uint64_t open_octets) {
  std::map<std::uint64_t, std::int64_t> totals;
  for (const auto& change : effects_.live) totals[change.segment] += change.octets;
  for (const auto& [segment, live] : totals) {
    segment_.with(segment, segment == open_segment ? open_octets : 0, live).run();
  }
}

}  // namespace posthorn::storage
