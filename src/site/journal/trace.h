// Trace: a message's story read back: parts put together, recipients' last state, the hops its own Received fields
// tell; as JSON (INTERFACES: message trace) and in plain words.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "platform/storage/reader.h"
#include "site/journal/story.h"
#include "standards/message/received.h"

namespace posthorn::journal {

struct TraceStep {
  TimePoint at;
  std::string stage;
  std::string what;
  /// Values as JSON text ("\"mx.example\"", "250", "true", "[…]").
  std::vector<std::pair<std::string, std::string>> evidence;
};

struct TraceRecipient {
  std::string address, state, where, reply;
};

struct Trace {
  MailId id;
  std::string message_id;
  std::vector<TraceStep> steps;            ///< by time
  std::vector<TraceRecipient> recipients;  ///< by first mention
  std::vector<message::Hop> hops;          ///< oldest first; filled by add_hops
};

/// Tolerates parts it cannot read (a step says so); never fails.
[[nodiscard]] Trace assemble(const storage::StoryRow& row, const std::vector<storage::StoryPartRow>& parts);

/// Fills Trace::hops from the header section of the message.
void add_hops(Trace& trace, Octets header_section);

/// ID (of the message, or of the session that brought it), MESSAGE-ID (with or without brackets) or ADDRESS; newest
/// first, at most `max`.
[[nodiscard]] std::vector<Trace> find(storage::Reader& reader, std::string_view what, std::size_t max);

/// `{"id","message_id","steps":[{"at","stage","what",…}],"recipients":[{"address","state","where","reply"}],"hops":[…]}`
[[nodiscard]] std::string to_json(const Trace& trace);
/// For a tired administrator: what became of each recipient first, then how it came to that.
[[nodiscard]] std::string to_text(const Trace& trace);

}  // namespace posthorn::journal
