#include "platform/disk/vfs.h"

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include <sqlite3.h>

#include "platform/disk/sqlite.h"

namespace posthorn::disk {
namespace {

// https://www.sqlite.org/c3ref/vfs.html: longest path this VFS takes.
constexpr int path_octets_max = 1024;

thread_local int last_errno = 0;

int code_of(FileError error, int otherwise) {
  last_errno = error.code;
  return error.code == ENOSPC || error.code == EDQUOT ? SQLITE_FULL : otherwise;
}

struct Connection;

/// What all connections to one file share: its locks and, for the write-ahead log's index, memory.
struct Node {
  int users = 0;
  int shared = 0;
  const Connection* reserved = nullptr;
  const Connection* exclusive = nullptr;

  std::vector<std::unique_ptr<char[]>> regions;
  int mappers = 0;
  std::array<int, SQLITE_SHM_NLOCK> shared_slots{};
  std::array<const Connection*, SQLITE_SHM_NLOCK> exclusive_slots{};
};

}  // namespace

class LayeredVfs::State {
 public:
  explicit State(FileLayer& layer) : files(layer) {}

  FileLayer& files;
  std::string name;
  sqlite3_vfs vfs{};
  std::mutex mutex;  // nodes and all that is in them
  std::map<std::string, Node> nodes;
};

namespace {

using State = LayeredVfs::State;

/// SQLite allocates it; made in place by open and destroyed by close.
struct Connection {
  sqlite3_file base;
  State* state;
  std::unique_ptr<File> file;
  std::string path;
  Node* node;
  int level;                // SQLITE_LOCK_…
  bool maps;                // has the shared memory
  unsigned shared_mask;     // slots held shared
  unsigned exclusive_mask;  // slots held exclusively
  bool name_is_new;         // the folder is synced with the first sync, as SQLite's unix VFS does for logs
  bool delete_on_close;
};

Connection& connection(sqlite3_file* file) {
  return *reinterpret_cast<Connection*>(file);
}
State& state_of(sqlite3_vfs* vfs) {
  return *static_cast<State*>(vfs->pAppData);
}

// ---------------------------------------------------------------- octets

int vfs_read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  const std::span<char> into(static_cast<char*>(to), static_cast<std::size_t>(count));
  const auto read = connection(file).file->read_at(static_cast<std::uint64_t>(offset), into);
  if (!read) return code_of(read.error(), SQLITE_IOERR_READ);
  if (*read == into.size()) return SQLITE_OK;
  std::memset(into.data() + *read, 0, into.size() - *read);
  return SQLITE_IOERR_SHORT_READ;
}

int vfs_write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  const Octets part(static_cast<const char*>(from), static_cast<std::size_t>(count));
  const auto written = connection(file).file->write_at(static_cast<std::uint64_t>(offset), std::span(&part, 1));
  return written ? SQLITE_OK : code_of(written.error(), SQLITE_IOERR_WRITE);
}

int vfs_truncate(sqlite3_file* file, sqlite3_int64 size) {
  const auto done = connection(file).file->truncate(static_cast<std::uint64_t>(size));
  return done ? SQLITE_OK : code_of(done.error(), SQLITE_IOERR_TRUNCATE);
}

int vfs_sync(sqlite3_file* file, int) {
  Connection& c = connection(file);
  if (auto synced = c.file->sync(); !synced) return code_of(synced.error(), SQLITE_IOERR_FSYNC);
  if (!std::exchange(c.name_is_new, false)) return SQLITE_OK;
  const auto named = c.state->files.sync_folder(std::filesystem::path(c.path).parent_path());
  return named ? SQLITE_OK : code_of(named.error(), SQLITE_IOERR_DIR_FSYNC);
}

int vfs_size(sqlite3_file* file, sqlite3_int64* size) {
  const auto octets = connection(file).file->size();
  if (!octets) return code_of(octets.error(), SQLITE_IOERR_FSTAT);
  *size = static_cast<sqlite3_int64>(*octets);
  return SQLITE_OK;
}

// ---------------------------------------------------------------- locks of the database file

int vfs_lock(sqlite3_file* file, int level) {
  Connection& c = connection(file);
  const std::lock_guard guard(c.state->mutex);
  Node& node = *c.node;
  if (c.level >= level) return SQLITE_OK;
  const auto other = [&c](const Connection* holder) { return holder != nullptr && holder != &c; };
  if (level == SQLITE_LOCK_SHARED) {
    if (other(node.exclusive)) return SQLITE_BUSY;
    ++node.shared;
  } else if (level == SQLITE_LOCK_RESERVED) {
    if (other(node.reserved)) return SQLITE_BUSY;
    node.reserved = &c;
  } else {
    if (other(node.reserved) || node.shared > 1) return SQLITE_BUSY;
    node.reserved = node.exclusive = &c;
  }
  c.level = level;
  return SQLITE_OK;
}

