// Mailboxes over a disk that is struck at each write and sync in turn, while mail is appended, copied, moved, flagged
// and expunged: the process killed, a disk with errors, a full disk. Afterwards the mailboxes are exactly as after the
// last acknowledged operation, or the one that was under way.
#include <cerrno>

#include <sys/wait.h>
#include <unistd.h>

#include "mailbox_load.h"
#include "struck_child.h"

namespace posthorn::mailbox::testing {
namespace {

using storage::testing::Strike;
using storage::testing::StruckChild;
using storage::testing::TemporaryFolder;

constexpr std::uint64_t seed = 5;
constexpr std::size_t steps = 30;

bool is_long() {
  return std::getenv("POSTHORN_LONG") != nullptr;
}

/// The states a run passes without any fault, the first before any operation.
std::vector<Pictures> states_without_fault() {
  disk::testing::SimulatedFiles disk;
  Work work(seed, "/disk/store", &disk);
  std::vector<Pictures> states{work.pictures()};
  for (std::size_t i = 0; i < steps; ++i) {
    EXPECT_TRUE(work.step());
    states.push_back(work.pictures());
  }
  return states;
}

/// What stands in the store's two mailboxes; the store is verified, too.
Pictures found_in(const std::filesystem::path& dir, disk::FileLayer* files) {
  runtime::VirtualClock clock{from_unix_seconds(1'790'000'000)};
  runtime::SeededRandom random{2};
  runtime::IdSource ids{clock, random};
  Bed bed(dir, files, clock, ids);
  Pictures found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto view = bed.view(storage::AccountId{1}, i);
    if (view) found.at(i) = picture(*view->current());
  }
  const auto verified = bed.store->verify();
  EXPECT_TRUE(verified && verified->clean());
  return found;
}

/// One run struck at one point; gives the child's status.
int strike_work(const Strike& strike, const std::vector<Pictures>& states) {
  const TemporaryFolder folder;
  const auto dir = folder.path() / "store";
  std::vector<std::string> diary;
  StruckChild child(strike, [&dir](disk::FileLayer* files, const StruckChild::Write& write) {
    std::optional<Work> work;
    try {
      work.emplace(seed, dir, files);
    } catch (const std::exception&) {
      ::_exit(3);  // the store could not be opened
    }
    write("ready");
    for (std::size_t i = 0; i < steps; ++i) {
      if (!work->step()) ::_exit(6);
      write("done");
    }
  });
  child.read(diary);
  const int status = child.wait();
  if (diary.empty()) return status;
  const std::size_t acknowledged = diary.size() - 1;
  const Pictures found = found_in(dir, nullptr);
  const bool last = found == states[acknowledged];
  const bool next = acknowledged + 1 < states.size() && found == states[acknowledged + 1];
  EXPECT_TRUE(last || next) << "struck at call " << strike.at << " after operation " << acknowledged;
  return status;
}

void strike_everywhere(int code, int signal) {
  const auto states = states_without_fault();
  const std::int64_t stride = is_long() ? 1 : 11;
  bool survived = false;
  int ended = 0;
  for (std::int64_t n = 0; !survived && !::testing::Test::HasFailure(); n += stride) {
    const int status = strike_work({.at = n, .code = code, .many = 1'000'000}, states);
    survived = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFSIGNALED(status)) {
      EXPECT_EQ(WTERMSIG(status), signal) << "call " << n;
      ++ended;
    }
  }
  EXPECT_GT(ended, 5);
  fmt::print("ended at {} points\n", ended);
}

TEST(MailboxStrike, KilledAtEveryWriteAndSync) {
  strike_everywhere(0, SIGKILL);
}

TEST(MailboxStrike, ADiskWithErrorsFromEveryWriteAndSyncOn) {
  strike_everywhere(EIO, SIGABRT);
}

TEST(MailboxStrike, AFullDiskAtEveryWriteAndSyncRefusesOneOperationWhole) {
  const std::int64_t stride = is_long() ? 1 : 7;
  std::int64_t refused = 0;
  for (std::int64_t n = 0; n < 400 && !HasFailure(); n += stride) {
    disk::testing::SimulatedFiles disk;
    Pictures last;
    {
      Work work(seed, "/disk/store", &disk);
      const std::uint64_t before = disk.operations();
      disk.fail_from(n, ENOSPC);
      for (std::size_t i = 0; i < steps; ++i) {
        const Pictures unchanged = work.pictures();
        if (work.step()) continue;
        disk.fail_from(-1, 0);
        EXPECT_EQ(work.pictures() == unchanged, true) << "call " << n << ": a refused operation left something";
        ++refused;
      }
      disk.fail_from(-1, 0);
      last = work.pictures();
      if (disk.operations() - before <= static_cast<std::uint64_t>(n)) n = 400;
    }
    EXPECT_EQ(found_in("/disk/store", &disk) == last, true) << "call " << n;
  }
  EXPECT_GT(refused, 5);
  fmt::print("refused {} operations\n", refused);
}

}  // namespace
}  // namespace posthorn::mailbox::testing
