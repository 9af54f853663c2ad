#include "platform/storage/story_rows.h"

#include <algorithm>
#include <cstring>

#include "foundation/text/ascii.h"
#include "platform/storage/row_codec.h"

namespace posthorn::storage {
namespace {

// What one SweepStories may remove (unit.h).
constexpr int swept_stories_max = 1000;

}  // namespace

StoryRows::StoryRows(const Database& database)
    : put_story_(database.prepare("INSERT OR REPLACE INTO stories (id, at, keys, steps) VALUES (?, ?, ?, ?)")),
      append_part_(database.prepare("INSERT INTO story_parts (id, seq, at, steps) VALUES (?1, (SELECT "
                                    "coalesce(max(seq), 0) + 1 FROM story_parts WHERE id = ?1), ?2, ?3)")),
      add_late_(database.prepare("INSERT INTO story_tail (id, hashes) VALUES (?, ?)")),
      read_late_(database.prepare("SELECT id, hashes FROM story_tail")),
      clear_late_(database.prepare("DELETE FROM story_tail")),
      read_recent_(database.prepare("SELECT id, keys FROM stories WHERE id > ?")),
      sorted_(database.prepare("SELECT coalesce(max(newest), 0) FROM story_batches")),
      add_key_(database.prepare("INSERT OR IGNORE INTO story_keys (batch, hash, id) VALUES (?, ?, ?)")),
      add_batch_(database.prepare("INSERT INTO story_batches (newest) VALUES (?) RETURNING batch")),
      count_tail_(database.prepare("SELECT (SELECT count(*) FROM stories WHERE id > ?) + (SELECT count(*) FROM "
                                   "story_tail)")),
      sum_octets_(database.prepare("SELECT (SELECT coalesce(sum(length(CAST(steps AS BLOB))), 0) FROM stories) + "
                                   "(SELECT coalesce(sum(length(CAST(steps AS BLOB))), 0) FROM story_parts)")),
      oldest_(database.prepare("SELECT id FROM stories ORDER BY id LIMIT ?")),
      story_octets_(database.prepare("SELECT (SELECT length(CAST(steps AS BLOB)) FROM stories WHERE id = ?1) + (SELECT "
                                     "coalesce(sum(length(CAST(steps AS BLOB))), 0) FROM story_parts WHERE id = ?1)")),
      remove_story_(database.prepare("DELETE FROM stories WHERE id = ?")),
      remove_parts_(database.prepare("DELETE FROM story_parts WHERE id = ?")),
      old_batches_(database.prepare("SELECT batch FROM story_batches WHERE newest <= ?")),
      remove_batch_(database.prepare("DELETE FROM story_batches WHERE batch = ?")),
      remove_keys_(database.prepare("DELETE FROM story_keys WHERE batch = ?")) {}

void StoryRows::put(const StoryRow& row) {
  const std::string keys = join(row.keys, '\n');
  put_story_.with(row.id, row.at, keys, row.steps).run();
  count_octets(static_cast<std::int64_t>(row.steps.size()));
  if (tail_ >= 0) ++tail_;
  if (static_cast<std::int64_t>(row.id.value) <= sorted_up_to()) add_late(row);
}

std::int64_t StoryRows::sorted_up_to() {
  if (sorted_up_to_ < 0) {
    static_cast<void>(sorted_.with().step());
    sorted_up_to_ = sorted_.integer(0);
    sorted_.reset();
  }
  return sorted_up_to_;
}

/// A story is written when its message ends, and messages that began after it may be in a batch by then.
void StoryRows::add_late(const StoryRow& row) {
  if (row.keys.empty()) return;
  std::vector<std::int64_t> hashes;
  hashes.reserve(row.keys.size());
  for (const std::string& key : row.keys) hashes.push_back(story_key_hash(key));
  const Octets octets(reinterpret_cast<const char*>(hashes.data()), hashes.size() * sizeof(std::int64_t));
  add_late_.with(row.id, Blob{octets}).run();
}

void StoryRows::append(const StoryPartRow& row) {
  append_part_.with(row.id, row.at, row.steps).run();
}

void StoryRows::remove(std::int64_t id) {
  if (story_octets_.with(id).step()) count_octets(-story_octets_.integer(0));
  story_octets_.reset();
  remove_story_.with(id).run();
  remove_parts_.with(id).run();
}

std::uint64_t StoryRows::sweep(const SweepStories& which) {
  if (octets_ < 0) {
    static_cast<void>(sum_octets_.with().step());
    octets_ = sum_octets_.integer(0);
    sum_octets_.reset();
  }
  std::vector<std::int64_t> oldest;
  oldest_.with(swept_stories_max);
  while (oldest_.step()) oldest.push_back(oldest_.integer(0));
  // base/id.h: the upper 44 bits of an id are milliseconds, so the oldest stories have the lowest ids.
  const std::int64_t first_kept = (unix_micros(which.before) / 1000) << 20;
  std::int64_t last_removed = 0;
  std::uint64_t removed = 0;
  for (const std::int64_t id : oldest) {
    if (id >= first_kept && octets_ <= static_cast<std::int64_t>(which.octets_max)) break;
    remove(id);
    last_removed = id;
    ++removed;
  }
  std::vector<std::int64_t> batches;
  old_batches_.with(last_removed);
  while (old_batches_.step()) batches.push_back(old_batches_.integer(0));
  for (const std::int64_t batch : batches) {
    remove_keys_.with(batch).run();
    remove_batch_.with(batch).run();
  }
  return removed;
}

void StoryRows::sort_tail_if_long() {
  if (tail_ < 0) {
    static_cast<void>(count_tail_.with(sorted_up_to()).step());
    tail_ = count_tail_.integer(0);
    count_tail_.reset();
  }
  if (tail_ >= story_tail_max) sort_tail();
}

std::vector<StoryRows::Key> StoryRows::tail_keys(std::int64_t& newest) {
  std::vector<Key> keys;
  read_recent_.with(sorted_up_to());
  while (read_recent_.step()) {
    const std::int64_t id = read_recent_.integer(0);
    newest = std::max(newest, id);
    for (const std::string_view key : text::split(read_recent_.octets(1), '\n'))
      keys.push_back({story_key_hash(key), id});
  }
  read_late_.with();
  while (read_late_.step()) {
    const std::int64_t id = read_late_.integer(0);
    for (Octets hashes = read_late_.octets(1); hashes.size() >= sizeof(std::int64_t); hashes.remove_prefix(8)) {
      std::int64_t hash = 0;
      std::memcpy(&hash, hashes.data(), sizeof hash);
      keys.push_back({hash, id});
    }
  }
  return keys;
}

void StoryRows::sort_tail() {
  std::int64_t newest = sorted_up_to();
  std::vector<Key> keys = tail_keys(newest);
  std::ranges::sort(keys);
  static_cast<void>(add_batch_.with(newest).step());
  const std::int64_t batch = add_batch_.integer(0);
  add_batch_.reset();
  for (const Key key : keys) add_key_.with(batch, key.hash, key.id).run();
  clear_late_.with().run();
  sorted_up_to_ = newest;
  tail_ = 0;
}

}  // namespace posthorn::storage
