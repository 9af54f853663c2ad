// Loss of power at every sync while mail is appended, copied, moved, flagged and expunged: afterwards the mailboxes are
// exactly as after the last acknowledged operation, or the one that was under way; and what a client is told that knew
// any earlier state (QRESYNC) takes it to exactly what a client sees that reads everything anew.
#include <gtest/gtest.h>

#include "mailbox_load.h"

namespace posthorn::mailbox::testing {
namespace {

constexpr int steps = 60;

bool is_long() {
  return std::getenv("POSTHORN_LONG") != nullptr;
}

class PowerRun {
 public:
  explicit PowerRun(std::uint64_t seed) : seed_(seed) {}

  void run() {
    Work work(seed_, "/disk/store", &disk_);
    account_ = work.account();
    acknowledge(work);
    disk_.on_sync([this] { lose_power(); });
    for (int i = 0; i < steps; ++i) {
      EXPECT_TRUE(work.step());
      acknowledge(work);
    }
    disk_.on_sync(nullptr);
    lose_power();
  }
  /// Each state that was found after a cut is that of the last acknowledged operation, or the next.
  void check() {
    for (const Cut& cut : cuts_) {
      const bool last = cut.found == states_[cut.acknowledged];
      const bool next = cut.acknowledged + 1 < states_.size() && cut.found == states_[cut.acknowledged + 1];
      EXPECT_TRUE(last || next) << "seed " << seed_ << " cut " << cut.number << " after operation " << cut.acknowledged;
    }
  }
  [[nodiscard]] std::size_t cuts() const { return cuts_.size(); }

 private:
  struct Cut {
    std::uint64_t number = 0;
    std::size_t acknowledged = 0;
    Pictures found;
  };

  void acknowledge(const Work& work) {
    const Pictures now = work.pictures();
    const std::lock_guard lock(mutex_);
    states_.push_back(now);
  }

  /// A client that knew `known` is told what changed; then it must know what is.
  void resynchronize(Bed& bed, const View& view, Picture known) {
    const Picture truth = picture(*view.current());
    if (known.highest_modseq > truth.highest_modseq) return;  // a state that came after this cut
    for (const Uid uid : wait(bed.mailboxes->vanished_since(view, known.highest_modseq, std::nullopt)))
      known.emails.erase(uid);
    for (const auto& [uid, email] : truth.emails)
      if (email.first > known.highest_modseq) known.emails[uid] = email;
    EXPECT_EQ(known.emails == truth.emails, true) << "seed " << seed_ << " cut " << cuts_.size();
  }

  void lose_power() {
    const std::lock_guard one(cutting_);  // several threads of a store sync
    Cut cut;
    Pictures earlier;
    {
      const std::lock_guard lock(mutex_);
      cut.number = cuts_.size();
      cut.acknowledged = states_.size() - 1;
      earlier = states_[cut.number % states_.size()];
    }
    const auto after = disk_.power_loss(seed_ * 1'000'003 + cut.number);
    Bed bed("/disk/store", after.get(), clock_, ids_);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto view = bed.view(account_, i);
      ASSERT_TRUE(view) << "seed " << seed_ << " cut " << cut.number;
      cut.found.at(i) = picture(*view->current());
      resynchronize(bed, *view, earlier.at(i));
    }
    const auto verified = bed.store->verify();
    ASSERT_TRUE(verified);
    for (const storage::Damage& damage : verified->damages)
      ADD_FAILURE() << "seed " << seed_ << " cut " << cut.number << ": " << damage.what;
    cuts_.push_back(std::move(cut));
  }

  std::uint64_t seed_;
  disk::testing::SimulatedFiles disk_;
  runtime::VirtualClock clock_{from_unix_seconds(1'790'000'000)};
  runtime::SeededRandom id_random_{1};
  runtime::IdSource ids_{clock_, id_random_};
  storage::AccountId account_;
  std::mutex mutex_;
  std::vector<Pictures> states_;
  std::mutex cutting_;
  std::vector<Cut> cuts_;
};

TEST(MailboxPower, EveryAcknowledgedOperationHoldsAndAResyncEqualsAReload) {
  const std::uint64_t seeds = is_long() ? 50 : 3;
  std::size_t cuts = 0;
  for (std::uint64_t seed = 1; seed <= seeds && !::testing::Test::HasFailure(); ++seed) {
    PowerRun run(seed);
    run.run();
    run.check();
    cuts += run.cuts();
  }
  EXPECT_GT(cuts, seeds * 40);
  fmt::print("{} seeds, power lost {} times\n", seeds, cuts);
}

}  // namespace
}  // namespace posthorn::mailbox::testing
