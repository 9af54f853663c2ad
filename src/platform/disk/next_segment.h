// NextSegment: a thread that has the next segment file ready before it is needed: named, filled with zeros, synced.
//
// Zeros are written so that what is appended later overwrites blocks that exist (prepared_space.h). Written by the
// committer into the open file they would stand in everybody's way twice: as octets, and in the sync of the group,
// since a sync waits for all of its file. So they go into a file of their own, from here.
//
// ask(), take(), is_ready() and give_back() are the committer's. A file that is not taken is removed by close(); after
// a crash it is swept at start, since no row names it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "platform/disk/file_layer.h"
#include "platform/disk/layout.h"

namespace posthorn::disk {

class NextSegment {
 public:
  struct Options {
    std::uint64_t octets = 0;          ///< of a file; 0: nothing is ever prepared
    std::uint64_t reserve_octets = 0;  ///< free space that is left alone, with as much again as a file takes
  };
  struct Ready {
    std::uint64_t id = 0;
    std::unique_ptr<File> file;
    std::uint64_t octets = 0;  ///< zeros that are on stable storage
  };

  /// `failed` is told of an error other than a full disk, on the thread; it ends the process (fatal.h).
  NextSegment(FileLayer& files, Layout layout, Options options, std::function<void(FileError)> failed)
      : files_(files), layout_(std::move(layout)), options_(options), failed_(std::move(failed)) {}
  NextSegment(const NextSegment&) = delete;
  NextSegment& operator=(const NextSegment&) = delete;
  ~NextSegment() { close(); }

  void start();
  /// Ends the thread and removes what nobody took.
  void close();

  /// Whether ask() would begin one: nothing is in work or ready.
  [[nodiscard]] bool is_idle();
  void ask(std::uint64_t id);
  [[nodiscard]] bool is_ready();
  /// The file, when it is ready.
  [[nodiscard]] std::optional<Ready> take();
  /// The disk is full: what was prepared goes.
  void give_back();

 private:
  enum class State : std::uint8_t { idle, asked, ready };

  void work();
  [[nodiscard]] Result<std::unique_ptr<File>, FileError> make(std::uint64_t id);
  [[nodiscard]] Result<void, FileError> fill(File& file);
  [[nodiscard]] bool has_room();
  void settle(Result<std::unique_ptr<File>, FileError> made);
  void remove_file();

  FileLayer& files_;
  const Layout layout_;
  const Options options_;
  std::function<void(FileError)> failed_;

  std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::idle;
  std::uint64_t id_ = 0;
  std::unique_ptr<File> file_;
  bool unwanted_ = false;  // give_back() came while it was in work
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace posthorn::disk
