// AccessBed: IMAP sessions over a DoorBed's site: a test says commands over TLS on a stream in memory and reads what
// comes back. Virtual time; one thread besides the store's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flow/access/imap.h"
#include "flow/test_support/door_bed.h"
#include "flow/test_support/memory_client.h"

namespace posthorn::flow_test {

class AccessBed;

/// One client connection on port 993.
class ImapCaller {
 public:
  explicit ImapCaller(AccessBed& bed);
  ImapCaller(const ImapCaller&) = delete;
  ImapCaller& operator=(const ImapCaller&) = delete;

  /// Sends "TAG command" and returns everything up to and with the tagged response, its tag replaced by "TAG".
  std::string say(const std::string& command);
  /// The same where the last line may be a continuation request.
  std::string say_until_continuation(const std::string& command);
  /// Sends these octets and waits until `until` was heard; what was heard since the last call.
  std::string send(const std::string& octets, const std::string& until);
  void push(const std::string& octets) { client_.write(octets); }
  /// Waits until `until` was heard without sending anything.
  std::string listen(const std::string& until) { return send("", until); }
  /// APPEND with a literal.
  std::string append(const std::string& mailbox, const std::string& message, const std::string& arguments = "");

  [[nodiscard]] bool ended() const { return client_.ended(); }
  [[nodiscard]] const std::string& heard() const { return client_.heard(); }
  void hang_up() { client_.hang_up(); }

  /// The server's end; null when it is over.
  struct Running {
    access::Session* session = nullptr;
  };

 private:
  MemoryClient client_;
  unsigned tags_ = 0;
};

class AccessBed {
 public:
  explicit AccessBed(DoorBed::Adjust adjust = {});
  AccessBed(const AccessBed&) = delete;
  AccessBed& operator=(const AccessBed&) = delete;

  /// Connected, greeting read.
  std::unique_ptr<ImapCaller> call() { return std::make_unique<ImapCaller>(*this); }
  /// Logged in with LOGIN.
  std::unique_ptr<ImapCaller> reader(const std::string& user, const std::string& password);
  /// As Service::end_revoked does.
  void end_revoked(const directory::Revocation& revocation);

  std::vector<std::shared_ptr<ImapCaller::Running>> running;
  access::Settings settings;
  // They outlive the store, which tells them of its commits.
  std::unique_ptr<mailbox::Mailboxes> mailboxes;
  std::unique_ptr<access::ImapDoor> door;
  DoorBed site;
};

}  // namespace posthorn::flow_test
