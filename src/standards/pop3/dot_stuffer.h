// A multi-line response (RFC 1939 3) from octets as they come: lines that begin with a dot get another, the end is made
// sure, and TOP stops after its lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthorn::pop3::server {

class DotStuffer {
 public:
  /// `body_lines`: TOP; nullopt: the whole message.
  explicit DotStuffer(std::optional<std::uint64_t> body_lines) : body_lines_(body_lines) {}

  /// Appends what goes on the wire. Without effect once it has enough.
  void push(std::string_view octets, std::string& out);
  /// The line end, where the message did not end with one, and the final dot.
  void finish(std::string& out);
  [[nodiscard]] bool wants_more() const { return !enough_; }

 private:
  void end_line(bool was_empty);

  std::optional<std::uint64_t> body_lines_;
  bool enough_ = false;
  bool in_body_ = false;
  std::uint64_t line_octets_ = 0;  ///< of the line so far, CR included
  char last_ = '\n';
};

}  // namespace posthorn::pop3::server
