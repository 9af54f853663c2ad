// Loss of power at every sync of a loaded store: whatever subset of the unsynced sectors, lengths and names is kept,
// everything acknowledged is there, nothing is half there, and uids never go back.
#include <gtest/gtest.h>

#include "platform/test_support/simulated_files.h"
#include "platform/test_support/store_load.h"

namespace posthorn::storage::testing {
namespace {

constexpr int workers = 3;
constexpr int steps_each = 40;

bool is_long() {
  return std::getenv("POSTHORN_LONG") != nullptr;
}

/// A run of a loaded store, with power lost at its syncs.
class PowerRun {
 public:
  explicit PowerRun(std::uint64_t seed) : seed_(seed) {}

  void run() {
    auto opened = open(disk_);
    ASSERT_TRUE(opened) << opened.error().text();
    store_ = std::move(*opened);
    disk_.on_sync([this] { lose_power(); });
    std::vector<std::thread> threads;
    for (int i = 0; i < workers; ++i) threads.emplace_back([this, i] { work(static_cast<std::uint64_t>(i)); });
    for (std::thread& thread : threads) thread.join();
    static_cast<void>(store_->reclaim());
    store_->close();
    disk_.on_sync(nullptr);
    lose_power();
  }

  [[nodiscard]] std::uint64_t cuts() const { return cuts_; }
  [[nodiscard]] std::size_t lines() const { return diary_.size(); }

 private:
  static Result<std::unique_ptr<Store>, Problem> open(disk::testing::SimulatedFiles& disk) {
    StoreOptions options = options_for_faults("/disk/store");
    options.files = &disk;
    return Store::open(options);
  }

  void work(std::uint64_t number) {
    Load load(*store_, ids_, seed_ * 100 + number, [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      diary_.push_back(line);
    });
    ASSERT_TRUE(load.begin("user" + std::to_string(number) + "@alpha.example"));
    for (int i = 0; i < steps_each; ++i) {
      load.step();
      if (number == 0 && i % 10 == 9) static_cast<void>(store_->reclaim());
    }
    EXPECT_EQ(load.refused(), 0u);
  }

  void lose_power() {
    Diary diary;
    Diary asked;
    std::uint64_t cut = 0;
    {
      const std::lock_guard lock(mutex_);
      diary = diary_;  // before the image: what is acknowledged by now is in it
      cut = cuts_++;
    }
    const std::uint64_t seed = seed_ * 1'000'003 + cut;
    const auto after = disk_.power_loss(seed);
    {
      // What was asked (not: acknowledged) until the image was taken may be in it: other threads went on.
      const std::lock_guard lock(mutex_);
      for (std::size_t i = diary.size(); i < diary_.size(); ++i) {
        if (diary_[i][0] == 'x' || diary_[i][0] == 'r') asked.push_back(diary_[i]);
      }
    }
    diary.insert(diary.end(), asked.begin(), asked.end());
    auto store = open(*after);
    ASSERT_TRUE(store) << "seed " << seed_ << " cut " << cut << ": " << store.error().text();
    for (const std::string& wrong : check_against(diary, **store)) {
      ADD_FAILURE() << "seed " << seed_ << " cut " << cut << ": " << wrong;
    }
    (*store)->close();
  }

  std::uint64_t seed_;
  disk::testing::SimulatedFiles disk_;
  std::unique_ptr<Store> store_;
  Ids ids_;
  std::mutex mutex_;
  Diary diary_;
  std::uint64_t cuts_ = 0;
};

TEST(StorePower, LosesNothingAcknowledgedAtAnySync) {
  const std::uint64_t seeds = is_long() ? 100 : 3;
  std::uint64_t cuts = 0;
  for (std::uint64_t seed = 1; seed <= seeds && !::testing::Test::HasFailure(); ++seed) {
    PowerRun run(seed);
    run.run();
    EXPECT_GT(run.lines(), 80u) << "a load that did nothing proves nothing";
    cuts += run.cuts();
  }
  EXPECT_GT(cuts, seeds * 100);
  RecordProperty("cuts", std::to_string(cuts));
  fmt::print("{} seeds, power lost {} times\n", seeds, cuts);
}

}  // namespace
}  // namespace posthorn::storage::testing
