// DNS messages on the wire (RFC 1035 4.1, EDNS(0) RFC 6891), read and written; and the answering side of a tiny
// authoritative server over a Zone, as a pure function (the demo and the tests serve it over UDP and TCP).
//
// Reading is bounded: compression pointers only lead backwards, names stay within 255 octets, at most
// message_records_max records are read. Type OPT is taken out of the additional section into `edns`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/result.h"
#include "standards/dns/record.h"
#include "standards/dns/zone.h"

namespace posthorn::dns {

inline constexpr std::size_t udp_octets_without_edns = 512;  // RFC 1035 4.2.1
inline constexpr std::size_t edns_udp_octets = 1232;         // DNS flag day 2020: unfragmented over IPv6
inline constexpr std::size_t message_octets_max = 65535;     // RFC 1035 4.2.2: the TCP length prefix
inline constexpr std::size_t message_records_max = 4096;     // our bound on one message

enum class WireError : unsigned char {
  truncated,         ///< the octets end inside a field
  bad_name,          ///< label type, pointer or length that is not legal
  bad_record_data,   ///< RDATA does not fit its type or RDLENGTH
  too_many_records,  ///< over message_records_max
  too_long,          ///< does not fit (writing)
};
[[nodiscard]] std::string_view text(WireError error);

enum class ResponseCode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5,
};

struct Question {
  Name name;
  RecordType type = RecordType::a;
  std::uint16_t record_class = 1;
};

struct Edns {
  std::uint16_t udp_octets = edns_udp_octets;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
};

struct Message {
  std::uint16_t id = 0;
  bool is_response = false;
  std::uint8_t opcode = 0;
  bool authoritative = false, truncated = false, recursion_desired = false, recursion_available = false;
  bool authentic_data = false, checking_disabled = false;
  ResponseCode code = ResponseCode::no_error;
  std::vector<Question> questions;
  std::vector<Record> answers, authorities, additionals;
  std::optional<Edns> edns;
};

[[nodiscard]] Result<Message, WireError> read_message(Octets octets);
/// With name compression in owners and in the types RFC 3597 4 allows. Where it exceeds `octets_max`, records are
/// left out from the end and TC is set.
[[nodiscard]] OctetString write_message(const Message& message, std::size_t octets_max = message_octets_max);
/// RDATA alone, uncompressed.
[[nodiscard]] OctetString write_record_data(const RecordData& data);
/// RDATA alone, as libunbound hands it out (uncompressed).
[[nodiscard]] Result<RecordData, WireError> read_record_data(RecordType type, Octets octets);

enum class Transport : unsigned char { udp, tcp };
/// The response to one query datagram (or TCP message without its length prefix). Empty where nothing is to be
/// sent: the octets are no query, or the zone says `timeout` for it. `servfail` and `bogus` are answered as SERVFAIL
/// (as a validating server does); AD is set for names marked secure where the query has AD or DO.
[[nodiscard]] OctetString answer_query(const Zone& zone, Octets query, Transport transport);

}  // namespace posthorn::dns
