// Resolution: what a recipient address means here. Found at RCPT in a Snapshot; every answer has one reply.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "platform/storage/rows.h"

namespace posthorn::directory {

/// How an address led to its account.
enum class Via : std::uint8_t {
  primary,     ///< the account's own address
  alias,       ///< a further address of it
  catch_all,   ///< "@domain"
  postmaster,  ///< RFC 5321 4.5.1, RFC 2142: nobody has the address, the postmaster answers it
};

struct ToMailbox {
  storage::AccountId account;
  std::string account_address;  ///< the account's primary address
  std::string address;          ///< the address that matched, without detail: what Delivered-To says
  std::string detail;           ///< RFC 5233: what followed "+"; empty: none
  Via via = Via::primary;
};
/// Members with nested groups opened, each account once; disabled ones are left out. May be empty only where
/// every member is disabled.
struct ToGroup {
  std::string group;
  std::vector<ToMailbox> members;
};
/// The domain is not ours: relay, if the sender may.
struct NotHosted {};
/// 550 5.1.1.
struct UnknownUser {};
/// 550 5.2.1.
struct Disabled {
  std::string account_address;
};
/// The domain takes no mail at all: 556 5.1.10 as its null MX says (RFC 7505).
struct Parked {};
/// Groups within groups deeper than limits.group_depth, or in a circle: 550 5.4.6.
struct GroupLoop {
  std::string group;
};
/// With the groups in it it comes to more accounts than limits.group_members: 554 5.5.3. Nobody of them is left out
/// silently.
struct GroupTooLarge {
  std::string group;
};

using Resolution = std::variant<ToMailbox, ToGroup, NotHosted, UnknownUser, Disabled, Parked, GroupLoop, GroupTooLarge>;

}  // namespace posthorn::directory
