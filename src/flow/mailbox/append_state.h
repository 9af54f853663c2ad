// What an Append has taken so far. Internal to the room.
#pragma once

#include "flow/mailbox/append.h"
#include "flow/mailbox/threads.h"
#include "flow/mailbox/version.h"

namespace posthorn::mailbox {

struct Append::State {
  struct Message {
    storage::EmailRow row;
    storage::PutContent content;
    std::vector<std::int64_t> thread_keys;
  };

  State(storage::Store& the_store, runtime::IdSource& the_ids, storage::AccountId the_account, TimePoint the_time)
      : store(the_store), ids(the_ids), account(the_account), now(the_time) {}

  void read_header(Octets piece);
  /// Plans: quota, contents, emails. What was taken is the unit's afterwards.
  void add_to(storage::Unit& unit, MailboxId mailbox);

  storage::Store& store;
  runtime::IdSource& ids;
  const storage::AccountId account;
  const TimePoint now;
  std::vector<Message> messages;
  std::uint64_t octets = 0;
  // of the present message
  MailId content;
  std::unique_ptr<storage::Intake> intake;
  message::HeaderReader reader;
};

}  // namespace posthorn::mailbox
