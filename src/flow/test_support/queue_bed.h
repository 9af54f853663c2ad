// QueueBed: a queue on a MemoryStore and virtual time, with an acceptor that keeps the reports it is given. The
// couriers are the test's own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flow/queue/queue.h"
#include "flow/test_support/memory_store.h"
#include "platform/net/loop.h"
#include "platform/runtime/loops.h"
#include "platform/runtime/random.h"
#include "platform/runtime/spawn.h"

namespace posthorn::flow_test {

class KeepingAcceptor final : public queue::Acceptor {
 public:
  [[nodiscard]] Task<Result<storage::Unit, Problem>> plan(queue::OwnMessage message) override;
  std::vector<queue::OwnMessage> messages;
  int refuse_for_now = 0;  ///< so many times "not now"
  bool nobody_there = false;
  /// Reports that hold this text.
  [[nodiscard]] std::size_t count(std::string_view text) const;
};

class QueueBed {
 public:
  QueueBed();
  ~QueueBed();

  /// Makes and starts a queue over `office`.
  void start(queue::CourierOffice& office, queue::Policy policy = {}, queue::Routes routes = {});
  void stop();
  /// Accepts a mail as delivery would: a committed unit that the queue is told of.
  MailId send(const std::string& sender, const std::vector<std::string>& recipients,
              const std::function<void(storage::QueueRow&, std::vector<storage::RecipientRow>&)>& change = {});
  void run_for(Duration duration) { loop.run_for(duration); }
  std::uint64_t apply(queue::Operation operation, const std::string& filter);
  [[nodiscard]] bool waits(MailId id, std::uint32_t index = 0) const { return store.recipients.contains({id, index}); }
  [[nodiscard]] const storage::RecipientRow& row(MailId id, std::uint32_t index = 0) const {
    return store.recipients.at({id, index});
  }

  runtime::VirtualClock clock;
  runtime::VirtualLoop loop;
  net::Loop net_loop;
  runtime::SeededRandom random{7};
  runtime::IdSource ids{clock, random};
  MemoryStore store;
  KeepingAcceptor acceptor;
  runtime::TaskGroup group;
  queue::Policy policy;
  std::string text = "Hello.\r\n.dot\r\n";  ///< the body of the next mail
  std::unique_ptr<queue::Queue> queue;
};

}  // namespace posthorn::flow_test
