// mbox files (RFC 4155, in the form people call mboxrd): messages one after the other, each behind a line "From …".
// Pure; reads files of any size in pieces.
//
// What we write can be read back to the same octets. Where flags are known, three lines stand on top of the message
// (Status, X-Status, X-Keywords, always in this order); messages whose lines do not all end with CRLF get a fourth,
// X-Raw-Octets, and keep their line ends. Files of other programs have Status lines anywhere in the header: they are
// read and left where they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/time.h"

namespace posthorn::message {

/// What a mail store keeps beside the octets.
struct KeptMessage {
  OctetString octets;  ///< lines end with CRLF, unless it never was so
  bool seen = false, answered = false, flagged = false, deleted = false, draft = false;
  std::vector<std::string> keywords;
  std::optional<TimePoint> date;  ///< when it arrived, in seconds

  friend bool operator==(const KeptMessage&, const KeptMessage&) = default;
};

/// Whether every line ends with CRLF, so that CRLF and LF can be exchanged without loss.
[[nodiscard]] bool has_plain_lines(Octets octets);
/// CRLF becomes LF; and back, where a line does not end with CRLF already.
[[nodiscard]] OctetString to_lf(Octets octets);
[[nodiscard]] OctetString to_crlf(Octets octets);

/// One message as it stands in a file, its empty line included.
[[nodiscard]] std::string format_mbox(const KeptMessage& message);

class MboxReader {
 public:
  /// Messages longer than `octets_max` are passed over and counted.
  explicit MboxReader(std::size_t octets_max) : octets_max_(octets_max) {}

  void push(Octets octets);
  /// The file is over.
  void finish() { finished_ = true; }
  /// The next whole message; nullopt: push more, or that was all.
  [[nodiscard]] std::optional<KeptMessage> next();
  /// The file does not begin with a "From " line.
  [[nodiscard]] bool is_broken() const { return broken_; }
  [[nodiscard]] std::uint64_t passed_over() const { return passed_over_; }

 private:
  [[nodiscard]] std::optional<std::size_t> find_end();
  void pass_over_line();
  void drop(std::size_t octets);

  std::size_t octets_max_;
  std::string buffer_;
  std::size_t scanned_ = 0;  ///< of the buffer: whole lines that were looked at
  bool after_empty_ = true;  ///< the line before was empty
  bool too_long_ = false;    ///< the message at hand is passed over
  bool finished_ = false, broken_ = false;
  std::uint64_t passed_over_ = 0;
};

}  // namespace posthorn::message
