// Canonical forms (RFC 6376 3.4), computed while octets pass, without copying what does not change.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  void take(Octets octets);
  void end_line();
  void release();

  Canonicalization form_;
  CanonicalSink& sink_;
  bool any_ = false;              ///< something has gone to the sink
  bool held_cr_ = false;          ///< a CR whose LF has not come yet
  bool held_space_ = false;       ///< relaxed: white space that may be trailing
  std::uint64_t held_lines_ = 0;  ///< CRLFs that may be trailing empty lines
};

/// Appends one header field in canonical form, with its final CRLF; `raw` is the whole field as in message::Field.
void append_canonical_field(std::string& out, Canonicalization form, Octets raw);

/// The field that holds the signature, and where in it the value of b= stands (white space around it included).
struct OwnField {
  Octets raw;
  std::size_t b_begin = 0, b_end = 0;  ///< offsets into `raw`
};
/// Appends the signature's own field: the value of b= taken as empty, and no final CRLF (RFC 6376 3.7).
void append_own_field(std::string& out, Canonicalization form, const OwnField& own);

/// Appends the fields that `names` picks, each the last one not yet picked (RFC 6376 5.4.2).
void append_signed_fields(std::string& out, const message::Header& header, const std::vector<std::string>& names,
                          Canonicalization form);
/// What b= signs: those fields, then the signature's own.
[[nodiscard]] std::string canonical_headers(const message::Header& header, const std::vector<std::string>& names,
                                            Canonicalization form, const OwnField& own);

}  // namespace posthorn::dkim
