// Limits: every bound an operator may move, with its default, unit and the rule that sets it. The table in
// limits.cpp is the only place: parser, `config explain` and the documentation read it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "foundation/base/bytes.h"
#include "foundation/base/time.h"

namespace posthorn::config {

struct Limits {
  // one message
  std::uint64_t message_size = 64 * MiB;  ///< SIZE, octets
  std::uint64_t recipients = 1000;        ///< a transaction
  std::uint64_t header_size = 256 * KiB;  ///< header section, octets
  std::uint64_t received_fields = 100;    ///< more is a loop
  // one connection
  std::uint64_t connections = 15000;  ///< all listeners together
  std::uint64_t connections_per_address = 250;
  std::uint64_t messages_per_connection = 1000;
  std::uint64_t errors = 20;               ///< protocol errors before 421
  std::uint64_t refused_recipients = 100;  ///< unknown or refused recipients before 421
  Duration command_timeout = std::chrono::minutes(5);
  Duration data_timeout = std::chrono::minutes(3);       ///< between two reads of message data
  Duration transaction_timeout = std::chrono::hours(1);  ///< whole message data of a slow sender
  Duration tls_timeout = std::chrono::seconds(30);       ///< handshake
  // one IMAP or POP3 session
  Duration login_timeout = std::chrono::minutes(1);  ///< from the connection to the login
  Duration imap_idle_timeout = std::chrono::minutes(31);
  Duration pop3_idle_timeout = std::chrono::minutes(10);
  std::uint64_t append_size = 2 * GiB;  ///< APPENDLIMIT, octets
  Duration undelete_time = std::chrono::hours(7 * 24);
  // one login, one account
  std::uint64_t messages_per_hour = 1000;    ///< submitted by a login
  std::uint64_t recipients_per_hour = 2000;  ///< submitted by a login
  std::uint64_t guesses_per_address = 20;    ///< wrong passwords in guess_window from one address (IPv6: /64)
  std::uint64_t guesses_per_account = 100;   ///< wrong passwords in guess_window for one account, from strangers
  Duration guess_window = std::chrono::minutes(15);
  std::uint64_t quota = 0;  ///< of a new account, octets; 0: none
  // groups
  std::uint64_t group_members = 1000;
  std::uint64_t group_depth = 5;
  // relay
  std::uint64_t outbound_connections = 500;
  std::uint64_t outbound_connections_per_destination = 20;
  std::uint64_t outbound_recipients = 100;      ///< a transaction, RCPT commands
  std::uint64_t dns_questions_at_a_server = 8;  ///< of checks of domains, at a time
  // memory and stories
  std::uint64_t intake_memory = 64 * MiB;  ///< octets of arriving messages held in memory, all sessions together
  Duration story_age = std::chrono::days(90);
  std::uint64_t story_size = 1 * GiB;  ///< octets of all stories together
};

enum class LimitUnit : std::uint8_t { count, octets, duration };

/// One row: exactly one of the two member pointers is set.
struct LimitRow {
  std::string_view name;  ///< below "limits."
  LimitUnit unit;
  std::uint64_t Limits::* number;
  Duration Limits::* duration;
  std::uint64_t least, most;  ///< in the unit (durations: seconds)
  std::string_view rule;
  std::string_view explanation;
};
[[nodiscard]] std::span<const LimitRow> limit_rows();

}  // namespace posthorn::config
