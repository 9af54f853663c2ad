#include "flow/submission/submission.h"

#include <fmt/format.h>

#include "flow/submission/author.h"

namespace posthorn::submission {

namespace server = smtp::server;
using smtp::EnhancedStatus;
using smtp::Reply;
using smtp_service::Answer;

namespace {

/// RFC 4954 6: 454 4.7.0 says "not now", so that clients keep the password. A wrong one gets 535 from the machine.
std::optional<Reply> temporary_reply(directory::AuthFailure failure) {
  if (failure == directory::AuthFailure::throttled)
    return Reply(454, EnhancedStatus{4, 7, 0}, "too many wrong passwords; wait a quarter of an hour");
  if (failure == directory::AuthFailure::busy)
    return Reply(454, EnhancedStatus{4, 7, 0}, "too many are logging in at this moment; try again");
  return std::nullopt;
}

bool is_parked(const directory::Snapshot& directory, const address::Mailbox& sender) {
  const auto* domain = sender.domain();
  const auto* row = domain != nullptr ? directory.domain(domain->a_label()) : nullptr;
  return row != nullptr && row->is_parked();
}

Reply not_own_sender(const address::Mailbox& sender) {
  return {550, EnhancedStatus{5, 7, 1},
          fmt::format("<{}> is not an address of this login; an administrator can add it as an address or a group",
                      sender.text())};
}

Reply too_many(std::string_view what) {
  return {451, EnhancedStatus{4, 7, 1},
          fmt::format("this login has sent too many {} within an hour; try again later", what)};
}

}  // namespace

/// One session of this door.
class SubmissionHandler final : public smtp_service::SessionHandler {
 public:
  SubmissionHandler(Submission& door, smtp_service::SessionContext context)
      : door_(door), context_(std::move(context)), transaction_(door_.doorway_, context_.machine, context_.id) {}

  Task<Answer> connected() override { co_return transaction_.greeting(); }
  Task<Answer> hello(const server::Hello&) override { co_return std::nullopt; }
  Task<Answer> mail(const server::Mail& mail) override;
  Task<Answer> recipient(const server::Recipient& recipient) override;
  Task<Answer> message_begins() override;
  bool take_now(Octets octets) override;
  Task<> message_octets(Octets octets) override;
  Task<Reply> message_ends() override;
  std::string transaction_dropped(const Reply* reason) override { return transaction_.drop(reason); }
  void refused(const server::Refused& refused) override {
    transaction_.note_refused(refused);
    context_.log.info("command refused", {{"command", refused.command}, {"reply", refused.reply.one_line()}});
  }
  void closed(server::CloseReason) override { transaction_.drop(nullptr); }

  Task<Result<bool, CannotCheck>> check_password(const server::CheckPassword& question) override;
  Task<Result<std::optional<sasl::ScramVerifier>, CannotCheck>> find_scram_verifier(
      const server::FindScramVerifier& question) override;
  void authenticated(const server::Authenticated& event) override;
  void authentication_failed(const server::AuthenticationFailed& event) override;

  [[nodiscard]] const std::optional<directory::Identity>& identity() const { return identity_; }

 private:
  [[nodiscard]] IpAddress peer() const { return context_.machine.peer().address; }
  /// Whether this session may still send: its login was not revoked meanwhile, its account not switched off.
  [[nodiscard]] bool is_current(const directory::Snapshot& directory) const;
  [[nodiscard]] std::optional<Reply> inspect_sender(const server::Mail& mail);
  [[nodiscard]] std::optional<Reply> inspect_message();
  [[nodiscard]] Task<> sign_message();

