// Handlers: what each administrative verb does, by name ("account add"). The same handler serves the control socket
// of a running server and the command line over a store that no server holds.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "entrance/admin/site.h"
#include "platform/storage/verify.h"

namespace posthorn::admin {

struct Request {
  std::string verb;
  boost::json::object arguments;
  OctetString input;  ///< a file's octets that go with it: the message of `message send`
  std::string by;     ///< who asks, for logs and stories: "uid 1000 on the control socket"
};

/// Where a handler's answer goes: items (of a list), octets (a message), or one value; JSON as text.
class Answer {
 public:
  virtual ~Answer() = default;
  [[nodiscard]] virtual Task<Result<void, Problem>> item(std::string json) = 0;
  [[nodiscard]] virtual Task<Result<void, Problem>> octets(Octets octets) = 0;
  [[nodiscard]] virtual Task<Result<void, Problem>> value(std::string json) = 0;
};

using Done = Result<void, Problem>;

struct Handler {
  std::string_view verb;
  /// `site`, `request` and `answer` live until it returns.
  Task<Done> (*run)(Site& site, const Request& request, Answer& answer);
};

// One file a noun.
[[nodiscard]] std::span<const Handler> domain_handlers();
[[nodiscard]] std::span<const Handler> key_handlers();
[[nodiscard]] std::span<const Handler> certificate_handlers();
[[nodiscard]] std::span<const Handler> domain_life_handlers();
[[nodiscard]] std::span<const Handler> domain_watch_handlers();
[[nodiscard]] std::span<const Handler> account_handlers();
[[nodiscard]] std::span<const Handler> login_handlers();
[[nodiscard]] std::span<const Handler> address_handlers();
[[nodiscard]] std::span<const Handler> group_handlers();
[[nodiscard]] std::span<const Handler> queue_handlers();
[[nodiscard]] std::span<const Handler> message_handlers();
[[nodiscard]] std::span<const Handler> mailbox_handlers();
[[nodiscard]] std::span<const Handler> mail_transfer_handlers();  // mailbox undelete, import, export
[[nodiscard]] std::span<const Handler> store_handlers();
[[nodiscard]] std::span<const Handler> server_handlers();

/// nullptr: there is no such verb.
[[nodiscard]] const Handler* find_handler(std::string_view verb);

/// The DKIM keys of a domain with their records: what `domain add`, `domain show` and `domain keys` answer.
[[nodiscard]] boost::json::array keys_json(const Site& site, std::string_view domain);
/// The first keys of a new domain; a Problem does not undo the domain.
[[nodiscard]] Task<Done> add_first_keys(Site& site, std::string domain);

/// What a verb came upon that the store cannot answer: a damaged page, say. `why`: in the database's words.
[[nodiscard]] Problem unreadable_store(const config::Config& config, std::string_view why);

// ---- for handlers

/// The argument's text; empty where it is absent or no string.
[[nodiscard]] std::string text_argument(const Request& request, std::string_view name);
[[nodiscard]] std::vector<std::string> list_argument(const Request& request, std::string_view name);
/// Commits a planned unit; a failed precondition is "somebody else was faster".
[[nodiscard]] Task<Result<storage::Committed, Problem>> commit(Site& site, storage::Unit unit, std::string what);
[[nodiscard]] Task<Done> commit_plan(Site& site, Result<storage::Unit, Problem> plan, std::string what);
/// "2026-12-24T08:00:00Z"; null for nothing.
[[nodiscard]] boost::json::value time_value(std::optional<TimePoint> at);

/// A report of `store verify` as its verb answers it, and what it means where it is not clean.
[[nodiscard]] boost::json::object verify_json(const storage::VerifyReport& report);
[[nodiscard]] boost::json::object backup_json(const std::filesystem::path& to, const storage::BackupReport& report);
[[nodiscard]] Problem verify_problem(const storage::VerifyReport& report);

}  // namespace posthorn::admin