int vfs_unlock(sqlite3_file* file, int level) {
  Connection& c = connection(file);
  const std::lock_guard guard(c.state->mutex);
  Node& node = *c.node;
  if (c.level <= level) return SQLITE_OK;
  if (node.exclusive == &c) node.exclusive = nullptr;
  if (node.reserved == &c) node.reserved = nullptr;
  if (level == SQLITE_LOCK_NONE && c.level >= SQLITE_LOCK_SHARED) --node.shared;
  c.level = level;
  return SQLITE_OK;
}

int vfs_check_reserved(sqlite3_file* file, int* held) {
  Connection& c = connection(file);
  const std::lock_guard guard(c.state->mutex);
  *held = c.node->reserved != nullptr ? 1 : 0;
  return SQLITE_OK;
}

// ---------------------------------------------------------------- the shared index of the write-ahead log

int vfs_shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** to) {
  Connection& c = connection(file);
  const std::lock_guard guard(c.state->mutex);
  Node& node = *c.node;
  if (!std::exchange(c.maps, true)) ++node.mappers;
  *to = nullptr;
  const auto index = static_cast<std::size_t>(region);
  if (index >= node.regions.size() && extend == 0) return SQLITE_OK;
  while (node.regions.size() <= index) {
    node.regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
  }
  *to = node.regions[index].get();
  return SQLITE_OK;
}

int take_slots(Connection& c, Node& node, int first, int count, bool exclusive) {
  for (int i = first; i < first + count; ++i) {
    const auto slot = static_cast<std::size_t>(i);
    const bool own_shared = (c.shared_mask & (1U << i)) != 0;
    if (node.exclusive_slots[slot] != nullptr && node.exclusive_slots[slot] != &c) return SQLITE_BUSY;
    if (exclusive && node.shared_slots[slot] > (own_shared ? 1 : 0)) return SQLITE_BUSY;
  }
  for (int i = first; i < first + count; ++i) {
    const auto slot = static_cast<std::size_t>(i);
    const unsigned bit = 1U << i;
    if (exclusive) {
      node.exclusive_slots[slot] = &c;
      c.exclusive_mask |= bit;
    } else if ((c.shared_mask & bit) == 0) {
      ++node.shared_slots[slot];
      c.shared_mask |= bit;
    }
  }
  return SQLITE_OK;
}

void drop_slots(Connection& c, Node& node, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    const auto slot = static_cast<std::size_t>(i);
    const unsigned bit = 1U << i;
    if ((c.exclusive_mask & bit) != 0) node.exclusive_slots[slot] = nullptr;
    if ((c.shared_mask & bit) != 0) --node.shared_slots[slot];
    c.exclusive_mask &= ~bit;
    c.shared_mask &= ~bit;
  }
}

int vfs_shm_lock(sqlite3_file* file, int first, int count, int flags) {
  Connection& c = connection(file);
  const std::lock_guard guard(c.state->mutex);
  if ((flags & SQLITE_SHM_LOCK) != 0) {
    return take_slots(c, *c.node, first, count, (flags & SQLITE_SHM_EXCLUSIVE) != 0);
  }
  drop_slots(c, *c.node, first, count);
  return SQLITE_OK;
}

void vfs_shm_barrier(sqlite3_file* file) {
  // Taking the mutex orders what stands before and behind it.
  const std::lock_guard guard(connection(file).state->mutex);
}

int vfs_shm_unmap(sqlite3_file* file, int) {
  Connection& c = connection(file);
  const std::lock_guard guard(c.state->mutex);
  drop_slots(c, *c.node, 0, SQLITE_SHM_NLOCK);
  if (std::exchange(c.maps, false) && --c.node->mappers == 0) c.node->regions.clear();
  return SQLITE_OK;
}

// ---------------------------------------------------------------- files

int vfs_close(sqlite3_file* file) {
  vfs_shm_unmap(file, 0);
  vfs_unlock(file, SQLITE_LOCK_NONE);
  Connection& c = connection(file);
  State& state = *c.state;
  const std::string path = c.path;
  if (c.delete_on_close) static_cast<void>(state.files.remove(path));
  std::destroy_at(&c);
  const std::lock_guard guard(state.mutex);
  const auto node = state.nodes.find(path);
  if (--node->second.users == 0) state.nodes.erase(node);
  return SQLITE_OK;
}

