// message list|show|trace|send and mailbox list.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "foundation/text/ascii.h"
#include "site/directory/plan.h"
#include "site/journal/trace.h"
#include "standards/message/encoded_word.h"
#include "standards/message/header.h"
#include "standards/message/message_id.h"

namespace posthorn::admin {
namespace message_noun {
namespace {

namespace json = boost::json;

constexpr std::size_t page_rows = 200;
constexpr std::size_t header_octets = 16 * KiB;  ///< enough for From and Subject of nearly everything
constexpr std::size_t chunk_octets = 256 * KiB;
constexpr std::size_t traces_max = 100;

Problem no(std::string what, std::string why, std::string remedy) {
  return {ProblemKind::no, std::move(what), std::move(why), std::move(remedy)};
}

Result<storage::AccountId, Problem> account_id(const Site& site, const std::string& address) {
  const auto key = directory::read_address(address);
  if (!key) return fail(key.error());
  const auto snapshot = site.directory->snapshot();
  const directory::Account* account = snapshot->account_of(*key);
  if (account == nullptr) return fail(no(*key, "there is no such account", "posthorn account list shows them all"));
  return account->row.id;
}

// ---------------------------------------------------------------- list

json::array flags_json(const storage::EmailRow& row) {
  using storage::Flag;
  constexpr std::array names{std::pair{Flag::seen, "\\Seen"}, std::pair{Flag::answered, "\\Answered"},
                             std::pair{Flag::flagged, "\\Flagged"}, std::pair{Flag::deleted, "\\Deleted"},
                             std::pair{Flag::draft, "\\Draft"}};
  json::array out;
  for (const auto& [flag, name] : names) {
    if ((row.flags & static_cast<std::uint8_t>(flag)) != 0) out.emplace_back(name);
  }
  for (const std::string& keyword : row.keywords) out.emplace_back(keyword);
  return out;
}

/// As stories and the queue have it: without the angle brackets.
std::string message_id_of(const message::Header& header) {
  const std::string field = header.value("Message-ID").value_or("");
  return message::parse_message_id(field).value_or(field);
}

std::string email_json(storage::Reader& reader, const storage::EmailRow& row) {
  OctetString head;
  const std::size_t wanted = std::min<std::uint64_t>(row.octets.size, header_octets);
  const bool readable = reader.read_octets(row.octets, 0, wanted, head).has_value();
  const message::Header header = message::Header::parse(readable ? head : OctetString{});
  const auto decoded = [&](std::string_view name) {
    return message::decode_encoded_words(header.value(name).value_or(""));
  };
  return json::serialize(json::object{{"id", row.email_id.text()},
                                      {"mail", row.octets.content.text()},
                                      {"uid", row.uid},
                                      {"size", row.octets.size},
                                      {"received", time_value(row.internal_date)},
                                      {"flags", flags_json(row)},
                                      {"from", decoded("From")},
                                      {"subject", decoded("Subject")},
                                      {"message_id", message_id_of(header)}});
}

struct EmailPage {
  std::vector<std::string> items;
  storage::Uid next = 0;  ///< 0: that was all
};

EmailPage email_page(storage::Reader& reader, storage::AccountId account, storage::MailboxId mailbox,
                     storage::Uid from) {
  EmailPage page;
  const auto rows = reader.emails(account, mailbox, from, page_rows);
  for (const storage::EmailRow& row : rows) page.items.push_back(email_json(reader, row));
  if (rows.size() == page_rows) page.next = rows.back().uid + 1;
  return page;
}

Task<Done> list_mailbox(Site& site, Answer& answer, storage::AccountId account, storage::MailboxId mailbox) {
  storage::Uid from = 1;
  while (from != 0) {
    const auto question = [account, mailbox, from](storage::Reader& reader) {
      return email_page(reader, account, mailbox, from);
    };
    EmailPage page = co_await site.store->read(question);
    for (std::string& item : page.items) {
      if (auto done = co_await answer.item(std::move(item)); !done) co_return done;
    }
    from = page.next;
  }
  co_return Done{};
}

Task<Done> list(Site& site, const Request& request, Answer& answer) {
  const auto account = account_id(site, text_argument(request, "account"));
  if (!account) co_return fail(account.error());
  std::string wanted = text_argument(request, "mailbox");
  if (wanted.empty()) wanted = "INBOX";
  const storage::AccountId id = *account;
  const auto question = [id](storage::Reader& reader) { return reader.mailboxes(id); };
  const std::vector<storage::MailboxRow> mailboxes = co_await site.store->read(question);
  for (const storage::MailboxRow& row : mailboxes) {
    if (mailbox::same_mailbox_name(row.name, wanted)) co_return co_await list_mailbox(site, answer, id, row.id);
  }
  // An account that was never used has no rows yet, and an empty INBOX all the same.
  if (mailbox::same_mailbox_name(wanted, "INBOX")) co_return Done{};
  co_return fail(no(wanted, "there is no such mailbox", "posthorn mailbox list ACCOUNT shows them"));
}

Task<Done> list_mailboxes(Site& site, const Request& request, Answer& answer) {
  const auto account = account_id(site, text_argument(request, "account"));
  if (!account) co_return fail(account.error());
  const auto folders = co_await site.folders->of(*account);
  if (!folders)
    co_return fail(Problem{ProblemKind::unavailable, "the mailboxes", "the store takes nothing now",
                           "look at the disk's free space"});
  // Read anew: the folders kept in memory have the names, not what each delivery moves on (uid_next).
  const storage::AccountId id = *account;
  using Counted = std::vector<std::pair<storage::MailboxRow, storage::MailboxTotals>>;
  const auto question = [id](storage::Reader& reader) {
    Counted all;
    for (storage::MailboxRow& row : reader.mailboxes(id)) {
      const storage::MailboxTotals totals = reader.totals(id, row.id);
      all.emplace_back(std::move(row), totals);
    }
    return all;
  };
  const Counted mailboxes = co_await site.store->read(question);
  for (const auto& [row, totals] : mailboxes) {
    const json::object item{{"mailbox", row.name},         {"special_use", row.special_use},
                            {"messages", totals.messages}, {"unseen", totals.unseen},
                            {"octets", totals.octets},     {"uid_validity", row.uid_validity},
                            {"uid_next", row.uid_next},    {"subscribed", row.subscribed}};
    if (auto done = co_await answer.item(json::serialize(item)); !done) co_return done;
  }
  co_return Done{};
}

// ---------------------------------------------------------------- show

/// A stored copy by its own id, or a mail that waits in the queue.
std::optional<storage::StoredOctets> find_octets(storage::Reader& reader, std::uint64_t id) {
  if (auto email = reader.email(EmailId{id})) return std::move(email->octets);
  if (auto mail = reader.queued(MailId{id})) return std::move(mail->octets);
  return std::nullopt;
}

/// The first copy that is still there of those the story names ("email_id").
std::optional<storage::StoredOctets> find_copy(storage::Reader& reader, const journal::Trace& trace) {
  for (const journal::TraceStep& step : trace.steps) {
    for (const auto& [key, value] : step.evidence) {
      if (key != "email_id" || value.size() < 2) continue;
      const auto id = parse_id(std::string_view(value).substr(1, value.size() - 2));
      if (!id) continue;
      if (auto octets = find_octets(reader, *id)) return octets;
    }
  }
  return std::nullopt;
}

/// By any id that was told to somebody: a copy's own, or that of the mail, which its peer and its story have.
std::optional<storage::StoredOctets> find_message(storage::Reader& reader, const std::string& text) {
  const auto id = parse_id(text);
  if (!id) return std::nullopt;
  if (auto octets = find_octets(reader, *id)) return octets;
  for (const journal::Trace& trace : journal::find(reader, text, 1)) {
    if (auto octets = find_copy(reader, trace)) return octets;
  }
  return std::nullopt;
}

Task<Done> show(Site& site, const Request& request, Answer& answer) {
  const std::string text = text_argument(request, "id");
  const auto which = [text](storage::Reader& reader) { return find_message(reader, text); };
  const std::optional<storage::StoredOctets> octets = co_await site.store->read(which);
  if (!octets) co_return fail(no(text, "there is no such message", "posthorn message list ACCOUNT gives ids"));
  for (std::uint64_t offset = 0; offset < octets->size; offset += chunk_octets) {
    const auto question = [whole = *octets, offset](storage::Reader& reader) -> Result<OctetString, Problem> {
      OctetString chunk;
      if (auto read = reader.read_octets(whole, offset, chunk_octets, chunk); !read) return fail(read.error());
      return chunk;
    };
    const auto chunk = co_await site.store->read(question);
    if (!chunk) co_return fail(chunk.error());
    if (auto done = co_await answer.octets(*chunk); !done) co_return done;
  }
  co_return Done{};
}

// ---------------------------------------------------------------- trace

/// The header of a mail whose story names a stored copy ("email_id"), or that waits in the queue.
void add_hops(storage::Reader& reader, journal::Trace& trace) {
  std::optional<storage::StoredOctets> octets = find_octets(reader, trace.id.value);
  if (!octets) octets = find_copy(reader, trace);
  OctetString head;
  if (octets && reader.read_octets(*octets, 0, std::min<std::uint64_t>(octets->size, 64 * KiB), head)) {
    journal::add_hops(trace, head);
  }
}

/// `what` as the journal looks for it: the id of a stored copy stands for the mail it is a copy of.
std::string subject_of(storage::Reader& reader, const std::string& what) {
  const auto id = parse_id(what);
  if (!id) return what;
  const auto email = reader.email(EmailId{*id});
  return email ? email->octets.content.text() : what;
}

std::vector<journal::Trace> find_traces(storage::Reader& reader, const std::string& what) {
  std::vector<journal::Trace> traces = journal::find(reader, subject_of(reader, what), traces_max);
  for (journal::Trace& trace : traces) add_hops(reader, trace);
  return traces;
}

Task<Done> trace(Site& site, const Request& request, Answer& answer) {
  const std::string what = text_argument(request, "what");
  const auto question = [what](storage::Reader& reader) { return find_traces(reader, what); };
  const std::vector<journal::Trace> traces = co_await site.store->read(question);
  if (traces.empty()) {
    co_return fail(no(what, "nothing is known of it",
                      fmt::format("stories are kept {} days (limits.story_age)",
                                  std::chrono::floor<std::chrono::days>(site.config.limits.story_age).count())));
  }
  const bool as_text = !text_argument(request, "text").empty();
  for (const journal::Trace& found : traces) {
    std::string told = as_text ? json::serialize(json::object{{"text", journal::to_text(found)}}) : to_json(found);
    if (auto done = co_await answer.item(std::move(told)); !done) co_return done;
  }
  co_return Done{};
}

// ---------------------------------------------------------------- send

Task<Done> send(Site& site, const Request& request, Answer& answer) {
  if (site.submission == nullptr) {
    co_return fail(Problem{ProblemKind::unavailable, "the message was not sent", "no server runs on this store",
                           "start it: posthorn serve --config FILE"});
  }
  submission::Submission::LocalMessage message{.from = text_argument(request, "from"),
                                               .to = list_argument(request, "to"),
                                               .octets = request.input,
                                               .by = request.by};
  const auto id = co_await site.submission->submit_local(std::move(message));
  if (!id) co_return fail(id.error());
  co_return co_await answer.value(json::serialize(json::object{{"id", id->text()}}));
}

constexpr std::array messages{Handler{"message list", list}, Handler{"message show", show},
                              Handler{"message trace", trace}, Handler{"message send", send}};
constexpr std::array mailboxes{Handler{"mailbox list", list_mailboxes}};

}  // namespace
}  // namespace message_noun

std::span<const Handler> message_handlers() {
  return message_noun::messages;
}
std::span<const Handler> mailbox_handlers() {
  return message_noun::mailboxes;
}

}  // namespace posthorn::admin
