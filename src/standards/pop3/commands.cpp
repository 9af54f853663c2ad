// The table of commands (RFC 1939 9, 2449, 2595, 5034, 6856).
#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"
#include "standards/pop3/server_core.h"

namespace posthorn::pop3::server {
namespace {

constexpr std::array<Command, 16> commands{{
    {"USER", "USER name", true, false, cmd_user},
    {"PASS", "PASS string", true, false, cmd_pass},
    {"AUTH", "AUTH [mechanism [initial-response]]", true, false, cmd_auth},
    {"STLS", "STLS", true, false, cmd_stls},
    {"CAPA", "CAPA", true, true, cmd_capa},
    {"UTF8", "UTF8", true, false, cmd_utf8},
    {"LANG", "LANG [tag | *]", true, true, cmd_lang},
    {"QUIT", "QUIT", true, true, cmd_quit},
    {"NOOP", "NOOP", false, true, cmd_noop},
    {"RSET", "RSET", false, true, cmd_rset},
    {"STAT", "STAT", false, true, cmd_stat},
    {"LIST", "LIST [msg]", false, true, cmd_list},
    {"UIDL", "UIDL [msg]", false, true, cmd_uidl},
    {"RETR", "RETR msg", false, true, cmd_retr},
    {"TOP", "TOP msg n", false, true, cmd_top},
    {"DELE", "DELE msg", false, true, cmd_dele},
}};

}  // namespace

const Command* find_command(std::string_view verb) {
  const auto found =
      std::ranges::find_if(commands, [verb](const Command& row) { return text::iequals(row.verb, verb); });
  return found == commands.end() ? nullptr : &*found;
}

std::vector<CommandRow> command_rows() {
  std::vector<CommandRow> rows;
  rows.reserve(std::size(commands));
  for (const Command& command : commands)
    rows.push_back({command.verb, command.syntax,
                    command.in_authorization && command.in_transaction ? "always"
                    : command.in_authorization                         ? "before the login"
                                                                       : "after the login"});
  return rows;
}

}  // namespace posthorn::pop3::server
