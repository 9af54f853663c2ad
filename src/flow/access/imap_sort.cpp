// SORT and THREAD (RFC 5256, RFC 5957) by sequence number and by UID.
#include "flow/access/imap_commands.h"
#include "flow/access/imap_find.h"
#include "standards/imap/sort.h"
#include "standards/imap/thread.h"
#include "standards/message/header.h"

namespace posthorn::access {
namespace {

/// Messages whose kept fields are looked at in one portion: a few milliseconds of a reader thread.
constexpr std::size_t kFieldsPortion = 2'000;

/// What keys are made of, apart from the header.
struct Message {
  std::uint32_t number = 0;
  TimePoint internal_date;
  std::uint64_t size = 0;
  EmailId id;
};

std::vector<Message> messages_at(const mailbox::Version& version, const std::vector<std::size_t>& positions,
                                 bool is_uid) {
  std::vector<Message> messages;
  messages.reserve(positions.size());
  for (const std::size_t position : positions) {
    const mailbox::Entry& entry = version.at(position);
    messages.push_back({is_uid ? entry.uid() : static_cast<std::uint32_t>(position + 1), entry.internal_date(),
                        entry.size(), entry.email_id()});
  }
  return messages;
}

/// Makes keys of all messages from their usual header fields, portion by portion on reader threads. `make` owns what it
/// captures; a message that is gone has the keys of an empty header.
template <class Keys, class Make>
Task<std::vector<Keys>> keys_of(ImapContext& context, const std::vector<Message>& messages, Make make) {
  std::vector<Keys> all;
  all.reserve(messages.size());
  for (std::size_t at = 0; at < messages.size(); at += kFieldsPortion) {
    const std::size_t count = std::min(kFieldsPortion, messages.size() - at);
    std::vector<Message> portion(messages.begin() + static_cast<std::ptrdiff_t>(at),
                                 messages.begin() + static_cast<std::ptrdiff_t>(at + count));
    std::vector<EmailId> ids;
    auto keys = std::make_shared<std::vector<Keys>>();
    const message::Header none;
    for (const Message& message : portion) {
      ids.push_back(message.id);
      keys->push_back(make(none, message));
    }
    mailbox::FieldsVisitor visit = [keys, make, portion = std::move(portion)](std::size_t i, Octets octets) {
      (*keys)[i] = make(message::Header::parse(octets), portion[i]);
    };
    co_await context.mailboxes().visit_fields(std::move(ids), std::move(visit));
    std::ranges::move(*keys, std::back_inserter(all));
  }
  co_return all;
}

std::optional<imap::ModSeq> highest(const mailbox::Version& version, const std::vector<std::size_t>& positions) {
  imap::ModSeq highest = 0;
  for (const std::size_t position : positions) highest = std::max(highest, version.at(position).modseq());
  if (highest == 0) return std::nullopt;
  return highest;
}

}  // namespace

Task<Ending> run(ImapContext& context, const imap::SortCommand& command) {
  const bool asks_mod_seq = command.key.has(imap::SearchKey::Kind::mod_seq);
  const std::vector<std::size_t> found = co_await find_messages(context, command.key);
  const mailbox::Version& known = context.selected->known();
  const std::vector<Message> messages = messages_at(known, found, command.is_uid);
  const auto make = [criteria = command.criteria](const message::Header& header, const Message& message) {
    imap::SortKeys keys = imap::sort_keys(header, criteria, message.internal_date);
    keys.number = message.number;
    keys.arrival = message.internal_date;
    keys.size = message.size;
    return keys;
  };
  std::vector<imap::SortKeys> keys;
  if (imap::needs_header(command.criteria)) {
    keys = co_await keys_of<imap::SortKeys>(context, messages, make);
  } else {
    const message::Header none;
    for (const Message& message : messages) keys.push_back(make(none, message));
  }
  const std::vector<std::uint32_t> numbers = imap::sorted(std::move(keys), command.criteria);
  context.out().sort(numbers, asks_mod_seq ? highest(known, found) : std::nullopt);
  co_return ok("SORT completed");
}

Task<Ending> run(ImapContext& context, const imap::ThreadCommand& command) {
  const std::vector<std::size_t> found = co_await find_messages(context, command.key);
  const std::vector<Message> messages = messages_at(context.selected->known(), found, command.is_uid);
  const auto make = [](const message::Header& header, const Message& message) {
    imap::ThreadKeys keys = imap::thread_keys(header, message.internal_date);
    keys.number = message.number;
    return keys;
  };
  std::vector<imap::ThreadKeys> keys = co_await keys_of<imap::ThreadKeys>(context, messages, make);
  context.out().thread(imap::thread_messages(std::move(keys), command.algorithm));
  co_return ok("THREAD completed");
}

}  // namespace posthorn::access
