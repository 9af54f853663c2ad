// A load on a store that keeps a diary of what was asked and what was acknowledged, and the check of a store against
// such a diary: for the tests that cut power and kill processes.
//
// Lines of the diary (small letter: is going to be asked; capital: was acknowledged):
//   A account mailbox            an account of one worker
//   D account mailbox uid mail size    a message in a mailbox
//   x|X account mailbox uid      expunged
//   Q mail size recipients       a message in the queue
//   r|R mail index               a recipient is done
#pragma once

#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "platform/test_support/store_support.h"

namespace posthorn::storage::testing {

using Diary = std::vector<std::string>;

/// Sizes that make a short load meet every kind of place: inline, several segments, files, checkpoints.
[[nodiscard]] StoreOptions options_for_faults(const std::filesystem::path& dir);

/// One worker with an account of its own; blocks its thread.
class Load {
 public:
  Load(Store& store, Ids& ids, std::uint64_t seed, std::function<void(const std::string&)> write)
      : store_(store), ids_(ids), random_(seed), write_(std::move(write)) {}

  /// Makes the account. False where the store refuses (a full disk).
  bool begin(const std::string& address);
  /// One random step.
  void step();
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  struct Queued {
    MailId mail;
    std::uint32_t index = 0;
  };
  void deliver();
  void submit();
  void expunge();
  void finish_recipient();
  [[nodiscard]] Result<PutContent, Problem> take_in(MailId id, std::size_t size);

  Store& store_;
  Ids& ids_;
  std::mt19937_64 random_;
  std::function<void(const std::string&)> write_;
  Place place_;
  std::vector<Uid> uids_;
  std::vector<Queued> queued_;
  std::uint64_t refused_ = 0;
};

/// What is wrong in the store according to the diary, a line each: acknowledged and missing, half there, damaged,
/// uids that went back. Writes to the store (it delivers one more message to each mailbox).
[[nodiscard]] std::vector<std::string> check_against(const Diary& diary, Store& store);

}  // namespace posthorn::storage::testing
