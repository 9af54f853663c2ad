// KeywordSets: the different sets of keywords that the emails of one mailbox bear, each kept once under a number.
//
// Thread-safe: numbers once given stay; the committer adds while sessions read.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "flow/mailbox/version.h"

namespace posthorn::mailbox {

class KeywordSets {
 public:
  KeywordSets() = default;
  KeywordSets(const KeywordSets&) = delete;
  KeywordSets& operator=(const KeywordSets&) = delete;
  ~KeywordSets();

  /// 0 is the empty set. One thread adds at a time.
  [[nodiscard]] std::uint32_t number_of(std::vector<std::string> keywords);
  [[nodiscard]] const KeywordSet& at(std::uint32_t number) const;
  [[nodiscard]] std::vector<std::string> all() const;
  /// How many sets there are; who adds keeps it below sets_max (VersionBuilder).
  [[nodiscard]] std::uint32_t size() const;
  static constexpr std::uint32_t sets_max = 1U << 23;

 private:
  // Blocks double in size, so that a set never moves and reading needs no lock.
  static constexpr std::size_t blocks = 20;
  static constexpr std::uint32_t first_block = 8;
  struct Place {
    std::size_t block = 0, index = 0;
  };
  [[nodiscard]] static Place place_of(std::uint32_t index);

  mutable std::mutex mutex_;
  std::map<KeywordSet, std::uint32_t> numbers_;
  std::array<std::atomic<KeywordSet*>, blocks> blocks_{};
};

}  // namespace posthorn::mailbox
