#include "flow/relay/courier.h"

#include <algorithm>

#include <fmt/format.h>

#include "flow/queue/envelope.h"
#include "flow/relay/shared.h"
#include "flow/relay/transport.h"
#include "foundation/text/ascii.h"
#include "platform/runtime/files.h"

namespace posthorn::relay {

namespace client = smtp::client;

namespace {

constexpr std::size_t password_octets_max = 4096;

struct SpokenEnvelope {
  client::Envelope envelope;
  std::vector<std::size_t> who;          ///< positions in the parcel, in the order of the envelope's recipients
  std::vector<std::size_t> unspeakable;  ///< addresses that do not parse
};

/// RFC 3461 5.2: what the sender asked for goes on with the mail.
SpokenEnvelope envelope_for(const queue::Parcel& parcel, const std::vector<std::size_t>& who) {
  const storage::QueueRow& row = parcel.mail->row;
  SpokenEnvelope spoken;
  if (auto path = address::ReversePath::parse(row.sender)) spoken.envelope.reverse_path = std::move(*path);
  smtp::MailParameters& parameters = spoken.envelope.parameters;
  parameters.size = row.octets.size;
  parameters.body = row.eight_bit ? smtp::Body::eight_bit_mime : smtp::Body::seven_bit;
  parameters.smtputf8 = row.smtputf8;
  parameters.requiretls = row.require_tls;
  parameters.ret = queue::ret_from(row.ret);
  parameters.envid = queue::envelope_id_from(row.envelope_id);
  for (const std::size_t position : who) {
    const storage::RecipientRow& recipient = parcel.recipients[position];
    auto path = address::ForwardPath::parse(recipient.address);
    if (!path) {
      spoken.unspeakable.push_back(position);
      continue;
    }
    smtp::RcptParameters rcpt{queue::notify_from(recipient.notify), queue::original_from(recipient.original)};
    spoken.envelope.recipients.push_back({std::move(*path), std::move(rcpt)});
    spoken.who.push_back(position);
  }
  return spoken;
}

std::string contact_words(const client::Outcome& outcome) {
  if (outcome.cause == client::Cause::reply) return outcome.reply.one_line();
  return outcome.reply.text;
}

/// Nothing was said to the peer: the message's octets cannot be had now.
client::TransactionOutcome unreadable(const Problem& problem, std::size_t recipients) {
  client::TransactionOutcome outcome;
  outcome.message = {client::Stage::local, client::Cause::local, smtp::Reply(451, {4, 3, 0}, problem.text())};
  outcome.recipients.assign(recipients, outcome.message);
  return outcome;
}

bool is_final_for_connection(const client::TransactionOutcome& outcome) {
  return outcome.message.cause == client::Cause::disconnected || outcome.message.cause == client::Cause::timeout;
}

}  // namespace

SmtpCourier::SmtpCourier(std::shared_ptr<const RelayOffice::Shared> office, net::Loop& loop, std::string next_hop)
    : office_(std::move(office)), loop_(loop), next_hop_(std::move(next_hop)) {}

Task<> SmtpCourier::rest() {
  if (!connection_) co_return;
  const std::unique_ptr<Connection> connection = std::move(connection_);
  co_await connection->quit();
}

Task<queue::Delivery> SmtpCourier::deliver(queue::Parcel parcel) {
  Attempt attempt(parcel);
  sts_.reset();
  needs_.reset();
  in_plain_.clear();
  if (is_warm() && !may_carry_warm(parcel)) co_await rest();
  if (is_warm()) co_await carry_warm(parcel, attempt);
  if (!attempt.is_over()) {
    Targets targets(*office_, next_hop_);
    while (!attempt.is_over() && attempt.delivery.contacts.size() < contacts_per_attempt_max) {
      std::vector<Target> group = co_await targets.next_group();
      if (group.empty()) break;
      for (Target& target : group) {
        if (attempt.is_over()) break;
        std::shared_ptr<const Protection> protection = co_await protect(parcel, attempt, target, targets);
        if (is_ruled_out(parcel, attempt, target, *protection)) continue;
        co_await carry_to(parcel, attempt, std::move(target), std::move(protection));
      }
    }
    co_await carry_in_plain(parcel, attempt);
    const std::vector<std::string>& notes = targets.notes();
    attempt.delivery.notes.insert(attempt.delivery.notes.begin(), notes.begin(), notes.end());
    attempt.end(targets.ending());
  }
  co_return attempt.take_delivery();
}

Task<> SmtpCourier::carry_warm(const queue::Parcel& parcel, Attempt& attempt) {
  connection_->forget_dialogue();
  std::vector<std::size_t> left = attempt.open();
  co_await transact_all(parcel, attempt, left, true);
  co_await keep_or_drop();
}

/// All addresses of the host, one after the other (RFC 5321 5.1), until one gives a session.
Task<> SmtpCourier::carry_to(const queue::Parcel& parcel, Attempt& attempt, Target target,
                             std::shared_ptr<const Protection> protection) {
  for (const IpAddress& address : target.addresses) {
    if (attempt.is_over() || attempt.delivery.contacts.size() >= contacts_per_attempt_max) co_return;
    std::optional<ConnectionPlan> plan = plan_for(target, address);
    if (!plan) {
      attempt.note_no_session({client::Stage::auth, client::Cause::local,
                               smtp::Reply(454, {4, 7, 0}, "the route's password file cannot be read")},
                              target.host);
      co_return;
    }
    plan->protection = protection;
    if (protection->requires_tls()) plan->tls = client::TlsUse::required;
    const bool may_go_plain = plan->tls == client::TlsUse::opportunistic;
    bool connected = co_await connect(attempt, *plan);
    if (!connected && may_go_plain) {
      // RFC 3207 4.1 and the practice of opportunistic TLS: better in plain than not at all.
      plan->tls = client::TlsUse::never;
      if (connection_->tls_failed()) connected = co_await connect(attempt, *plan);
      if (connection_->tls_refused()) in_plain_.push_back(*plan);
    }
    if (!connected) {
      connection_.reset();
      continue;
    }
    if (parcel.mail->row.require_tls && !connection_->is_authenticated()) {
      attempt.note_not_here(requiretls_refusal(), target.host);
      co_await rest();
      co_return;
    }
    co_await carry_on(parcel, attempt);
  }
}

/// RFC 5321 4.2.4.2: a "no" to STARTTLS is said of the host, so the others are asked first. Where no host with TLS took
/// the mail it goes in plain to those that are there.
Task<> SmtpCourier::carry_in_plain(const queue::Parcel& parcel, Attempt& attempt) {
  for (ConnectionPlan& plan : in_plain_) {
    if (attempt.is_over() || attempt.delivery.contacts.size() >= contacts_per_attempt_max) break;
    if (co_await connect(attempt, std::move(plan)))
      co_await carry_on(parcel, attempt);
    else
      connection_.reset();
  }
  in_plain_.clear();
}

/// All that is open, on the connection just made, and on further ones to the same address where the peer takes no more
/// mails on each (RFC 9422). Every round has settled somebody, which bounds their number.
Task<> SmtpCourier::carry_on(const queue::Parcel& parcel, Attempt& attempt) {
  std::vector<std::size_t> left = attempt.open();
  co_await transact_all(parcel, attempt, left, false);
  while (!left.empty() && connection_->is_spent()) {
    ConnectionPlan again = connection_->plan();
    if (!co_await connect(attempt, std::move(again))) break;
    co_await transact_all(parcel, attempt, left, false);
  }
  co_await keep_or_drop();
  if (!attempt.is_over() && connection_) co_await rest();
}

std::optional<ConnectionPlan> SmtpCourier::plan_for(const Target& target, const IpAddress& address) const {
  ConnectionPlan plan;
  plan.target = Target{target.host, {}, target.port, target.tls, target.by_mx, {}};
  plan.address = address;
  switch (target.tls) {
    case config::RouteTls::none:
      plan.tls = client::TlsUse::never;
      break;
    case config::RouteTls::opportunistic:
      plan.tls = office_->with.tls == nullptr ? client::TlsUse::never : client::TlsUse::opportunistic;
      break;
    case config::RouteTls::required:
    case config::RouteTls::verified:
      plan.tls = client::TlsUse::required;
      break;
    case config::RouteTls::implicit:
      plan.tls = client::TlsUse::implicit;
      break;
  }
  plan.verify = target.tls == config::RouteTls::verified || target.tls == config::RouteTls::implicit;
  const config::Route* route = office_->routes.find(next_hop_);
  if (route == nullptr || route->login_user.empty()) return plan;
  const Result<OctetString, Problem> file = runtime::read_file(route->login_password_file, password_octets_max);
  if (!file) return std::nullopt;
  const Octets first_line = Octets(*file).substr(0, file->find_first_of("\r\n"));
  plan.login = Login{route->login_user, std::string(first_line)};
  return plan;
}

Task<bool> SmtpCourier::connect(Attempt& attempt, ConnectionPlan plan) {
  const TimePoint began = loop_.clock().now();
  connection_ = std::make_unique<Connection>(*office_, loop_, std::move(plan));
  const bool opened = co_await connection_->open();
  report(*connection_);
  if (opened) co_return true;
  const client::Outcome& failure = connection_->failure();
  attempt.note_no_session(failure, connection_->plan().target.host);
  tell(attempt, *connection_, failure, began, false, true);
  co_return false;
}

/// Those who are left, in as many transactions as the peer's RCPTMAX (RFC 9422) and patience ask for. Whoever has been
/// asked for is taken off `left`.
Task<> SmtpCourier::transact_all(const queue::Parcel& parcel, Attempt& attempt, std::vector<std::size_t>& left,
                                 bool reused) {
  while (!left.empty() && connection_->is_ready()) {
    const std::size_t rcptmax = connection_->extensions().rcptmax.value_or(queue::parcel_recipients_max);
    const std::size_t now = std::clamp<std::size_t>(rcptmax, 1, left.size());
    std::vector<std::size_t> who(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(now));
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(now));
    const client::TransactionOutcome outcome = co_await transact(parcel, attempt, std::move(who), reused);
    std::vector<std::size_t> surplus = attempt.take_surplus();
    left.insert(left.begin(), surplus.begin(), surplus.end());
    if (is_final_for_connection(outcome)) break;
  }
}

