#include "struck_child.h"

#include <array>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posthorn::storage::testing {

StruckChild::StruckChild(const Strike& strike,
                         const std::function<void(disk::FileLayer* files, const Write& write)>& work) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(ends[0]);
    // The last words of a store that ends the process are expected, hundreds of times.
    if (strike.code != 0) ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
    // Threads of its own: what this thread has inherited of the parent's loops stays untouched.
    std::thread([&] {
      std::optional<StrikingFiles> files;
      if (strike.at >= 0) files.emplace(strike);
      work(files ? &*files : nullptr, [to = ends[1]](const std::string& line) {
        const std::string text = line + "\n";
        if (::write(to, text.data(), text.size()) < 0) ::_exit(4);
      });
    }).join();
    ::_exit(0);
  }
  ::close(ends[1]);
  from_ = ends[0];
}

StruckChild::~StruckChild() {
  ::close(from_);
}

void StruckChild::read(std::vector<std::string>& diary, std::size_t kill_after) {
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

int StruckChild::wait() const {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  return status;
}

}  // namespace posthorn::storage::testing
