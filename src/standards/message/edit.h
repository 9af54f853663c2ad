// What is done to a message's header on its way, without copying the message: fields put on top, and which octet
// ranges of the original stay (DESIGN: the octets of a message are unchanged but for trace fields on top and the
// removals that RFC 8601 5, RFC 5321 4.4 and RFC 6409 8 order).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "standards/message/header.h"

namespace posthorn::message {

struct OctetRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend bool operator==(const OctetRange&, const OctetRange&) = default;
};

/// Collects changes over one Header; `kept_ranges` and `top` are the plan.
class HeaderEdit {
 public:
  explicit HeaderEdit(Header header) : header_(std::move(header)) {}

  void remove(const Field& field);
  void remove_all(std::string_view name);
  /// RFC 8601 5: fields claiming our authserv-id, also in forms with comments, quotes or versions.
  void remove_authentication_results(std::string_view authserv_id);
  /// Puts one finished field (with its CRLF) on top of those put there before.
  void put_on_top(std::string_view field);

  /// Fields on top, newest first.
  [[nodiscard]] const std::string& top() const { return top_; }
  /// The ranges of the original that stay, in order, neighbours merged, none empty.
  [[nodiscard]] std::vector<OctetRange> kept_ranges(std::uint64_t message_octets) const;
  /// The edited message, for small messages and tests.
  [[nodiscard]] std::string apply(Octets message) const;

 private:
  Header header_;
  std::string top_;
  std::vector<OctetRange> removed_;
};

/// The authserv-id of an Authentication-Results value (RFC 8601 2.2), comments skipped, quotes undone; empty when
/// there is none.
[[nodiscard]] std::string authserv_id_of(Octets value);

}  // namespace posthorn::message
