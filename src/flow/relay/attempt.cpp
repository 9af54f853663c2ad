// What each answer means for a recipient (RFC 5321 4.2.1, 5.1; the table in docs/states/queue.md).
#include <algorithm>

#include "flow/relay/courier.h"

namespace posthorn::relay {

namespace client = smtp::client;

namespace {

/// 421 and 4.7.x are said to us, not to the message; but 4.7.x to RCPT is what greylisting says of one recipient.
bool asks_for_less(const client::Outcome& outcome) {
  if (outcome.cause != client::Cause::reply) return false;
  if (outcome.reply.code.value == 421) return true;
  if (outcome.stage == client::Stage::rcpt || !outcome.reply.enhanced) return false;
  return outcome.reply.code.is_temporary() && outcome.reply.enhanced->subject == 7;
}

/// RFC 5321 4.5.3.1.10: 452 to RCPT, or the 552 of older servers.
bool is_too_many(const client::Outcome& outcome) {
  const auto code = outcome.reply.code.value;
  return outcome.stage == client::Stage::rcpt && outcome.cause == client::Cause::reply &&
         (code == 452 || code == 552) && (!outcome.reply.enhanced || outcome.reply.enhanced->subject == 5);
}

std::string default_status(const smtp::Reply& reply) {
  if (reply.enhanced) return reply.enhanced->text();
  if (reply.code.is_completion()) return "2.0.0";
  return reply.code.is_permanent() ? "5.0.0" : "4.0.0";
}

queue::Verdict verdict_of(const client::Outcome& outcome, const std::string& host) {
  queue::Verdict verdict;
  verdict.code = outcome.reply.code.value;
  verdict.status = default_status(outcome.reply);
  verdict.status_said = outcome.reply.enhanced.has_value();
  verdict.text = outcome.reply.text;
  std::ranges::replace(verdict.text, '\n', ' ');
  verdict.host = host;
  verdict.by_peer = outcome.cause == client::Cause::reply;
  if (!verdict.by_peer) verdict.code = 0;
  return verdict;
}

}  // namespace

Attempt::Attempt(const queue::Parcel& parcel) : parcel_(parcel), recipients_(parcel.recipients.size()) {}

std::vector<std::size_t> Attempt::open() const {
  std::vector<std::size_t> who;
  for (std::size_t i = 0; i < recipients_.size(); ++i)
    if (!recipients_[i].fate) who.push_back(i);
  return who;
}

void Attempt::note(const std::vector<std::size_t>& who, const client::TransactionOutcome& outcome,
                   const std::string& host) {
  spoke_ = true;
  const bool some_accepted = std::ranges::any_of(
      outcome.recipients, [](const client::Outcome& one) { return one.stage != client::Stage::rcpt; });
  for (std::size_t i = 0; i < who.size() && i < outcome.recipients.size(); ++i) {
    const client::Outcome& one = outcome.recipients[i];
    overloaded_ = overloaded_ || asks_for_less(one) || one.cause == client::Cause::disconnected ||
                  one.cause == client::Cause::timeout;
    if (some_accepted && is_too_many(one)) {
      surplus_.push_back(who[i]);
      recipients_[who[i]].verdict = verdict_of(one, host);
      continue;
    }
    recipients_[who[i]].dsn_passed_on = outcome.peer_has_dsn;
    note_one(recipients_[who[i]], one, host);
  }
}

void Attempt::note_one(Recipient& recipient, const client::Outcome& outcome, const std::string& host) {
  recipient.verdict = verdict_of(outcome, host);
  recipient.told = true;
  recipient.local = false;
  if (outcome.is_delivered()) {
    recipient.fate = queue::Fate::relayed;
    return;
  }
  if (outcome.stage == client::Stage::local && outcome.reply.code.is_permanent()) {
    // This peer cannot take such a message (8-bit, SMTPUTF8, size): another may.
    recipient.local = true;
    return;
  }
  if (outcome.reply.code.is_permanent()) {
    // RFC 5321 4.2.1: 5yz to MAIL, RCPT, DATA or the message is final, whatever other hosts there are.
    recipient.fate = queue::Fate::failed;
    return;
  }
  // That includes an answer to the final dot that never came: the peer may have the message, and another host is
  // asked all the same, or a host that always breaks there would keep it for ever. Twice is better than never.
  unsettled_ = true;
}

void Attempt::note_no_session(const client::Outcome& failure, const std::string& host) {
  // A 5yz in greeting, EHLO, STARTTLS or AUTH is said of the host, not of the mail: the next host, the next attempt.
  unsettled_ = true;
  overloaded_ = overloaded_ || asks_for_less(failure);
  for (const std::size_t who : open()) {
    // What a host said about this very mail tells more than that the next one was not there.
    if (recipients_[who].told) continue;
    recipients_[who].verdict = verdict_of(failure, host);
  }
}

void Attempt::note_not_here(const smtp::Reply& reply, const std::string& host) {
  for (const std::size_t who : open())
    note_one(recipients_[who], {client::Stage::local, client::Cause::local, reply}, host);
}

void Attempt::note_unspeakable(std::size_t who) {
  recipients_[who].fate = queue::Fate::failed;
  recipients_[who].verdict = queue::Verdict{553, "5.1.3", "the address cannot be written in SMTP", "", false};
}

std::vector<std::size_t> Attempt::take_surplus() {
  return std::exchange(surplus_, {});
}

void Attempt::end(const NoTarget& ending) {
  for (Recipient& recipient : recipients_) {
    if (recipient.fate) continue;
    const bool never_asked = recipient.verdict.status.empty();
    if (never_asked) recipient.verdict = ending.verdict;
    // Local refusals are final when no host is left that could not be asked.
    const bool final_word = never_asked ? ending.permanent : recipient.local && !unsettled_;
    recipient.fate = final_word ? queue::Fate::failed : queue::Fate::deferred;
    if (!final_word && recipient.verdict.status.starts_with('5') && !recipient.verdict.by_peer)
      recipient.verdict.status.front() = '4';
  }
}

queue::Delivery Attempt::take_delivery() {
  for (std::size_t i = 0; i < recipients_.size(); ++i) {
    Recipient& recipient = recipients_[i];
    delivery.recipients.push_back({parcel_.recipients[i].index, recipient.fate.value_or(queue::Fate::deferred),
                                   std::move(recipient.verdict), recipient.dsn_passed_on});
  }
  const bool waits = std::ranges::any_of(delivery.recipients,
                                         [](const auto& recipient) { return recipient.fate == queue::Fate::deferred; });
  if (overloaded_)
    delivery.health = queue::HopHealth::overloaded;
  else if (!spoke_ && waits)
    delivery.health = queue::HopHealth::unreachable;
  return std::move(delivery);
}

}  // namespace posthorn::relay
