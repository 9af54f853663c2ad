#include "platform/storage/local_store.h"

#include "platform/storage/fatal.h"
#include "platform/storage/open.h"
#include "platform/storage/schema.h"

namespace posthorn::storage {
namespace {

// Threads that write messages above the segment bound while they arrive.
constexpr std::size_t intake_threads = 2;

}  // namespace

Result<std::unique_ptr<Store>, Problem> Store::open(const StoreOptions& options) {
  auto lock = lock_folder(options);
  if (!lock) return fail(lock.error());
  if (auto prepared = prepare_database(options); !prepared) return fail(prepared.error());
  try {
    return std::unique_ptr<Store>(std::make_unique<LocalStore>(options, std::move(*lock)));
  } catch (const DatabaseError& error) {
    return fail(Problem{ProblemKind::unavailable, "cannot open the store " + options.dir.string(), error.what(),
                        "run `posthorn store verify`"});
  }
}

LocalStore::LocalStore(StoreOptions options, std::unique_ptr<disk::FileLayer::Lock> lock)
    : options_(std::move(options)),
      files_(files_of(options_)),
      layout_{options_.dir},
      lock_(std::move(lock)),
      segments_(files_, layout_, options_.segment_file_octets_max, options_.prepare_octets),
      next_segment_(
          files_, layout_, {options_.next_segment_octets, options_.reserve_octets},
          [this](disk::FileError error) { end_process(options_, "preparing a segment", std::strerror(error.code)); }),
      log_vfs_(std::make_unique<disk::LogWriteVfs>(files_.vfs_name())),
      intake_memory_(std::make_shared<IntakeMemory>(options_.intake_memory_max)),
      intake_writers_("writer", intake_threads) {
  const runtime::Clock& clock = options_.clock != nullptr ? *options_.clock : machine_clock_;
  Database writer = open_database(true, log_vfs_->name());
  sweep(writer, segments_, options_.segment_file_octets_max);
  readers_ = std::make_unique<ReaderPool>(options_, segments_);
  committer_ = std::make_unique<Committer>(options_, clock, segments_, std::move(writer),
                                           [this](const GroupDone& done) { after_group(done); });
  checkpointer_ = std::make_unique<Checkpointer>(options_, open_database(true, files_.vfs_name()), *committer_);
  housekeeper_ = std::make_unique<Housekeeper>(options_, segments_, *committer_, *readers_,
                                               open_database(false, files_.vfs_name()));
  segments_.use(next_segment_);
  next_segment_.start();
  committer_->start();
  checkpointer_->start();
  housekeeper_->start();
}

Database LocalStore::open_database(bool writer, const char* vfs) const {
  Database database(layout_.database(), DatabaseMode::read_write, vfs);
  configure_connection(database, writer);
  return database;
}

std::unique_ptr<Intake> LocalStore::intake(MailId id) {
  return std::make_unique<LocalIntake>(options_, segments_, intake_writers_, intake_memory_, id);
}

void LocalStore::after_group(const GroupDone& done) {
  readers_->note(done.sequence);
  checkpointer_->note(done.sequence, done.wal_pages);
  if (done.freed_files.empty()) return;
  std::vector<std::filesystem::path> paths;
  for (const MailId id : done.freed_files) paths.push_back(layout_.message(id));
  housekeeper_->doom(paths, done.sequence);
}

void LocalStore::close() {
  if (std::exchange(closed_, true)) return;
  intake_writers_.close();
  housekeeper_->close();
  committer_->close();
  next_segment_.close();
  segments_.close();
  readers_->close();
  checkpointer_->close(true);
}

}  // namespace posthorn::storage
