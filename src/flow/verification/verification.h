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

class Verification {
 public:
  Verification(const Surroundings& around, runtime::Executor executor);

  void begin(Session session);
  void feed(Octets octets);
  /// Once, when the message is whole.
  [[nodiscard]] Task<Verdicts> finish(Duration time_max);

  /// The header section, once finish() has been called.
  [[nodiscard]] const message::Header& header() const { return scan_.header(); }

 private:
  /// What MAIL told, being checked; shared with the tasks that do it.
  struct Early;
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
