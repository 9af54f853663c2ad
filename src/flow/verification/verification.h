// Verification: one mail transaction's origin, checked while the message comes in. What MAIL tells (iprev, SPF, the
// sender's MX) is asked at once and in parallel; body hashes are computed as octets pass; keys and the DMARC walk are
// asked for as soon as the header section is whole. finish() waits for what is missing, at most until the deadline.
//
//   Verification verification(around, executor);
//   verification.begin(session);                     // at MAIL
//   verification.feed(octets); …                     // while the message is read
//   const Verdicts verdicts = co_await verification.finish(time_max);
//
// Lives on its session's loop. Dropping it forgets the questions that are open.
#pragma once

#include <memory>

#include "flow/verification/inquiry.h"
#include "flow/verification/verify_message.h"
#include "foundation/base/bytes.h"

namespace posthorn::verification {

/// What a session's earlier message has told about its client; a server that brings many is asked once a minute.
struct KnownSession {
  static constexpr Duration age_max = std::chrono::minutes(1);
  Session session;
  SessionVerdicts verdicts;
  TimePoint at;  ///< when the oldest of them was asked
};

class Verification {
 public:
  Verification(const Surroundings& around, runtime::Executor executor);

  /// `known`: what was found out about the same client before; what it says of the same HELO name and sender is not
  /// asked again.
  void begin(Session session, std::optional<KnownSession> known = std::nullopt);
  void feed(Octets octets);
  /// Once, when the message is whole.
  [[nodiscard]] Task<Verdicts> finish(Duration time_max);

  /// What it knows of its client, for the next message of the session; `verdicts` are those that finish() gave.
  [[nodiscard]] KnownSession known(SessionVerdicts verdicts) const;

 private:
  /// What MAIL told, being checked; shared with the tasks that do it.
  struct Early;
  void begin_unknown(std::optional<KnownSession> known);
  [[nodiscard]] static Task<> check_iprev(std::shared_ptr<Early> early);
  [[nodiscard]] static Task<> check_helo(std::shared_ptr<Early> early);
  [[nodiscard]] static Task<> check_mail_from(std::shared_ptr<Early> early);
  [[nodiscard]] static Task<> check_sender_mx(std::shared_ptr<Early> early);
  void ask_early();

  Surroundings around_;
  runtime::Executor executor_;
  std::shared_ptr<Inquiry> inquiry_;
  std::shared_ptr<Early> early_;
  dkim::MessageScan scan_;
  bool asked_ = false;  ///< the questions that the header section raises
};

}  // namespace posthorn::verification
