#include "flow/mailbox/append_state.h"
#include "flow/mailbox/failure.h"

namespace posthorn::mailbox {

Append::Append(storage::Store& store, runtime::IdSource& ids, storage::AccountId account, TimePoint now)
    : state_(std::make_unique<State>(store, ids, account, now)) {}
Append::Append(Append&&) noexcept = default;
Append& Append::operator=(Append&&) noexcept = default;
Append::~Append() = default;

Outcome<void> Append::begin_message(std::uint8_t flags, std::vector<std::string> keywords,
                                    std::optional<TimePoint> internal_date) {
  if (state_->messages.size() >= appended_messages_max)
    return fail(failure(OperationError::limit, "Too many messages in one command."));
  auto checked = checked_keywords(std::move(keywords));
  if (!checked) return fail(checked.error());
  state_->reader = message::HeaderReader();
  state_->content = state_->ids.make<MailId>();
  state_->intake = state_->store.intake(state_->content);
  State::Message next;
  next.row.account = state_->account;
  next.row.email_id = state_->ids.make<EmailId>();
  next.row.object_id = next.row.email_id;
  next.row.flags = flags;
  next.row.keywords = std::move(*checked);
  next.row.internal_date = internal_date.value_or(state_->now);
  next.row.save_date = state_->now;
  state_->messages.push_back(std::move(next));
  return {};
}

bool Append::fits_in_memory(std::size_t n) const {
  return state_->intake->fits_in_memory(n);
}

void Append::write_now(Octets octets) {
  state_->read_header(octets);
  state_->octets += octets.size();
  state_->intake->append_now(octets);
}

Task<Outcome<void>> Append::write(Octets octets) {
  state_->read_header(octets);
  state_->octets += octets.size();
  const auto written = co_await state_->intake->append(octets);
  if (!written) co_return fail(failure(OperationError::no_space, "The message cannot be written; try again later."));
  co_return Outcome<void>{};
}

Task<Outcome<void>> Append::end_message() {
  State::Message& message = state_->messages.back();
  message.row.octets.content = state_->content;
  message.row.octets.size = state_->intake->size();
  state_->reader.finish();
  message.thread_keys = thread_keys(state_->reader.take());
  auto content = co_await state_->intake->finish();
  state_->intake.reset();
  if (!content) co_return fail(failure(OperationError::no_space, "The message cannot be written; try again later."));
  message.content = std::move(*content);
  co_return Outcome<void>{};
}

std::size_t Append::messages() const {
  return state_->messages.size();
}

std::uint64_t Append::octets() const {
  return state_->octets;
}

void Append::State::read_header(Octets piece) {
  if (reader.state() == message::HeaderReader::State::reading) reader.push(piece);
}

void Append::State::add_to(storage::Unit& unit, MailboxId mailbox) {
  unit.preconditions.emplace_back(storage::QuotaAllows{account, octets, messages.size()});
  for (Message& each : messages) {
    each.row.mailbox = mailbox;
    unit.mutations.emplace_back(std::move(each.content));
    unit.mutations.emplace_back(storage::AddEmail{std::move(each.row), std::move(each.thread_keys)});
  }
  messages.clear();
}

}  // namespace posthorn::mailbox
