#include "standards/dkim/message_scan.h"

#include <algorithm>

#include <fmt/format.h>

#include "standards/dkim/canonical.h"

namespace posthorn::dkim {
namespace {

constexpr std::size_t kArcSignaturesMax = 50;  // RFC 8617 4.2.1

/// One hash of the body, up to l= octets of its canonical form.
struct Slot {
  BodyHashKind kind;
  crypto::SignatureDigest digest;
  std::uint64_t taken = 0;
  MessageScan::BodyHash result;

  explicit Slot(BodyHashKind wanted) : kind(wanted), digest(wanted.hash) {}

  void take(Octets octets) {
    if (kind.length)
      octets = octets.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(*kind.length - taken, octets.size())));
    if (octets.empty()) return;
    taken += octets.size();
    digest.update(octets);
  }
};

/// A canonical form of the body, and the hashes over it.
class Form final : public CanonicalSink {
 public:
  Form(Canonicalization form, std::vector<Slot>& slots) : form_(form), slots_(slots), canonicalizer_(form, *this) {}

  void take(Octets octets) override {
    octets_ += octets.size();
    for (Slot& slot : slots_)
      if (slot.kind.form == form_) slot.take(octets);
  }
  void feed(Octets octets) { canonicalizer_.feed(octets); }
  void finish() {
    canonicalizer_.finish();
    for (Slot& slot : slots_)
      if (slot.kind.form == form_) slot.result = {slot.digest.finish(), octets_};
  }

 private:
  Canonicalization form_;
  std::vector<Slot>& slots_;
  BodyCanonicalizer canonicalizer_;
  std::uint64_t octets_ = 0;
};

}  // namespace

struct MessageScan::State {
  message::HeaderReader reader;
  message::Header header;
  bool header_complete = false;
  bool finished = false;
  std::vector<ScannedSignature> signatures;
  std::uint64_t octets_seen = 0;  ///< before the piece being fed
  std::string open_line;          ///< what came of the header line that has not ended
  std::vector<Slot> slots;
  std::vector<std::unique_ptr<Form>> forms;  ///< they refer to `slots`, which no longer grows then

  void want(const BodyHashKind& kind);
  void feed_header(Octets octets);
  void scan_signatures();
  void end_header(Octets octets);
  void feed_body(Octets octets);
};

void MessageScan::State::want(const BodyHashKind& kind) {
  const bool known = std::ranges::find(slots, kind, &Slot::kind) != slots.end();
  if (!known && slots.size() < body_hashes_max) slots.emplace_back(kind);
}

void MessageScan::State::feed_header(Octets octets) {
  reader.push(octets);
  if (reader.state() != message::HeaderReader::State::reading) {
    end_header(octets);
    return;
  }
  octets_seen += octets.size();
  const auto line_end = octets.rfind('\n');
  if (line_end != Octets::npos) open_line.clear();
  open_line += octets.substr(line_end == Octets::npos ? 0 : line_end + 1);
}

void MessageScan::State::scan_signatures() {
  std::size_t arc_seen = 0;
  const auto want_for = [this](const Signature& signature) {
    want({signature.canonicalizations.body, hash_of(signature.algorithm), signature.body_length});
  };
  for (const message::Field& field : header.fields()) {
    if (field.is("DKIM-Signature") && signatures.size() < signatures_max) {
      signatures.push_back({field, parse_signature(field.value)});
      if (signatures.back().parsed) want_for(*signatures.back().parsed);
    } else if (field.is("ARC-Message-Signature") && arc_seen++ < kArcSignaturesMax) {
      if (const auto signature = parse_arc_message_signature(field.value)) want_for(*signature);
    }
  }
}

/// The header section is over somewhere in `octets`, or (without a separator) in the line that began before them.
void MessageScan::State::end_header(Octets octets) {
  header = reader.take();
  header_complete = true;
  scan_signatures();
  for (const auto form : {Canonicalization::simple, Canonicalization::relaxed})
    if (std::ranges::any_of(slots, [&](const Slot& slot) { return slot.kind.form == form; }))
      forms.push_back(std::make_unique<Form>(form, slots));
  const std::uint64_t body = header.body_offset();
  if (body < octets_seen) {
    // An overlong section is cut before the field that overran it, which is no longer there; such a message is not
    // verified.
    const auto behind = static_cast<std::size_t>(std::min<std::uint64_t>(open_line.size(), octets_seen - body));
    feed_body(Octets{open_line}.substr(open_line.size() - behind));
  }
  if (body < octets_seen + octets.size())
    feed_body(octets.substr(body > octets_seen ? static_cast<std::size_t>(body - octets_seen) : 0));
  open_line.clear();
}

void MessageScan::State::feed_body(Octets octets) {
  for (const auto& form : forms) form->feed(octets);
}

MessageScan::MessageScan(const std::vector<BodyHashKind>& wanted) : state_(std::make_unique<State>()) {
  for (const BodyHashKind& kind : wanted) state_->want(kind);
}
MessageScan::~MessageScan() = default;
MessageScan::MessageScan(MessageScan&&) noexcept = default;
MessageScan& MessageScan::operator=(MessageScan&&) noexcept = default;

void MessageScan::feed(Octets octets) {
  if (octets.empty()) return;
  state_->header_complete ? state_->feed_body(octets) : state_->feed_header(octets);
}

void MessageScan::finish() {
  if (std::exchange(state_->finished, true)) return;
  if (!state_->header_complete) {
    state_->reader.finish();
    state_->end_header({});
  }
  for (const auto& form : state_->forms) form->finish();
}

std::string header_bound_reason() {
  return fmt::format("the header section has more than {} fields or {} octets, and what is behind them was not read",
                     message::header_fields_max, message::header_octets_max);
}

bool MessageScan::header_complete() const {
  return state_->header_complete;
}

const message::Header& MessageScan::header() const {
  return state_->header;
}

const std::vector<ScannedSignature>& MessageScan::signatures() const {
  return state_->signatures;
}

std::vector<dns::Name> MessageScan::key_names() const {
  std::vector<dns::Name> out;
  for (const ScannedSignature& signature : signatures()) {
    auto name = signature.parsed ? signature.parsed->key_name() : std::nullopt;
    if (name && std::ranges::find(out, *name) == out.end()) out.push_back(std::move(*name));
  }
  return out;
}

const MessageScan::BodyHash* MessageScan::body_hash(const BodyHashKind& kind) const {
  const auto slot = std::ranges::find(state_->slots, kind, &Slot::kind);
  return state_->finished && slot != state_->slots.end() ? &slot->result : nullptr;
}

}  // namespace posthorn::dkim
