// The TRANSACTION state (RFC 1939 5): STAT, LIST, UIDL, RETR, TOP, DELE, RSET, NOOP, QUIT.
#include "foundation/text/ascii.h"
#include "standards/pop3/server_core.h"

namespace posthorn::pop3::server {
namespace {

/// "n text" for one message, or for all that are not deleted, in number order.
void list(Core& core, std::string_view arguments, std::string_view heading,
          const std::function<std::string(const Listed&)>& text) {
  if (!arguments.empty()) {
    if (const auto message = core.message_of(arguments))
      core.ok(fmt::format("{} {}", *message + 1, text(core.maildrop[*message])));
    return;
  }
  core.ok(heading);
  for (std::size_t i = 0; i < core.maildrop.size(); ++i)
    if (!core.deleted[i]) core.output += fmt::format("{} {}\r\n", i + 1, text(core.maildrop[i]));
  core.output += ".\r\n";
}

}  // namespace

std::optional<std::size_t> Core::message_of(std::string_view argument) {
  const auto number = text::parse_number(argument);
  if (!number || *number == 0 || *number > maildrop.size()) {
    refuse("There is no such message");
    return std::nullopt;
  }
  if (deleted[*number - 1]) {
    refuse("That message is deleted");
    return std::nullopt;
  }
  return *number - 1;
}

std::pair<std::uint64_t, std::uint64_t> Core::left() const {
  std::uint64_t messages = 0, octets = 0;
  for (std::size_t i = 0; i < maildrop.size(); ++i) {
    if (deleted[i]) continue;
    ++messages;
    octets += maildrop[i].octets;
  }
  return {messages, octets};
}

// RFC 1939 5: "+OK nn mm", nothing else behind it.
void cmd_stat(Core& core, std::string_view) {
  const auto [messages, octets] = core.left();
  core.ok(fmt::format("{} {}", messages, octets));
}

void cmd_list(Core& core, std::string_view arguments) {
  const auto [messages, octets] = core.left();
  list(core, arguments, fmt::format("{} messages ({} octets)", messages, octets),
       [](const Listed& message) { return std::to_string(message.octets); });
}

void cmd_uidl(Core& core, std::string_view arguments) {
  list(core, arguments, "Unique ids", [](const Listed& message) { return message.unique_id; });
}

void cmd_retr(Core& core, std::string_view arguments) {
  const auto message = core.message_of(arguments);
  if (!message) return;
  core.top_lines.reset();
  core.ask(Waiting::message, Retrieve{*message, false});
}

void cmd_top(Core& core, std::string_view arguments) {
  const auto words = text::words(arguments);
  const auto lines = words.size() == 2 ? text::parse_number(words[1]) : std::nullopt;
  if (!lines) return core.refuse("Write TOP message lines");
  const auto message = core.message_of(words[0]);
  if (!message) return;
  core.top_lines = lines;
  core.ask(Waiting::message, Retrieve{*message, true});
}

void cmd_dele(Core& core, std::string_view arguments) {
  const auto message = core.message_of(arguments);
  if (!message) return;
  core.deleted[*message] = true;
  core.ok("Will be deleted at QUIT");
}

void cmd_rset(Core& core, std::string_view) {
  core.deleted.assign(core.maildrop.size(), false);
  core.ok("Nothing is marked as deleted");
}

void cmd_noop(Core& core, std::string_view) {
  core.ok("Nothing done");
}

// RFC 1939 6: only QUIT in the TRANSACTION state leads to UPDATE.
void cmd_quit(Core& core, std::string_view) {
  if (core.state == State::authorization) {
    core.ok("Goodbye");
    return core.close(CloseReason::quit);
  }
  core.state = State::update;
  Update update;
  for (std::size_t i = 0; i < core.deleted.size(); ++i)
    if (core.deleted[i]) update.deleted.push_back(i);
  core.ask(Waiting::update, std::move(update));
}

}  // namespace posthorn::pop3::server
