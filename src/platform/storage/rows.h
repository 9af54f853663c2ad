// The rows of the store as plain structs. What they mean (which states are legal, who may change what) is
// decided in the rooms above: site/directory, site/journal, flow/mailbox, flow/queue. docs/states/store.md has
// the tables. Every mailbox table leads with the account, so that a distributed database can spread it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/id.h"
#include "foundation/base/time.h"

namespace posthorn::storage {

/// A small integer key given by the store; never reused. 0 is "none".
template <class Tag>
struct RowId {
  std::int64_t value = 0;
  friend auto operator<=>(RowId, RowId) = default;
};
using AccountId = RowId<struct AccountTag>;
using LoginId = RowId<struct LoginTag>;
/// Also RFC 8474 MAILBOXID.
using MailboxId = RowId<struct MailboxTag>;

/// RFC 9051 2.3.1.1: 1 to 2^32-1, ascending in a mailbox, never reused while its UIDVALIDITY stands.
using Uid = std::uint32_t;
/// RFC 7162: 63 bits, one sequence a mailbox.
using ModSeq = std::uint64_t;

// ---------------------------------------------------------------- octets of messages

/// A piece of a stored content.
struct ContentRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend bool operator==(const ContentRange&, const ContentRange&) = default;
};

/// A message as one recipient has it: a small header block of its own, then ranges of a content that may be
/// shared with other recipients. No ranges means the whole content.
struct StoredOctets {
  MailId content;
  OctetString header_block;
  std::vector<ContentRange> ranges;
  std::uint64_t size = 0;  ///< octets of the whole: header block and ranges together
};

// ---------------------------------------------------------------- directory

struct DomainRow {
  std::string name;      ///< A-label form, lower case
  std::string state;     ///< draft, testing, enforcing, leaving, migrated, parked (operations/domains)
  std::string settings;  ///< JSON object; the rooms that own a key parse it
  TimePoint created;
};

struct AccountRow {
  AccountId id;
  std::string address;        ///< primary address; its login name
  std::string password_hash;  ///< Argon2id in PHC form; empty: no main password
  bool enabled = true;
  std::uint64_t quota_octets = 0;  ///< 0: no limit
  std::string settings;            ///< JSON object
  TimePoint created;
};

/// What an account uses; kept by the store as emails come and go.
struct UsageRow {
  std::uint64_t octets = 0;
  std::uint64_t messages = 0;
};

/// One application login (its own name, secret, scope): only a SCRAM verifier is kept (RFC 5803 parts).
struct LoginRow {
  LoginId id;
  AccountId account;
  std::string name;   ///< what the application sends as user name
  std::string label;  ///< what its owner calls it: "phone"
  std::string scope;  ///< comma-separated: smtp,imap,pop3
  std::uint32_t iterations = 0;
  OctetString salt, stored_key, server_key;
  TimePoint created;
  std::optional<TimePoint> last_used;
  std::string last_used_from;  ///< address and service, for its owner
};

/// A further address of an account. "@domain" is the domain's catch-all.
struct AddressRow {
  std::string address;
  AccountId account;
};

struct GroupRow {
  std::string address;
  std::vector<std::string> members;  ///< addresses
};

// ---------------------------------------------------------------- keys

/// A private key, or another secret of the site, and what may be known of it. site/keyring and operations/certificates
/// own the meaning.
struct KeyRow {
  std::string kind;    ///< "dkim", "tls", "acme"
  std::string owner;   ///< the domain (A-labels, lower case) or host it belongs to
  std::string name;    ///< the selector, for "dkim"
  std::string state;   ///< in the words of its kind
  OctetString sealed;  ///< crypto::SealingKey::seal; never the secret itself
  std::string facts;   ///< JSON object, public
  TimePoint created;
  TimePoint changed;  ///< when it came into this state
};

// ---------------------------------------------------------------- mailboxes

struct MailboxRow {
  AccountId account;
  MailboxId id;
  std::string name;  ///< UTF-8, "/" between levels; INBOX in upper case
  std::uint32_t uid_validity = 0;
  Uid uid_next = 1;
  ModSeq highest_modseq = 1;
  std::string special_use;  ///< RFC 6154 attribute without backslash: "Junk"; empty: none
  bool subscribed = true;
  /// Tombstones up to this modseq are forgotten: what went before it cannot be told (RFC 7162 3.2.5.1).
  ModSeq forgotten_modseq = 0;
  /// RFC 3501 2.3.2: uids from here on are \Recent to the next session that selects the mailbox.
  Uid first_recent = 1;
};

/// System flags as bits; everything else is a keyword.
enum class Flag : std::uint8_t { seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16 };

struct EmailRow {
  AccountId account;
  MailboxId mailbox;
  Uid uid = 0;        ///< given at commit
  ModSeq modseq = 0;  ///< given at commit
  EmailId email_id;   ///< of this copy
  /// RFC 8474 EMAILID: that of the email this one was copied from, else its own.
  EmailId object_id;
  std::uint64_t thread_id = 0;  ///< RFC 8474 THREADID; given at commit
  StoredOctets octets;
  std::uint8_t flags = 0;             ///< Flag bits
  std::vector<std::string> keywords;  ///< RFC 9051 flag-keyword, as first written
  TimePoint internal_date;
  TimePoint save_date;  ///< RFC 8514
};

