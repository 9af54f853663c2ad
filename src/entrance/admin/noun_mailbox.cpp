// mailbox undelete, and what mailbox import and export ask: messages in parts, each part one unit with the digests of
// what it took; a mailbox's messages as one stream.
#include <boost/json.hpp>

#include "entrance/admin/handler.h"
#include "flow/mailbox/mailboxes.h"
#include "flow/mailbox/taken.h"
#include "site/directory/plan.h"

namespace posthorn::admin {
namespace mailbox_noun {
namespace {

namespace json = boost::json;

constexpr std::size_t chunk_octets = 256 * KiB;
constexpr std::size_t page_emails = 100;
// One page of small messages is read in one go.
constexpr std::uint64_t page_octets = 1 * MiB;
// Parts of an import, each with the digests of some hundred messages.
constexpr std::size_t page_parts = 100;

Result<storage::AccountId, Problem> account_id(const Site& site, const std::string& address) {
  const auto key = directory::read_address(address);
  if (!key) return fail(key.error());
  const auto snapshot = site.directory->snapshot();
  const directory::Account* account = snapshot->account_of(*key);
  if (account == nullptr)
    return fail(Problem{ProblemKind::no, *key, "there is no such account", "posthorn account list shows them all"});
  return account->row.id;
}

Problem problem_of(std::string what, const mailbox::OperationFailure& failure) {
  const bool later =
      failure.error == mailbox::OperationError::no_space || failure.error == mailbox::OperationError::shutting_down;
  return {later ? ProblemKind::unavailable : ProblemKind::no, std::move(what), failure.why, ""};
}

std::uint64_t number(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  if (value == nullptr || !value->is_number()) return 0;
  return value->to_number<std::uint64_t>();
}

// ---------------------------------------------------------------- undelete

struct Wanted {
  std::vector<EmailId> ids;
  TimePoint since;
};

Result<Wanted, Problem> wanted(const Request& request) {
  Wanted wanted;
  for (const std::string& text : list_argument(request, "ids")) {
    const auto id = EmailId::parse(text);
    if (!id) return fail(Problem{ProblemKind::usage, text, "it is no id of a message", "mailbox undelete --list"});
    wanted.ids.push_back(*id);
  }
  wanted.since = from_unix_seconds(static_cast<std::int64_t>(number(request.arguments, "since")));
  return wanted;
}

json::object expunged_json(const storage::ExpungedRow& row) {
  return {{"id", row.email_id.text()},
          {"mailbox", row.mailbox_name},
          {"size", row.size},
          {"expunged", time_value(row.expunged)}};
}

Task<Done> undelete(Site& site, const Request& request, Answer& answer) {
  const auto account = account_id(site, text_argument(request, "account"));
  if (!account) co_return fail(account.error());
  const auto asked = wanted(request);
  if (!asked) co_return fail(asked.error());
  auto rows = co_await site.mailboxes->recoverable(*account, asked->since);
  if (!asked->ids.empty())
    std::erase_if(rows, [&](const storage::ExpungedRow& row) {
      return std::ranges::find(asked->ids, row.email_id) == asked->ids.end();
    });
  if (rows.size() < asked->ids.size())
    co_return fail(Problem{ProblemKind::no, "the messages", "not all of these can be brought back",
                           "posthorn mailbox undelete ACCOUNT --list shows those that can"});
  for (const storage::ExpungedRow& row : rows)
    if (auto done = co_await answer.item(json::serialize(expunged_json(row))); !done) co_return done;
  if (!text_argument(request, "list").empty()) co_return Done{};
  const auto back = co_await site.mailboxes->undelete(*account, std::move(rows));
  if (!back) co_return fail(problem_of("the messages", back.error()));
  co_return Done{};
}

// ---------------------------------------------------------------- import

/// Where what was taken of the request's source is kept; "" where its mailbox is not there (and so has taken nothing).
Task<Result<std::string, Problem>> taken_of(Site& site, const Request& request) {
  const auto account = account_id(site, text_argument(request, "account"));
  if (!account) co_return fail(account.error());
  const auto folders = co_await site.mailboxes->folders().of(*account);
  if (!folders)
    co_return fail(Problem{ProblemKind::no, text_argument(request, "account"), "there is no such account", ""});
  const std::string name = text_argument(request, "mailbox");
  const storage::MailboxRow* row = mailbox::Folders::find(**folders, name);
  if (row == nullptr) co_return std::string{};
  co_return mailbox::taken_prefix(*account, row->id, text_argument(request, "source"));
}

/// An item for each part that was taken of a source before.
Task<Done> taken(Site& site, const Request& request, Answer& answer) {
  const auto prefix = co_await taken_of(site, request);
  if (!prefix) co_return fail(prefix.error());
  for (std::uint64_t part = 0; !prefix->empty();) {
    const auto values = co_await mailbox::taken_parts(*site.store, *prefix, part, page_parts);
    if (values.empty()) break;
    part += values.size();
    for (const std::string& value : values) {
      const std::string item = json::serialize(json::object{{"digests", value}});
      if (auto done = co_await answer.item(item); !done) co_return done;
    }
  }
  co_return Done{};
}

Task<Done> forget(Site& site, const Request& request, Answer&) {
  const auto prefix = co_await taken_of(site, request);
  if (!prefix) co_return fail(prefix.error());
  if (prefix->empty()) co_return Done{};
  const auto forgotten = co_await mailbox::forget_taken(*site.store, *prefix);
  if (!forgotten)
    co_return fail(Problem{ProblemKind::unavailable, "the import", "the store cannot take it now", "try again later"});
  co_return Done{};
}

/// One message of a part: what stands beside its octets.
Task<Done> take_message(mailbox::Append& append, const json::object& about, Octets octets) {
  std::vector<std::string> keywords;
  if (const auto* list = about.if_contains("keywords"); list != nullptr && list->is_array())
    for (const json::value& keyword : list->as_array()) keywords.emplace_back(keyword.as_string());
  std::optional<TimePoint> date;
  if (const auto* at = about.if_contains("date"); at != nullptr && at->is_number())
    date = from_unix_seconds(at->to_number<std::int64_t>());
  const auto flags = static_cast<std::uint8_t>(number(about, "flags") & 0x1f);
  auto begun = append.begin_message(flags, keywords, date);
  // Words that are no keywords here are left behind rather than the message.
  if (!begun) begun = append.begin_message(flags, {}, date);
  if (!begun) co_return fail(problem_of("a message", begun.error()));
  for (std::size_t at = 0; at < octets.size(); at += chunk_octets) {
    const auto written = co_await append.write(octets.substr(at, chunk_octets));
    if (!written) co_return fail(problem_of("a message", written.error()));
  }
  const auto ended = co_await append.end_message();
  if (!ended) co_return fail(problem_of("a message", ended.error()));
  co_return Done{};
}

Task<Done> take_part(Site& site, const Request& request, Answer& answer) {
  const auto account = account_id(site, text_argument(request, "account"));
  if (!account) co_return fail(account.error());
  const std::string name = text_argument(request, "mailbox");
  const auto made = co_await site.mailboxes->create(*account, name);
  if (!made && made.error().error != mailbox::OperationError::already_exists)
    co_return fail(problem_of(name, made.error()));
  mailbox::Append append = site.mailboxes->begin_append(*account);
  Octets rest = request.input;
  const auto* messages = request.arguments.if_contains("messages");
  if (messages == nullptr || !messages->is_array())
    co_return fail(Problem{ProblemKind::usage, "the part", "it names no messages", ""});
  for (const json::value& each : messages->as_array()) {
    const json::object& about = each.as_object();
    const std::uint64_t size = number(about, "size");
    if (size > rest.size()) co_return fail(Problem{ProblemKind::usage, "the part", "it is shorter than it says", ""});
    if (auto done = co_await take_message(append, about, rest.substr(0, size)); !done) co_return done;
    rest.remove_prefix(size);
  }
  // What was taken is known together with the messages themselves: nothing is taken twice, nothing left out. A part
  // that comes late, of an import that was killed, finds that another has gone on meanwhile.
  const auto prefix = co_await taken_of(site, request);
  if (!prefix) co_return fail(prefix.error());
  const std::string key = mailbox::taken_key(*prefix, number(request.arguments, "part"));
  storage::Unit with_it;
  with_it.preconditions.emplace_back(storage::SettingIs{key, ""});
  with_it.mutations.emplace_back(storage::PutSetting{key, text_argument(request, "digests")});
  const auto stored = co_await site.mailboxes->finish_append(std::move(append), name, std::move(with_it));
  if (!stored && stored.error().error == mailbox::OperationError::not_allowed)
    co_return fail(Problem{ProblemKind::unavailable, "the import",
                           "another import of the same source has gone on meanwhile",
                           "call it again: it goes on where that one is"});
  if (!stored) co_return fail(problem_of(name, stored.error()));
  co_return co_await answer.value(json::serialize(json::object{{"stored", stored->uids.size()}}));
}

// ---------------------------------------------------------------- export

json::object email_json(const storage::EmailRow& row) {
  json::array keywords;
  for (const std::string& keyword : row.keywords) keywords.emplace_back(keyword);
  return {{"uid", row.uid},     {"id", row.email_id.text()},       {"size", row.octets.size},
          {"flags", row.flags}, {"keywords", std::move(keywords)}, {"date", unix_seconds(row.internal_date)}};
}

Task<Done> give_message(Site& site, const mailbox::ReadMessage& message, Answer& answer) {
  if (auto done = co_await answer.item(json::serialize(email_json(message.row))); !done) co_return done;
  if (auto done = co_await answer.octets(message.octets); !done) co_return done;
  for (std::uint64_t at = message.octets.size(); at < message.row.octets.size; at += chunk_octets) {
    const auto piece = co_await site.mailboxes->read(message.row.octets, at, chunk_octets);
    if (!piece) co_return fail(problem_of("a message", piece.error()));
    if (auto done = co_await answer.octets(*piece); !done) co_return done;
  }
  co_return Done{};
}

/// Every message of a mailbox with a uid above `after`: an item that tells of it, then its octets.
Task<Done> give(Site& site, const Request& request, Answer& answer) {
  const auto account = account_id(site, text_argument(request, "account"));
  if (!account) co_return fail(account.error());
  const std::string name = text_argument(request, "mailbox");
  const auto view = co_await site.mailboxes->open(*account, name);
  if (!view) co_return fail(problem_of(name, view.error()));
  const auto version = (*view)->current();
  const auto after = static_cast<storage::Uid>(number(request.arguments, "after"));
  for (std::size_t at = version->lower_bound(after + 1); at < version->size();) {
    std::vector<storage::Uid> uids;
    version->for_each(at, at + page_emails,
                      [&](std::size_t, const mailbox::Entry& entry) { uids.push_back(entry.uid()); });
    const storage::Uid last = uids.back();
    const auto page = co_await site.mailboxes->read_messages(**view, std::move(uids), chunk_octets, page_octets);
    if (!page) co_return fail(problem_of(name, page.error()));
    for (const mailbox::ReadMessage& message : *page)
      if (auto done = co_await give_message(site, message, answer); !done) co_return done;
    // A page ends where its octets are full; what was expunged meanwhile is passed over.
    at = version->lower_bound((page->empty() ? last : page->back().row.uid) + 1);
  }
  co_return Done{};
}

constexpr std::array rows{Handler{"mailbox undelete", undelete}, Handler{"mailbox taken", taken},
                          Handler{"mailbox forget-taken", forget}, Handler{"mailbox part", take_part},
                          Handler{"mailbox read", give}};

}  // namespace
}  // namespace mailbox_noun

std::span<const Handler> mail_transfer_handlers() {
  return mailbox_noun::rows;
}

}  // namespace posthorn::admin
