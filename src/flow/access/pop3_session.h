// Pop3Session: one POP3 session: moves octets between the stream and the machine, answers its questions from the
// mailbox, and keeps the deadlines. On its loop.
#pragma once

#include <optional>

#include "flow/access/gate.h"
#include "flow/access/pop3.h"
#include "flow/access/session_io.h"

namespace posthorn::access {

class Pop3Session final : public Session {
 public:
  Pop3Session(const Pop3Surroundings& world, MaildropLocks& locks, MaildropFacts& facts,
              std::shared_ptr<const Pop3Settings> settings, bool scram, Connection connection);

  Task<> run() override;
  void end(EndReason reason) override;
  [[nodiscard]] const directory::Identity* identity() const override;

 private:
  // One for each event of the machine.
  Task<> on(pop3::server::NeedInput& event);
  Task<> on(pop3::server::FlushOutput& event);
  Task<> on(pop3::server::StartTls& event);
  Task<> on(pop3::server::CheckPassword& event);
  Task<> on(pop3::server::FindScramVerifier& event);
  Task<> on(pop3::server::OpenMaildrop& event);
  Task<> on(pop3::server::AuthenticationFailed& event);
  Task<> on(pop3::server::Retrieve& event);
  Task<> on(pop3::server::Update& event);
  Task<> on(pop3::server::Close& event);

  [[nodiscard]] Task<bool> flush();
  [[nodiscard]] Task<bool> begin_tls();
  /// The maildrop as it is now, locked and listed.
  [[nodiscard]] Task<> open_inbox();
  /// The octets that RETR sends of a message.
  [[nodiscard]] std::uint64_t octets_sent(const mailbox::Entry& entry) const;
  [[nodiscard]] Task<std::vector<message::Replacement>> replacements(storage::Uid uid, storage::StoredOctets octets);
  /// The rest of a message of which the first octets are sent.
  [[nodiscard]] Task<bool> send_rest(const storage::StoredOctets& octets, std::uint64_t from,
                                     message::Downgrader& downgrader);
  [[nodiscard]] TimePoint input_deadline() const;

  const Pop3Surroundings& world_;
  MaildropLocks& locks_;
  MaildropFacts& facts_;
  std::shared_ptr<const Pop3Settings> settings_;
  Connection connection_;
  pop3::server::Session machine_;
  Gate gate_;
  Input input_;
  TimePoint login_deadline_;

  std::optional<MaildropLocks::Lock> lock_;
  std::shared_ptr<mailbox::View> view_;
  std::shared_ptr<const mailbox::Version> maildrop_;  ///< as it was at the login
  std::shared_ptr<const OddMessages> odd_;            ///< those of it that are not sent as they are stored

  std::optional<EndReason> ending_;
  bool ended_ = false;
};

}  // namespace posthorn::access
