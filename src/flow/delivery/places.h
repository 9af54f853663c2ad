// Places: the mailboxes an account's mail goes to. Internal to the room.
#pragma once

#include <map>

#include "platform/storage/rows.h"

namespace posthorn::delivery {

/// Where an account's copies go.
struct Places {
  storage::MailboxRow inbox;
  storage::MailboxRow junk;  ///< of special use Junk; INBOX where the account has none
};
/// Those of every account that the recipients lead to.
using AccountPlaces = std::map<storage::AccountId, Places>;

}  // namespace posthorn::delivery
