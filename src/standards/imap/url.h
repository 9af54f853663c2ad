// IMAP URLs (RFC 5092) that name a message or a part of one: what CATENATE (RFC 4469) takes. Values, no I/O.
//
//   /INBOX;UIDVALIDITY=1/;UID=20/;SECTION=1.2/;PARTIAL=0.100      of the session's own server and user
//   ;UID=20                                                       in the mailbox that is selected
//   imap://ann@imap.example.org/INBOX/;UID=20                     absolute
// A URL of a mailbox, of a search, with URLAUTH or with a dot segment is none of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "standards/imap/fetch_items.h"

namespace posthorn::imap {

/// RFC 3986 sets no bound; a mailbox name of 1,000 octets and a section, all of it percent-encoded, fit twice.
inline constexpr std::size_t url_octets_max = 8 * 1024;

/// iserver: whose session the URL is of.
struct UrlServer {
  std::string user;          ///< decoded; empty: anonymous
  std::string host;          ///< as written
  std::uint16_t port = 143;  ///< RFC 5092 3
};

struct MessageUrl {
  std::optional<UrlServer> server;  ///< nullopt: relative, the session's own
  /// UTF-8, as read_mailbox_name() keeps names; empty: the selected mailbox.
  std::string mailbox;
  /// Relative-path reference (RFC 3986 5.2.3): it stands beside the selected mailbox, not at the root.
  bool is_beside_selected = false;
  std::optional<std::uint32_t> uid_validity;
  std::uint32_t uid = 0;
  SectionSpec section;  ///< the whole message where the URL names none
  std::optional<Partial> partial;
};

/// nullopt: no URL of a message.
[[nodiscard]] std::optional<MessageUrl> parse_message_url(std::string_view url);
/// "/" levels of a mailbox beside `selected` (RFC 3986 5.2.3): "Lists/a" and "b" make "Lists/b".
[[nodiscard]] std::string mailbox_beside(std::string_view selected, std::string_view name);
/// For BADURL: url-resp-text of RFC 4469 5, what it cannot hold percent-encoded. Never empty.
[[nodiscard]] std::string url_response_text(std::string_view url);

}  // namespace posthorn::imap
