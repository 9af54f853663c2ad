// MemoryStore: a storage::Store for tests on virtual time: queue rows, recipients, stories and contents in maps, no
// threads, commits at once. Honours RecipientUnchanged; can refuse commits. The real store has its own tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "platform/storage/store.h"

namespace posthorn::flow_test {

class MemoryStore final : public storage::Store {
 public:
  [[nodiscard]] Task<Result<storage::Committed, storage::CommitFailure>> commit(storage::Unit unit) override;
  void commit_later(storage::Unit unit) override { apply(unit); }
  [[nodiscard]] std::unique_ptr<storage::Intake> intake(MailId) override { return nullptr; }
  void observe(storage::CommitObserver observer) override { observer_ = std::move(observer); }
  [[nodiscard]] std::size_t pending() const override { return 0; }
  [[nodiscard]] Result<storage::VerifyReport, Problem> verify() override { return fail(none()); }
  [[nodiscard]] Result<storage::BackupReport, Problem> backup(const std::filesystem::path&) override {
    return fail(none());
  }
  [[nodiscard]] Result<std::uint64_t, Problem> reclaim() override { return 0; }
  void close() override { observer_ = nullptr; }

  using Key = std::pair<MailId, std::uint32_t>;
  std::map<MailId, storage::QueueRow> mails;
  std::map<Key, storage::RecipientRow> recipients;
  std::map<MailId, OctetString> contents;
  std::map<MailId, std::vector<std::string>> stories;
  std::map<std::string, std::string> settings;
  std::size_t commits = 0;
  std::size_t pages_read = 0;
  /// While positive, commits fail with no_space and count it down.
  int refuse_commits = 0;
  /// All story parts of a mail in one string.
  [[nodiscard]] std::string story(MailId id) const;

 private:
  class MemoryReader;
  [[nodiscard]] Task<> run_on_reader(std::function<void(storage::Reader&)> job) override;
  [[nodiscard]] std::optional<std::size_t> failed_precondition(const storage::Unit& unit) const;
  void apply(const storage::Unit& unit);
  static Problem none() { return {ProblemKind::no, "cannot", "in memory", ""}; }

  storage::CommitObserver observer_;
};

}  // namespace posthorn::flow_test
