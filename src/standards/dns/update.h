// Dynamic update (RFC 2136) and transaction signatures (TSIG, RFC 8945, HMAC-SHA256 alone), both ends, as octets. Pure:
// the time is an argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/time.h"
#include "standards/dns/wire.h"

namespace posthorn::dns {

inline constexpr std::uint8_t opcode_update = 5;  // RFC 2136 1.3

/// RFC 2136 2.2, beside those of RFC 1035.
enum class UpdateCode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5,
  name_exists = 6,    ///< YXDOMAIN: a prerequisite: the name should not exist
  rrset_exists = 7,   ///< YXRRSET: the set should not exist
  rrset_missing = 8,  ///< NXRRSET: the set should exist, as given
  not_authoritative = 9,
  not_zone = 10,
};
[[nodiscard]] std::string_view text(UpdateCode code);

/// One change of one zone, all or nothing.
struct Update {
  Name zone;
  /// RFC 2136 2.4.2: these record sets stand there, exactly these records and no others.
  std::vector<Record> sets_exist;
  struct Absent {
    Name name;
    RecordType type = RecordType::any;  ///< RFC 2136 2.4.3; any: no record at all at the name (2.4.5)
  };
  std::vector<Absent> absent;
  std::vector<Record> remove;  ///< RFC 2136 2.5.4: these very records
  std::vector<Record> add;     ///< RFC 2136 2.5.1
};
/// Without a signature.
[[nodiscard]] OctetString write_update(const Update& update, std::uint16_t id);

// ---------------------------------------------------------------- TSIG

inline constexpr std::string_view tsig_algorithm = "hmac-sha256";
inline constexpr std::uint16_t tsig_fudge_seconds = 300;  // RFC 8945 10: the recommended value

struct TsigKey {
  Name name;
  OctetString secret;
};

enum class TsigError : unsigned char {
  malformed,      ///< the message cannot be read
  unsigned_,      ///< there is no TSIG record, or not in its place
  wrong_key,      ///< another key's name or algorithm (also BADKEY of the server)
  bad_signature,  ///< the MAC does not fit (also BADSIG of the server)
  bad_time,       ///< signed outside of the fudge (also BADTIME of the server): compare the clocks
};
[[nodiscard]] std::string_view text(TsigError error);

struct SignedMessage {
  OctetString octets;
  OctetString mac;  ///< the answer's MAC covers it (RFC 8945 5.3.1)
};
/// Appends the TSIG record. `request_mac`: of the request that this message answers; empty for a request.
[[nodiscard]] SignedMessage sign_tsig(Octets message, const TsigKey& key, TimePoint now, Octets request_mac = {});
/// The MAC of a message whose signature holds.
[[nodiscard]] Result<OctetString, TsigError> verify_tsig(Octets message, const TsigKey& key, TimePoint now,
                                                         Octets request_mac = {});

}  // namespace posthorn::dns
