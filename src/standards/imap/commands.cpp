// The table of commands, and how a line finds its row (RFC 9051 6).
#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"
#include "standards/imap/quoting.h"
#include "standards/imap/server_core.h"

namespace posthorn::imap::server {
namespace {

constexpr unsigned any = in_not_authenticated | in_authenticated | in_selected;
constexpr unsigned logged_in = in_authenticated | in_selected;

void hand_over(Core& core, const Scanner& in, CommandBody body, Effect effect = Effect::none) {
  if (!in.ok()) return core.refuse(*in.fault());
  core.execute(std::move(body), effect);
}

// ---- any state

void cmd_noop(Core& core, Scanner& in, bool) {
  hand_over(core, in, NoopCommand{});
}
void cmd_check(Core& core, Scanner& in, bool) {
  hand_over(core, in, NoopCommand{.is_check = true});
}

// ---- authenticated

void select(Core& core, Scanner& in, bool read_only) {
  auto command = parse_select(in, read_only, core.parse_context());
  // RFC 7162 3.1.8, 3.2.5: both enable.
  if (in.ok() && (command.condstore || command.qresync)) core.enable_condstore();
  hand_over(core, in, std::move(command), Effect::select);
}
void cmd_select(Core& core, Scanner& in, bool) {
  select(core, in, false);
}
void cmd_examine(Core& core, Scanner& in, bool) {
  select(core, in, true);
}
void cmd_create(Core& core, Scanner& in, bool) {
  auto command = parse_create(in);
  hand_over(core, in, std::move(command));
}
void cmd_delete(Core& core, Scanner& in, bool) {
  auto mailbox = parse_one_mailbox(in);
  hand_over(core, in, DeleteCommand{std::move(mailbox)});
}
void cmd_rename(Core& core, Scanner& in, bool) {
  auto command = parse_rename(in);
  hand_over(core, in, std::move(command));
}
void cmd_subscribe(Core& core, Scanner& in, bool) {
  auto mailbox = parse_one_mailbox(in);
  hand_over(core, in, SubscribeCommand{std::move(mailbox)});
}
void cmd_unsubscribe(Core& core, Scanner& in, bool) {
  auto mailbox = parse_one_mailbox(in);
  hand_over(core, in, UnsubscribeCommand{std::move(mailbox)});
}
void cmd_status(Core& core, Scanner& in, bool) {
  auto command = parse_status(in);
  if (in.ok() && command.items.highest_mod_seq) core.enable_condstore();
  hand_over(core, in, std::move(command));
}
void cmd_list(Core& core, Scanner& in, bool) {
  auto command = parse_list(in);
  if (in.ok() && command.return_status && command.return_status->highest_mod_seq) core.enable_condstore();
  hand_over(core, in, std::move(command));
}
void cmd_lsub(Core& core, Scanner& in, bool) {
  auto command = parse_lsub(in);
  hand_over(core, in, std::move(command));
}
void cmd_namespace(Core& core, Scanner& in, bool) {
  hand_over(core, in, NamespaceCommand{});
}
void cmd_getquota(Core& core, Scanner& in, bool) {
  GetQuotaCommand command{in.astring()};
  in.end();
  hand_over(core, in, std::move(command));
}
void cmd_getquotaroot(Core& core, Scanner& in, bool) {
  auto mailbox = parse_one_mailbox(in);
  hand_over(core, in, GetQuotaRootCommand{std::move(mailbox)});
}
// Where a literal stands in the line it never gets here: that takes it elsewhere (server_reading.cpp).
void cmd_append(Core& core, Scanner& in, bool is_uid) {
  core.begin_append(in, false, is_uid, std::nullopt);
}
void cmd_replace(Core& core, Scanner& in, bool is_uid) {
  core.begin_append(in, true, is_uid, std::nullopt);
}
void cmd_notify(Core& core, Scanner& in, bool) {
  auto command = parse_notify(in, core.settings->limits.notify_names_max);
  if (in.ok() && command.new_messages && command.new_messages->mod_seq) core.enable_condstore();
  hand_over(core, in, std::move(command));
}

// ---- selected

void cmd_close(Core& core, Scanner& in, bool) {
  hand_over(core, in, CloseCommand{.expunge = true}, Effect::unselect);
}
void cmd_unselect(Core& core, Scanner& in, bool) {
  hand_over(core, in, CloseCommand{.expunge = false}, Effect::unselect);
}
void cmd_expunge(Core& core, Scanner& in, bool is_uid) {
  ExpungeCommand command;
  if (is_uid) {
    in.space();
    command.uids = in.sequence_set();
  }
  in.end();
  hand_over(core, in, std::move(command));
}
void cmd_search(Core& core, Scanner& in, bool is_uid) {
  auto command = parse_search(in, is_uid, core.parse_context());
  if (in.ok() && command.key.has(SearchKey::Kind::mod_seq)) core.enable_condstore();
  hand_over(core, in, std::move(command));
}
void cmd_sort(Core& core, Scanner& in, bool is_uid) {
  auto command = parse_sort(in, is_uid, core.parse_context());
  if (in.ok() && command.key.has(SearchKey::Kind::mod_seq)) core.enable_condstore();
  hand_over(core, in, std::move(command));
}
void cmd_thread(Core& core, Scanner& in, bool is_uid) {
  auto command = parse_thread(in, is_uid, core.parse_context());
  if (in.ok() && command.key.has(SearchKey::Kind::mod_seq)) core.enable_condstore();
  hand_over(core, in, std::move(command));
}
void cmd_fetch(Core& core, Scanner& in, bool is_uid) {
  auto command = parse_fetch(in, is_uid, core.parse_context());
  if (in.ok() && command.items.mod_seq) core.enable_condstore();
  hand_over(core, in, std::move(command));
}
void cmd_store(Core& core, Scanner& in, bool is_uid) {
  auto command = parse_store(in, is_uid);
  if (in.ok() && command.unchanged_since) core.enable_condstore();
  hand_over(core, in, std::move(command));
}
void cmd_copy(Core& core, Scanner& in, bool is_uid) {
  auto command = parse_copy(in, is_uid, false);
  hand_over(core, in, std::move(command));
}
void cmd_move(Core& core, Scanner& in, bool is_uid) {
  auto command = parse_copy(in, is_uid, true);
  hand_over(core, in, std::move(command));
}

constexpr bool uid_form = true;
constexpr bool bare = false;  // no arguments

constexpr std::array<Row, 36> rows{{
    {"CAPABILITY", any, cmd_capability, false, bare},
    {"NOOP", any, cmd_noop, false, bare},
    {"LOGOUT", any, cmd_logout, false, bare},
    {"ID", any, cmd_id},  // RFC 2971
    {"STARTTLS", in_not_authenticated, cmd_starttls, false, bare},
    {"AUTHENTICATE", in_not_authenticated, cmd_authenticate},
    {"LOGIN", in_not_authenticated, cmd_login},
    {"ENABLE", logged_in, cmd_enable},
    {"SELECT", logged_in, cmd_select},
    {"EXAMINE", logged_in, cmd_examine},
    {"CREATE", logged_in, cmd_create},
    {"DELETE", logged_in, cmd_delete},
    {"RENAME", logged_in, cmd_rename},
    {"SUBSCRIBE", logged_in, cmd_subscribe},
    {"UNSUBSCRIBE", logged_in, cmd_unsubscribe},
    {"LIST", logged_in, cmd_list},
    {"LSUB", logged_in, cmd_lsub},  // RFC 3501
    {"NAMESPACE", logged_in, cmd_namespace, false, bare},
    {"STATUS", logged_in, cmd_status},
    {"APPEND", logged_in, cmd_append, false, true, true},
    {"IDLE", logged_in, cmd_idle, false, bare},
    {"GETQUOTA", logged_in, cmd_getquota},  // RFC 9208
    {"GETQUOTAROOT", logged_in, cmd_getquotaroot},
    {"NOTIFY", logged_in, cmd_notify},               // RFC 5465
    {"CHECK", in_selected, cmd_check, false, bare},  // RFC 3501
    {"CLOSE", in_selected, cmd_close, false, bare},
    {"UNSELECT", in_selected, cmd_unselect, false, bare},
    {"EXPUNGE", in_selected, cmd_expunge, uid_form, bare},
    {"SEARCH", in_selected, cmd_search, uid_form},
    {"FETCH", in_selected, cmd_fetch, uid_form},
    {"STORE", in_selected, cmd_store, uid_form},
    {"COPY", in_selected, cmd_copy, uid_form},
    {"MOVE", in_selected, cmd_move, uid_form},                    // RFC 6851
    {"SORT", in_selected, cmd_sort, uid_form},                    // RFC 5256
    {"THREAD", in_selected, cmd_thread, uid_form},                // RFC 5256
    {"REPLACE", in_selected, cmd_replace, uid_form, true, true},  // RFC 8508
}};

unsigned bit(State state) {
  switch (state) {
    case State::not_authenticated:
      return in_not_authenticated;
    case State::authenticated:
      return in_authenticated;
    case State::selected:
      return in_selected;
    case State::logout:
      break;
  }
  return 0;
}

std::string_view why_not_in(State state) {
  switch (state) {
    case State::not_authenticated:
      return "Log in first";
    case State::authenticated:
      return "Select a mailbox first, or you are logged in already";
    default:
      return "Not allowed while a mailbox is selected or after login";
  }
}

// tag = 1*<any ASTRING-CHAR except "+">
std::string_view read_tag(Scanner& in) {
  const auto rest = in.rest();
  std::size_t length = 0;
  while (length < rest.size() && rest[length] != '+' && (is_atom_char(rest[length]) || rest[length] == ']')) ++length;
  return length <= tag_octets_max ? rest.substr(0, length) : std::string_view{};
}

const Row* find_row(std::string_view name) {
  const auto row = std::ranges::find_if(rows, [&](const Row& r) { return text::iequals(r.name, name); });
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace

std::span<const Row> command_table() {
  return rows;
}

CommandStart read_start(Core& core, Scanner& in) {
  const auto tag = read_tag(in);
  if (tag.empty()) {
    in.fail("A tag is missing");
    return {};
  }
  core.tag = tag;
  in = Scanner(in.rest().substr(tag.size()), in.is_utf8());
  in.space();
  auto name = in.atom();
  CommandStart start;
  start.is_uid = text::iequals(name, "UID");
  core.command_name = text::upper(name);
  if (start.is_uid) {
    in.space();
    name = in.atom();
    core.command_name += ' ' + text::upper(name);
  }
  if (!in.ok()) return start;
  start.row = find_row(name);
  if (start.row == nullptr || (start.is_uid && !start.row->has_uid_form)) {
    in.fail("Unknown command");
  } else if ((start.row->states & bit(core.state)) == 0) {
    in.fail(why_not_in(core.state));
  } else if (start.row->has_arguments) {
    in.space();
  } else if (!start.is_uid) {
    in.end();
  }
  return start;
}

void Core::dispatch() {
  Scanner in(text, writer.encoding().utf8_names());
  const auto start = read_start(*this, in);
  if (!in.ok()) return refuse(*in.fault());
  start.row->handle(*this, in, start.is_uid);
  if (appending) return;
  // What was parsed has been copied; the text of a long command need not wait for its end.
  text = {};
  line_begin = 0;
}

std::vector<CommandRow> command_rows() {
  std::vector<CommandRow> result;
  for (const auto& row : rows) {
    std::string_view legal = "any state";
    if (row.states == in_not_authenticated) legal = "before login";
    if (row.states == logged_in) legal = "after login";
    if (row.states == in_selected) legal = "with a mailbox selected";
    result.push_back({row.name, legal});
  }
  return result;
}

}  // namespace posthorn::imap::server
