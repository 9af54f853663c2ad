#include "flow/relay/needs.h"

#include <algorithm>

#include "flow/queue/body.h"
#include "foundation/text/ascii.h"
#include "standards/message/header.h"

namespace posthorn::relay {

namespace {

// Ours: in a longer header section it is not looked for the end.
constexpr std::size_t beginning_octets_max = 64 * KiB;

/// RFC 2045 5.1, RFC 2046 5: body parts and messages within have header fields of their own.
bool holds_parts(const message::Header& header) {
  return std::ranges::any_of(header.all("Content-Type"), [](const message::Field& field) {
    const std::string value = text::lower(field.unfolded());
    return value.contains("multipart/") || value.contains("message/");
  });
}

}  // namespace

void NeedsReader::feed(Octets piece) {
  is_ascii_ = is_ascii_ && text::is_ascii(piece);
  beginning_.append(piece.substr(0, beginning_octets_max - beginning_.size()));
}

Needs NeedsReader::needs() const {
  if (is_ascii_) return {};
  const message::Header header = message::Header::parse(beginning_);
  const std::size_t end = header.body_offset();
  const bool is_whole = !header.overflowed() && !header.missing_separator() &&
                        (end < beginning_.size() || beginning_.size() < beginning_octets_max);
  const bool is_ascii_header = is_whole && text::is_ascii(Octets(beginning_).substr(0, end));
  return {.eight_bit_mime = true, .smtputf8 = !is_ascii_header || holds_parts(header)};
}

Task<Result<Needs, Problem>> read_needs(storage::Store& store, std::shared_ptr<const queue::Mail> mail) {
  NeedsReader reader;
  queue::Body body(store, std::move(mail));
  for (;;) {
    const Result<Octets, Problem> piece = co_await body.next();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return reader.needs();
    reader.feed(*piece);
  }
}

}  // namespace posthorn::relay
