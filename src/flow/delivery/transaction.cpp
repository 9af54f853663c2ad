#include "flow/delivery/transaction.h"

#include <fmt/format.h>

#include "flow/delivery/transaction_plan.h"
#include "foundation/text/ascii.h"
#include "standards/message/message_id.h"
#include "standards/message/transfer_encoding.h"

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

/// What stands between "<" and ">" of a refused command, so that its story is found by the address; empty: nothing.
std::string_view address_in(std::string_view command) {
  const auto begin = command.find('<');
  const auto end = command.find('>', std::min(begin, command.size()));
  return end == std::string_view::npos ? std::string_view() : command.substr(begin + 1, end - begin - 1);
}

/// Whether the section goes on beyond what the intake kept of it: nobody has seen the fields behind the cut.
bool is_cut(const message::Header& header, Octets head, std::uint64_t message_octets) {
  const bool has_end = head.ends_with("\r\n\r\n") || head == "\r\n" || header.missing_separator();
  return head.size() < message_octets && header.body_offset() == head.size() && !has_end;
}

}  // namespace

Reply Transaction::greeting() const {
  return {220, fmt::format("{} ESMTP Posthorn {}", doorway_.host_name, session_.text())};
}

void Transaction::begin(const smtp::server::Mail& mail, std::string login) {
  open(mail.path, std::move(login));
  arrival_->parameters = mail.parameters;
  smtp::WithProtocol protocol = machine_.protocol();
  protocol.smtputf8 = mail.parameters.smtputf8;  // the machine's transaction begins when MAIL has its answer
  arrival_->story.step(arrival_->at, Stage::envelope, "the sender was accepted")
      .with("sender", arrival_->sender.text())
      .with("with", smtp::with_protocol(protocol));
}

Reply Transaction::refuse_sender(const smtp::server::Mail& mail, std::string login, Reply reply) {
  open(mail.path, std::move(login));
  arrival_->story.step(arrival_->at, Stage::envelope, "the sender was refused")
      .with("sender", arrival_->sender.text())
      .with("reply", reply.one_line());
  const MailId id = arrival_->id;
  record_refused();
  return with_id(std::move(reply), id);
}

void Transaction::open(address::ReversePath sender, std::string login) {
  arrival_ = std::make_unique<Arrival>();
  intake_.reset();
  intake_failure_.reset();
  worth_telling_ = false;
  arrival_->id = doorway_.ids->make<MailId>();
  arrival_->at = doorway_.clock->now();
  arrival_->sender = std::move(sender);
  arrival_->login = std::move(login);
  if (!arrival_->login.empty()) arrival_->standing = SenderStanding::verified;
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
  if (!arrival_->sender.is_null()) story.key(arrival_->sender.text());
  story.key(session_.text());  // the peer was greeted with it, and log lines bear it
}

Task<std::optional<Reply>> Transaction::add_recipient(const smtp::server::Recipient& recipient, Relaying relaying) {
  const auto snapshot = doorway_.directory->snapshot();
  auto decided = decide_recipient(*snapshot, doorway_.host_name, recipient.path, recipient.parameters, relaying);
  if (!decided) co_return std::move(decided.error());
  if (co_await is_over_quota(*decided)) co_return mailbox_full(decided->address);
  arrival_->recipients.push_back(std::move(*decided));
  co_return std::nullopt;
}

/// A group is full where all its members are: one full mailbox does not keep the mail from the others, and is overrun.
Task<bool> Transaction::is_over_quota(const Recipient& recipient) {
  const auto snapshot = doorway_.directory->snapshot();
  std::vector<std::pair<storage::AccountId, std::uint64_t>> quotas;
  for (const directory::ToMailbox& to : mailboxes_of(recipient)) {
    const auto* account = snapshot->account(to.account);
    // Only accounts with a quota cost a question to the store.
    if (account == nullptr || account->row.quota_octets == 0) co_return false;
    quotas.emplace_back(to.account, account->row.quota_octets);
  }
  if (quotas.empty()) co_return false;
  // RFC 1870 6.1: where the client told the size, it counts already now.
  auto question = [quotas = std::move(quotas),
                   coming = arrival_->parameters.size.value_or(0)](storage::Reader& reader) {
    return std::ranges::all_of(quotas, [&](const auto& each) {
      const auto& [account, quota] = each;
      const std::uint64_t used = reader.usage(account).octets;
      return used >= quota || coming > quota - used;
    });
  };
  co_return co_await doorway_.store->read(std::move(question));
}

Reply Transaction::refuse_recipient(std::string_view recipient, Reply reply) {
  worth_telling_ = true;
  arrival_->story.key(recipient);
  arrival_->story.recipient(doorway_.clock->now(), Stage::envelope, "the recipient was refused", recipient,
                            Outcome::refused, "", reply.one_line());
  return with_id(std::move(reply), arrival_->id);
}

