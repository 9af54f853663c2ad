// Notifications: what the client of one session has asked to hear with NOTIFY (RFC 5465), and what it has heard. On the
// session's loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/mailbox/folders.h"
#include "flow/mailbox/version.h"
#include "flow/mailbox/watch.h"
#include "standards/imap/command.h"

namespace posthorn::access {

/// The mailboxes of an account as a client has been told they are.
struct KnownFolders {
  std::shared_ptr<const mailbox::FolderList> mailboxes;
  std::vector<std::string> lost;  ///< names that are only subscribed, sorted
};

struct Notifications {
  imap::NotifyCommand wanted;
  std::unique_ptr<mailbox::Watch> watch;  ///< where anything is wanted of mailboxes that are not selected
  KnownFolders known;
  std::vector<std::string> own;  ///< names of mailboxes that this session's own commands dealt with
  // ---- of the selected mailbox
  storage::MailboxId selected;
  std::shared_ptr<const mailbox::Version> looked_at;  ///< what changed up to here was told, or is held back
  std::vector<storage::Uid> to_fetch;                 ///< new messages whose attributes are to be told
  imap::NumberSet own_uids;                           ///< new messages of this session's own making

  /// RFC 5465 3.1: NOTIFY NONE, or NOTIFY SET without the selected mailbox.
  [[nodiscard]] bool wants_selected() const { return wanted.selected != imap::NotifyCommand::Selected::nothing; }
  /// Another mailbox is selected.
  void forget_selected(storage::MailboxId now);
};

/// One mailbox name whose LIST response is to be told (RFC 5465 5.4, 5.5).
struct NameChange {
  enum class Kind : unsigned char { name, subscription };
  Kind kind = Kind::name;
  std::string name;
  std::string old_name;  ///< of a renamed one
};
/// What differs, children of a renamed mailbox left out; names related to one of `own` left out.
[[nodiscard]] std::vector<NameChange> name_changes(const KnownFolders& before, const KnownFolders& after,
                                                   const std::vector<std::string>& own);
/// What is wanted of the mailbox of that name: of all groups that it falls under (RFC 5465 6); nothing where one of
/// them says NONE.
[[nodiscard]] imap::NotifyEvents events_wanted(const imap::NotifyCommand& wanted, std::string_view name,
                                               bool is_subscribed);

}  // namespace posthorn::access
