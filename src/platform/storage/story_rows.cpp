#include "platform/storage/story_rows.h"

#include <cstring>

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
      add_tail_(database.prepare("INSERT INTO story_tail (id, hashes) VALUES (?, ?)")),
      read_tail_(database.prepare("SELECT id, hashes FROM story_tail")),
      clear_tail_(database.prepare("DELETE FROM story_tail")),
      add_key_(database.prepare("INSERT OR IGNORE INTO story_keys (batch, hash, id) VALUES (?, ?, ?)")),
      add_batch_(database.prepare("INSERT INTO story_batches (newest) VALUES (?) RETURNING batch")),
      count_tail_(database.prepare("SELECT count(*) FROM story_tail")),
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
  if (row.keys.empty()) return;
  std::vector<std::int64_t> hashes;
  hashes.reserve(row.keys.size());
  for (const std::string& key : row.keys) hashes.push_back(story_key_hash(key));
  const Octets octets(reinterpret_cast<const char*>(hashes.data()), hashes.size() * sizeof(std::int64_t));
  add_tail_.with(row.id, Blob{octets}).run();
  if (tail_ >= 0) ++tail_;
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
    static_cast<void>(count_tail_.with().step());
    tail_ = count_tail_.integer(0);
    count_tail_.reset();
  }
  if (tail_ >= story_tail_max) sort_tail();
}

void StoryRows::sort_tail() {
  struct Key {
    std::int64_t hash = 0;
    std::int64_t id = 0;
    auto operator<=>(const Key&) const = default;
  };
  std::vector<Key> keys;
  std::int64_t newest = 0;
  read_tail_.with();
  while (read_tail_.step()) {
    const std::int64_t id = read_tail_.integer(0);
    newest = std::max(newest, id);
    for (Octets hashes = read_tail_.octets(1); hashes.size() >= sizeof(std::int64_t); hashes.remove_prefix(8)) {
      std::int64_t hash = 0;
      std::memcpy(&hash, hashes.data(), sizeof hash);
      keys.push_back({hash, id});
    }
  }
  std::sort(keys.begin(), keys.end());
  static_cast<void>(add_batch_.with(newest).step());
  const std::int64_t batch = add_batch_.integer(0);
  add_batch_.reset();
  for (const Key key : keys) add_key_.with(batch, key.hash, key.id).run();
  clear_tail_.with().run();
  tail_ = 0;
}

}  // namespace posthorn::storage
