// The store: one SQLite database (the truth), segment files and message files beside it, one committer thread.
// docs/states/store.md says the guarantees and what a crash leaves.
//
// Threads: commit() and read() may be awaited from any executor and resume there. Everything else is thread-safe.
// Ownership: the Store outlives every Reader, Intake and coroutine that uses it; close() before destruction.
// Errors: a failed write or sync ends the process (std::abort after a clear message): a second sync after a failed
// one may lie, so recovery is a restart. A full disk is CommitError::no_space, a damaged page CommitError::damaged.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "platform/runtime/clock.h"
#include "platform/runtime/log.h"
#include "platform/storage/backup.h"
#include "platform/storage/intake.h"
#include "platform/storage/reader.h"
#include "platform/storage/unit.h"
#include "platform/storage/verify.h"

namespace posthorn::disk {
class FileLayer;  // file_layer.h: the real files, or the simulated ones of the fault tests
}

namespace posthorn::storage {

struct StoreOptions {
  std::filesystem::path dir;
  /// Create the folder and an empty store where there is none.
  bool create = false;
  std::size_t reader_threads = 2;
  /// Octets of messages at most this long stand inside the database. Measured: docs/performance.md.
  std::size_t inline_octets_max = 16 * KiB;
  /// Messages longer than this stream to files of their own.
  std::size_t segment_octets_max = 1 * MiB;
  /// What all intakes together may hold in memory before they stream early.
  std::size_t intake_memory_max = 64 * MiB;
  /// Free octets that only queue drain and deletions may use when the disk runs full.
  std::uint64_t reserve_octets = 64 * MiB;
  /// Segment files are closed at this size.
  std::uint64_t segment_file_octets_max = 128 * MiB;
  /// The write-ahead log is moved into the database when this much was added to it, and is held to about the second.
  std::uint64_t checkpoint_octets = 16 * MiB;
  std::uint64_t wal_octets_max = 64 * MiB;
  /// The write-ahead log and the open segment grow by this much at once (prepared_space.h); 0: by what is written.
  std::uint64_t prepare_octets = 4 * MiB;
  /// Under load the next segment is made ready ahead, this long (next_segment.h); 0: never.
  std::uint64_t next_segment_octets = 32 * MiB;
  /// Units that may wait; commit() waits for room beyond it.
  std::size_t waiting_units_max = 10'000;
  disk::FileLayer* files = nullptr;       ///< nullptr: the machine's
  const runtime::Clock* clock = nullptr;  ///< nullptr: the machine's; must outlive the store
  runtime::Logger log;
};

/// What a commit changed, for the views in memory. Called on the committer thread after the group is durable and
/// before its callers are answered, in commit order; must be quick and must not call the store.
struct CommittedUnit {
  const Unit* unit = nullptr;
  const Committed* outcome = nullptr;
};
using CommitObserver = std::function<void(std::span<const CommittedUnit>)>;

class Store {
 public:
  /// Locks the folder (one process), recovers, sweeps what no row names, starts the threads.
  [[nodiscard]] static Result<std::unique_ptr<Store>, Problem> open(const StoreOptions& options);
  virtual ~Store() = default;

  /// Writes the unit with others waiting and answers when it is on stable storage, or says why not.
  [[nodiscard]] virtual Task<Result<Committed, CommitFailure>> commit(Unit unit) = 0;
  /// Queues a unit nobody waits for (stories of refused mail). Dropped, counted and logged if it cannot be written.
  virtual void commit_later(Unit unit) = 0;

  /// Runs `question` on a reader thread inside one read transaction and resumes with its answer. The question owns
  /// what it captures (no references to the caller's frame): a cancelled caller does not wait for it.
  template <class Question>
  [[nodiscard]] auto read(Question question) -> Task<std::invoke_result_t<Question, Reader&>> {
    using Answer = std::invoke_result_t<Question, Reader&>;
    auto answer = std::make_shared<std::optional<Answer>>();
    std::function<void(Reader&)> job = [answer, shared = std::make_shared<Question>(std::move(question))](
                                           Reader& reader) { answer->emplace((*shared)(reader)); };
    co_await run_on_reader(std::move(job));
    co_return std::move(**answer);
  }

  /// Takes the octets of one incoming message (intake.h).
  [[nodiscard]] virtual std::unique_ptr<Intake> intake(MailId id) = 0;

  virtual void observe(CommitObserver observer) = 0;

  /// Answers still owed to callers of commit() and read(): for simulations, whose time stands still meanwhile.
  [[nodiscard]] virtual std::size_t pending() const = 0;

  // These three take long and block: call them on a worker, never on a loop. Service goes on meanwhile.

  /// Checks every record and row of the running store against each other (verify.h).
  [[nodiscard]] virtual Result<VerifyReport, Problem> verify() = 0;
  /// A consistent copy in `to`, which must not exist or be empty (backup.h).
  [[nodiscard]] virtual Result<BackupReport, Problem> backup(const std::filesystem::path& to) = 0;
  /// Rewrites the segments that are less than half live; also done in the background. Octets given back.
  [[nodiscard]] virtual Result<std::uint64_t, Problem> reclaim() = 0;

  /// Orderly end: finishes what was handed in, checkpoints, joins the threads.
  virtual void close() = 0;

 protected:
  [[nodiscard]] virtual Task<> run_on_reader(std::function<void(Reader&)> job) = 0;
};

}  // namespace posthorn::storage
