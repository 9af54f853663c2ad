// DATA (RFC 5321 4.1.1.4). The octets that follow are read by Core::step_data.
#include "standards/smtp/server_core.h"

namespace posthorn::smtp::server {

void cmd_data(Core& core, std::string_view) {
  core.message = std::make_unique<Message>(TextScanner::Framing::dotted);
  core.push(MessageBegins{false});
}

}  // namespace posthorn::smtp::server
