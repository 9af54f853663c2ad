// CowMap: a hash map whose copies share what they have in common: 64 blocks of 64 shards, each behind a shared pointer;
// a change copies one block and one shard, a 4,096th of the entries. For tables that are read by everybody and changed
// seldom.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace posthorn::directory {

/// Copies are cheap and independent. A const CowMap is thread-safe. Pointers to values live as long as a copy that
/// holds them.
template <class Key, class Value>
class CowMap {
  static constexpr std::size_t blocks = 64;
  static constexpr std::size_t shards = 64;  // in each block
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
    std::size_t operator()(std::int64_t key) const { return static_cast<std::size_t>(key) * 0x9e3779b97f4a7c15ULL; }
  };
  using Entry = std::shared_ptr<const Value>;
  using Shard = std::unordered_map<Key, Entry, Hash, std::equal_to<>>;
  using Block = std::array<std::shared_ptr<Shard>, shards>;
  using View = std::conditional_t<std::is_same_v<Key, std::string>, std::string_view, Key>;

 public:
  [[nodiscard]] const Value* find(View key) const {
    const std::size_t i = index(key);
    const auto& block = blocks_[i / shards];
    if (!block || !(*block)[i % shards]) return nullptr;
    const auto& shard = (*block)[i % shards];
    const auto at = shard->find(key);
    return at == shard->end() ? nullptr : at->second.get();
  }

  void put(Key key, Value value) {
    Shard& shard = own_shard(index(key));
    shard.insert_or_assign(std::move(key), std::make_shared<const Value>(std::move(value)));
  }

  void erase(View key) {
    if (find(key) == nullptr) return;
    Shard& shard = own_shard(index(key));
    shard.erase(shard.find(key));
  }

  /// In no order.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& block : blocks_) {
      if (!block) continue;
      for (const auto& shard : *block) {
        if (!shard) continue;
        for (const auto& [key, value] : *shard) visit(key, *value);
      }
    }
  }

  [[nodiscard]] std::size_t size() const {
    std::size_t n = 0;
    each([&n](const Key&, const Value&) { ++n; });
    return n;
  }

 private:
  [[nodiscard]] static std::size_t index(View key) { return (Hash{}(key) >> 24) % (blocks * shards); }

  /// `shared` as this copy's own: made where it is missing, copied where others hold it too.
  template <class T>
  [[nodiscard]] static T& own(std::shared_ptr<T>& shared) {
    if (!shared) {
      shared = std::make_shared<T>();
    } else if (shared.use_count() > 1) {
      shared = std::make_shared<T>(*shared);
    }
    return *shared;
  }
  [[nodiscard]] Shard& own_shard(std::size_t i) { return own(own(blocks_[i / shards])[i % shards]); }

  std::array<std::shared_ptr<Block>, blocks> blocks_;
};

}  // namespace posthorn::directory
