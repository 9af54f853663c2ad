// EHLO and HELO (RFC 5321 4.1.1.1).
#include "foundation/text/ascii.h"
#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {
namespace {

constexpr std::size_t hello_name_octets_max = 255;

// ehlo = "EHLO" SP ( Domain / address-literal ). The name is not checked against the grammar: refusing mail for
// it is against RFC 5321 4.1.4, and real hosts send underscores and bare words.
void hello(Core& core, std::string_view arguments, bool esmtp) {
  const auto name = arguments.substr(0, arguments.find(' '));
  if (name.empty()) return core.refuse(Reply(501, {5, 5, 4}, "Give your host name: EHLO mail.example.org"));
  if (name.size() > hello_name_octets_max || !text::is_utf8(name)) {
    return core.refuse(Reply(501, {5, 5, 4}, "That is no host name"));
  }
  for (const char c : name) {
    if (!text::is_visible(c) && !text::is_non_ascii(c))
      return core.refuse(Reply(501, {5, 5, 4}, "That is no host name"));
  }
  core.reset_transaction(true);
  core.hello_asked = name;
  core.hello_asked_esmtp = esmtp;
  core.push(Hello{esmtp, std::string(name)});
}

}  // namespace

void cmd_ehlo(Core& core, std::string_view arguments) {
  hello(core, arguments, true);
}
void cmd_helo(Core& core, std::string_view arguments) {
  hello(core, arguments, false);
}

}  // namespace posthorn::smtp::server