/// What FETCH answers again and again, made once from the octets. Opaque here: standards/imap writes and reads them.
struct FactsRow {
  OctetString envelope;
  OctetString structure;  ///< BODY and BODYSTRUCTURE
  OctetString preview;
  /// The header fields that clients ask for most, as a header section; empty: too many octets to be kept.
  OctetString fields;
};

/// What is wanted of a FactsRow.
struct FactsParts {
  bool envelope = false, structure = false, preview = false, fields = false;
};

/// An email that was expunged and can be brought back until the undelete time has passed.
struct ExpungedRow {
  AccountId account;
  MailboxId mailbox;
  std::string mailbox_name;  ///< as it was then
  Uid uid = 0;
  EmailId email_id;
  std::uint64_t size = 0;
  std::uint8_t flags = 0;
  std::vector<std::string> keywords;
  TimePoint expunged;
};

/// What a QRESYNC client must be told went (RFC 7162 3.2.5.2); survives restart.
struct TombstoneRow {
  AccountId account;
  MailboxId mailbox;
  Uid uid = 0;
  ModSeq modseq = 0;
};

// ---------------------------------------------------------------- queue

/// One mail transaction that has recipients who are not here.
struct QueueRow {
  MailId id;
  StoredOctets octets;
  std::string sender;        ///< reverse-path without brackets; empty: null sender
  std::string envelope_id;   ///< RFC 3461 ENVID as received (xtext), empty: none
  std::string ret;           ///< "FULL", "HDRS" or empty
  bool eight_bit = false;    ///< the content needs 8BITMIME
  bool smtputf8 = false;     ///< the message needs SMTPUTF8 (RFC 6531)
  bool require_tls = false;  ///< RFC 8689
  std::string stream;        ///< outbound stream, for routes; empty: the default
  int priority = 0;          ///< higher goes first
  std::string signed_with;   ///< "selector:domain" of every signature of ours, space-separated
  std::string login;         ///< who submitted it; empty: not submitted
  std::string message_id;    ///< the Message-ID field's value, for people who search
  TimePoint arrived;
};

enum class RecipientState : std::uint8_t { queued = 0, held = 1 };

/// A recipient still to be relayed. When it is done the row is removed and its story tells how it ended.
struct RecipientRow {
  MailId mail;
  std::uint32_t index = 0;  ///< position in the transaction, its key together with mail
  std::string address;      ///< as given at RCPT, without brackets
  std::string domain;       ///< next-hop key: the A-label domain, or "route:NAME" (flow/queue)
  std::string original;     ///< RFC 3461 ORCPT as received, empty: none
  std::uint8_t notify = 0;  ///< smtp::Notify bits; 0: not given
  RecipientState state = RecipientState::queued;
  std::uint32_t attempts = 0;
  TimePoint not_before;  ///< next attempt
  TimePoint expires;     ///< when we give up
  bool delay_told = false;
  std::string last_reply;  ///< host and reply of the last attempt
};

// ---------------------------------------------------------------- stories

/// A message's story. The first part is written with the unit that accepts (or refuses) it; each later event
/// appends a part. Parts are JSON arrays of steps (site/journal owns their shape).
struct StoryRow {
  MailId id;
  TimePoint at;
  std::vector<std::string> keys;  ///< what it is found by: Message-ID, sender, recipients (lower case)
  std::string steps;
};
struct StoryPartRow {
  MailId id;
  TimePoint at;
  std::string steps;
};

// ---------------------------------------------------------------- what verification remembers

/// A row of the aggregate report that a policy domain gets about one UTC day (RFC 9990), in the report's words.
struct DmarcRow {
  std::chrono::sys_days day;
  std::string policy_domain;
  std::string digest;  ///< what tells it from the other rows of that day and domain: a hash over all that follows
  std::uint64_t count = 1;
  std::string source_ip;
  std::string record;  ///< as published
  // policy_evaluated
  std::string disposition;    ///< none, pass, quarantine, reject
  std::string dkim, spf;      ///< pass or fail: aligned or not
  std::string override_type;  ///< empty: the policy was carried out
  std::string comment;        ///< to override_type
  // identifiers
  std::string header_from, envelope_from;
  std::string envelope_to;  ///< empty where recipients of several domains had the message
  // auth_results
  struct Dkim {
    std::string domain, selector, result;
    friend bool operator==(const Dkim&, const Dkim&) = default;
  };
  std::vector<Dkim> dkim_results;
  std::string spf_scope, spf_domain, spf_result;
  friend bool operator==(const DmarcRow&, const DmarcRow&) = default;
};

/// What a UTC day has brought for one policy domain.
struct DmarcDayRow {
  std::string policy_domain;
  std::uint64_t rows = 0;
  std::uint64_t forgotten = 0;  ///< messages of further rows, for which there was no room
};

/// A selector with which a domain has validly signed mail from outside.
struct SelectorRow {
  std::string domain, selector;
  std::string algorithm;
  unsigned key_bits = 0;
  TimePoint first_seen, last_seen;
};

}  // namespace posthorn::storage
