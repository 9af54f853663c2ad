// What tests of the store share: folders of their own, waiting for tasks, and small units.
#pragma once

#include <filesystem>
#include <optional>

#include "platform/runtime/loops.h"
#include "platform/storage/store.h"

namespace posthorn::storage::testing {

/// A folder that goes with this.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The store of a test, in its folder; made the first time. It keeps no part of the disk free. Throws where it cannot
/// be opened.
[[nodiscard]] std::unique_ptr<Store> open_store(const TemporaryFolder& folder, const runtime::Clock* clock = nullptr);

template <class T>
Task<> await_into(Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

/// Runs a task to its end on a loop of its own.
template <class T>
T wait(Task<T> task) {
  std::optional<T> result;
  auto held = std::make_shared<Task<T>>(std::move(task));
  runtime::run_to_end([&result, held] { return await_into(std::move(*held), result); });
  return std::move(*result);
}

inline Result<Committed, CommitFailure> commit(Store& store, Unit unit) {
  return wait(store.commit(std::move(unit)));
}

template <class Question>
auto ask(Store& store, Question question) {
  return wait(store.read(std::move(question)));
}

/// Ids as runtime's IdSource makes them, reproducible.
class Ids {
 public:
  explicit Ids(std::uint64_t first = 1) : next_((std::uint64_t{1'790'000'000'000} << 20) + (first << 32)) {}
  std::uint64_t next() { return next_.fetch_add(1); }
  MailId mail() { return MailId{next()}; }
  EmailId email() { return EmailId{next()}; }

 private:
  std::atomic<std::uint64_t> next_;
};

[[nodiscard]] PutContent content(MailId id, OctetString octets);
/// An email of `octets` in a mailbox; the content's octets are made by the unit or elsewhere.
[[nodiscard]] AddEmail email(AccountId account, MailboxId mailbox, EmailId id, MailId content, std::uint64_t size);
/// Octets that tell which message they are of, and differ from all others.
[[nodiscard]] OctetString message(MailId id, std::size_t size);

/// An account with an INBOX, in one unit.
struct Place {
  AccountId account;
  MailboxId inbox;
};
[[nodiscard]] Place make_account(Store& store, const std::string& address, std::uint64_t quota_octets = 0);
/// Content, email and story of one message to `place`, as acceptance writes them.
[[nodiscard]] Unit delivery(Ids& ids, const Place& place, std::size_t size, MailId* mail = nullptr);
/// The same for `recipients` who are elsewhere.
[[nodiscard]] Unit submission(Ids& ids, const std::vector<std::string>& recipients, std::size_t size,
                              MailId* mail = nullptr);

}  // namespace posthorn::storage::testing