void Transaction::note_refused(const smtp::server::Refused& refused) {
  const bool begins_one = !is_open() && text::istarts_with(refused.command, "MAIL");
  if (!is_open() && !begins_one) return;
  if (begins_one) open({}, std::string(machine_.login()));
  worth_telling_ = true;
  arrival_->story.step(doorway_.clock->now(), Stage::envelope, "a command was refused")
      .with("command", refused.command)
      .with("reply", refused.reply.one_line());
  if (const auto address = address_in(refused.command); !address.empty()) arrival_->story.key(address);
  if (begins_one) record_refused();
}

void Transaction::begin_message() {
  intake_ = doorway_.store->intake(arrival_->id);
  has_8bit_ = false;
}

bool Transaction::take_now(Octets octets) {
  if (intake_failure_) return true;
  if (!intake_->fits_in_memory(octets.size())) return false;
  has_8bit_ = has_8bit_ || message::has_8bit(octets);
  intake_->append_now(octets);
  return true;
}

Task<> Transaction::take(Octets octets) {
  if (intake_failure_) co_return;
  has_8bit_ = has_8bit_ || message::has_8bit(octets);
  const auto appended = co_await intake_->append(octets);
  if (appended) co_return;
  intake_failure_ = storage_full();
  intake_.reset();  // what was written goes at once, the disk is full
}

std::optional<Reply> Transaction::end_message() {
  if (intake_failure_) return intake_failure_;
  const Octets head = intake_->head();
  arrival_->header = message::Header::parse(head);
  const message::Header& header = arrival_->header;
  const std::uint64_t octets_max = doorway_.delivery->rules()->header_octets_max;
  if (header.overflowed() || header.octets().size() > octets_max || is_cut(header, head, intake_->size()))
    return Reply(552, EnhancedStatus{5, 3, 4},
                 fmt::format("the header section is too large: this server takes up to {} octets and {} fields",
                             octets_max, message::header_fields_max));
  // RFC 6152 3: what the octets are decides who can be given them, whether BODY said so or not.
  if (has_8bit_) arrival_->parameters.body = smtp::Body::eight_bit_mime;
  arrival_->edit = message::HeaderEdit(header);
  arrival_->at = doorway_.clock->now();  // the internal date is that of the whole message, not of MAIL
  arrival_->received = message::write_received(received_trace({}));
  arrival_->story.step(arrival_->at, Stage::data, "the message was read").with("octets", intake_->size());
  if (auto id = message::parse_message_id(header.value("Message-ID").value_or(""))) {
    arrival_->story.message_id(*id);
    arrival_->message_id = std::move(*id);
  }
  return std::nullopt;
}

void Transaction::name_client(std::string name) {
  arrival_->received = message::write_received(received_trace(std::move(name)));
}

message::ReceivedTrace Transaction::received_trace(std::string client_name) const {
  message::ReceivedTrace trace;
  trace.client_name = std::move(client_name);
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
  Reply reply(250, EnhancedStatus{2, 0, 0}, "Accepted as " + arrival_->id.text());
  arrival_.reset();
  co_return reply;
}

void Transaction::tell_recipients_refused(const Reply& reply) {
  const TimePoint now = doorway_.clock->now();
  for (const Recipient& recipient : arrival_->recipients) {
    arrival_->story.key(recipient.address);
    arrival_->story.recipient(now, Stage::delivery, "the message was refused", recipient.address, Outcome::refused, "",
                              reply.one_line());
  }
}

Reply Transaction::refuse(Reply reply) {
  tell_recipients_refused(reply);
  const MailId id = arrival_->id;
  // A message that is put off comes again, and is counted then.
  if (!reply.code.is_permanent()) arrival_->with_story.clear();
  record_refused();
  return with_id(std::move(reply), id);
}

std::string Transaction::drop(const Reply* reason) {
  if (!arrival_) return {};
  if (reason != nullptr) {
    arrival_->story.step(doorway_.clock->now(), Stage::data, "the message was not taken")
        .with("reply", reason->one_line());
    tell_recipients_refused(*reason);
    worth_telling_ = true;
  }
  if (!worth_telling_) {
    arrival_.reset();
    intake_.reset();
    return {};
  }
  std::string id = arrival_->id.text();
  record_refused();
  return id;
}

void Transaction::record_refused() {
  doorway_.journal->record(arrival_->id, arrival_->at, std::move(arrival_->story), std::move(arrival_->with_story));
  arrival_.reset();
  intake_.reset();
}

}  // namespace posthorn::delivery
