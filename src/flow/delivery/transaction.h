// Transaction: one mail transaction while it comes in through a door: envelope, octets, story. Reception and
// submission add their own rules; what is the same for both is here.
//
// Lives with its session, on the session's loop. Everything in Doorway outlives it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "flow/delivery/arrival.h"
#include "flow/delivery/delivery.h"
#include "flow/delivery/recipients.h"
#include "platform/runtime/metrics.h"
#include "site/journal/journal.h"
#include "standards/message/write.h"
#include "standards/smtp/server.h"

namespace posthorn::delivery {

/// What both doors work with.
struct Doorway {
  storage::Store* store = nullptr;
  directory::Directory* directory = nullptr;
  Delivery* delivery = nullptr;
  journal::Journal* journal = nullptr;
  runtime::Clock* clock = nullptr;
  runtime::IdSource* ids = nullptr;
  runtime::Metrics* metrics = nullptr;
  std::string host_name;
};

class Transaction {
 public:
  Transaction(const Doorway& doorway, const smtp::server::Session& machine, SessionId session)
      : doorway_(doorway), machine_(machine), session_(session) {}

  /// The 220: it tells the peer the id under which stories and log lines know this session.
  [[nodiscard]] smtp::Reply greeting() const;

  /// MAIL was accepted: a new id, a story that begins with the connection. `login`: who submits; empty: nobody.
  void begin(const smtp::server::Mail& mail, std::string login);
  /// MAIL was refused: the story says so; returns the reply with the id.
  [[nodiscard]] smtp::Reply refuse_sender(const smtp::server::Mail& mail, std::string login, smtp::Reply reply);
  [[nodiscard]] bool is_open() const { return arrival_ != nullptr; }
  /// Precondition for all below: is_open().
  [[nodiscard]] Arrival& arrival() { return *arrival_; }

  /// RCPT: decides, looks at the quota, takes the recipient or gives the reply that refuses it.
  [[nodiscard]] Task<std::optional<smtp::Reply>> add_recipient(const smtp::server::Recipient& recipient,
                                                               Relaying relaying);
  /// Puts a refusal of RCPT into the story; returns the reply with the id.
  [[nodiscard]] smtp::Reply refuse_recipient(std::string_view recipient, smtp::Reply reply);
  /// The machine refused a command by itself. Told where it concerns a message: MAIL, or anything in a transaction.
  void note_refused(const smtp::server::Refused& refused);

  /// The octets of the message. Where they cannot be kept any more the rest is dropped and end_message() says why.
  void begin_message();
  [[nodiscard]] bool take_now(Octets octets);
  [[nodiscard]] Task<> take(Octets octets);
  /// Reads the header and makes the Received field; a reply refuses the message.
  [[nodiscard]] std::optional<smtp::Reply> end_message();

  /// After end_message(): the client's name as the DNS vouches for it, for the Received field.
  void name_client(std::string name);

  /// Hands the message to delivery and ends the transaction: the reply to give.
  [[nodiscard]] Task<smtp::Reply> deliver();
  /// Ends the transaction with a refusal of the whole message, which its story keeps; returns the reply with the id.
  [[nodiscard]] smtp::Reply refuse(smtp::Reply reply);
  /// Ends it without a message. The story is kept where there is something to tell, a refusal: then its id is given.
  std::string drop(const smtp::Reply* reason);

 private:
  void open(address::ReversePath sender, std::string login);
  void tell_connection();
  void tell_recipients_refused(const smtp::Reply& reply);
  [[nodiscard]] Task<bool> is_over_quota(const Recipient& recipient);
  [[nodiscard]] message::ReceivedTrace received_trace(std::string client_name) const;
  void record_refused();

  const Doorway& doorway_;
  const smtp::server::Session& machine_;
  SessionId session_;
  std::unique_ptr<Arrival> arrival_;  // an idle session holds none
  std::unique_ptr<storage::Intake> intake_;
  std::optional<smtp::Reply> intake_failure_;
  bool has_8bit_ = false;       // in what has come of the message
  bool worth_telling_ = false;  // something was refused: the story is kept even if no message comes
};

}  // namespace posthorn::delivery
