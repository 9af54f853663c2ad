// Service extensions: what an EHLO reply offers, written by the server and read by the client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "standards/sasl/mechanism.h"

namespace posthorn::smtp {

struct Extensions {
  bool pipelining = false;               ///< RFC 2920
  bool eight_bit_mime = false;           ///< RFC 6152
  bool smtputf8 = false;                 ///< RFC 6531
  bool enhanced_status_codes = false;    ///< RFC 2034
  bool chunking = false;                 ///< RFC 3030
  bool dsn = false;                      ///< RFC 3461
  bool starttls = false;                 ///< RFC 3207
  bool requiretls = false;               ///< RFC 8689
  bool size = false;                     ///< RFC 1870
  std::uint64_t size_octets_max = 0;     ///< 0: no limit told
  std::optional<std::uint32_t> rcptmax;  ///< RFC 9422
  std::optional<std::uint32_t> mailmax;
  std::vector<sasl::Mechanism> auth;  ///< RFC 4954; those we know
  bool auth_offered = false;          ///< AUTH stood there, with whatever mechanisms

  friend bool operator==(const Extensions&, const Extensions&) = default;
};

/// "SIZE 52428800\nPIPELINING\n…", without the greeting line; for the text of a 250 reply.
[[nodiscard]] std::string extensions_text(const Extensions& offered);
/// The lines of a 250 reply to EHLO, the first (host name) included. Unknown keywords are ignored.
[[nodiscard]] Extensions parse_extensions(std::string_view reply_text);

/// RFC 3848 and RFC 6531 4.3: the "with" protocol of a Received field: "SMTP", "ESMTP", "ESMTPSA", "UTF8SMTPS"…
struct WithProtocol {
  bool esmtp = false;
  bool tls = false;
  bool authenticated = false;
  bool smtputf8 = false;
};
[[nodiscard]] std::string_view with_protocol(WithProtocol what);

}  // namespace posthorn::smtp
