// CowMap: a hash map whose copies share what they have in common. 256 shards, each an immutable map behind a shared
// pointer; a change copies one shard. For tables that are read by everybody and changed seldom.
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
  static constexpr std::size_t shards = 256;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
    std::size_t operator()(std::int64_t key) const { return static_cast<std::size_t>(key) * 0x9e3779b97f4a7c15ULL; }
  };
  using Entry = std::shared_ptr<const Value>;
  using Shard = std::unordered_map<Key, Entry, Hash, std::equal_to<>>;
  using View = std::conditional_t<std::is_same_v<Key, std::string>, std::string_view, Key>;

 public:
  [[nodiscard]] const Value* find(View key) const {
    const auto& shard = shards_[index(key)];
    if (!shard) return nullptr;
    const auto at = shard->find(key);
    return at == shard->end() ? nullptr : at->second.get();
  }

  void put(Key key, Value value) {
    Shard& shard = own(index(key));
    shard.insert_or_assign(std::move(key), std::make_shared<const Value>(std::move(value)));
  }

  void erase(View key) {
    if (find(key) == nullptr) return;
    Shard& shard = own(index(key));
    shard.erase(shard.find(key));
  }

  /// In no order.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& shard : shards_) {
      if (!shard) continue;
      for (const auto& [key, value] : *shard) visit(key, *value);
    }
  }

  [[nodiscard]] std::size_t size() const {
    std::size_t n = 0;
    for (const auto& shard : shards_) n += shard ? shard->size() : 0;
    return n;
  }

 private:
  [[nodiscard]] static std::size_t index(View key) { return (Hash{}(key) >> 24) % shards; }

  /// The shard as this copy's own: shared ones are copied first (entries are shared, not their values).
  [[nodiscard]] Shard& own(std::size_t i) {
    auto& shard = shards_[i];
    if (!shard) {
      shard = std::make_shared<Shard>();
    } else if (shard.use_count() > 1) {
      shard = std::make_shared<Shard>(*shard);
    }
    return *shard;
  }

  std::array<std::shared_ptr<Shard>, shards> shards_;
};

}  // namespace posthorn::directory
