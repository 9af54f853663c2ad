// Settling: what an attempt's outcome means for the rows, the story and the sender (RFC 5321 4.5.4.1, RFC 3461 5, 6).
// Pure; service.cpp commits what comes out. The rules are the table in docs/states/queue.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/queue/courier.h"
#include "flow/queue/policy.h"
#include "platform/storage/unit.h"
#include "standards/dsn/dsn.h"

namespace posthorn::queue {

/// What becomes of one recipient.
struct Decision {
  enum class Kind : std::uint8_t {
    relayed,  ///< done: the peer has it
    waits,    ///< stays; `after` is its new row
    failed,   ///< done: returned to the sender, or undeliverable where no report is due
  };
  Kind kind = Kind::waits;
  storage::RecipientRow before;
  storage::RecipientRow after;
  Verdict verdict;
  bool expired = false;               ///< failed because its time is over
  std::optional<dsn::Action> report;  ///< a report to the sender is due
};

/// After an attempt. One decision for each of the parcel's recipients.
[[nodiscard]] std::vector<Decision> decide(const Policy& policy, const Parcel& parcel, const Delivery& delivery,
                                           TimePoint now);
/// For a recipient that waits at a next hop out of reach, without an attempt of its own: nullopt when nothing is due
/// yet.
[[nodiscard]] std::optional<Decision> decide_waiting(const Policy& policy, const Mail& mail,
                                                     const storage::RecipientRow& row, const Verdict& hop_verdict,
                                                     TimePoint now);
/// The next moment at which decide_waiting() will have something to say.
[[nodiscard]] TimePoint next_deadline(const Policy& policy, const Mail& mail, const storage::RecipientRow& row);

/// What the report for these decisions says; nullopt when none is due. `beginning`: octets of the message.
[[nodiscard]] std::optional<dsn::Report> report_for(const Mail& mail, const std::vector<Decision>& decisions,
                                                    const std::string& host_name, TimePoint now);

/// How the report fared, for the story.
struct ReportFate {
  enum class Kind : std::uint8_t { none, sent, impossible };
  Kind kind = Kind::none;
  MailId id;
  std::string why;  ///< impossible: in words
};

/// The unit: preconditions and mutations of the rows, and the story part of attempt and decisions. The report's own
/// unit is appended by the caller.
[[nodiscard]] storage::Unit unit_for(const Mail& mail, const std::vector<Decision>& decisions,
                                     const std::vector<Contact>& contacts, const std::vector<std::string>& notes,
                                     const ReportFate& report, TimePoint now);

}  // namespace posthorn::queue