/// Says of the message what is so. Where a host has less than the sender declared a need of, the message itself is
/// asked, once an attempt: RFC 6152 3 and RFC 6531 3.4 ask for no more than its octets do, and what is ASCII goes
/// anywhere.
Task<Result<void, Problem>> SmtpCourier::declare(const queue::Parcel& parcel, smtp::MailParameters& parameters) {
  const smtp::Extensions& peer = connection_->extensions();
  const bool is_eight_bit = parameters.body == smtp::Body::eight_bit_mime;
  if ((!is_eight_bit || peer.eight_bit_mime) && (!parameters.smtputf8 || peer.smtputf8))
    co_return Result<void, Problem>{};
  if (!needs_) {
    const Result<Needs, Problem> found = co_await read_needs(*office_->with.store, parcel.mail);
    if (!found) co_return fail(found.error());
    needs_ = *found;
  }
  if (!needs_->eight_bit_mime) parameters.body = smtp::Body::seven_bit;
  if (!needs_->smtputf8) parameters.smtputf8 = false;
  co_return Result<void, Problem>{};
}

Task<client::TransactionOutcome> SmtpCourier::transact(const queue::Parcel& parcel, Attempt& attempt,
                                                       std::vector<std::size_t> who, bool reused) {
  const TimePoint began = loop_.clock().now();
  SpokenEnvelope spoken = envelope_for(parcel, who);
  for (const std::size_t position : spoken.unspeakable) attempt.note_unspeakable(position);
  if (spoken.who.empty()) co_return client::TransactionOutcome{};
  client::TransactionOutcome outcome;
  if (const auto declared = co_await declare(parcel, spoken.envelope.parameters)) {
    queue::Body body(*office_->with.store, parcel.mail);
    outcome = co_await connection_->transact(std::move(spoken.envelope), body);
  } else {
    outcome = unreadable(declared.error(), spoken.who.size());
  }
  // A connection kept open may have been closed by the peer meanwhile: nothing was said, another is made.
  // What it said when it grew tired of waiting (421) may be all there is to read.
  const bool is_gone = is_final_for_connection(outcome) || outcome.message.reply.code.value == 421;
  const bool stale = reused && is_gone && !outcome.in_doubt && outcome.message.stage <= client::Stage::mail;
  if (stale) co_return outcome;
  attempt.note(spoken.who, outcome, connection_->plan().target.host);
  const bool all_well = std::ranges::all_of(outcome.recipients, &client::Outcome::is_delivered);
  const auto bad = std::ranges::find_if(outcome.recipients, [](const auto& one) { return !one.is_delivered(); });
  tell(attempt, *connection_, all_well || bad == outcome.recipients.end() ? outcome.message : *bad, began, reused,
       !all_well);
  co_return outcome;
}

void SmtpCourier::tell(Attempt& attempt, const Connection& connection, const client::Outcome& outcome, TimePoint began,
                       bool reused, bool with_dialogue) {
  queue::Contact contact;
  contact.at = began;
  contact.took = loop_.clock().now() - began;
  contact.host = connection.plan().target.host;
  contact.address = connection.endpoint_text();
  contact.stage = client::name(outcome.stage);
  contact.what = contact_words(outcome);
  contact.tls = connection.tls_text();
  contact.reused = reused;
  if (with_dialogue) contact.transcript = connection.transcript();
  attempt.delivery.contacts.push_back(std::move(contact));
}

Task<> SmtpCourier::keep_or_drop() {
  if (!connection_) co_return;
  const std::uint32_t mailmax = connection_->extensions().mailmax.value_or(messages_per_connection_max);
  const std::size_t most = std::min<std::size_t>(messages_per_connection_max, std::max<std::uint32_t>(1, mailmax));
  // What one message waived holds for no other.
  const bool once_only = connection_->plan().protection->guard == Guard::waived;
  if (!connection_->is_ready())
    connection_.reset();
  else if (once_only || connection_->messages() >= most)
    co_await rest();
}

}  // namespace posthorn::relay
