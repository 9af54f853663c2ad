// Author: a mail program in a few lines: submits one message over STARTTLS with a password, as a user's client would.
// The forger is the same program without a login: it speaks to the receiving server itself, from an address of its own.
#pragma once

#include <optional>
#include <string>

#include "platform/net/connect.h"
#include "platform/net/tls.h"
#include "standards/smtp/client.h"

namespace posthorn::demo {

struct Letter {
  net::Endpoint server;         ///< the submission port
  std::string server_name;      ///< whom the certificate must name
  std::string login, password;  ///< no login: the mail is brought as another server would bring it
  std::string from, to;
  OctetString octets;                   ///< CRLF line ends
  std::optional<IpAddress> source{};    ///< to connect from
  std::string host_name = "localhost";  ///< for EHLO
};

/// The server's last word; whatever stage it came from.
[[nodiscard]] Task<smtp::client::Outcome> submit(net::Loop& loop, const net::ClientTls& tls, Letter letter);

}  // namespace posthorn::demo
