// SmtpCourier: carries parcels to one next hop. Walks the hosts of targets.h until every recipient has a final answer
// or none is left; keeps the connection on which the last parcel went well.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/relay/connection.h"
#include "flow/relay/needs.h"
#include "flow/relay/relay.h"
#include "flow/relay/targets.h"

namespace posthorn::relay {

/// One parcel's way: who has an answer, and what the others were told last.
class Attempt {
 public:
  explicit Attempt(const queue::Parcel& parcel);

  /// Positions in the parcel's recipients that have no final answer and may still be tried.
  [[nodiscard]] std::vector<std::size_t> open() const;
  [[nodiscard]] bool is_over() const { return open().empty(); }
  /// Takes note of a transaction's outcome for these recipients; `host` said it.
  void note(const std::vector<std::size_t>& who, const smtp::client::TransactionOutcome& outcome,
            const std::string& host);
  /// No session came about with this host.
  void note_no_session(const smtp::client::Outcome& failure, const std::string& host);
  /// A recipient whose address cannot go into a command.
  void note_unspeakable(std::size_t who);
  /// There are no more hosts: gives those without an answer the last word.
  void end(const NoTarget& ending);
  /// Recipients the peer found too many in this transaction (RFC 5321 4.5.3.1.10): to be sent at once in another.
  [[nodiscard]] std::vector<std::size_t> take_surplus();

  /// This host cannot be given such a mail at all, another may: as the client says of SMTPUTF8 and its like.
  void note_not_here(const smtp::Reply& reply, const std::string& host);

  [[nodiscard]] queue::Delivery take_delivery();
  queue::Delivery delivery;

 private:
  struct Recipient {
    std::optional<queue::Fate> fate;
    bool told = false;   ///< `verdict` comes from a session
    bool local = false;  ///< `verdict` is our own, permanent, and holds for the hosts tried so far
    bool dsn_passed_on = false;
    queue::Verdict verdict;
  };
  void note_one(Recipient& recipient, const smtp::client::Outcome& outcome, const std::string& host);

  const queue::Parcel& parcel_;
  std::vector<Recipient> recipients_;
  std::vector<std::size_t> surplus_;
  bool spoke_ = false;       ///< a session came about
  bool overloaded_ = false;  ///< somebody asked us to go slower
  bool unsettled_ = false;   ///< a host could not give a final answer
};

class SmtpCourier final : public queue::Courier {
 public:
  SmtpCourier(std::shared_ptr<const RelayOffice::Shared> office, net::Loop& loop, std::string next_hop);

  [[nodiscard]] Task<queue::Delivery> deliver(queue::Parcel parcel) override;
  [[nodiscard]] bool is_warm() const override { return connection_ != nullptr && connection_->is_ready(); }
  [[nodiscard]] Task<> rest() override;

 private:
  [[nodiscard]] Task<> carry_warm(const queue::Parcel& parcel, Attempt& attempt);
  [[nodiscard]] Task<> carry_to(const queue::Parcel& parcel, Attempt& attempt, Target target,
                                std::shared_ptr<const Protection> protection);
  [[nodiscard]] Task<bool> connect(Attempt& attempt, ConnectionPlan plan);
  [[nodiscard]] Task<smtp::client::TransactionOutcome> transact(const queue::Parcel& parcel, Attempt& attempt,
                                                                std::vector<std::size_t> who, bool reused);
  [[nodiscard]] Task<Result<void, Problem>> declare(const queue::Parcel& parcel, smtp::MailParameters& parameters);
  [[nodiscard]] Task<> carry_on(const queue::Parcel& parcel, Attempt& attempt);
  [[nodiscard]] Task<> carry_in_plain(const queue::Parcel& parcel, Attempt& attempt);
  [[nodiscard]] Task<> transact_all(const queue::Parcel& parcel, Attempt& attempt, std::vector<std::size_t>& left,
                                    bool reused);
  [[nodiscard]] std::optional<ConnectionPlan> plan_for(const Target& target, const IpAddress& address) const;

  // ---- transport security (transport.cpp)
  [[nodiscard]] bool may_carry_warm(const queue::Parcel& parcel) const;
  [[nodiscard]] Task<std::shared_ptr<const Protection>> protect(const queue::Parcel& parcel, Attempt& attempt,
                                                                const Target& target, const Targets& targets);
  [[nodiscard]] Task<StsFound> policy_of_domain(Attempt& attempt);
  [[nodiscard]] bool is_ruled_out(const queue::Parcel& parcel, Attempt& attempt, const Target& target,
                                  const Protection& protection);
  void tell_ruled_out(Attempt& attempt, const Target& target, const std::string& why) const;
  void report(const Connection& connection) const;
  void report(const Protection& protection, const std::string& host, const IpAddress* address,
              const TlsResult& result) const;
  void tell(Attempt& attempt, const Connection& connection, const smtp::client::Outcome& outcome, TimePoint began,
            bool reused, bool with_dialogue);
  [[nodiscard]] Task<> keep_or_drop();

  std::shared_ptr<const RelayOffice::Shared> office_;
  net::Loop& loop_;
  std::string next_hop_;
  std::unique_ptr<Connection> connection_;
  std::optional<StsFound> sts_;           // of this parcel's attempt
  std::optional<Needs> needs_;            // the same, once a host had less than was declared
  std::vector<ConnectionPlan> in_plain_;  // hosts of this attempt that said no to STARTTLS
};

}  // namespace posthorn::relay
