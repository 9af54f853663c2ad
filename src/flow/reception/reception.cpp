#include "flow/reception/reception.h"

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

  bool take_now(Octets octets) override { return transaction_.take_now(octets); }
  Task<> message_octets(Octets octets) override { return transaction_.take(octets); }

  Task<smtp::Reply> message_ends() override {
    if (auto refusal = transaction_.end_message()) {
      door_.refused_.add();
      co_return transaction_.refuse(std::move(*refusal));
    }
    smtp::Reply reply = co_await transaction_.deliver();
    (reply.code.is_positive() ? door_.accepted_ : door_.refused_).add();
    log_outcome(reply);
    co_return reply;
  }

  void transaction_dropped(const smtp::Reply* reason) override { transaction_.drop(reason); }

  void refused(const server::Refused& refused) override {
    transaction_.note_refused(refused);
    context_.log.info("command refused", {{"command", refused.command}, {"reply", refused.reply.one_line()}});
  }

  void closed(server::CloseReason) override { transaction_.drop(nullptr); }

 private:
  void log_outcome(const smtp::Reply& reply) const {
    if (!context_.log.enabled(runtime::LogLevel::info)) return;
    context_.log.info(reply.code.is_positive() ? "message accepted" : "message refused",
                      {{"peer", context_.machine.peer().address.text()}, {"reply", reply.one_line()}});
  }

  Reception& door_;
  smtp_service::SessionContext context_;
  delivery::Transaction transaction_;
};

Reception::Reception(delivery::Doorway doorway, Trust trust, config::Verification rules)
    : doorway_(std::move(doorway)),
      trust_(std::move(trust)),
      rules_(std::make_shared<const config::Verification>(std::move(rules))),
      accepted_(doorway_.metrics->counter("posthorn_reception_messages_total", "Messages from other hosts.",
                                          {{"outcome", "accepted"}})),
      refused_(doorway_.metrics->counter("posthorn_reception_messages_total", "Messages from other hosts.",
                                         {{"outcome", "refused"}})) {}

void Reception::reconfigure(config::Verification rules) {
  rules_.store(std::make_shared<const config::Verification>(std::move(rules)));
}

std::unique_ptr<smtp_service::SessionHandler> Reception::make(smtp_service::SessionContext context) {
  return std::make_unique<ReceptionHandler>(*this, std::move(context));
}

}  // namespace posthorn::reception
