// An SQLite VFS over a FileLayer, so that faults reach SQLite's own files too. For layers that are not the machine:
// its locks and shared memory live in this process, so one process has all connections.
#pragma once

#include <memory>

#include "platform/disk/file_layer.h"
#include "platform/disk/page_sums.h"

namespace posthorn::disk {

/// Registered with SQLite while it lives; the layer and every connection must fit within that life.
class LayeredVfs {
 public:
  explicit LayeredVfs(FileLayer& files);
  LayeredVfs(const LayeredVfs&) = delete;
  LayeredVfs& operator=(const LayeredVfs&) = delete;
  ~LayeredVfs();

  /// The name to open databases with, whose pages are checked; unique in the process.
  [[nodiscard]] const char* name() const;

  class State;

 private:
  std::unique_ptr<State> state_;
  std::unique_ptr<PageSumVfs> page_sums_;  // over it
};

}  // namespace posthorn::disk
