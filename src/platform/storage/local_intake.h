// The intakes of one store: messages in memory while all of them together stay under one bound, in files of their own
// above it.
#pragma once

#include <atomic>

#include "platform/disk/segments.h"
#include "platform/disk/staged_file.h"
#include "platform/storage/intake.h"
#include "platform/storage/job_threads.h"
#include "platform/storage/store.h"

namespace posthorn::storage {

/// What all intakes share. Outlived by contents that are still in memory.
struct IntakeMemory {
  explicit IntakeMemory(std::size_t max) : octets_max(max) {}
  const std::size_t octets_max;
  std::atomic<std::size_t> octets{0};
};

class LocalIntake final : public Intake {
 public:
  LocalIntake(const StoreOptions& options, disk::SegmentFiles& segments, JobThreads& writers,
              std::shared_ptr<IntakeMemory> memory, MailId id);
  LocalIntake(const LocalIntake&) = delete;
  LocalIntake& operator=(const LocalIntake&) = delete;
  ~LocalIntake() override;

  Task<Result<void, Problem>> append(Octets octets) override;
  bool fits_in_memory(std::size_t n) const override;
  void append_now(Octets octets) override;
  std::uint64_t size() const override { return size_; }
  Octets head() const override;
  Task<Result<PutContent, Problem>> finish() override;

 private:
  struct Stream;
  void hold(Octets octets);
  /// Once streaming begins the header section is kept apart, however small the pieces it comes in.
  void extend_head(Octets octets);
  [[nodiscard]] Task<Result<void, Problem>> begin_stream();
  [[nodiscard]] Task<Result<void, Problem>> flush();
  /// Runs `job` on a writer thread and says what failed.
  [[nodiscard]] Task<Result<void, Problem>> on_writer(std::function<Result<void, disk::FileError>()> job);
  [[nodiscard]] Problem problem(disk::FileError error) const;

  const StoreOptions& options_;
  disk::SegmentFiles& segments_;
  JobThreads& writers_;
  std::shared_ptr<IntakeMemory> memory_;
  MailId id_;
  std::uint64_t size_ = 0;
  OctetString held_;           // the whole message, or what is not yet in the file
  std::size_t accounted_ = 0;  // octets of memory_ that are ours
  OctetString head_;           // once streaming
  bool head_is_whole_ = false;
  std::shared_ptr<Stream> stream_;
};

}  // namespace posthorn::storage
