// A folder of mail on disk, as mbox files or as a Maildir: what mailbox import reads and mailbox export writes.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "standards/message/mbox.h"

namespace posthorn::cli {

/// One mailbox of a source. Messages come in an order that stays the same.
class MailSource {
 public:
  virtual ~MailSource() = default;
  [[nodiscard]] const std::string& mailbox() const { return mailbox_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Octets of the whole, for the progress bar.
  [[nodiscard]] virtual std::uint64_t octets() const = 0;
  /// Message by message, as long as `take` is content.
  [[nodiscard]] virtual Result<void, Problem> read(
      const std::function<Result<void, Problem>(message::KeptMessage)>& take) = 0;
  /// Messages that were too large.
  [[nodiscard]] virtual std::uint64_t passed_over() const = 0;

 protected:
  MailSource(std::filesystem::path path, std::string mailbox) : path_(std::move(path)), mailbox_(std::move(mailbox)) {}
  const std::filesystem::path path_;
  const std::string mailbox_;
};

/// An mbox file, a folder of them (name.mbox is the mailbox "name", folders are levels), or a Maildir with its folders
/// (Maildir++). `mailbox`: where it goes instead; only for one file, or one folder of a Maildir.
[[nodiscard]] Result<std::vector<std::unique_ptr<MailSource>>, Problem> open_mail_sources(
    const std::filesystem::path& path, const std::string& mailbox, std::size_t message_octets_max);

/// One mailbox being written.
class MailTarget {
 public:
  virtual ~MailTarget() = default;
  /// `id`: of the message, unique in its account.
  [[nodiscard]] virtual Result<void, Problem> write(const message::KeptMessage& message, const std::string& id) = 0;
  /// What was written so far is with the kernel; octets of it, where the target can be cut back to them.
  [[nodiscard]] virtual Result<std::uint64_t, Problem> flush() = 0;
};
/// `keep`: octets that an export before this one had written; what is behind them is cut off.
[[nodiscard]] Result<std::unique_ptr<MailTarget>, Problem> open_mbox_target(const std::filesystem::path& folder,
                                                                            const std::string& mailbox,
                                                                            std::uint64_t keep);
[[nodiscard]] Result<std::unique_ptr<MailTarget>, Problem> open_maildir_target(const std::filesystem::path& folder,
                                                                               const std::string& mailbox);

}  // namespace posthorn::cli
