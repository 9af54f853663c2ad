#include "platform/storage/local_intake.h"

#include "platform/disk/crc32c.h"
#include "platform/runtime/event.h"
#include "platform/storage/fatal.h"

namespace posthorn::storage {
namespace {

// What stays readable in memory of a message that streams: the header section, up to this. Who reads it must look
// whether the section ends within it.
constexpr std::size_t head_octets_max = 1 * MiB;
constexpr std::string_view end_of_header = "\r\n\r\n";
// One write of a streaming message.
constexpr std::size_t stream_write_octets = 256 * KiB;

}  // namespace

/// The file while it is written; shared with the job on the writer thread, so that a cancelled session does not pull
/// it away under the write.
struct LocalIntake::Stream {
  std::shared_ptr<disk::StagedFile> name;  // removes the file unless a unit took it over
  std::unique_ptr<disk::File> file;
  std::uint64_t octets = 0;
  std::uint32_t crc = 0;
};

LocalIntake::LocalIntake(const StoreOptions& options, disk::SegmentFiles& segments, JobThreads& writers,
                         std::shared_ptr<IntakeMemory> memory, MailId id)
    : options_(options), segments_(segments), writers_(writers), memory_(std::move(memory)), id_(id) {}

LocalIntake::~LocalIntake() {
  memory_->octets -= accounted_;
}

void LocalIntake::hold(Octets octets) {
  if (stream_) extend_head(octets);
  held_.append(octets);
  size_ += octets.size();
  memory_->octets += octets.size();
  accounted_ += octets.size();
}

void LocalIntake::extend_head(Octets octets) {
  if (head_is_whole_) return;
  const std::size_t before = head_.size() - std::min(head_.size(), end_of_header.size() - 1);
  head_.append(octets.substr(0, head_octets_max - head_.size()));
  const std::size_t end = head_.find(end_of_header, before);
  head_is_whole_ = end != OctetString::npos || head_.size() == head_octets_max;
  if (end == OctetString::npos) return;
  head_.resize(end + end_of_header.size());
  head_.shrink_to_fit();
}

bool LocalIntake::fits_in_memory(std::size_t n) const {
  if (stream_) return held_.size() + n <= stream_write_octets;
  return size_ + n <= options_.segment_octets_max && memory_->octets.load() + n <= memory_->octets_max;
}

void LocalIntake::append_now(Octets octets) {
  hold(octets);
}

Octets LocalIntake::head() const {
  return stream_ ? head_ : Octets(held_).substr(0, head_octets_max);
}

Task<Result<void, Problem>> LocalIntake::append(Octets octets) {
  const bool stays = fits_in_memory(octets.size());
  hold(octets);
  if (stays) co_return Result<void, Problem>{};
  if (!stream_) {
    if (auto begun = co_await begin_stream(); !begun) co_return begun;
  }
  co_return co_await flush();
}

Task<Result<void, Problem>> LocalIntake::begin_stream() {
  extend_head(held_);
  const auto free = segments_.files().free_octets(options_.dir);
  if (free && *free < options_.reserve_octets) co_return fail(problem(disk::FileError{ENOSPC}));
  stream_ = std::make_shared<Stream>();
  std::function<Result<void, disk::FileError>()> open = [stream = stream_, &segments = segments_, id = id_] {
    const auto path = segments.layout().message(id);
    auto opened = segments.files().open(path, disk::OpenMode::create);
    if (!opened) return Result<void, disk::FileError>(fail(opened.error()));
    stream->file = std::move(*opened);
    stream->name = std::make_shared<disk::StagedFile>(segments.files(), path, 0, 0);
    return Result<void, disk::FileError>{};
  };
  co_return co_await on_writer(std::move(open));
}

Task<Result<void, Problem>> LocalIntake::flush() {
  auto octets = std::make_shared<OctetString>(std::exchange(held_, {}));
  std::function<Result<void, disk::FileError>()> write = [stream = stream_, octets] {
    const Octets part = *octets;
    auto written = stream->file->write_at(stream->octets, std::span(&part, 1));
    if (written) {
      stream->octets += octets->size();
      stream->crc = disk::crc32c(*octets, stream->crc);
    }
    return written;
  };
  auto written = co_await on_writer(std::move(write));
  memory_->octets -= std::exchange(accounted_, 0);
  co_return written;
}

Task<Result<PutContent, Problem>> LocalIntake::finish() {
  PutContent put;
  put.id = id_;
  if (!stream_) {
    // The memory counts until the last user of the octets lets go of them.
    auto* whole = new OctetString(std::exchange(held_, {}));
    const std::size_t counted = std::exchange(accounted_, 0);
    put.octets = std::shared_ptr<const OctetString>(whole, [memory = memory_, counted](const OctetString* octets) {
      memory->octets -= counted;
      delete octets;
    });
    co_return put;
  }
  if (auto flushed = co_await flush(); !flushed) co_return fail(flushed.error());
  std::function<Result<void, disk::FileError>()> sync = [stream = stream_, &segments = segments_, &options = options_] {
    auto synced = stream->file->sync();
    if (synced) synced = segments.files().sync_folder(segments.layout().messages());
    const bool full = !synced && (synced.error().code == ENOSPC || synced.error().code == EDQUOT);
    if (!synced && !full) end_process(options, "syncing a message file of", std::strerror(synced.error().code));
    return synced;
  };
  if (auto synced = co_await on_writer(std::move(sync)); !synced) co_return fail(synced.error());
  put.staged = stream_->name;
  put.staged->describe(stream_->octets, stream_->crc);
  stream_.reset();
  co_return put;
}

Task<Result<void, Problem>> LocalIntake::on_writer(std::function<Result<void, disk::FileError>()> job) {
  using Outcome = Result<void, disk::FileError>;
  const runtime::Promise<Outcome> done;
  const bool accepted = writers_.submit([done, job = std::move(job)](std::size_t) { done.set(job()); });
  if (!accepted) co_return fail(problem(disk::FileError{ESHUTDOWN}));
  const Outcome outcome = co_await done.wait();
  if (outcome) co_return Result<void, Problem>{};
  co_return fail(problem(outcome.error()));
}

Problem LocalIntake::problem(disk::FileError error) const {
  return Problem{ProblemKind::unavailable, "cannot write the message " + id_.text(), std::strerror(error.code),
                 error.code == ENOSPC ? "make room on the disk of " + options_.dir.string() : ""};
}

}  // namespace posthorn::storage
