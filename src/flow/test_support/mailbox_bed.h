// MailboxBed: a store in a temporary folder with accounts, and Mailboxes over it, for tests of mail as sessions use it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/mailbox/mailboxes.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/random.h"

namespace posthorn::flow_test {

class MailboxBed {
 public:
  explicit MailboxBed(mailbox::MailboxOptions options = {});
  MailboxBed(const MailboxBed&) = delete;
  MailboxBed& operator=(const MailboxBed&) = delete;
  ~MailboxBed();

  /// Runs a task to its end on a loop of its own.
  template <class T>
  T wait(Task<T> task) {
    std::optional<T> result;
    auto held = std::make_shared<Task<T>>(std::move(task));
    runtime::run_to_end([&result, held] { return into(std::move(*held), result); });
    return std::move(*result);
  }
  void wait(Task<> task);

  /// Closes everything and opens it again, as a restart does.
  void restart();

  [[nodiscard]] storage::AccountId account(const std::string& address, std::uint64_t quota_octets = 0);
  [[nodiscard]] std::shared_ptr<mailbox::View> view(storage::AccountId account, const std::string& name = "INBOX");
  /// Appends one message; its uid, or 0 where that failed.
  storage::Uid append(storage::AccountId account, const std::string& text, const std::string& name = "INBOX",
                      std::uint8_t flags = 0, std::vector<std::string> keywords = {});
  [[nodiscard]] std::string octets(const mailbox::View& view, storage::Uid uid);
  /// What `store verify` finds; empty where nothing.
  [[nodiscard]] std::string damages();

  runtime::VirtualClock clock;
  runtime::SeededRandom random;
  runtime::IdSource ids;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<mailbox::Folders> folders;
  std::unique_ptr<mailbox::Mailboxes> mailboxes;

 private:
  template <class T>
  static Task<> into(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  void open();

  mailbox::MailboxOptions options_;
  std::filesystem::path folder_;
};

}  // namespace posthorn::flow_test
