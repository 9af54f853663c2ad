// Committing an outcome: rows, story and report in one unit, tried until the store has it.
#include <algorithm>

#include "flow/queue/body.h"
#include "flow/queue/service.h"
#include "standards/message/header.h"

namespace posthorn::queue {

namespace {

constexpr Duration store_full_wait = std::chrono::seconds(5);
constexpr Duration report_wait = std::chrono::minutes(5);
// A precondition can fail when somebody else decides about the same recipients, or in the report's own unit.
constexpr int commit_tries_max = 10;
constexpr int report_tries_max = 3;

void append(storage::Unit& unit, storage::Unit more) {
  std::ranges::move(more.preconditions, std::back_inserter(unit.preconditions));
  std::ranges::move(more.mutations, std::back_inserter(unit.mutations));
}

/// The report cannot be accepted now: what is relayed is done without it, what would be returned waits.
void postpone_reports(std::vector<Decision>& decisions, TimePoint now) {
  for (Decision& decision : decisions) {
    if (!decision.report) continue;
    decision.report.reset();
    if (decision.kind == Decision::Kind::waits) decision.after.delay_told = decision.before.delay_told;
    if (decision.kind != Decision::Kind::failed) continue;
    decision.kind = Decision::Kind::waits;
    decision.after.not_before = now + report_wait;
  }
}

/// Drops the decision whose precondition failed: somebody else has decided about that recipient.
void drop_overtaken(std::vector<Decision>& decisions, std::size_t precondition) {
  std::size_t seen = 0;
  const auto overtaken = std::ranges::find_if(decisions, [&](const Decision& decision) {
    return decision.kind != Decision::Kind::relayed && seen++ == precondition;
  });
  if (overtaken != decisions.end()) decisions.erase(overtaken);
}

std::vector<storage::RecipientRow> rows_that_stay(const std::vector<Decision>& decisions) {
  std::vector<storage::RecipientRow> rows;
  for (const Decision& decision : decisions)
    if (decision.kind == Decision::Kind::waits) rows.push_back(decision.after);
  return rows;
}

}  // namespace

Task<Result<OwnMessage, Problem>> Service::write_report(std::shared_ptr<const Mail> mail, dsn::Report report) {
  const std::size_t wanted =
      report.returned == dsn::Return::full ? dsn::returned_message_octets_max : dsn::returned_header_octets_max;
  const Result<OctetString, Problem> beginning = co_await read_beginning(*with_.store, mail, wanted);
  // A message that cannot be read is reported without its header: the sender must know all the same.
  if (beginning) report.original = *beginning;
  OwnMessage message;
  message.id = with_.ids->make<MailId>();
  message.recipient = mail->row.sender;
  report.message_id = message.id.text() + "@" + with_.host_name;
  dsn::WrittenReport written = dsn::write_report(report);
  message.octets = std::move(written.octets);
  message.eight_bit = written.needs_8bitmime;
  message.smtputf8 = written.needs_smtputf8;
  message.require_tls = mail->row.require_tls;
  co_return message;
}

Task<std::optional<storage::Unit>> Service::plan_report(std::shared_ptr<const Mail> mail,
                                                        const std::vector<Decision>& decisions, ReportFate& fate) {
  fate = ReportFate{};
  std::optional<dsn::Report> report = report_for(*mail, decisions, with_.host_name, now());
  if (!report) co_return storage::Unit{};
  Result<OwnMessage, Problem> message = co_await write_report(mail, std::move(*report));
  if (!message) co_return std::nullopt;
  fate.id = message->id;
  Result<storage::Unit, Problem> planned = co_await with_.acceptor->plan(std::move(*message));
  if (planned) {
    fate.kind = ReportFate::Kind::sent;
    co_return std::move(*planned);
  }
  if (planned.error().permanence() == Permanence::temporary) co_return std::nullopt;
  fate.kind = ReportFate::Kind::impossible;
  fate.why = planned.error().why;
  co_return storage::Unit{};
}

Task<std::vector<storage::RecipientRow>> Service::commit(std::shared_ptr<const Mail> mail,
                                                         std::vector<Decision> decisions, std::vector<Contact> contacts,
                                                         std::vector<std::string> notes) {
  for (int tries = 0; tries < commit_tries_max && !decisions.empty();) {
    ReportFate fate;
    std::optional<storage::Unit> report;
    if (tries <= report_tries_max) report = co_await plan_report(mail, decisions, fate);
    if (!report) {
      with_.log.warning("report postponed", {{"mail", mail->row.id.text()}});
      fate = ReportFate{};
      postpone_reports(decisions, now());
      report.emplace();
    }
    storage::Unit unit = queue::unit_for(*mail, decisions, contacts, notes, fate, now());
    const std::size_t ours = unit.preconditions.size();
    append(unit, std::move(*report));
    const Result<storage::Committed, storage::CommitFailure> done = co_await with_.store->commit(std::move(unit));
    if (done) {
      count(decisions, fate);
      co_return rows_that_stay(decisions);
    }
    const storage::CommitFailure& failure = done.error();
    if (failure.error == storage::CommitError::shutting_down) break;
    if (failure.error == storage::CommitError::no_space || failure.error == storage::CommitError::damaged) {
      // What the peer has taken must not go out twice: wait until the store has room, or is repaired.
      co_await with_.clock->wait_for(store_full_wait);
      continue;
    }
    ++tries;
    if (failure.precondition < ours) drop_overtaken(decisions, failure.precondition);
  }
  co_return rows_that_stay(decisions);
}

void Service::count(const std::vector<Decision>& decisions, const ReportFate& fate) {
  if (counters_.relayed == nullptr) return;
  for (const Decision& decision : decisions) {
    runtime::Counter* counter = decision.kind == Decision::Kind::relayed ? counters_.relayed
                                : decision.kind == Decision::Kind::waits ? counters_.deferred
                                                                         : counters_.failed;
    counter->add();
  }
  if (fate.kind == ReportFate::Kind::sent) counters_.reports->add();
}

}  // namespace posthorn::queue
