// Orders: the orders and threads of whole large mailboxes, as SORT and THREAD found them last. Messages never change,
// so an order stays right when some of them go; programs that page through a sorted mailbox ask for it again and again.
//
// Bounded; what was used longest ago is forgotten first. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "platform/storage/rows.h"
#include "standards/imap/response.h"

namespace posthorn::access {

class Orders {
 public:
  /// Smaller mailboxes are put in order as fast as an order is looked for.
  static constexpr std::size_t messages_min = 1'000;
  /// Of all that is kept; one takes 8 octets in an order and about 60 in threads.
  static constexpr std::size_t messages_max = 1'000'000;

  struct Order {
    std::vector<storage::Uid> uids;    ///< ascending: the messages it is about
    std::vector<std::uint32_t> order;  ///< of SORT: indexes of them
    imap::ThreadTree threads;          ///< of THREAD: numbers are indexes and one
  };

  /// `what`: the command's criteria. nullptr: not known.
  [[nodiscard]] std::shared_ptr<const Order> find(storage::MailboxId mailbox, std::string_view what);
  void keep(storage::MailboxId mailbox, std::string what, std::shared_ptr<const Order> order);

 private:
  struct Kept {
    storage::MailboxId mailbox;
    std::string what;
    std::shared_ptr<const Order> order;
  };

  std::mutex mutex_;
  std::vector<Kept> kept_;  ///< last used at the end
};

/// `order` for the messages `uids` (ascending) alone, as indexes of them; nullopt where it does not know one of them.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> order_among(const Orders::Order& order,
                                                                    const std::vector<storage::Uid>& uids);

}  // namespace posthorn::access
