// ImapContext: what the commands of one IMAP session work with: its login, the selected mailbox, the machine whose
// responses they write. ImapSession owns it. On the session's loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/access/gate.h"
#include "flow/access/imap.h"
#include "flow/access/imap_notifications.h"
#include "flow/mailbox/mailboxes.h"
#include "platform/net/stream.h"
#include "standards/imap/server.h"
#include "standards/message/mime.h"

namespace posthorn::access {

/// How a command ends: its tagged response.
struct Ending {
  imap::server::Condition condition = imap::server::Condition::ok;
  imap::ResponseCode code;
  std::string text;
};
[[nodiscard]] Ending ok(std::string_view text);
[[nodiscard]] Ending ok(imap::ResponseCode code, std::string_view text);
[[nodiscard]] Ending no(imap::ResponseCode code, std::string_view text);
[[nodiscard]] Ending bad(std::string_view text);

/// What a missing mailbox means to the client.
enum class MissingMailbox : unsigned char {
  nonexistent,  ///< [NONEXISTENT]
  try_create,   ///< [TRYCREATE]: the target of APPEND, COPY, MOVE (RFC 9051 6.3.12, 6.4.7)
};
[[nodiscard]] Ending failed(const mailbox::OperationFailure& failure,
                            MissingMailbox missing = MissingMailbox::nonexistent);

/// The selected mailbox.
struct Selected {
  Selected(mailbox::Snapshot first, bool examined) : snapshot(std::move(first)), read_only(examined) {}

  mailbox::Snapshot snapshot;  ///< as the client knows it
  bool read_only = false;      ///< EXAMINE
  imap::NumberSet recent;      ///< uids that are \Recent to this session (RFC 3501 2.3.2)
  imap::NumberSet saved;       ///< "$" as uids (RFC 5182)
  /// Keywords that FLAGS has named.
  std::vector<std::string> keywords_told;
  std::unique_ptr<mailbox::View::Subscription> subscription;  ///< during IDLE, and where NOTIFY wants it

  [[nodiscard]] const mailbox::Version& known() const { return snapshot.known(); }
  [[nodiscard]] const mailbox::View& view() const { return *snapshot.view(); }
  [[nodiscard]] std::uint32_t number_of(std::size_t position) const { return static_cast<std::uint32_t>(position + 1); }
};

/// APPEND or REPLACE on its way.
struct Appending {
  explicit Appending(mailbox::Append begun) : append(std::move(begun)) {}
  mailbox::Append append;
  imap::AppendTarget target;
  storage::Uid replaced = 0;          ///< REPLACE
  std::optional<Ending> refusal;      ///< what went wrong on the way; the rest is read and dropped
  std::optional<OctetString> binary;  ///< a literal8 (RFC 3516 4.4), collected to be encoded where it has NUL
  bool is_catenated = false;          ///< the present message comes in parts (RFC 4469)
  std::uint64_t octets_before = 0;    ///< of the messages before the present one
};

/// The structure of the message that was looked at last: clients fetch its parts one after another.
struct LastStructure {
  EmailId email;
  std::shared_ptr<const message::PartTree> tree;
};

struct ImapContext {
  const ImapSurroundings& world;
  const Settings& settings;
  net::Loop& loop;
  net::Stream& stream;
  imap::server::Session& machine;
  runtime::Logger log;
  Gate gate;
  std::unique_ptr<Selected> selected = nullptr;
  std::unique_ptr<Appending> appending = nullptr;
  std::unique_ptr<Notifications> notifications = nullptr;  ///< since the first NOTIFY
  LastStructure structure = {};
  std::string tag = {};  ///< of the command being carried out

  [[nodiscard]] mailbox::Mailboxes& mailboxes() const { return *world.mailboxes; }
  [[nodiscard]] storage::AccountId account() const { return gate.identity()->account; }
  [[nodiscard]] imap::ResponseWriter& out() const { return machine.responses(); }
  [[nodiscard]] const imap::Encoding& encoding() const { return machine.encoding(); }

  /// Writes what has collected. False: the client is gone; the command may stop at once.
  [[nodiscard]] Task<bool> flush();
  /// Whether so much has collected that flush() should come before more.
  [[nodiscard]] bool is_full() const { return machine.output_size() >= imap::server::output_octets_max; }
};

}  // namespace posthorn::access
