#include "flow/queue/body.h"

#include <algorithm>

namespace posthorn::queue {

namespace {

/// Asked on a reader thread; owns what it needs.
struct PieceQuestion {
  storage::StoredOctets octets;
  std::uint64_t offset = 0;
  std::size_t max = 0;

  Result<OctetString, Problem> operator()(storage::Reader& reader) const {
    OctetString piece;
    const Result<void, Problem> read = reader.read_octets(octets, offset, max, piece);
    if (!read) return fail(read.error());
    return piece;
  }
};

}  // namespace

Body::Body(storage::Store& store, std::shared_ptr<const Mail> mail) : store_(store), mail_(std::move(mail)) {}

Octets Body::next_in_memory() {
  const storage::StoredOctets& octets = mail_->row.octets;
  const Octets content = *mail_->content;
  if (offset_ == 0 && range_ == 0 && !octets.header_block.empty()) {
    offset_ = octets.header_block.size();
    return octets.header_block;
  }
  if (octets.ranges.empty()) {
    if (range_ > 0) return {};
    range_ = 1;
    return content;
  }
  while (range_ < octets.ranges.size()) {
    const storage::ContentRange range = octets.ranges[range_++];
    if (range.length > 0 && range.offset < content.size()) return content.substr(range.offset, range.length);
  }
  return {};
}

Task<Result<Octets, Problem>> Body::next() {
  if (mail_->content) co_return next_in_memory();
  if (offset_ >= size()) co_return Octets{};
  PieceQuestion question{mail_->row.octets, offset_, body_piece_octets};
  Result<OctetString, Problem> piece = co_await store_.read(std::move(question));
  if (!piece) co_return fail(piece.error());
  if (piece->empty())
    co_return fail(Problem{ProblemKind::unavailable, "cannot read message " + mail_->row.id.text(),
                           "its octets end early", "run posthorn store verify"});
  piece_ = std::move(*piece);
  offset_ += piece_.size();
  co_return Octets(piece_);
}

Task<Result<OctetString, Problem>> read_beginning(storage::Store& store, std::shared_ptr<const Mail> mail,
                                                  std::size_t max) {
  Body body(store, std::move(mail));
  OctetString beginning;
  while (beginning.size() < max) {
    const Result<Octets, Problem> piece = co_await body.next();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    beginning.append(piece->substr(0, max - beginning.size()));
  }
  co_return beginning;
}

}  // namespace posthorn::queue
