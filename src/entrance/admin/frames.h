// Frames: what goes over the control socket. A frame is a type octet, a length (4 octets, network order), a payload.
//   client: R request (JSON: verb, arguments), I input octets (any number), E end of the request
//   server: i item (JSON), o octets, v value (JSON), e end (JSON: {} or the Problem)
// Pure; bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "entrance/admin/handler.h"
#include "foundation/base/bytes.h"

namespace posthorn::admin {

inline constexpr std::size_t frame_octets_max = 1 * MiB;

struct Frame {
  char type = 0;
  std::string payload;
};

/// Appends frames of at most frame_octets_max each; an empty payload makes one empty frame.
void append_frames(std::string& to, char type, std::string_view payload);

class FrameReader {
 public:
  void push(Octets octets) { buffer_.append(octets); }
  /// The next whole frame; nullopt: more octets are needed, or it is broken().
  [[nodiscard]] std::optional<Frame> next();
  /// A frame announced more than it may have.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  std::string buffer_;
  std::size_t taken_ = 0;
  bool broken_ = false;
};

[[nodiscard]] std::string request_json(const Request& request);
[[nodiscard]] Result<Request, Problem> parse_request(std::string_view json);
[[nodiscard]] std::string end_json(const Done& done);
[[nodiscard]] Done parse_end(std::string_view json);

}  // namespace posthorn::admin
