// Arrival: one mail transaction whose message has been read, ready to be accepted. Reception and submission fill it,
// Delivery (delivery.h) takes it.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/id.h"
#include "foundation/base/time.h"
#include "platform/storage/unit.h"
#include "site/directory/resolution.h"
#include "site/journal/story.h"
#include "standards/address/mailbox.h"
#include "standards/message/edit.h"
#include "standards/smtp/parameters.h"

namespace posthorn::delivery {

/// One RCPT that was accepted, and what it means here.
struct Recipient {
  std::string address;  ///< as RCPT gave it, without brackets
  smtp::RcptParameters parameters;
  /// ToMailbox, ToGroup, or NotHosted for one that must be relayed; never another.
  directory::Resolution target;
  bool junk = false;  ///< its copies go to the folder of special use Junk instead of INBOX
};

/// What is known of who sent the message: whether a report of ours may go there (no backscatter, RFC 3834 2).
enum class SenderStanding : unsigned char {
  verified,  ///< a login's, or SPF passed: told everything
  unknown,   ///< told what it asked for (NOTIFY=SUCCESS), never of a failure that only its message's header claims
  forged,    ///< SPF failed: never told anything
};

struct Arrival {
  MailId id;
  TimePoint at;
  address::ReversePath sender;
  smtp::MailParameters parameters;
  std::vector<Recipient> recipients;  ///< one at least
  std::string login;                  ///< who submitted it; empty: it came from outside
  std::string stream;                 ///< outbound stream, for routes; empty: the default
  message::Header header;             ///< of the message as it came
  /// Removals and additions already decided (submission's); delivery adds the trace fields.
  message::HeaderEdit edit{message::Header{}};
  SenderStanding standing = SenderStanding::unknown;
  std::string authentication_results;  ///< our field (RFC 8601), above Received; empty: nothing was verified
  std::string received;                ///< our Received field
  std::string message_id;              ///< as stored, without brackets; empty: it has none
  std::string signed_with;             ///< QueueRow::signed_with; Delivery::sign fills it
  journal::Story story;                ///< what has happened so far
  /// Rows about the message that are written in the unit of its story, accepted or refused (verification::Observer).
  std::vector<storage::Mutation> with_story;
};

struct Accepted {
  std::uint64_t size_octets = 0;
  std::size_t stored = 0;  ///< copies in mailboxes
  std::size_t queued = 0;  ///< recipients to be relayed
};

}  // namespace posthorn::delivery