int vfs_control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int vfs_sector_size(sqlite3_file*) {
  return 4096;
}
int vfs_characteristics(sqlite3_file*) {
  // As SQLite's unix VFS: writing one part of a sector does not harm the others.
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

constexpr sqlite3_io_methods methods = {2,
                                        vfs_close,
                                        vfs_read,
                                        vfs_write,
                                        vfs_truncate,
                                        vfs_sync,
                                        vfs_size,
                                        vfs_lock,
                                        vfs_unlock,
                                        vfs_check_reserved,
                                        vfs_control,
                                        vfs_sector_size,
                                        vfs_characteristics,
                                        vfs_shm_map,
                                        vfs_shm_lock,
                                        vfs_shm_barrier,
                                        vfs_shm_unmap,
                                        nullptr,
                                        nullptr};

int vfs_open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;
  if (name == nullptr) return SQLITE_CANTOPEN;  // temporary files: everything temporary stays in memory here
  State& state = state_of(vfs);
  const bool create = (flags & SQLITE_OPEN_CREATE) != 0;
  const bool writes = (flags & SQLITE_OPEN_READWRITE) != 0;
  const bool is_new = create && !state.files.exists(name);
  auto opened = state.files.open(name, create ? OpenMode::create : writes ? OpenMode::read_write : OpenMode::read);
  if (!opened) return code_of(opened.error(), SQLITE_CANTOPEN);
  const bool is_log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  const bool transient = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  const std::lock_guard guard(state.mutex);
  Node& node = state.nodes[name];
  ++node.users;
  std::construct_at(reinterpret_cast<Connection*>(file), sqlite3_file{&methods}, &state, std::move(*opened), name,
                    &node, SQLITE_LOCK_NONE, false, 0U, 0U, is_new && is_log, transient);
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  State& state = state_of(vfs);
  if (auto removed = state.files.remove(name); !removed) {
    return removed.error().code == ENOENT ? SQLITE_IOERR_DELETE_NOENT : code_of(removed.error(), SQLITE_IOERR_DELETE);
  }
  if (sync_folder == 0) return SQLITE_OK;
  const auto synced = state.files.sync_folder(std::filesystem::path(name).parent_path());
  return synced ? SQLITE_OK : code_of(synced.error(), SQLITE_IOERR_DIR_FSYNC);
}

int vfs_access(sqlite3_vfs* vfs, const char* name, int, int* result) {
  *result = state_of(vfs).files.exists(name) ? 1 : 0;
  return SQLITE_OK;
}

int vfs_full_path(sqlite3_vfs*, const char* name, int size, char* to) {
  if (std::strlen(name) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(to, name, std::strlen(name) + 1);
  return SQLITE_OK;
}

// Randomness, sleep and time are the machine's.
int vfs_randomness(sqlite3_vfs*, int count, char* to) {
  sqlite3_vfs* machine = sqlite3_vfs_find("unix");
  return machine->xRandomness(machine, count, to);
}
int vfs_sleep(sqlite3_vfs*, int micros) {
  sqlite3_vfs* machine = sqlite3_vfs_find("unix");
  return machine->xSleep(machine, micros);
}
int vfs_time(sqlite3_vfs*, double* now) {
  sqlite3_vfs* machine = sqlite3_vfs_find("unix");
  return machine->xCurrentTime(machine, now);
}
int vfs_last_error(sqlite3_vfs*, int, char*) {
  return last_errno;
}

}  // namespace

LayeredVfs::LayeredVfs(FileLayer& files) : state_(std::make_unique<State>(files)) {
  static std::atomic<int> number{0};
  state_->name = "posthorn-" + std::to_string(++number);
  sqlite3_vfs& vfs = state_->vfs;
  vfs.iVersion = 1;
  vfs.szOsFile = sizeof(Connection);
  vfs.mxPathname = path_octets_max;
  vfs.zName = state_->name.c_str();
  vfs.pAppData = state_.get();
  vfs.xOpen = vfs_open;
  vfs.xDelete = vfs_delete;
  vfs.xAccess = vfs_access;
  vfs.xFullPathname = vfs_full_path;
  vfs.xRandomness = vfs_randomness;
  vfs.xSleep = vfs_sleep;
  vfs.xCurrentTime = vfs_time;
  vfs.xGetLastError = vfs_last_error;
  begin_sqlite();
  sqlite3_vfs_register(&vfs, 0);
  page_sums_ = std::make_unique<PageSumVfs>(vfs.zName);
}

LayeredVfs::~LayeredVfs() {
  page_sums_.reset();
  sqlite3_vfs_unregister(&state_->vfs);
}

const char* LayeredVfs::name() const {
  return page_sums_->name();
}

}  // namespace posthorn::disk
