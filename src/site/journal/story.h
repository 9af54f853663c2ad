// Story: what happened to one message, told step by step while it happens. A Story is one part (an SMTP transaction,
// one delivery attempt, a DSN); the parts of a message are written with the units that change its state and read
// together by trace.h.
//
// Cheap on purpose: steps are appended to one buffer as compact JSON, no DOM, no allocation a step once it has grown.
// Not thread-safe: one session owns it. Bounded: beyond 1 MB further steps are dropped and one says so.
// Never put a secret in: passwords, SASL exchanges and message bodies do not belong here (mask() in dialogue.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/id.h"
#include "foundation/base/time.h"
#include "platform/storage/rows.h"

namespace posthorn::journal {

/// The stations of a message's way, named only here.
enum class Stage : std::uint8_t {
  connection,      ///< who connected, from where
  tls,             ///< version, cipher, SNI
  authentication,  ///< which login
  envelope,        ///< MAIL, RCPT, what we answered
  data,            ///< size, form of the message
  verification,    ///< SPF, DKIM, DMARC, iprev
  filter,          ///< junk, Sieve
  delivery,        ///< decisions: mailbox, queue, refuse
  mailbox,         ///< stored where
  signing,         ///< with which keys
  queue,           ///< queued, next attempt, held, released
  relay,           ///< an attempt: host, reply
  dsn,             ///< a report sent, or why not
  administration,  ///< what an administrator did
};
[[nodiscard]] std::string_view name(Stage stage);

/// How a recipient stands (INTERFACES: message trace). All but queued are final.
enum class Outcome : std::uint8_t {
  mailbox,        ///< stored in a mailbox here
  relayed,        ///< the peer's 250 is recorded
  expanded,       ///< members of a group took over
  discarded,      ///< by the recipient's own rule or an administrator
  returned,       ///< a DSN went to the sender
  undeliverable,  ///< failed, and no DSN is due (null sender, NOTIFY without FAILURE)
  queued,         ///< waits
  refused,        ///< we said no; the peer keeps it
};
[[nodiscard]] std::string_view name(Outcome outcome);

/// The form of a key: lower case, without angle brackets.
[[nodiscard]] std::string story_key(std::string_view text);

class Story {
 public:
  /// Begins a step. `what` is a short plain sentence without a full stop: "recipient accepted".
  /// with(), list() and message_id() after it add evidence to this step.
  Story& step(TimePoint at, Stage stage, std::string_view what);
  /// Evidence: `key` in lower case with underscores; at, stage, what, recipient, state are taken.
  Story& with(std::string_view key, std::string_view value);
  Story& with(std::string_view key, const char* value) { return with(key, std::string_view(value)); }
  Story& with(std::string_view key, std::int64_t value);
  Story& with(std::string_view key, std::uint64_t value) { return with(key, static_cast<std::int64_t>(value)); }
  Story& with(std::string_view key, int value) { return with(key, static_cast<std::int64_t>(value)); }
  Story& with(std::string_view key, unsigned value) { return with(key, static_cast<std::int64_t>(value)); }
  Story& with(std::string_view key, bool value);
  Story& with(std::string_view key, std::span<const std::string> values);

  /// A step that says how a recipient now stands: `where` is the mailbox ("ann@alpha.example/INBOX") or host,
  /// `reply` the SMTP reply given or received, where there is one.
  Story& recipient(TimePoint at, Stage stage, std::string_view what, std::string_view address, Outcome outcome,
                   std::string_view where, std::string_view reply);
  /// Adds the Message-ID to the present step and to what the story is found by.
  Story& message_id(std::string_view value);

  /// Something the story is found by (lower-cased; each once, at most 2,000): sender, recipients, Message-ID, session.
  void key(std::string_view text);

  [[nodiscard]] bool empty() const { return json_.empty(); }
  [[nodiscard]] std::size_t size() const { return json_.size(); }

  /// The first part, for storage::PutStory. Leaves the Story empty.
  [[nodiscard]] storage::StoryRow take_row(MailId id, TimePoint at);
  /// A later part, for storage::AppendStory. Leaves the Story empty (keys are dropped).
  [[nodiscard]] storage::StoryPartRow take_part(MailId id, TimePoint at);

 private:
  [[nodiscard]] std::string take_json();
  void open_member(std::string_view key);

  std::string json_;  // "[{…},{…" : array and last object still open
  std::vector<std::string> keys_;
  bool full_ = false;
};

}  // namespace posthorn::journal
