// LocalStore: the embedded store, put together from its parts.
#pragma once

#include "platform/disk/log_vfs.h"
#include "platform/storage/checkpointer.h"
#include "platform/storage/committer.h"
#include "platform/storage/housekeeper.h"
#include "platform/storage/local_intake.h"
#include "platform/storage/reader_pool.h"
#include "platform/storage/store.h"

namespace posthorn::storage {

class LocalStore final : public Store {
 public:
  LocalStore(StoreOptions options, std::unique_ptr<disk::FileLayer::Lock> lock);
  ~LocalStore() override { LocalStore::close(); }

  Task<Result<Committed, CommitFailure>> commit(Unit unit) override { return committer_->commit(std::move(unit)); }
  void commit_later(Unit unit) override { committer_->commit_later(std::move(unit)); }
  std::unique_ptr<Intake> intake(MailId id) override;
  void observe(CommitObserver observer) override { committer_->observe(std::move(observer)); }
  std::size_t pending() const override { return committer_->pending() + readers_->pending(); }

  Result<VerifyReport, Problem> verify() override;
  Result<BackupReport, Problem> backup(const std::filesystem::path& to) override;
  Result<std::uint64_t, Problem> reclaim() override { return housekeeper_->reclaim(); }
  void close() override;

 protected:
  Task<> run_on_reader(std::function<void(Reader&)> job) override { return readers_->run(std::move(job)); }

 private:
  [[nodiscard]] Database open_database(bool writer, const char* vfs) const;
  void after_group(const GroupDone& done);

  const StoreOptions options_;
  runtime::SystemClock machine_clock_;
  disk::FileLayer& files_;
  const disk::Layout layout_;
  std::unique_ptr<disk::FileLayer::Lock> lock_;
  disk::SegmentFiles segments_;
  disk::NextSegment next_segment_;
  std::unique_ptr<disk::LogWriteVfs> log_vfs_;  // under the committer's connection
  std::shared_ptr<IntakeMemory> intake_memory_;
  JobThreads intake_writers_;
  std::unique_ptr<ReaderPool> readers_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::unique_ptr<Housekeeper> housekeeper_;
  bool closed_ = false;
};

}  // namespace posthorn::storage
