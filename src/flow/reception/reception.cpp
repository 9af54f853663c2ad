#include "flow/reception/reception.h"

#include "flow/reception/judge.h"

namespace posthorn::reception {

namespace server = smtp::server;
using smtp_service::Answer;

/// One session of this door.
class ReceptionHandler final : public smtp_service::SessionHandler {
 public:
  ReceptionHandler(Reception& door, smtp_service::SessionContext context)
      : door_(door), context_(std::move(context)), transaction_(door_.doorway_, context_.machine, context_.id) {}

  Task<Answer> connected() override { co_return transaction_.greeting(); }
  Task<Answer> hello(const server::Hello&) override { co_return std::nullopt; }

  Task<Answer> mail(const server::Mail& mail) override {
    transaction_.begin(mail, "");
    if (door_.verifies()) {
      const runtime::Executor executor = co_await runtime::current_executor();
      verification_ = std::make_unique<verification::Verification>(door_.trust_.around, executor);
      verification_->begin(session(), std::exchange(known_, std::nullopt));
    }
    co_return std::nullopt;
  }

  Task<Answer> recipient(const server::Recipient& recipient) override {
    auto refusal = co_await transaction_.add_recipient(recipient, delivery::Relaying::denied);
    if (refusal) refusal = transaction_.refuse_recipient(recipient.path.text(), std::move(*refusal));
    co_return refusal;
  }

  Task<Answer> message_begins() override {
    transaction_.begin_message();
    co_return std::nullopt;
  }

  bool take_now(Octets octets) override {
    if (!transaction_.take_now(octets)) return false;
    if (verification_) verification_->feed(octets);
    return true;
  }
  Task<> message_octets(Octets octets) override {
    if (verification_) verification_->feed(octets);
    return transaction_.take(octets);
  }

  Task<smtp::Reply> message_ends() override {
    const auto verification = std::move(verification_);
    std::optional<smtp::Reply> refusal = transaction_.end_message();
    if (!refusal) remove_forged_results(transaction_.arrival(), door_.doorway_.host_name);
    if (!refusal && verification) refusal = co_await judge(*verification);
    if (refusal) {
      door_.refused_.add();
      log_outcome(*refusal);
      co_return transaction_.refuse(std::move(*refusal));
    }
    smtp::Reply reply = co_await transaction_.deliver();
    (reply.code.is_positive() ? door_.accepted_ : door_.refused_).add();
    log_outcome(reply);
    co_return reply;
  }

  std::string transaction_dropped(const smtp::Reply* reason) override {
    verification_.reset();
    return transaction_.drop(reason);
  }

  void refused(const server::Refused& refused) override {
    transaction_.note_refused(refused);
    context_.log.info("command refused", {{"command", refused.command}, {"reply", refused.reply.one_line()}});
  }

  void closed(server::CloseReason) override {
    verification_.reset();
    transaction_.drop(nullptr);
  }

 private:
  [[nodiscard]] verification::Session session() {
    return {context_.machine.peer().address, transaction_.arrival().sender.text(),
            std::string(context_.machine.hello_name()), door_.doorway_.host_name};
  }

  /// What the verdicts on its origin make of the message: a refusal, or the marks that delivery goes by.
  Task<std::optional<smtp::Reply>> judge(verification::Verification& verification) {
    const auto rules = door_.rules_.load();
    verification::Verdicts verdicts = co_await verification.finish(rules->time_max);
    const auto directory = door_.doorway_.directory->snapshot();
    const iprev::Outcome& iprev = verdicts.session->iprev;
    if (iprev.result == iprev::Result::pass) transaction_.name_client(iprev.name);
    delivery::Arrival& arrival = transaction_.arrival();
    const verification::Decision decision =
        apply_verdicts(arrival, verdicts, *rules, *directory, door_.doorway_.host_name);
    door_.observe(context_.machine, arrival, verdicts, decision);
    known_ = verification.known(std::move(*verdicts.session));
    co_return decision.refusal;
  }

  void log_outcome(const smtp::Reply& reply) const {
    if (!context_.log.enabled(runtime::LogLevel::info)) return;
    context_.log.info(reply.code.is_positive() ? "message accepted" : "message refused",
                      {{"peer", context_.machine.peer().address.text()}, {"reply", reply.one_line()}});
  }

  Reception& door_;
  smtp_service::SessionContext context_;
  delivery::Transaction transaction_;
  std::unique_ptr<verification::Verification> verification_;  // from MAIL to the end of the message
  std::optional<verification::KnownSession> known_;           // from the end of a message to the next MAIL
};

Reception::Reception(delivery::Doorway doorway, Trust trust, config::Verification rules)
    : doorway_(std::move(doorway)),
      trust_(std::move(trust)),
      rules_(std::make_shared<const config::Verification>(std::move(rules))),
      accepted_(doorway_.metrics->counter("posthorn_reception_messages_total", "Messages from other hosts.",
                                          {{"outcome", "accepted"}})),
      refused_(doorway_.metrics->counter("posthorn_reception_messages_total", "Messages from other hosts.",
                                         {{"outcome", "refused"}})),
      verdicts_(*doorway_.metrics) {}

void Reception::reconfigure(config::Verification rules) {
  rules_.store(std::make_shared<const config::Verification>(std::move(rules)));
}

bool Reception::verifies() const {
  return trust_.around.resolver != nullptr && rules_.load()->enabled;
}

void Reception::observe(const server::Session& machine, delivery::Arrival& arrival,
                        const verification::Verdicts& verdicts, const verification::Decision& decision) {
  verdicts_.count(verdicts, decision);
  if (trust_.observers.empty()) return;
  const auto* sender = arrival.sender.mailbox_or_null();
  const verification::Observation observation{arrival.id,
                                              arrival.at,
                                              machine.peer().address,
                                              std::string(machine.hello_name()),
                                              sender != nullptr ? sender->host_text() : std::string(),
                                              recipient_domains(arrival),
                                              verdicts,
                                              decision};
  for (verification::Observer* observer : trust_.observers) observer->observed(observation, arrival.with_story);
}

std::unique_ptr<smtp_service::SessionHandler> Reception::make(smtp_service::SessionContext context) {
  return std::make_unique<ReceptionHandler>(*this, std::move(context));
}

}  // namespace posthorn::reception
