// ImapSession: one IMAP session: moves octets between the stream and the machine, answers its questions about logins,
// hands its commands to imap_commands.h, wakes up when the selected mailbox changes, and keeps the deadlines.
//
// On its loop.
#pragma once

#include <memory>
#include <optional>

#include "flow/access/imap.h"
#include "flow/access/imap_context.h"
#include "flow/access/session_io.h"

namespace posthorn::access {

class ImapSession final : public Session {
 public:
  ImapSession(const ImapSurroundings& world, std::shared_ptr<const ImapSettings> settings, bool scram,
              Connection connection);
  ImapSession(const ImapSession&) = delete;
  ImapSession& operator=(const ImapSession&) = delete;
  ~ImapSession() override;

  Task<> run() override;
  void end(EndReason reason) override;
  [[nodiscard]] const directory::Identity* identity() const override;

 private:
  // One for each event of the machine.
  Task<> on(imap::server::NeedInput& event);
  Task<> on(imap::server::FlushOutput& event);
  Task<> on(imap::server::Connected& event);
  Task<> on(imap::server::StartTls& event);
  Task<> on(imap::server::CheckPassword& event);
  Task<> on(imap::server::FindScramVerifier& event);
  Task<> on(imap::server::Authenticated& event);
  Task<> on(imap::server::AuthenticationFailed& event);
  Task<> on(imap::server::ClientId& event);
  Task<> on(imap::server::Execute& event);
  Task<> on(imap::server::IdleEnds& event);
  Task<> on(imap::server::AppendBegins& event);
  Task<> on(imap::server::AppendOctets& event);
  Task<> on(imap::server::AppendPart& event);
  Task<> on(imap::server::AppendMessageEnds& event);
  Task<> on(imap::server::AppendEnds& event);
  Task<> on(imap::server::AppendAborted& event);
  Task<> on(imap::server::Refused& event);
  Task<> on(imap::server::Close& event);

  [[nodiscard]] Task<bool> begin_tls();
  void say_goodbye();
  [[nodiscard]] TimePoint input_deadline() const;
  void begin_idle();
  /// In IDLE, or after NOTIFY between commands, and things are not as the client knows them.
  [[nodiscard]] bool must_tell() const;
  /// The selected mailbox has changed.
  void wake();

  const ImapSurroundings& world_;
  std::shared_ptr<const ImapSettings> settings_;
  Connection connection_;
  imap::server::Session machine_;
  ImapContext context_;
  Input input_;
  TimePoint login_deadline_;
  std::optional<EndReason> ending_;
  bool goodbye_said_ = false;
  bool ended_ = false;
};

}  // namespace posthorn::access
