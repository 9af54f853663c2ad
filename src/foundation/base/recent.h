// Recent: what was used lately, by key, and never more than so many entries: where one more comes, the quarter that was
// not used for the longest time goes. For memories of things that can be asked for again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace posthorn {

template <class Key, class Value>
class Recent {
 public:
  explicit Recent(std::size_t entries_max) : entries_max_(std::max<std::size_t>(entries_max, 1)) {}

  /// Counts as a use. Nullptr: not kept. The pointer holds until the next put().
  [[nodiscard]] Value* find(const Key& key) {
    const auto at = entries_.find(key);
    if (at == entries_.end()) return nullptr;
    at->second.used = ++uses_;
    return &at->second.value;
  }
  Value& put(Key key, Value value) {
    if (entries_.size() >= entries_max_ && !entries_.contains(key)) make_room();
    Entry& entry = entries_[std::move(key)];
    entry.value = std::move(value);
    entry.used = ++uses_;
    return entry.value;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Value value{};
    std::uint64_t used = 0;
  };
  void make_room() {
    std::vector<std::uint64_t> uses;
    uses.reserve(entries_.size());
    for (const auto& [key, entry] : entries_) uses.push_back(entry.used);
    const auto last_to_go = uses.begin() + static_cast<std::ptrdiff_t>(uses.size() / 4);
    std::ranges::nth_element(uses, last_to_go);
    std::erase_if(entries_, [limit = *last_to_go](const auto& entry) { return entry.second.used <= limit; });
  }

  std::size_t entries_max_;
  std::uint64_t uses_ = 0;
  std::map<Key, Entry> entries_;
};

}  // namespace posthorn
