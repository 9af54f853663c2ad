// A process under load whose writes and syncs are struck, each in turn: by SIGKILL (also at random moments), by a disk
// with errors, by a full disk. What its diary says was acknowledged is there afterwards.
#include <cerrno>
#include <csignal>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/test_support/store_load.h"
#include "struck_child.h"

namespace posthorn::storage::testing {
namespace {

constexpr std::uint64_t workers = 4;
constexpr int short_load = 12;  // steps a worker
constexpr int endless = 1'000'000;

bool is_long() {
  return std::getenv("POSTHORN_LONG") != nullptr;
}

/// The load in this process until it is struck (or `steps` are done).
void run_load(const std::filesystem::path& dir, std::uint64_t seed, int steps, disk::FileLayer* files,
              const StruckChild::Write& write) {
  StoreOptions options = options_for_faults(dir);
  options.files = files;
  auto store = Store::open(options);
  if (!store) ::_exit(3);
  Ids ids(seed);
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      Load load(**store, ids, seed * 100 + i, write);
      if (!load.begin(fmt::format("user{}-{}@alpha.example", seed, i))) ::_exit(5);
      for (int step = 0; step < steps; ++step) {
        load.step();
        if (i == 0 && step % 20 == 19) static_cast<void>((*store)->reclaim());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  static_cast<void>((*store)->reclaim());
  (*store)->close();
}

void check_store(const std::filesystem::path& dir, const Diary& diary, const std::string& when) {
  auto store = Store::open(options_for_faults(dir));
  ASSERT_TRUE(store) << when << ": " << store.error().text();
  for (const std::string& wrong : check_against(diary, **store)) ADD_FAILURE() << when << ": " << wrong;
  (*store)->close();
}

/// Runs the load struck at one point and checks what it left; gives the child's status.
int strike_load(const Strike& strike, const std::string& when) {
  const TemporaryFolder folder;
  const auto dir = folder.path() / "store";
  Diary diary;
  StruckChild child(strike, [&dir](disk::FileLayer* files, const StruckChild::Write& write) {
    run_load(dir, 1, short_load, files, write);
  });
  child.read(diary);
  const int status = child.wait();
  check_store(dir, diary, when);
  return status;
}

TEST(StoreKill, AtRandomMoments) {
  const std::uint64_t kills = is_long() ? 50 : 5;
  const TemporaryFolder folder;
  const auto dir = folder.path() / "store";
  Diary diary;  // of all lives of the one store
  std::mt19937_64 random(7);
  for (std::uint64_t i = 1; i <= kills && !HasFailure(); ++i) {
    const std::size_t kill_after = 20 + random() % 400;
    StruckChild child({}, [&dir, i](disk::FileLayer* files, const StruckChild::Write& write) {
      run_load(dir, i, endless, files, write);
    });
    child.read(diary, kill_after);
    const int status = child.wait();
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
    check_store(dir, diary, fmt::format("kill {} after {} lines", i, kill_after));
  }
  EXPECT_GT(diary.size(), kills * 20);
}

TEST(StoreKill, AtEveryWriteAndSync) {
  // The n-th operation kills, for n = 0, 1, 2 … until a run is not killed; in short tests every few of them.
  const std::int64_t stride = is_long() ? 1 : 13;
  bool survived = false;
  std::int64_t killed = 0;
  for (std::int64_t n = 0; !survived && !HasFailure(); n += stride) {
    const int status = strike_load({.at = n}, fmt::format("killed at operation {}", n));
    survived = WIFEXITED(status);
    if (survived) EXPECT_EQ(WEXITSTATUS(status), 0) << "operation " << n;
    killed += survived ? 0 : 1;
  }
  EXPECT_GT(killed, 10);
  fmt::print("killed at {} points\n", killed);
}

TEST(StoreError, AtEveryWriteAndSyncEndsTheProcess) {
  // From the n-th operation on the disk answers EIO. Nothing is acknowledged after that: the process ends by itself. A
  // store that is not open yet says so instead; the last points are in close(), which has nothing left to lose.
  const std::int64_t stride = is_long() ? 1 : 13;
  std::int64_t ended = 0;
  std::int64_t not_opened = 0;
  bool survived = false;
  for (std::int64_t n = 0; !survived && !HasFailure(); n += stride) {
    const int status = strike_load({.at = n, .code = EIO, .many = endless}, fmt::format("EIO from operation {} on", n));
    survived = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFSIGNALED(status)) {
      EXPECT_EQ(WTERMSIG(status), SIGABRT) << "operation " << n;
      ++ended;
    } else if (!survived) {
      EXPECT_EQ(WEXITSTATUS(status), 3) << "operation " << n;
      ++not_opened;
    }
  }
  EXPECT_GT(ended, 10);
  fmt::print("EIO at {} points ended the process, at {} the store did not open\n", ended, not_opened);
}

TEST(StoreError, AFullDiskAtEveryWriteEndsNothing) {
  const std::int64_t stride = is_long() ? 1 : 13;
  std::int64_t opened = 0;
  for (std::int64_t n = 0; !HasFailure(); n += stride) {
    const Strike strike{.at = n, .code = ENOSPC, .many = 3, .syncs = false};
    const TemporaryFolder folder;
    const auto dir = folder.path() / "store";
    Diary diary;
    StruckChild child(strike, [&dir](disk::FileLayer* files, const StruckChild::Write& write) {
      run_load(dir, 1, short_load, files, write);
      const auto& striking = static_cast<const StrikingFiles&>(*files);
      write(fmt::format("counted {}", striking.counted()));
    });
    child.read(diary);
    const int status = child.wait();
    ASSERT_TRUE(WIFEXITED(status)) << "a full disk at write " << n << " ended the process: signal " << WTERMSIG(status);
    // 3, 5: there was no room for the store itself, or for the account.
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3 || WEXITSTATUS(status) == 5) << "write " << n;
    std::int64_t counted = n + 1;
    if (!diary.empty() && diary.back().starts_with("counted ")) {
      counted = std::stoll(diary.back().substr(8));
      diary.pop_back();
      ++opened;
    }
    check_store(dir, diary, fmt::format("no space at write {}", n));
    if (counted <= n) break;
  }
  EXPECT_GT(opened, 5);
  fmt::print("a full disk at {} writes of an open store\n", opened);
}

}  // namespace
}  // namespace posthorn::storage::testing
