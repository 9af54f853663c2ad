// Courier: who carries mail to one next hop. The queue declares it, flow/relay implements it over SMTP, tests over
// nothing. A courier is made for one next hop (queue/routes.h: a domain or a route) and keeps what is worth keeping
// between parcels: an open connection. It lives on one executor and carries one parcel at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/task.h"
#include "foundation/base/time.h"
#include "platform/storage/rows.h"

namespace posthorn::queue {

/// A queued mail while it is worked on: shared, never changed.
struct Mail {
  storage::QueueRow row;
  /// The content (StoredOctets::content) where it is still in memory because it has just been accepted; else null,
  /// and the store is read.
  std::shared_ptr<const OctetString> content;
};

/// One mail and those of its recipients who share the next hop: one mail transaction (RFC 5321 5.1: one copy for
/// many recipients).
struct Parcel {
  std::shared_ptr<const Mail> mail;
  std::vector<storage::RecipientRow> recipients;  ///< one at least, at most parcel_recipients_max
};
/// RFC 5321 4.5.3.1.8: a server takes 100 recipients at least. A peer's LIMITS may ask for fewer: the courier splits.
inline constexpr std::size_t parcel_recipients_max = 100;

/// What became of a recipient in one attempt.
enum class Fate : std::uint8_t {
  relayed,   ///< the peer took responsibility (250 after the message)
  deferred,  ///< not now: 4yz, no host reached, answer after the final dot unknown
  failed,    ///< never: 5yz to MAIL, RCPT or the message; null MX; our own decision (5.6.3, 5.4.6 …)
};

/// The answer that settled it, in the peer's words or in ours.
struct Verdict {
  int code = 0;        ///< 250, 451, 550; 0: there was no reply
  std::string status;  ///< RFC 3463: "5.1.1"; ours where the peer gave none
  std::string text;    ///< the reply's text without code; our words where `by_peer` is false
  std::string host;    ///< the host that said it; empty: we did
  bool by_peer = false;
  bool status_said = true;  ///< the reply itself bore `status`

  /// The reply as it was said: "550 5.1.1 no such user", "550 no such user".
  [[nodiscard]] std::string words() const;
  /// "mx.beta.example said 550 5.1.1 no such user", "posthorn: 4.4.1 no host could be reached".
  [[nodiscard]] std::string line() const;
};

struct RecipientOutcome {
  std::uint32_t index = 0;  ///< RecipientRow::index
  Fate fate = Fate::deferred;
  Verdict verdict;
  /// The peer has DSN (RFC 3461) and was given NOTIFY, RET, ENVID and ORCPT: reporting success is up to it now.
  bool dsn_passed_on = false;
};

/// One host address tried, for the story and for whoever observes sessions.
struct Contact {
  TimePoint at{};
  Duration took{};
  std::string host;     ///< MX name or the route's host
  std::string address;  ///< "192.0.2.1:25"; empty: it had none
  std::string stage;    ///< where it ended: "lookup", "connect", "greeting", "EHLO", "STARTTLS", "MAIL", "message"…
  std::string what;     ///< in plain words: "connection refused", "250 2.0.0 accepted as 5jq2"
  std::string tls;      ///< "TLS 1.3, TLS_AES_128_GCM_SHA256, certificate not verified"; empty: plain
  bool reused = false;  ///< on a connection left open by the parcel before
  std::vector<std::string> transcript;  ///< of a contact that failed: the SMTP dialogue, bounded, secrets masked
};

/// How the next hop bears up; the queue steers concurrency by it.
enum class HopHealth : std::uint8_t {
  fine,         ///< it answered and took work (a 550 to one recipient is fine too)
  overloaded,   ///< 421, 4.7.x or 452-like answers to us rather than to the mail: halve
  unreachable,  ///< no host could be spoken to: wait, then probe with one
};

struct Delivery {
  std::vector<RecipientOutcome> recipients;  ///< one for each of the parcel's
  std::vector<Contact> contacts;             ///< in order; bounded by the courier
  std::vector<std::string> notes;            ///< for the story: "mx.beta.example is an alias (CNAME) of …"
  HopHealth health = HopHealth::fine;
};

class Courier {
 public:
  virtual ~Courier() = default;  ///< drops what is open without ceremony
  /// Carries the parcel and says what became of each recipient. Never fails otherwise; bounded in time by the
  /// time-outs of RFC 5321 4.5.3.2 and the number of hosts tried.
  [[nodiscard]] virtual Task<Delivery> deliver(Parcel parcel) = 0;
  /// True while deliver() would go out on an open connection.
  [[nodiscard]] virtual bool is_warm() const = 0;
  /// Ends in order (QUIT). The courier may be used again afterwards.
  [[nodiscard]] virtual Task<> rest() = 0;
};

/// Makes couriers. Thread-safe; outlives them.
class CourierOffice {
 public:
  virtual ~CourierOffice() = default;
  /// `next_hop` is a key of queue/routes.h; the courier is used on executor number `loop` of the queue's.
  [[nodiscard]] virtual std::unique_ptr<Courier> courier(const std::string& next_hop, std::size_t loop) = 0;
};

}  // namespace posthorn::queue
