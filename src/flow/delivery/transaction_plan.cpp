#include "flow/delivery/transaction_plan.h"

#include <fmt/format.h>

#include "flow/mailbox/threads.h"
#include "flow/queue/envelope.h"
#include "foundation/text/ascii.h"
#include "standards/message/write.h"

namespace posthorn::delivery {
namespace {

using journal::Outcome;
using journal::Stage;

constexpr std::string_view kAcceptedReply = "250 2.0.0 accepted";

/// A row without its octets, which differ in nothing but the header block.
storage::QueueRow queue_row(const Arrival& arrival) {
  storage::QueueRow row;
  row.id = arrival.id;
  row.sender = arrival.sender.text();
  row.envelope_id = queue::envelope_id_text(arrival.parameters.envid);
  row.ret = queue::ret_text(arrival.parameters.ret);
  row.eight_bit = arrival.parameters.body == smtp::Body::eight_bit_mime;
  row.smtputf8 = arrival.parameters.smtputf8;
  row.require_tls = arrival.parameters.requiretls;
  row.stream = arrival.stream;
  row.signed_with = arrival.signed_with;
  row.login = arrival.login;
  row.message_id = arrival.message_id;
  row.arrived = arrival.at;
  return row;
}

dsn::RecipientReport report_on(const Recipient& recipient, dsn::Action action, std::string status, std::string words) {
  dsn::RecipientReport report;
  report.action = action;
  report.final_recipient = recipient.address;
  if (const auto original = queue::original_text(recipient.parameters.orcpt); !original.empty())
    report.original_recipient = original;
  report.status = std::move(status);
  report.diagnostic = std::move(words);
  report.diagnostic_is_smtp = false;
  return report;
}

}  // namespace

std::span<const directory::ToMailbox> mailboxes_of(const Recipient& recipient) {
  if (const auto* one = std::get_if<directory::ToMailbox>(&recipient.target)) return {one, 1};
  if (const auto* group = std::get_if<directory::ToGroup>(&recipient.target)) return group->members;
  return {};
}

bool was_here(const message::Header& header, const Recipient& recipient) {
  const auto mailboxes = mailboxes_of(recipient);
  if (mailboxes.empty()) return false;
  const auto delivered = header.all("Delivered-To");
  const auto bears = [&delivered](const directory::ToMailbox& to) {
    return std::ranges::any_of(
        delivered, [&to](const message::Field& field) { return text::iequals(field.unfolded(), to.account_address); });
  };
  return std::ranges::all_of(mailboxes, bears);
}

TransactionPlan::TransactionPlan(const Rules& rules, Arrival& arrival, const AccountPlaces& places,
                                 std::uint64_t content_octets, runtime::IdSource& ids)
    : rules_(rules), arrival_(arrival), places_(places), ids_(ids) {
  // RFC 5321 4.4: the Return-Path fields of others go; a relayed message must not have one either.
  arrival_.edit.remove_all("Return-Path");
  share_octets(content_octets);
  thread_keys_ = mailbox::thread_keys(arrival_.header);
  accepted_.size_octets = content_octets;
  for (std::size_t i = 0; i < arrival_.recipients.size(); ++i)
    decide(arrival_.recipients[i], static_cast<std::uint32_t>(i));
  if (!remote_.empty()) put_queue_row();
}

void TransactionPlan::add_to(storage::Unit& unit, storage::PutContent content) {
  // A content must be named within its unit: where every copy fell away (loops only), it is not written at all.
  if (!mutations_.empty()) unit.mutations.emplace_back(std::move(content));
  std::ranges::move(mutations_, std::back_inserter(unit.mutations));
}

void TransactionPlan::decide(const Recipient& recipient, std::uint32_t index) {
  arrival_.story.key(recipient.address);
  if (was_here(arrival_.header, recipient)) {
    decide_loop(recipient);
  } else if (std::holds_alternative<directory::NotHosted>(recipient.target)) {
    decide_remote(recipient, index);
  } else if (const auto* group = std::get_if<directory::ToGroup>(&recipient.target)) {
    decide_group(recipient, *group);
  } else {
    store_copy(std::get<directory::ToMailbox>(recipient.target), recipient.address, recipient.junk);
    if (wants_success(recipient))
      reports_.push_back(report_on(recipient, dsn::Action::delivered, "2.1.5", "delivered to the mailbox"));
  }
}

bool TransactionPlan::wants_success(const Recipient& recipient) const {
  return recipient.parameters.notify.success && arrival_.standing != SenderStanding::forged;
}

/// Anybody can write a Delivered-To field of ours into a message: a report goes only to a sender that is known to be
/// the sender (RFC 3834 2; no backscatter).
void TransactionPlan::decide_loop(const Recipient& recipient) {
  const bool may_tell = !arrival_.sender.is_null() && arrival_.standing == SenderStanding::verified;
  const bool returned = may_tell && recipient.parameters.notify.failure;
  arrival_.story.recipient(arrival_.at, Stage::delivery, "a loop: it was delivered to this mailbox before",
                           recipient.address, returned ? Outcome::returned : Outcome::undeliverable, "",
                           "554 5.4.6 mail loop");
  if (returned)
    reports_.push_back(
        report_on(recipient, dsn::Action::failed, "5.4.6", "a loop: the message was delivered to this mailbox before"));
}

void TransactionPlan::decide_remote(const Recipient& recipient, std::uint32_t index) {
  std::string next_hop = rules_.routes.next_hop(recipient.address, arrival_.sender.text(), arrival_.stream);
  auto row =
      queue::new_recipient(rules_.policy, arrival_.id, index, recipient.address, std::move(next_hop), arrival_.at);
  row.notify = queue::notify_bits(recipient.parameters.notify);
  row.original = queue::original_text(recipient.parameters.orcpt);
  // The same mailbox named twice gets one copy, as it does here.
  if (!queued_.insert(fmt::format("{} {} {}", row.address, row.notify, row.original)).second) return;
  arrival_.story.recipient(arrival_.at, Stage::queue, "queued to be relayed", recipient.address, Outcome::queued,
                           row.domain, kAcceptedReply);
  remote_.push_back(std::move(row));
}

void TransactionPlan::decide_group(const Recipient& recipient, const directory::ToGroup& group) {
  arrival_.story.recipient(arrival_.at, Stage::delivery, "the members of the group take over", recipient.address,
                           Outcome::expanded, group.group, kAcceptedReply);
  for (const directory::ToMailbox& member : group.members) store_copy(member, member.address, recipient.junk);
  // RFC 3461 5.2.7.1 d: an alias with several members is reported as expanded.
  if (wants_success(recipient))
    reports_.push_back(report_on(recipient, dsn::Action::expanded, "2.0.0", "delivered to the members of the group"));
}

void TransactionPlan::store_copy(const directory::ToMailbox& to, std::string_view address, bool junk) {
  const Places& places = places_.at(to.account);
  const storage::MailboxRow& mailbox = junk ? places.junk : places.inbox;
  arrival_.story.recipient(arrival_.at, Stage::mailbox, "stored in a mailbox here", address, Outcome::mailbox,
                           to.account_address + "/" + mailbox.name, kAcceptedReply);
  if (!stored_.insert(mailbox.id).second) return;
  storage::EmailRow row;
  row.account = mailbox.account;
  row.mailbox = mailbox.id;
  row.email_id = ids_.make<EmailId>();
  arrival_.story.with("email_id", row.email_id.text());
  // RFC 5321 4.4: Return-Path stands above everything; RFC 9228: Delivered-To above the trace of this host.
  row.octets = octets_with(message::write_return_path(arrival_.sender.text()) +
                           message::write_delivered_to(to.account_address) + top_);
  row.internal_date = arrival_.at;
  row.save_date = arrival_.at;
  mutations_.emplace_back(storage::AddEmail{std::move(row), thread_keys_});
  ++accepted_.stored;
}

void TransactionPlan::put_queue_row() {
  auto row = queue_row(arrival_);
  row.octets = octets_with(top_);
  accepted_.queued = remote_.size();
  mutations_.emplace_back(storage::PutQueued{std::move(row), std::move(remote_)});
}

void TransactionPlan::share_octets(std::uint64_t content_octets) {
  // RFC 8601 4.1: results stand above the Received field of the host that found them.
  top_ = arrival_.authentication_results + arrival_.received + arrival_.edit.top();
  const auto kept = arrival_.edit.kept_ranges(content_octets);
  kept_octets_ = content_octets;
  if (kept.size() == 1 && kept[0].length == content_octets) return;
  kept_octets_ = 0;
  for (const message::OctetRange& range : kept) {
    ranges_.push_back({range.offset, range.length});
    kept_octets_ += range.length;
  }
}

storage::StoredOctets TransactionPlan::octets_with(std::string header_block) const {
  storage::StoredOctets octets;
  octets.content = arrival_.id;
  octets.size = header_block.size() + kept_octets_;
  octets.header_block = std::move(header_block);
  octets.ranges = ranges_;
  return octets;
}

}  // namespace posthorn::delivery
