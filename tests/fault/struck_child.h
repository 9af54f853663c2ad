// StruckChild: a child process that works on a store over StrikingFiles and writes a diary, a line a write, so that
// no strike cuts one in two.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "striking_files.h"

namespace posthorn::storage::testing {

class StruckChild {
 public:
  using Write = std::function<void(const std::string& line)>;
  /// `work` runs in the child, on a thread of its own; `files` is nullptr where nothing is to be struck and counted.
  /// Exit status 3: the store could not be opened.
  StruckChild(const Strike& strike, const std::function<void(disk::FileLayer* files, const Write& write)>& work);
  StruckChild(const StruckChild&) = delete;
  StruckChild& operator=(const StruckChild&) = delete;
  ~StruckChild();

  /// Reads the diary to its end; kills the child once it has this many lines (0: never).
  void read(std::vector<std::string>& diary, std::size_t kill_after = 0);
  /// As waitpid gives it; after read().
  [[nodiscard]] int wait() const;

 private:
  pid_t pid_ = -1;
  int from_ = -1;
};

}  // namespace posthorn::storage::testing
