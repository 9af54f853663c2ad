#include "flow/mailbox/keyword_sets.h"

#include <algorithm>
#include <bit>
#include <set>

namespace posthorn::mailbox {

KeywordSets::~KeywordSets() {
  for (const auto& block : blocks_) delete[] block.load();
}

KeywordSets::Place KeywordSets::place_of(std::uint32_t index) {
  // Block n holds first_block << n sets.
  const auto block = static_cast<std::size_t>(std::bit_width(index / first_block + 1)) - 1;
  return {block, index - first_block * ((std::uint32_t{1} << block) - 1)};
}

std::uint32_t KeywordSets::number_of(std::vector<std::string> keywords) {
  if (keywords.empty()) return 0;
  std::ranges::sort(keywords);
  const std::lock_guard lock(mutex_);
  const auto found = numbers_.find(keywords);
  if (found != numbers_.end()) return found->second;
  const auto index = static_cast<std::uint32_t>(numbers_.size());
  if (index >= sets_max) return 0;
  const Place place = place_of(index);
  KeywordSet* block = blocks_[place.block].load();
  if (block == nullptr) {
    block = new KeywordSet[std::size_t{first_block} << place.block];
    blocks_[place.block].store(block, std::memory_order_release);
  }
  block[place.index] = keywords;
  numbers_.emplace(std::move(keywords), index + 1);
  return index + 1;
}

const KeywordSet& KeywordSets::at(std::uint32_t number) const {
  static const KeywordSet none;
  if (number == 0) return none;
  // Who has the number got it after the set was written: it came in a Version that was published later.
  const Place place = place_of(number - 1);
  return blocks_[place.block].load(std::memory_order_acquire)[place.index];
}

std::vector<std::string> KeywordSets::all() const {
  std::set<std::string> names;
  const std::lock_guard lock(mutex_);
  for (const auto& [keywords, number] : numbers_) names.insert(keywords.begin(), keywords.end());
  return {names.begin(), names.end()};
}

std::uint32_t KeywordSets::size() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(numbers_.size());
}

}  // namespace posthorn::mailbox
