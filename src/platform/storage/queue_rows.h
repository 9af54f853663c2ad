// QueueRows: what must leave, and for whom. Committer only.
#pragma once

#include "platform/storage/content_rows.h"

namespace posthorn::storage {

class QueueRows {
 public:
  QueueRows(const Database& database, ContentRows& contents);

  // Mutations: false when the row they need is not there (or is there already, for put).
  [[nodiscard]] bool put(const PutQueued& queued, bool content_is_counted);
  [[nodiscard]] bool put_recipient(const RecipientRow& row);
  [[nodiscard]] bool remove_recipient(const RemoveRecipient& which);

  [[nodiscard]] bool unchanged(const RecipientUnchanged& which);

 private:
  ContentRows& contents_;
  Statement add_queue_, get_queue_, remove_queue_, write_recipient_, replace_recipient_, get_recipient_;
  Statement remove_recipient_, any_recipient_;
};

}  // namespace posthorn::storage
