#include "flow/delivery/delivery.h"

#include <fmt/format.h>

#include "flow/delivery/recipients.h"
#include "flow/delivery/transaction_plan.h"
#include "standards/dsn/dsn.h"
#include "standards/message/message_id.h"
#include "standards/message/received.h"

namespace posthorn::delivery {
namespace {

using journal::Stage;
using smtp::Reply;

Reply reply_for(const storage::CommitFailure& failure) {
  if (failure.error == storage::CommitError::no_space) return storage_full();
  if (failure.error == storage::CommitError::damaged) return storage_damaged();
  if (failure.error == storage::CommitError::shutting_down) return shutting_down();
  // A mailbox went away between RCPT and now: the sender tries again and RCPT tells it.
  return {451, smtp::EnhancedStatus{4, 2, 1}, "a mailbox was removed meanwhile; try again"};
}

std::string envelope_line(const Arrival& arrival) {
  std::string line = "<" + arrival.sender.text() + "> to";
  for (const Recipient& recipient : arrival.recipients) {
    if (line.size() > 400) return line + " ...";
    line += " <" + recipient.address + ">";
  }
  return line;
}

}  // namespace

Delivery::Delivery(Surroundings surroundings, Rules rules)
    : around_(surroundings), rules_(std::make_shared<const Rules>(std::move(rules))) {}

void Delivery::reconfigure(Rules rules) {
  rules_.store(std::make_shared<const Rules>(std::move(rules)));
}

Task<Result<Accepted, Reply>> Delivery::accept(Arrival& arrival, std::unique_ptr<storage::Intake> intake) {
  const auto rules = rules_.load();
  // RFC 5321 6.3: counting Received fields is how loops are found.
  if (message::received_count(arrival.header) >= rules->received_fields_max)
    co_return fail(routing_loop(fmt::format("the message has passed {} hosts", rules->received_fields_max)));
  if (std::ranges::all_of(arrival.recipients, [&](const Recipient& r) { return was_here(arrival.header, r); }))
    co_return fail(routing_loop("it was delivered to this mailbox before, as its Delivered-To field says"));

  const std::uint64_t content_octets = intake->size();
  auto content = co_await intake->finish();
  if (!content) co_return fail(storage_full());
  content->envelope = envelope_line(arrival);

  const auto places = co_await find_places(arrival.recipients);
  if (!places) co_return fail(reply_for(places.error()));
  TransactionPlan plan(*rules, arrival, *places, content_octets, *around_.ids);
  storage::Unit unit;
  plan.add_to(unit, std::move(*content));
  if (!plan.reports().empty() && !arrival.sender.is_null()) {
    const auto reported = co_await add_report(*rules, arrival, plan.reports(), unit);
    if (!reported) co_return fail(shutting_down());
  }
  std::ranges::move(std::exchange(arrival.with_story, {}), std::back_inserter(unit.mutations));
  unit.mutations.emplace_back(storage::PutStory{arrival.story.take_row(arrival.id, arrival.at)});
  const auto committed = co_await around_.store->commit(std::move(unit));
  if (!committed) {
    arrival.story.step(around_.clock->now(), Stage::delivery, "the store could not take it; nothing was written");
    co_return fail(reply_for(committed.error()));
  }
  co_return plan.accepted();
}

Task<> Delivery::sign(Arrival& arrival, signing::Origin origin, std::string body_hash) const {
  if (around_.signing == nullptr) co_return;
  const TimePoint now = around_.clock->now();
  const signing::Signed outcome =
      co_await around_.signing->sign(arrival.edit, arrival.header, origin, std::move(body_hash), now);
  signing::Signing::apply(outcome, now, arrival.edit, arrival.story);
  arrival.signed_with = outcome.signed_with;
}

Task<Result<AccountPlaces, storage::CommitFailure>> Delivery::find_places(const std::vector<Recipient>& recipients) {
  AccountPlaces places;
  for (const Recipient& recipient : recipients) {
    for (const directory::ToMailbox& to : mailboxes_of(recipient)) {
      if (places.contains(to.account)) continue;
      const auto folders = co_await around_.folders->of(to.account);
      if (!folders) co_return fail(folders.error());
      const storage::MailboxRow* inbox = mailbox::Folders::find(**folders, "INBOX");
      const storage::MailboxRow* junk = mailbox::Folders::find_special_use(**folders, "Junk");
      places.emplace(to.account, Places{*inbox, junk != nullptr ? *junk : *inbox});
    }
  }
  co_return places;
}

Task<Result<void, Problem>> Delivery::add_report(const Rules& rules, const Arrival& arrival,
                                                 const std::vector<dsn::RecipientReport>& reports,
                                                 storage::Unit& unit) {
  dsn::Report report;
  report.reporting_mta = rules.host_name;
  report.to = arrival.sender.text();
  if (!arrival.parameters.envid.empty()) report.envelope_id = arrival.parameters.envid;
  report.arrival_date = arrival.at;
  report.recipients = reports;
  report.original = arrival.header.octets();
  report.original_octets = arrival.header.octets().size();
  report.at = arrival.at;
  const auto id = around_.ids->make<MailId>();
  report.message_id = fmt::format("{}@{}", id.text(), rules.host_name);
  dsn::WrittenReport written = dsn::write_report(report);

  queue::OwnMessage message{id, report.to, std::move(written.octets), written.needs_8bitmime, written.needs_smtputf8};
  message.require_tls = arrival.parameters.requiretls;
  auto planned = co_await plan(std::move(message));
  if (!planned && planned.error().permanence() == Permanence::temporary) co_return fail(planned.error());
  // Permanent: nobody is there to be told (the sender's own mailbox does not exist here); the story has it all.
  if (planned) std::ranges::move(planned->mutations, std::back_inserter(unit.mutations));
  co_return Result<void, Problem>{};
}

Task<Result<storage::Unit, Problem>> Delivery::plan(queue::OwnMessage message) {
  const auto rules = rules_.load();
  const std::string what = fmt::format("cannot send to <{}>", message.recipient);
  const auto path = address::ForwardPath::parse(message.recipient);
  if (!path) co_return fail(Problem{ProblemKind::no, what, std::string(address::explain(path.error())), ""});
  const auto snapshot = around_.directory->snapshot();
  auto recipient = decide_recipient(*snapshot, rules->host_name, *path, {}, Relaying::permitted);
  if (!recipient) co_return fail(Problem{ProblemKind::no, what, recipient.error().text, ""});

  Arrival arrival;
  arrival.id = message.id;
  arrival.at = around_.clock->now();
  arrival.parameters.body = message.eight_bit ? smtp::Body::eight_bit_mime : smtp::Body::seven_bit;
  arrival.parameters.smtputf8 = message.smtputf8;
  arrival.parameters.requiretls = message.require_tls;
  arrival.recipients.push_back(std::move(*recipient));
  arrival.header = message::Header::parse(message.octets);
  arrival.edit = message::HeaderEdit(arrival.header);
  arrival.story.step(arrival.at, Stage::dsn, message.what);
  arrival.message_id = message::parse_message_id(arrival.header.value("Message-ID").value_or("")).value_or("");
  if (!arrival.message_id.empty()) arrival.story.message_id(arrival.message_id);
  signing::BodyHash body;
  body.feed(message.octets);
  co_await sign(arrival, signing::Origin::host, body.finish());
  const auto places = co_await find_places(arrival.recipients);
  if (!places) co_return fail(Problem{ProblemKind::unavailable, what, "the store takes nothing now", ""});

  TransactionPlan plan(*rules, arrival, *places, message.octets.size(), *around_.ids);
  storage::PutContent content{message.id, nullptr, nullptr, envelope_line(arrival)};
  content.octets = std::make_shared<const OctetString>(std::move(message.octets));
  storage::Unit unit;
  plan.add_to(unit, std::move(content));
  unit.mutations.emplace_back(storage::PutStory{arrival.story.take_row(arrival.id, arrival.at)});
  co_return unit;
}

}  // namespace posthorn::delivery
