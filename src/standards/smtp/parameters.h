// Parameters of MAIL and RCPT (RFC 5321 4.1.1.11): values, parsers and wire form.
// Which keywords are understood depends on what was offered; the rest is 555 5.5.4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/result.h"
#include "standards/smtp/extensions.h"
#include "standards/smtp/reply.h"

namespace posthorn::smtp {

enum class Body : unsigned char { seven_bit, eight_bit_mime };  ///< RFC 6152
enum class Ret : unsigned char { full, headers };               ///< RFC 3461 4.3

struct MailParameters {
  std::optional<std::uint64_t> size;  ///< RFC 1870
  Body body = Body::seven_bit;
  bool smtputf8 = false;    ///< RFC 6531
  bool requiretls = false;  ///< RFC 8689; only where offered
  std::optional<Ret> ret;
  std::string envid;                ///< RFC 3461 4.4, decoded from xtext; empty: none
  std::optional<std::string> auth;  ///< RFC 4954 5, decoded from xtext; "<>" stays "<>"

  friend bool operator==(const MailParameters&, const MailParameters&) = default;
};

/// RFC 3461 4.1. The default is what an absent NOTIFY means: failure, and delay at the server's discretion.
struct Notify {
  bool given = false;  ///< whether the keyword stood there; absent ones are not passed on
  bool success = false;
  bool failure = true;
  bool delay = true;
  [[nodiscard]] bool is_never() const { return given && !success && !failure && !delay; }

  /// "NEVER", "SUCCESS,FAILURE"; "" when not given.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<Notify> parse(std::string_view text);
  friend bool operator==(const Notify&, const Notify&) = default;
};

/// RFC 3461 4.2: addr-type ";" xtext.
struct OriginalRecipient {
  std::string type;   ///< "rfc822", "utf-8"
  std::string value;  ///< decoded; UTF-8 where the type is "utf-8" (RFC 6533 3)
  friend bool operator==(const OriginalRecipient&, const OriginalRecipient&) = default;
};

struct RcptParameters {
  Notify notify;
  std::optional<OriginalRecipient> orcpt;

  friend bool operator==(const RcptParameters&, const RcptParameters&) = default;
};

// RFC 3461 4.2, 4.4: 500 and 100 characters with xtext.
inline constexpr std::size_t orcpt_octets_max = 500;
inline constexpr std::size_t envid_octets_max = 100;

/// `text`: everything behind the path. The error is the reply to give.
[[nodiscard]] Result<MailParameters, Reply> parse_mail_parameters(std::string_view text, const Extensions& offered);
[[nodiscard]] Result<RcptParameters, Reply> parse_rcpt_parameters(std::string_view text, const Extensions& offered);

/// " SIZE=1234 BODY=8BITMIME", each only where the peer offers it; begins with a space unless empty.
[[nodiscard]] std::string mail_parameters_text(const MailParameters& parameters, const Extensions& offered);
[[nodiscard]] std::string rcpt_parameters_text(const RcptParameters& parameters, const Extensions& offered);

}  // namespace posthorn::smtp
