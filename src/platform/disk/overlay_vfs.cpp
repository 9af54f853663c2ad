#include "platform/disk/overlay_vfs.h"

#include <atomic>

#include "platform/disk/sqlite.h"

namespace posthorn::disk {
namespace {

constexpr std::size_t alignment = 16;

std::size_t place_below(std::size_t own_octets) {
  return (own_octets + alignment - 1) / alignment * alignment;
}

template <auto Method>
struct Forwarder;
template <class Result, class... Arguments, Result (*sqlite3_io_methods::*Method)(sqlite3_file*, Arguments...)>
struct Forwarder<Method> {
  static Result call(sqlite3_file* file, Arguments... arguments) { return call_below<Method>(file, arguments...); }
};

}  // namespace

sqlite3_io_methods forwarding_methods(int version) {
  using Methods = sqlite3_io_methods;
  sqlite3_io_methods methods{};
  methods.iVersion = version;
  methods.xClose = Forwarder<&Methods::xClose>::call;
  methods.xRead = Forwarder<&Methods::xRead>::call;
  methods.xWrite = Forwarder<&Methods::xWrite>::call;
  methods.xTruncate = Forwarder<&Methods::xTruncate>::call;
  methods.xSync = Forwarder<&Methods::xSync>::call;
  methods.xFileSize = Forwarder<&Methods::xFileSize>::call;
  methods.xLock = Forwarder<&Methods::xLock>::call;
  methods.xUnlock = Forwarder<&Methods::xUnlock>::call;
  methods.xCheckReservedLock = Forwarder<&Methods::xCheckReservedLock>::call;
  methods.xFileControl = Forwarder<&Methods::xFileControl>::call;
  methods.xSectorSize = Forwarder<&Methods::xSectorSize>::call;
  methods.xDeviceCharacteristics = Forwarder<&Methods::xDeviceCharacteristics>::call;
  if (version < 2) return methods;
  methods.xShmMap = Forwarder<&Methods::xShmMap>::call;
  methods.xShmLock = Forwarder<&Methods::xShmLock>::call;
  methods.xShmBarrier = Forwarder<&Methods::xShmBarrier>::call;
  methods.xShmUnmap = Forwarder<&Methods::xShmUnmap>::call;
  return methods;
}

OverlayVfs::OverlayVfs(std::string_view kind, const char* below_name, Open open, std::size_t own_octets) {
  static std::atomic<int> number{0};
  name_ = fmt::format("posthorn-{}-{}", kind, ++number);
  begin_sqlite();
  sqlite3_vfs* under = sqlite3_vfs_find(below_name);
  // Everything but opening is the VFS below's own business; its functions find themselves by what they are given, so
  // its pointers are called through, not copied.
  vfs_.iVersion = 1;
  vfs_.szOsFile = static_cast<int>(place_below(own_octets)) + under->szOsFile;
  vfs_.mxPathname = under->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = under;
  vfs_.xOpen = open;
  vfs_.xDelete = [](sqlite3_vfs* v, const char* name, int sync) { return below(v)->xDelete(below(v), name, sync); };
  vfs_.xAccess = [](sqlite3_vfs* v, const char* name, int flags, int* result) {
    return below(v)->xAccess(below(v), name, flags, result);
  };
  vfs_.xFullPathname = [](sqlite3_vfs* v, const char* name, int size, char* to) {
    return below(v)->xFullPathname(below(v), name, size, to);
  };
  vfs_.xRandomness = [](sqlite3_vfs* v, int count, char* to) { return below(v)->xRandomness(below(v), count, to); };
  vfs_.xSleep = [](sqlite3_vfs* v, int micros) { return below(v)->xSleep(below(v), micros); };
  vfs_.xCurrentTime = [](sqlite3_vfs* v, double* now) { return below(v)->xCurrentTime(below(v), now); };
  vfs_.xGetLastError = [](sqlite3_vfs* v, int size, char* to) { return below(v)->xGetLastError(below(v), size, to); };
  sqlite3_vfs_register(&vfs_, 0);
}

OverlayVfs::~OverlayVfs() {
  sqlite3_vfs_unregister(&vfs_);
}

int OverlayVfs::open_below(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, std::size_t own_octets,
                           int flags, int* flags_out, sqlite3_file** opened) {
  file->pMethods = nullptr;
  *opened = nullptr;
  auto* under = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + place_below(own_octets));
  const int result = below(vfs)->xOpen(below(vfs), name, under, flags, flags_out);
  if (under->pMethods == nullptr) return result;
  if (result == SQLITE_OK) {
    *opened = under;
  } else {
    under->pMethods->xClose(under);
  }
  return result;
}

}  // namespace posthorn::disk
