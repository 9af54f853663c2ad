#include "site/config/limits.h"

#include <array>

namespace posthorn::config {
namespace {

constexpr std::uint64_t day_s = 86400;

constexpr LimitRow number(std::string_view name, std::uint64_t Limits::* member, std::uint64_t least,
                          std::uint64_t most, std::string_view rule, std::string_view explanation) {
  return {name, LimitUnit::count, member, nullptr, least, most, rule, explanation};
}
constexpr LimitRow octets(std::string_view name, std::uint64_t Limits::* member, std::uint64_t least,
                          std::uint64_t most, std::string_view rule, std::string_view explanation) {
  return {name, LimitUnit::octets, member, nullptr, least, most, rule, explanation};
}
constexpr LimitRow time(std::string_view name, Duration Limits::* member, std::uint64_t least_s, std::uint64_t most_s,
                        std::string_view rule, std::string_view explanation) {
  return {name, LimitUnit::duration, nullptr, member, least_s, most_s, rule, explanation};
}

constexpr std::array limit_table{
    octets("message_size", &Limits::message_size, 64 * KiB, 4 * GiB, "RFC 5321 4.5.3.1.7, RFC 1870",
           "Largest message taken, told to peers as SIZE. The default leaves room for 45 MB of attachments in base64."),
    number("recipients", &Limits::recipients, 100, 100'000, "RFC 5321 4.5.3.1.8",
           "Recipients of one transaction; more get 452 4.5.3 and belong to the next one."),
    octets("header_size", &Limits::header_size, 16 * KiB, 16 * MiB, "",
           "Largest header section; a message with a larger one is refused with 552 5.3.4."),
    number("received_fields", &Limits::received_fields, 30, 1000, "RFC 5321 6.3",
           "A message with more Received fields runs in circles and is refused with 554 5.4.6."),

    number("connections", &Limits::connections, 10, 1'000'000, "", "Connections of all listeners together."),
    number("connections_per_address", &Limits::connections_per_address, 1, 1'000'000, "",
           "Connections from one address (IPv6: one /64); more are turned away with 421 4.7.0."),
    number("messages_per_connection", &Limits::messages_per_connection, 1, 1'000'000, "RFC 9422 (MAILMAX)",
           "Transactions in one connection; then 421 4.7.0 asks for a new one."),
    number("errors", &Limits::errors, 3, 10'000, "RFC 5321 4.3.2",
           "Commands in error before the session ends with 421 4.7.0."),
    number("refused_recipients", &Limits::refused_recipients, 3, 100'000, "",
           "Refused recipients before the session ends with 421 4.7.0: guessing addresses stays slow."),
    time("command_timeout", &Limits::command_timeout, 10, day_s, "RFC 5321 4.5.3.2.7",
         "How long a silent peer is waited for between commands."),
    time("data_timeout", &Limits::data_timeout, 10, day_s, "RFC 5321 4.5.3.2.5",
         "How long a silent peer is waited for within a message."),
    time("transaction_timeout", &Limits::transaction_timeout, 60, 7 * day_s, "",
         "How long one message may take to arrive, however slowly its octets drip."),
    time("tls_timeout", &Limits::tls_timeout, 5, 3600, "", "How long a TLS handshake may take."),

    time("login_timeout", &Limits::login_timeout, 10, 3600, "",
         "How long an IMAP or POP3 connection may stay without a login."),
    time("imap_idle_timeout", &Limits::imap_idle_timeout, 1800, day_s, "RFC 9051 5.4, RFC 2177",
         "How long a silent IMAP session is kept; programs in IDLE speak every 29 minutes."),
    time("pop3_idle_timeout", &Limits::pop3_idle_timeout, 600, day_s, "RFC 1939 3",
         "How long a silent POP3 session is kept; nothing is deleted when it ends so."),
    octets("append_size", &Limits::append_size, 64 * KiB, 64 * GiB, "RFC 7889",
           "Largest message an IMAP program may store, told to it as APPENDLIMIT."),
    time("undelete_time", &Limits::undelete_time, 0, 366 * day_s, "",
         "How long an expunged message can be brought back (posthorn mailbox undelete); its disk space stays in use "
         "meanwhile, its owner's quota does not."),

    number("messages_per_hour", &Limits::messages_per_hour, 1, 100'000'000, "",
           "Messages a login may submit in an hour; more get 451 4.7.1."),
    number("recipients_per_hour", &Limits::recipients_per_hour, 1, 100'000'000, "",
           "Recipients a login may submit to in an hour; more get 451 4.7.1."),
    number("guesses_per_address", &Limits::guesses_per_address, 3, 1'000'000, "",
           "Wrong passwords from one address (IPv6: one /64) within guess_window before 454 4.7.0."),
    number("guesses_per_account", &Limits::guesses_per_account, 3, 1'000'000, "",
           "Wrong passwords for one account within guess_window. Addresses its owner came from before are exempt."),
    time("guess_window", &Limits::guess_window, 10, day_s, "", "The time in which wrong passwords are counted."),
    octets("quota", &Limits::quota, 0, std::uint64_t{1} << 50, "RFC 9208",
           "Quota of a new account; 0 is none. `posthorn account set --quota` changes it for one."),

    number("group_members", &Limits::group_members, 1, 100'000, "", "Members of one group."),
    number("group_depth", &Limits::group_depth, 1, 50, "", "Groups within groups."),

    number("outbound_connections", &Limits::outbound_connections, 1, 100'000, "",
           "Connections to other hosts at once."),
    number("outbound_connections_per_destination", &Limits::outbound_connections_per_destination, 1, 10'000, "",
           "Connections to one destination at once; fewer are used while it answers 421 or 4.7.x."),
    number("outbound_recipients", &Limits::outbound_recipients, 1, 10'000, "RFC 5321 4.5.3.1.8",
           "Recipients sent in one transaction; a peer's LIMITS may lower it."),

    number("dns_questions_at_a_server", &Limits::dns_questions_at_a_server, 1, 1'000, "",
           "Questions that checks of domains have under way at one name server or cache at a time; more wait."),

    octets("intake_memory", &Limits::intake_memory, 1 * MiB, 64 * GiB, "",
           "Arriving messages held in memory, all sessions together; above it they stream to files early."),
    time("story_age", &Limits::story_age, 3600, 3653 * day_s, "", "How long the stories of messages are kept."),
    octets("story_size", &Limits::story_size, 1 * MiB, std::uint64_t{1} << 50, "",
           "Octets of all stories together; above it the oldest go first."),
};

// RFC 5321 4.5.3.1.8: a server takes at least 100 recipients. 4.5.3.2.7: it waits at least five minutes.
static_assert(Limits{}.recipients >= 100);
static_assert(Limits{}.command_timeout >= std::chrono::minutes(5));
// RFC 9051 5.4: an autologout timer is at least 30 minutes. RFC 1939 3: at least ten.
static_assert(Limits{}.imap_idle_timeout >= std::chrono::minutes(30));
static_assert(Limits{}.pop3_idle_timeout >= std::chrono::minutes(10));
static_assert(Limits{}.connections_per_address <= Limits{}.connections);
static_assert(Limits{}.header_size < Limits{}.message_size);

}  // namespace

std::span<const LimitRow> limit_rows() {
  return limit_table;
}

}  // namespace posthorn::config