  Submission& door_;
  smtp_service::SessionContext context_;
  delivery::Transaction transaction_;
  std::optional<signing::BodyHash> body_hash_;  // while a message comes in and something is signed here
  std::optional<directory::Identity> identity_;
  directory::AuthFailure why_not_{};  // where there is no identity though the peer is logged in
};

Task<Result<bool, smtp_service::SessionHandler::CannotCheck>> SubmissionHandler::check_password(
    const server::CheckPassword& question) {
  // Acting as somebody else is not offered; naming oneself is harmless.
  const bool acts_as_other = !question.authzid.empty() && question.authzid != question.authcid;
  auto identity =
      co_await door_.authenticator_.password(question.authcid, question.password, peer(), directory::Scope::smtp);
  if (!identity) {
    context_.log.info("login refused", {{"login", question.authcid}, {"reason", directory::explain(identity.error())}});
    if (auto reply = temporary_reply(identity.error())) co_return fail(CannotCheck{std::move(*reply)});
    co_return false;
  }
  if (acts_as_other) co_return false;
  identity_ = std::move(*identity);
  co_return true;
}

Task<Result<std::optional<sasl::ScramVerifier>, smtp_service::SessionHandler::CannotCheck>>
SubmissionHandler::find_scram_verifier(const server::FindScramVerifier& question) {
  auto verifier = door_.authenticator_.scram_verifier(question.authcid, peer());
  if (!verifier) {
    auto reply = temporary_reply(verifier.error());
    if (reply) co_return fail(CannotCheck{std::move(*reply)});
    co_return std::optional<sasl::ScramVerifier>{};
  }
  if (!question.authzid.empty() && question.authzid != question.authcid) co_return std::optional<sasl::ScramVerifier>{};
  co_return std::move(*verifier);
}

void SubmissionHandler::authenticated(const server::Authenticated& event) {
  if (!sasl::sends_password(event.mechanism)) {
    // A login out of scope or switched off proves its secret and may still not send: MAIL will be refused.
    auto identity = door_.authenticator_.scram_finished(event.authcid, true, peer(), directory::Scope::smtp);
    if (identity) {
      identity_ = std::move(*identity);
    } else {
      why_not_ = identity.error();
    }
  }
  context_.log.info("logged in",
                    {{"login", event.authcid}, {"mechanism", sasl::name(event.mechanism)}, {"peer", peer().text()}});
}

void SubmissionHandler::authentication_failed(const server::AuthenticationFailed& event) {
  if (!sasl::sends_password(event.mechanism))
    (void)door_.authenticator_.scram_finished(event.authcid, false, peer(), directory::Scope::smtp);
  context_.log.info("login failed", {{"login", event.authcid}, {"reason", event.reason}, {"peer", peer().text()}});
}

bool SubmissionHandler::is_current(const directory::Snapshot& directory) const {
  const auto* account = directory.account(identity_->account);
  if (account == nullptr || !account->row.enabled) return false;
  return identity_->login.value == 0 || directory.login(identity_->login) != nullptr;
}

std::optional<Reply> SubmissionHandler::inspect_sender(const server::Mail& mail) {
  if (!identity_)
    return Reply(530, EnhancedStatus{5, 7, 0},
                 fmt::format("this login may not send mail: {}", directory::explain(why_not_)));
  const auto snapshot = door_.doorway_.directory->snapshot();
  // RFC 8098 3: read receipts of mail programs come with the null sender; their From is checked like any other.
  if (const auto* sender = mail.path.mailbox_or_null()) {
    if (is_parked(*snapshot, *sender))
      return Reply(550, EnhancedStatus{5, 7, 1}, fmt::format("{} is parked: it sends no mail", sender->host_text()));
    if (!snapshot->may_send_as(identity_->account, *sender)) return not_own_sender(*sender);
  }
  if (!door_.rates_.take_message(identity_->address, door_.doorway_.clock->now())) {
    context_.log.warning("a login sends too many messages", {{"login", identity_->login_name}});
    return too_many("messages");
  }
  return std::nullopt;
}

Task<Answer> SubmissionHandler::mail(const server::Mail& mail) {
  std::string login = identity_ ? identity_->address : std::string(context_.machine.login());
  if (auto refusal = inspect_sender(mail)) {
    context_.log.info("sender refused", {{"login", login}, {"reply", refusal->one_line()}});
    co_return transaction_.refuse_sender(mail, std::move(login), std::move(*refusal));
  }
  transaction_.begin(mail, std::move(login));
  co_return std::nullopt;
}

Task<Answer> SubmissionHandler::recipient(const server::Recipient& recipient) {
  std::optional<Reply> refusal;
  if (!door_.rates_.take_recipient(identity_->address, door_.doorway_.clock->now())) {
    context_.log.warning("a login sends to too many recipients", {{"login", identity_->login_name}});
    refusal = too_many("recipients");
  } else {
    refusal = co_await transaction_.add_recipient(recipient, delivery::Relaying::permitted);
  }
  if (refusal) refusal = transaction_.refuse_recipient(recipient.path.text(), std::move(*refusal));
  co_return refusal;
}

std::optional<Reply> SubmissionHandler::inspect_message() {
  if (auto refusal = transaction_.end_message()) return refusal;
  delivery::Arrival& arrival = transaction_.arrival();
  const auto snapshot = door_.doorway_.directory->snapshot();
  // Its session ends when nothing is open; a message that was on its way when the login was revoked is not taken.
  if (!is_current(*snapshot))
    return Reply(421, EnhancedStatus{4, 7, 0}, "this login was revoked or its account switched off");
  if (auto refusal = check_author(*snapshot, identity_->account, arrival.header)) return refusal;
  if (const std::string added = mend(arrival.header, arrival.edit, arrival.id, door_.doorway_.host_name, arrival.at);
      !added.empty()) {
    arrival.story.message_id(added);
    arrival.message_id = added;
  }
  return std::nullopt;
}

Task<Answer> SubmissionHandler::message_begins() {
  transaction_.begin_message();
  body_hash_.reset();
  if (door_.doorway_.delivery->signs()) body_hash_.emplace();
  co_return std::nullopt;
}

bool SubmissionHandler::take_now(Octets octets) {
  if (!transaction_.take_now(octets)) return false;
  if (body_hash_) body_hash_->feed(octets);
  return true;
}

Task<> SubmissionHandler::message_octets(Octets octets) {
  if (body_hash_) body_hash_->feed(octets);
  return transaction_.take(octets);
}

Task<> SubmissionHandler::sign_message() {
  std::string hash = body_hash_ ? body_hash_->finish() : std::string();
  body_hash_.reset();
  co_await door_.doorway_.delivery->sign(transaction_.arrival(), signing::Origin::author, std::move(hash));
}

Task<Reply> SubmissionHandler::message_ends() {
  if (auto refusal = inspect_message()) {
    door_.refused_.add();
    co_return transaction_.refuse(std::move(*refusal));
  }
  co_await sign_message();
  Reply reply = co_await transaction_.deliver();
  (reply.code.is_positive() ? door_.accepted_ : door_.refused_).add();
  context_.log.info(reply.code.is_positive() ? "message accepted" : "message refused",
                    {{"login", identity_->login_name}, {"reply", reply.one_line()}});
  co_return reply;
}

Submission::Submission(delivery::Doorway doorway, directory::Authenticator& authenticator, RateLimiter& rates)
    : doorway_(std::move(doorway)),
      authenticator_(authenticator),
      rates_(rates),
      scram_logins_(*doorway_.directory, directory::Scope::smtp),
      accepted_(doorway_.metrics->counter("posthorn_submission_messages_total", "Messages from authors with a login.",
                                          {{"outcome", "accepted"}})),
      refused_(doorway_.metrics->counter("posthorn_submission_messages_total", "Messages from authors with a login.",
                                         {{"outcome", "refused"}})) {}

std::unique_ptr<smtp_service::SessionHandler> Submission::make(smtp_service::SessionContext context) {
  return std::make_unique<SubmissionHandler>(*this, std::move(context));
}

bool Submission::is_revoked(smtp_service::SessionHandler& session, const directory::Revocation& revocation) {
  const auto* handler = dynamic_cast<SubmissionHandler*>(&session);  // another door's sessions have no login
  if (handler == nullptr || !handler->identity() || handler->identity()->account != revocation.account) return false;
  return !revocation.login || *revocation.login == handler->identity()->login;
}

}  // namespace posthorn::submission
