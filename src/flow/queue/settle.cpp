#include "flow/queue/settle.h"

#include <algorithm>

#include <fmt/format.h>

#include "flow/queue/envelope.h"
#include "foundation/text/ascii.h"
#include "site/journal/story.h"

namespace posthorn::queue {

namespace {

constexpr std::size_t last_reply_octets_max = 500;

bool wants_failure(const Mail& mail, const storage::RecipientRow& row) {
  // RFC 5321 6.1: a message with a null reverse-path gets no report.
  return !mail.row.sender.empty() && notify_from(row.notify).failure;
}

bool wants_delay(const Mail& mail, const storage::RecipientRow& row) {
  return !row.delay_told && !mail.row.sender.empty() && notify_from(row.notify).delay;
}

bool wants_relayed(const Mail& mail, const storage::RecipientRow& row, bool dsn_passed_on) {
  // RFC 3461 5.2.2: where the next hop knows no DSN, we say that we know no more than "relayed".
  const smtp::Notify notify = notify_from(row.notify);
  return !dsn_passed_on && !mail.row.sender.empty() && notify.given && notify.success;
}

TimePoint delay_due(const Policy& policy, const Mail& mail) {
  return mail.row.arrived + policy.delay_notice_after;
}

void fail_row(Decision& decision, const Mail& mail, bool expired) {
  decision.kind = Decision::Kind::failed;
  decision.expired = expired;
  if (wants_failure(mail, decision.before)) decision.report = dsn::Action::failed;
}

void defer_row(Decision& decision, const Policy& policy, const Mail& mail, TimePoint now) {
  decision.kind = Decision::Kind::waits;
  storage::RecipientRow& row = decision.after;
  row.attempts = decision.before.attempts + 1;
  row.last_reply = text::printable(decision.verdict.line(), last_reply_octets_max);
  // The last attempt is made when the time is over, not hours before.
  row.not_before = std::min(now + policy.wait_after(row.attempts, row.mail), std::max(row.expires, now + Duration{1}));
  if (now < delay_due(policy, mail) || !wants_delay(mail, decision.before)) return;
  row.delay_told = true;
  decision.report = dsn::Action::delayed;
}

}  // namespace

std::vector<Decision> decide(const Policy& policy, const Parcel& parcel, const Delivery& delivery, TimePoint now) {
  std::vector<Decision> decisions;
  decisions.reserve(parcel.recipients.size());
  for (const storage::RecipientRow& row : parcel.recipients) {
    Decision decision;
    decision.before = decision.after = row;
    const auto found = std::ranges::find(delivery.recipients, row.index, &RecipientOutcome::index);
    RecipientOutcome outcome;
    if (found != delivery.recipients.end()) outcome = *found;
    decision.verdict = outcome.verdict;
    if (outcome.fate == Fate::relayed) {
      decision.kind = Decision::Kind::relayed;
      if (wants_relayed(*parcel.mail, row, outcome.dsn_passed_on)) decision.report = dsn::Action::relayed;
    } else if (outcome.fate == Fate::failed) {
      fail_row(decision, *parcel.mail, false);
    } else if (now >= row.expires) {
      fail_row(decision, *parcel.mail, true);
    } else {
      defer_row(decision, policy, *parcel.mail, now);
    }
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

std::optional<Decision> decide_waiting(const Policy& policy, const Mail& mail, const storage::RecipientRow& row,
                                       const Verdict& hop_verdict, TimePoint now) {
  Decision decision;
  decision.before = decision.after = row;
  decision.verdict = hop_verdict;
  if (now >= row.expires) {
    fail_row(decision, mail, true);
    return decision;
  }
  if (now < delay_due(policy, mail) || !wants_delay(mail, row)) return std::nullopt;
  decision.after.delay_told = true;
  decision.report = dsn::Action::delayed;
  return decision;
}

TimePoint next_deadline(const Policy& policy, const Mail& mail, const storage::RecipientRow& row) {
  return wants_delay(mail, row) ? std::min(row.expires, delay_due(policy, mail)) : row.expires;
}

// ---------------------------------------------------------------- the report

namespace {

std::string status_of(const Decision& decision) {
  // RFC 3463 3.5: X.4.7, delivery time expired.
  if (decision.expired) return "4.4.7";
  if (!decision.verdict.status.empty()) return decision.verdict.status;
  switch (decision.kind) {
    case Decision::Kind::relayed:
      return "2.0.0";
    case Decision::Kind::waits:
      return "4.0.0";
    case Decision::Kind::failed:
      return "5.0.0";
  }
  return "5.0.0";
}

dsn::RecipientReport recipient_report(const Decision& decision, TimePoint now) {
  dsn::RecipientReport report;
  report.action = *decision.report;
  report.final_recipient = decision.before.address;
  if (!decision.before.original.empty()) report.original_recipient = decision.before.original;
  report.status = status_of(decision);
  if (decision.verdict.by_peer) report.remote_mta = decision.verdict.host;
  report.diagnostic_is_smtp = decision.verdict.by_peer && decision.verdict.code != 0;
  // RFC 3464 2.3.6: for "smtp" the reply itself, so no status that it did not have.
  report.diagnostic = report.diagnostic_is_smtp ? decision.verdict.words() : decision.verdict.text;
  report.last_attempt = now;
  if (decision.report == dsn::Action::delayed) report.will_retry_until = decision.before.expires;
  return report;
}

}  // namespace

std::optional<dsn::Report> report_for(const Mail& mail, const std::vector<Decision>& decisions,
                                      const std::string& host_name, TimePoint now) {
  dsn::Report report;
  bool failed = false;
  for (const Decision& decision : decisions) {
    if (!decision.report) continue;
    failed = failed || *decision.report == dsn::Action::failed;
    report.recipients.push_back(recipient_report(decision, now));
  }
  if (report.recipients.empty()) return std::nullopt;
  report.reporting_mta = host_name;
  report.to = mail.row.sender;
  if (!mail.row.envelope_id.empty()) report.envelope_id = envelope_id_from(mail.row.envelope_id);
  report.arrival_date = mail.row.arrived;
  report.original_octets = mail.row.octets.size;
  // RFC 3461 4.3: RET applies to reports of failure only; the others carry the header.
  // RFC 8689 4.3: what had to be protected on its way is not sent back in full.
  const bool full = failed && ret_from(mail.row.ret) == smtp::Ret::full && !mail.row.require_tls;
  report.returned = full ? dsn::Return::full : dsn::Return::headers;
  report.at = now;
  return report;
}

// ---------------------------------------------------------------- the unit

namespace {

void tell_contact(journal::Story& story, const Contact& contact) {
  story.step(contact.at, journal::Stage::relay, contact.what).with("host", contact.host);
  if (!contact.address.empty()) story.with("address", contact.address);
  story.with("ended_at", contact.stage);
  story.with("took_ms", std::chrono::duration_cast<std::chrono::milliseconds>(contact.took).count());
  if (!contact.tls.empty()) story.with("tls", contact.tls);
  if (contact.reused) story.with("connection", "reused");
  if (!contact.transcript.empty()) story.with("dialogue", std::span<const std::string>(contact.transcript));
}

void tell_decision(journal::Story& story, const Decision& decision, const ReportFate& report, TimePoint now) {
  using journal::Outcome;
  using journal::Stage;
  const std::string& address = decision.before.address;
  const std::string reply = decision.verdict.line();
  switch (decision.kind) {
    case Decision::Kind::relayed:
      story.recipient(now, Stage::relay, "relayed", address, Outcome::relayed, decision.verdict.host, reply);
      return;
    case Decision::Kind::waits:
      story.recipient(now, Stage::queue,
                      fmt::format("kept for another attempt at {}", rfc3339(decision.after.not_before)), address,
                      Outcome::queued, decision.verdict.host, reply);
      return;
    case Decision::Kind::failed:
      break;
  }
  const char* what = decision.expired ? "given up, the time is over" : "refused for good";
  const bool returned = decision.report.has_value() && report.kind == ReportFate::Kind::sent;
  story.recipient(now, Stage::relay, what, address, returned ? Outcome::returned : Outcome::undeliverable,
                  decision.verdict.host, reply);
  if (!decision.report) story.with("report", "none is due: null sender, or NOTIFY leaves FAILURE out");
}

void tell_report(journal::Story& story, const Mail& mail, const ReportFate& report, TimePoint now) {
  if (report.kind == ReportFate::Kind::sent)
    story.step(now, journal::Stage::dsn, "delivery status report sent")
        .with("to", mail.row.sender)
        .with("report", report.id.text());
  if (report.kind == ReportFate::Kind::impossible)
    story.step(now, journal::Stage::dsn, "no delivery status report could be sent")
        .with("to", mail.row.sender)
        .with("why", report.why);
}

void change_row(storage::Unit& unit, const Decision& decision) {
  const storage::RecipientRow& row = decision.before;
  // A relayed recipient is the peer's whatever has happened to the row meanwhile: its removal has no condition.
  if (decision.kind != Decision::Kind::relayed)
    unit.preconditions.emplace_back(storage::RecipientUnchanged{row.mail, row.index, row.attempts});
  if (decision.kind == Decision::Kind::waits)
    unit.mutations.emplace_back(storage::PutRecipient{decision.after});
  else
    unit.mutations.emplace_back(storage::RemoveRecipient{row.mail, row.index});
}

}  // namespace

storage::Unit unit_for(const Mail& mail, const std::vector<Decision>& decisions, const std::vector<Contact>& contacts,
                       const std::vector<std::string>& notes, const ReportFate& report, TimePoint now) {
  storage::Unit unit;
  journal::Story story;
  for (const Contact& contact : contacts) tell_contact(story, contact);
  for (const std::string& note : notes) story.step(now, journal::Stage::relay, note);
  for (const Decision& decision : decisions) {
    change_row(unit, decision);
    tell_decision(story, decision, report, now);
  }
  tell_report(story, mail, report, now);
  unit.mutations.emplace_back(storage::AppendStory{story.take_part(mail.row.id, now)});
  return unit;
}

}  // namespace posthorn::queue
