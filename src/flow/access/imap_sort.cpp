// SORT and THREAD (RFC 5256, RFC 5957) by sequence number and by UID.
#include "flow/access/imap_commands.h"
#include "flow/access/imap_find.h"
#include "flow/access/imap_orders.h"
#include "standards/imap/sort.h"
#include "standards/imap/thread.h"
#include "standards/message/header.h"

namespace posthorn::access {
namespace {

/// Messages whose kept fields are looked at in one portion: a few milliseconds of a reader thread.
constexpr std::size_t kFieldsPortion = 2'000;
/// Messages that are put into a kept order one by one; more than these are sorted with all others.
constexpr std::ptrdiff_t kInsertedMax = 32;

/// What keys are made of, apart from the header.
struct Message {
  std::uint32_t number = 0;  ///< its index in what was found; in THREAD one more, since 0 is a missing parent
  TimePoint internal_date;
  std::uint64_t size = 0;
  EmailId id;
};

std::vector<Message> messages_at(const mailbox::Version& version, const std::vector<std::size_t>& positions,
                                 std::uint32_t first_number) {
  std::vector<Message> messages;
  messages.reserve(positions.size());
  for (const std::size_t position : positions) {
    const mailbox::Entry& entry = version.at(position);
    messages.push_back({first_number++, entry.internal_date(), entry.size(), entry.email_id()});
  }
  return messages;
}

std::vector<storage::Uid> uids_at(const mailbox::Version& version, const std::vector<std::size_t>& positions) {
  std::vector<storage::Uid> uids;
  uids.reserve(positions.size());
  for (const std::size_t position : positions) uids.push_back(version.at(position).uid());
  return uids;
}

std::uint32_t number_of(const mailbox::Version& version, std::size_t position, bool is_uid) {
  return is_uid ? version.at(position).uid() : static_cast<std::uint32_t>(position + 1);
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

using Criteria = std::vector<imap::SortCriterion>;

Task<std::vector<imap::SortKeys>> sort_keys_of(ImapContext& context, const std::vector<Message>& messages,
                                               const Criteria& criteria) {
  const auto make = [criteria](const message::Header& header, const Message& message) {
    imap::SortKeys keys = imap::sort_keys(header, criteria, message.internal_date);
    keys.number = message.number;
    keys.arrival = message.internal_date;
    keys.size = message.size;
    return keys;
  };
  if (imap::needs_header(criteria)) co_return co_await keys_of<imap::SortKeys>(context, messages, make);
  std::vector<imap::SortKeys> keys;
  const message::Header none;
  for (const Message& message : messages) keys.push_back(make(none, message));
  co_return keys;
}

Task<std::vector<std::uint32_t>> put_in_order(ImapContext& context, const std::vector<std::size_t>& found,
                                              const Criteria& criteria) {
  const std::vector<Message> messages = messages_at(context.selected->known(), found, 0);
  const std::vector<imap::SortKeys> keys = co_await sort_keys_of(context, messages, criteria);
  co_return imap::sorted(keys, criteria);
}

/// Whether `a` comes before `b`.
Task<bool> precedes(ImapContext& context, const Message& a, const Message& b, const Criteria& criteria) {
  const std::vector<Message> both{a, b};
  const std::vector<imap::SortKeys> keys = co_await sort_keys_of(context, both, criteria);
  co_return imap::sorted(keys, criteria).front() == a.number;
}

/// `order` is that of the first of what was found; the few behind them take their places in it.
Task<std::vector<std::uint32_t>> insert_later(ImapContext& context, const std::vector<std::size_t>& found,
                                              std::vector<std::uint32_t> order, const Criteria& criteria) {
  const std::vector<Message> messages = messages_at(context.selected->known(), found, 0);
  for (std::size_t i = order.size(); i < messages.size(); ++i) {
    std::size_t low = 0, high = order.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      const bool is_before = co_await precedes(context, messages[order[middle]], messages[i], criteria);
      (is_before ? low : high) = is_before ? middle + 1 : middle;
    }
    order.insert(order.begin() + static_cast<std::ptrdiff_t>(low), static_cast<std::uint32_t>(i));
  }
  co_return order;
}

/// By the order that is kept, where it knows all or all but a few that came later; else nothing.
Task<std::optional<std::vector<std::uint32_t>>> by_kept_order(ImapContext& context, const Orders::Order& kept,
                                                              const std::vector<std::size_t>& found,
                                                              const std::vector<storage::Uid>& uids,
                                                              const Criteria& criteria) {
  const auto later = std::ranges::upper_bound(uids, kept.uids.back());
  if (uids.end() - later > kInsertedMax) co_return std::nullopt;
  const std::vector<storage::Uid> earlier(uids.begin(), later);
  auto order = order_among(kept, earlier);
  if (!order || later == uids.end()) co_return order;
  co_return co_await insert_later(context, found, std::move(*order), criteria);
}

/// Whether the order of what was found is worth keeping.
bool is_whole(const ImapContext& context, const std::vector<std::size_t>& found) {
  return found.size() >= Orders::messages_min && found.size() == context.selected->known().size();
}

std::string name_of(const Criteria& criteria) {
  std::string name = "sort";
  for (const imap::SortCriterion& each : criteria)
    name += fmt::format("{}{}", each.reverse ? " -" : " ", static_cast<int>(each.key));
  return name;
}

/// Indexes of what was found, sorted.
Task<std::vector<std::uint32_t>> in_order(ImapContext& context, const std::vector<std::size_t>& found,
                                          const Criteria& criteria) {
  const storage::MailboxId mailbox = context.selected->view().mailbox();
  const std::string name = name_of(criteria);
  auto uids = uids_at(context.selected->known(), found);
  std::optional<std::vector<std::uint32_t>> order;
  const auto kept = context.world.orders->find(mailbox, name);
  if (kept) order = co_await by_kept_order(context, *kept, found, uids, criteria);
  if (!order) order = co_await put_in_order(context, found, criteria);
  if (is_whole(context, found) && (!kept || kept->uids != uids)) {
    Orders::Order whole{std::move(uids), *order, {}};
    context.world.orders->keep(mailbox, name, std::make_shared<const Orders::Order>(std::move(whole)));
  }
  co_return std::move(*order);
}

/// What was found as threads; numbers are indexes and one.
Task<imap::ThreadTree> in_threads(ImapContext& context, const std::vector<std::size_t>& found,
                                  imap::ThreadAlgorithm algorithm) {
  const storage::MailboxId mailbox = context.selected->view().mailbox();
  const std::string name = fmt::format("thread {}", static_cast<int>(algorithm));
  auto uids = uids_at(context.selected->known(), found);
  // A thread's form depends on every message in it.
  const auto kept = context.world.orders->find(mailbox, name);
  if (kept && kept->uids == uids) co_return kept->threads;
  const std::vector<Message> messages = messages_at(context.selected->known(), found, 1);
  const auto make = [](const message::Header& header, const Message& message) {
    imap::ThreadKeys keys = imap::thread_keys(header, message.internal_date);
    keys.number = message.number;
    return keys;
  };
  std::vector<imap::ThreadKeys> keys = co_await keys_of<imap::ThreadKeys>(context, messages, make);
  imap::ThreadTree tree = imap::thread_messages(std::move(keys), algorithm);
  if (is_whole(context, found)) {
    Orders::Order whole{std::move(uids), {}, tree};
    context.world.orders->keep(mailbox, name, std::make_shared<const Orders::Order>(std::move(whole)));
  }
  co_return tree;
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
  std::vector<std::uint32_t> numbers = co_await in_order(context, found, command.criteria);
  for (std::uint32_t& number : numbers) number = number_of(known, found[number], command.is_uid);
  context.out().sort(numbers, asks_mod_seq ? highest(known, found) : std::nullopt);
  co_return ok("SORT completed");
}

Task<Ending> run(ImapContext& context, const imap::ThreadCommand& command) {
  const std::vector<std::size_t> found = co_await find_messages(context, command.key);
  imap::ThreadTree tree = co_await in_threads(context, found, command.algorithm);
  const mailbox::Version& known = context.selected->known();
  for (imap::ThreadNode& node : tree.nodes)
    if (node.number != 0) node.number = number_of(known, found[node.number - 1], command.is_uid);
  context.out().thread(tree);
  co_return ok("THREAD completed");
}

}  // namespace posthorn::access
