// Canonical forms (RFC 6376 3.4), computed while octets pass, without copying what does not change.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "foundation/base/bytes.h"
#include "standards/dkim/algorithm.h"
#include "standards/message/header.h"

namespace posthorn::dkim {

/// Who takes canonical octets: a hash, or a string for a person to read.
class CanonicalSink {
 public:
  virtual ~CanonicalSink() = default;
  virtual void take(Octets octets) = 0;
};

class StringSink final : public CanonicalSink {
 public:
  void take(Octets octets) override { text += octets; }
  std::string text;
};

/// The canonical form of a body that arrives in pieces; the result does not depend on where they were cut.
/// Only CRLF ends a line; a lone CR or LF is an ordinary octet.
class BodyCanonicalizer {
 public:
  BodyCanonicalizer(Canonicalization form, CanonicalSink& sink) : form_(form), sink_(sink) {}

  void feed(Octets octets);
  /// The body is over: trailing empty lines are dropped, the last line gets its CRLF.
  void finish();

 private:
  void feed_simple(Octets octets);
  void feed_relaxed(Octets octets);
  void release();
  std::size_t resolve_held(Octets octets);

  Canonicalization form_;
  CanonicalSink& sink_;
  bool any_ = false;              ///< something has gone to the sink
  bool held_cr_ = false;          ///< a CR whose LF has not come yet
  bool held_space_ = false;       ///< relaxed: white space that may be trailing
  std::uint64_t held_lines_ = 0;  ///< CRLFs that may be trailing empty lines
};

/// One header field in canonical form, with its final CRLF; `raw` is the whole field as in message::Field.
void canonical_header_field(Canonicalization form, Octets raw, CanonicalSink& sink);
/// The same for the signature's own field: the value of b= taken as empty, and no final CRLF (RFC 6376 3.7).
/// `b_begin`, `b_end` bound what is left out, as offsets into `raw`.
void canonical_signature_field(Canonicalization form, Octets raw, std::size_t b_begin, std::size_t b_end,
                               CanonicalSink& sink);

}  // namespace posthorn::dkim
