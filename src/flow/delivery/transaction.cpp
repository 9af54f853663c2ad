#include "flow/delivery/transaction.h"

#include <fmt/format.h>

#include "standards/message/message_id.h"

namespace posthorn::delivery {
namespace {

using journal::Outcome;
using journal::Stage;
using smtp::EnhancedStatus;
using smtp::Reply;

/// The id lets both sides' administrators speak of the same message.
Reply with_id(Reply reply, MailId id) {
  reply.text += fmt::format(" ({})", id.text());
  return reply;
}

}  // namespace

void Transaction::begin(const smtp::server::Mail& mail, std::string login) {
  arrival_ = std::make_unique<Arrival>();
  intake_.reset();
  intake_failure_.reset();
  worth_telling_ = false;
  arrival_->id = doorway_.ids->make<MailId>();
  arrival_->at = doorway_.clock->now();
  arrival_->sender = mail.path;
  arrival_->parameters = mail.parameters;
  arrival_->login = std::move(login);
  tell_connection();
}

void Transaction::tell_connection() {
  journal::Story& story = arrival_->story;
  const TimePoint at = arrival_->at;
  story.step(at, Stage::connection, "a client connected")
      .with("address", machine_.peer().address.text())
      .with("helo", machine_.hello_name())
      .with("session", session_.text());
  if (const auto* tls = machine_.tls())
    story.step(at, Stage::tls, "the connection is encrypted").with("version", tls->version).with("cipher", tls->cipher);
  if (!arrival_->login.empty())
    story.step(at, Stage::authentication, "the client logged in").with("login", machine_.login());
  story.step(at, Stage::envelope, "the sender was accepted")
      .with("sender", arrival_->sender.text())
      .with("with", smtp::with_protocol(machine_.protocol()));
  if (!arrival_->sender.is_null()) story.key(arrival_->sender.text());
}

Task<std::optional<Reply>> Transaction::add_recipient(const smtp::server::Recipient& recipient, Relaying relaying) {
  const auto snapshot = doorway_.directory->snapshot();
  auto decided = decide_recipient(*snapshot, recipient.path, recipient.parameters, relaying);
  if (!decided) co_return std::move(decided.error());
  if (const auto* to = std::get_if<directory::ToMailbox>(&decided->target)) {
    const auto* account = snapshot->account(to->account);
    // Only accounts with a quota cost a question to the store.
    if (account != nullptr && account->row.quota_octets > 0 && co_await is_over_quota(*to))
      co_return mailbox_full(decided->address);
  }
  arrival_->recipients.push_back(std::move(*decided));
  co_return std::nullopt;
}

Task<bool> Transaction::is_over_quota(const directory::ToMailbox& to) {
  auto question = [account = to.account](storage::Reader& reader) { return reader.usage(account); };
  const storage::UsageRow usage = co_await doorway_.store->read(std::move(question));
  const auto snapshot = doorway_.directory->snapshot();
  const auto* account = snapshot->account(to.account);
  if (account == nullptr) co_return false;
  // RFC 1870 6.1: where the client told the size, it counts already now.
  co_return usage.octets + arrival_->parameters.size.value_or(0) >= account->row.quota_octets;
}

void Transaction::note_refused(std::string_view recipient, const Reply& reply) {
  worth_telling_ = true;
  arrival_->story.key(recipient);
  arrival_->story.recipient(doorway_.clock->now(), Stage::envelope, "the recipient was refused", recipient,
                            Outcome::refused, "", reply.one_line());
}

void Transaction::begin_message() {
  intake_ = doorway_.store->intake(arrival_->id);
}

bool Transaction::take_now(Octets octets) {
  if (intake_failure_) return true;
  if (!intake_->fits_in_memory(octets.size())) return false;
  intake_->append_now(octets);
  return true;
}

Task<> Transaction::take(Octets octets) {
  if (intake_failure_) co_return;
  const auto appended = co_await intake_->append(octets);
  if (appended) co_return;
  intake_failure_ = storage_full();
  intake_.reset();  // what was written goes at once, the disk is full
}

std::optional<Reply> Transaction::end_message() {
  if (intake_failure_) return intake_failure_;
  arrival_->header = message::Header::parse(intake_->head());
  const message::Header& header = arrival_->header;
  if (header.overflowed() || header.octets().size() > doorway_.header_octets_max)
    return Reply(552, EnhancedStatus{5, 3, 4},
                 fmt::format("the header section is longer than {} octets", doorway_.header_octets_max));
  arrival_->edit = message::HeaderEdit(header);
  arrival_->at = doorway_.clock->now();  // the internal date is that of the whole message, not of MAIL
  arrival_->received = message::write_received(received_trace());
  arrival_->story.step(arrival_->at, Stage::data, "the message was read").with("octets", intake_->size());
  if (const auto id = message::parse_message_id(header.value("Message-ID").value_or("")))
    arrival_->story.message_id(*id);
  return std::nullopt;
}

message::ReceivedTrace Transaction::received_trace() const {
  message::ReceivedTrace trace;
  trace.helo = machine_.hello_name();
  trace.client = machine_.peer().address;
  trace.by = doorway_.host_name;
  trace.by_comment = "Posthorn";
  trace.with = smtp::with_protocol(machine_.protocol());
  if (const auto* tls = machine_.tls()) trace.tls = fmt::format("{} {}", tls->version, tls->cipher);
  trace.id = arrival_->id.text();
  // RFC 5321 4.4, 7.6: with several recipients "for" would tell each of the others.
  if (arrival_->recipients.size() == 1) trace.for_ = arrival_->recipients[0].address;
  trace.at = arrival_->at;
  return trace;
}

Task<Reply> Transaction::deliver() {
  auto accepted = co_await doorway_.delivery->accept(*arrival_, std::move(intake_));
  if (!accepted) co_return refuse(std::move(accepted.error()));
  Reply reply(250, EnhancedStatus{2, 0, 0}, fmt::format("Accepted as {}", arrival_->id.text()));
  arrival_.reset();
  co_return reply;
}

Reply Transaction::refuse(Reply reply) {
  const TimePoint now = doorway_.clock->now();
  for (const Recipient& recipient : arrival_->recipients) {
    arrival_->story.key(recipient.address);
    arrival_->story.recipient(now, Stage::delivery, "the message was refused", recipient.address, Outcome::refused, "",
                              reply.one_line());
  }
  const MailId id = arrival_->id;
  record_refused();
  return with_id(std::move(reply), id);
}

void Transaction::drop(const Reply* reason) {
  if (!arrival_) return;
  if (reason != nullptr) {
    arrival_->story.step(doorway_.clock->now(), Stage::data, "the message was not taken")
        .with("reply", reason->one_line());
    worth_telling_ = true;
  }
  if (worth_telling_) {
    record_refused();
  } else {
    arrival_.reset();
    intake_.reset();
  }
}

void Transaction::record_refused() {
  doorway_.journal->record(arrival_->id, arrival_->at, std::move(arrival_->story));
  arrival_.reset();
  intake_.reset();
}

}  // namespace posthorn::delivery
