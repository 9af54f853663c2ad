// Teller: tells the stories of several sites on standard output while they happen. It observes their commits, so what
// it says has happened for good.
#pragma once

#include <mutex>
#include <string>

#include "platform/runtime/clock.h"
#include "platform/runtime/event.h"
#include "platform/storage/store.h"

namespace posthorn::demo {

class Teller {
 public:
  /// `quiet`: watches, and prints nothing.
  Teller(const runtime::Clock& clock, bool quiet) : clock_(clock), began_(clock.now()), quiet_(quiet) {}

  /// Tells what is committed in this store from now on. The teller outlives the store.
  void listen_to(storage::Store& store, std::string site);

  /// The first message has been stored in a mailbox, and its sender's queue has recorded that.
  [[nodiscard]] const runtime::Event& arrived() const { return arrived_; }
  [[nodiscard]] Duration since_began() const { return clock_.now() - began_; }
  /// Both ends' ids of the first message, null before.
  [[nodiscard]] MailId sent_id() const { return sent_id_; }
  [[nodiscard]] MailId received_id() const { return received_id_; }

 private:
  void committed(const std::string& site, std::span<const storage::CommittedUnit> units);
  void note(const storage::Mutation& mutation);
  void tell(const std::string& site, const std::string& steps);

  const runtime::Clock& clock_;
  TimePoint began_;
  bool quiet_;
  std::mutex mutex_;
  MailId sent_id_, received_id_;
  bool relayed_ = false;
  runtime::Event arrived_;
};

}  // namespace posthorn::demo
