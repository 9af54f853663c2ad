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

<<<<<<< HEAD
=======
/// What a client knows of a mailbox: by uid, its modseq and all it can see.
struct Picture {
  std::map<Uid, std::pair<ModSeq, std::string>> emails;
  Uid uid_next = 0;
  ModSeq highest_modseq = 0;
  friend bool operator==(const Picture&, const Picture&) = default;
};
using Pictures = std::array<Picture, names.size()>;

Picture picture(const Version& version) {
  Picture seen;
  seen.uid_next = version.uid_next();
  seen.highest_modseq = version.highest_modseq();
  version.for_each(0, version.size(), [&](std::size_t, const Entry& entry) {
    seen.emails[entry.uid()] = {entry.modseq(), fmt::format("{} {} {} [{}]", entry.email_id().text(), entry.size(),
                                                            entry.flags(), fmt::join(version.keywords(entry), " "))};
  });
  return seen;
}

/// A store with Mailboxes over it.
struct Bed {
  Bed(storage::FileLayer& files, const runtime::Clock& clock, runtime::IdSource& ids) {
    storage::StoreOptions options = storage::testing::options_for_faults("/disk/store");
    options.files = &files;
    options.clock = &clock;
    auto opened = storage::Store::open(options);
    if (!opened) throw std::runtime_error(opened.error().text());
    store = std::move(*opened);
    folders = std::make_unique<Folders>(*store);
    MailboxOptions mailbox_options;
    mailbox_options.make_facts = [](Octets octets) { return Facts{std::string(octets.substr(0, 20)), "S", "P", "F"}; };
    mailboxes = std::make_unique<Mailboxes>(*store, *folders, clock, ids, mailbox_options, runtime::Logger());
  }
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;
  ~Bed() { store->close(); }

  std::shared_ptr<View> view(storage::AccountId account, std::size_t which) {
    auto view = wait(mailboxes->open(account, std::string(names.at(which))));
    return view ? *view : nullptr;
  }

  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Folders> folders;
  std::unique_ptr<Mailboxes> mailboxes;
};

>>>>>>> f1c81dc (imap: the usual header fields are kept beside an email: SORT, THREAD, FETCH and SEARCH of them read no octets; facts are read ahead)
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

<<<<<<< HEAD
=======
  std::vector<Uid> some(const View& view) {
    std::vector<Uid> uids;
    const auto now = view.current();
    now->for_each(0, now->size(), [&](std::size_t, const Entry& entry) {
      if (random_() % 3 == 0) uids.push_back(entry.uid());
    });
    return uids;
  }

  void append(Mailboxes& mailboxes, const std::string& to) {
    Append append = mailboxes.begin_append(account_);
    for (std::uint64_t i = 0; i <= random_() % 2; ++i) {
      const std::size_t size = 100 + random_() % 30'000;
      ASSERT_TRUE(append.begin_message(random_() % 2 ? 1 : 8, {"k" + std::to_string(random_() % 3)}, std::nullopt));
      ASSERT_TRUE(wait(append.write("Subject: x\r\n\r\n" + std::string(size, 'x') + "\r\n")));
      ASSERT_TRUE(wait(append.end_message()));
    }
    ASSERT_TRUE(wait(mailboxes.finish_append(std::move(append), to)));
  }

  void step(Mailboxes& mailboxes) {
    const std::size_t which = random_() % 2;
    const View& view = *views_.at(which);
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return append(mailboxes, names.at(which));
      case 3:
        EXPECT_TRUE(
            wait(mailboxes.store_flags(view, {some(view), static_cast<FlagsChange>(random_() % 3), 8, {"later"}, {}})));
        return;
      case 4:
        EXPECT_TRUE(wait(mailboxes.expunge(view, std::nullopt)));
        return;
      case 5:
        EXPECT_TRUE(wait(mailboxes.copy(view, some(view), names.at(1 - which))));
        return;
      case 6:
        EXPECT_TRUE(wait(mailboxes.move(view, some(view), names.at(1 - which))));
        return;
      default:
        static_cast<void>(wait(mailboxes.facts(view, some(view), {true, true, true, true})));
    }
  }

>>>>>>> f1c81dc (imap: the usual header fields are kept beside an email: SORT, THREAD, FETCH and SEARCH of them read no octets; facts are read ahead)
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
  storage::testing::SimulatedFiles disk_;
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
