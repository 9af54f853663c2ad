// SIGKILL of a process under load, at random moments and at every write and sync in turn: what its diary says was
// acknowledged is there afterwards.
#include <csignal>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/storage/vfs.h"
#include "platform/test_support/store_load.h"

namespace posthorn::storage::testing {
namespace {

constexpr int workers = 4;

bool is_long() {
  return std::getenv("POSTHORN_LONG") != nullptr;
}

/// The machine's files, until the n-th write or sync, which kills the process instead (before it, or half done).
class KillingFiles final : public FileLayer {
 public:
  explicit KillingFiles(std::int64_t die_at) : left_(die_at), vfs_(*this) {}

  Result<std::unique_ptr<File>, FileError> open(const std::filesystem::path& path, OpenMode mode) override {
    auto opened = machine_.open(path, mode);
    if (!opened) return fail(opened.error());
    return std::unique_ptr<File>(std::make_unique<Counted>(*this, std::move(*opened)));
  }
  Result<void, FileError> remove(const std::filesystem::path& path) override { return count(), machine_.remove(path); }
  Result<void, FileError> make_folder(const std::filesystem::path& path) override { return machine_.make_folder(path); }
  Result<void, FileError> sync_folder(const std::filesystem::path& path) override {
    return count(), machine_.sync_folder(path);
  }
  Result<void, FileError> link(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return machine_.link(from, to);
  }
  std::vector<std::string> list(const std::filesystem::path& folder) override { return machine_.list(folder); }
  bool exists(const std::filesystem::path& path) override { return machine_.exists(path); }
  Result<std::uint64_t, FileError> free_octets(const std::filesystem::path& path) override {
    return machine_.free_octets(path);
  }
  Result<std::unique_ptr<Lock>, std::string> lock(const std::filesystem::path& path) override {
    return machine_.lock(path);
  }
  const char* vfs_name() override { return vfs_.name(); }

 private:
  class Counted final : public File {
   public:
    Counted(KillingFiles& layer, std::unique_ptr<File> file) : layer_(layer), file_(std::move(file)) {}
    Result<std::size_t, FileError> read_at(std::uint64_t offset, std::span<char> into) override {
      return file_->read_at(offset, into);
    }
    Result<void, FileError> write_at(std::uint64_t offset, std::span<const Octets> parts) override {
      if (layer_.is_due()) {
        // Half of the first part reaches the file.
        const Octets half = parts.empty() ? Octets{} : parts.front().substr(0, parts.front().size() / 2);
        static_cast<void>(file_->write_at(offset, std::span(&half, 1)));
        ::raise(SIGKILL);
      }
      return file_->write_at(offset, parts);
    }
    Result<void, FileError> truncate(std::uint64_t size) override { return layer_.count(), file_->truncate(size); }
    Result<void, FileError> sync() override { return layer_.count(), file_->sync(); }
    Result<std::uint64_t, FileError> size() override { return file_->size(); }

   private:
    KillingFiles& layer_;
    std::unique_ptr<File> file_;
  };

  [[nodiscard]] bool is_due() { return left_.fetch_sub(1) == 0; }
  void count() {
    if (is_due()) ::raise(SIGKILL);
  }

  std::atomic<std::int64_t> left_;
  FileLayer& machine_ = machine_files();
  LayeredVfs vfs_;
};

/// The load in this process until it is killed (or `steps` are done); the diary goes to `to`, a line a write, so that
/// the kill cuts none in two.
void run_load(const std::filesystem::path& dir, std::uint64_t seed, FileLayer* files, int steps, int to) {
  StoreOptions options = options_for_faults(dir);
  options.files = files;
  auto store = Store::open(options);
  if (!store) ::_exit(3);
  Ids ids(seed);
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      Load load(**store, ids, seed * 100 + i, [to](const std::string& line) {
        const std::string text = line + "\n";
        if (::write(to, text.data(), text.size()) < 0) ::_exit(4);
      });
      if (!load.begin(fmt::format("user{}-{}@alpha.example", seed, i))) ::_exit(5);
      for (int step = 0; step < steps; ++step) {
        load.step();
        if (i == 0 && step % 20 == 19) static_cast<void>((*store)->reclaim());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  (*store)->close();
}

/// A child with the load; its diary until it ends.
class Child {
 public:
  Child(const std::filesystem::path& dir, std::uint64_t seed, std::int64_t die_at, int steps) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      // Threads of its own: what this thread has inherited of the parent's loops stays untouched.
      std::thread([&] {
        std::optional<KillingFiles> files;
        if (die_at >= 0) files.emplace(die_at);
        run_load(dir, seed, files ? &*files : nullptr, steps, ends[1]);
      }).join();
      ::_exit(0);
    }
    ::close(ends[1]);
    from_ = ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { ::close(from_); }

  /// Reads the diary; kills the child once it has this many lines (0: never).
  void read(Diary& diary, std::size_t kill_after) {
    std::string held;
    std::array<char, 4096> part{};
    std::size_t lines = 0;
    while (true) {
      const ssize_t n = ::read(from_, part.data(), part.size());
      if (n <= 0) break;
      held.append(part.data(), static_cast<std::size_t>(n));
      for (std::size_t end = held.find('\n'); end != std::string::npos; end = held.find('\n')) {
        diary.push_back(held.substr(0, end));
        held.erase(0, end + 1);
        if (++lines == kill_after) ::kill(pid_, SIGKILL);
      }
    }
    EXPECT_TRUE(held.empty()) << "half a line: " << held;
  }
  [[nodiscard]] int wait() const {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return status;
  }

 private:
  pid_t pid_ = -1;
  int from_ = -1;
};

void check_store(const std::filesystem::path& dir, const Diary& diary, const std::string& when) {
  auto store = Store::open(options_for_faults(dir));
  ASSERT_TRUE(store) << when << ": " << store.error().text();
  for (const std::string& wrong : check_against(diary, **store)) ADD_FAILURE() << when << ": " << wrong;
  (*store)->close();
}

TEST(StoreKill, AtRandomMoments) {
  const std::uint64_t kills = is_long() ? 50 : 5;
  const TemporaryFolder folder;
  Diary diary;  // of all lives of the one store
  std::mt19937_64 random(7);
  for (std::uint64_t i = 1; i <= kills && !HasFailure(); ++i) {
    const std::size_t kill_after = 20 + random() % 400;
    Child child(folder.path() / "store", i, -1, 1'000'000);
    child.read(diary, kill_after);
    const int status = child.wait();
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
    check_store(folder.path() / "store", diary, fmt::format("kill {} after {} lines", i, kill_after));
  }
  EXPECT_GT(diary.size(), kills * 20);
}

TEST(StoreKill, AtEveryWriteAndSync) {
  // The n-th operation kills, for n = 0, 1, 2 … until a run is not killed; in short tests every few of them.
  const std::int64_t stride = is_long() ? 1 : 13;
  bool survived = false;
  std::int64_t killed = 0;
  for (std::int64_t n = 0; !survived && !HasFailure(); n += stride) {
    const TemporaryFolder folder;
    Diary diary;
    Child child(folder.path() / "store", 1, n, 12);
    child.read(diary, 0);
    const int status = child.wait();
    survived = WIFEXITED(status);
    if (survived) EXPECT_EQ(WEXITSTATUS(status), 0) << "operation " << n;
    killed += survived ? 0 : 1;
    check_store(folder.path() / "store", diary, fmt::format("killed at operation {}", n));
  }
  EXPECT_GT(killed, 10);
  fmt::print("killed at {} points\n", killed);
}

}  // namespace
}  // namespace posthorn::storage::testing
