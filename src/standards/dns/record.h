// Resource records (RFC 1035 3.2) with the types mail needs told apart; every other type keeps its octets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "foundation/base/ip_address.h"
#include "standards/dns/name.h"

namespace posthorn::dns {

/// IANA "DNS Resource Record (RR) TYPEs". Any other 16-bit value is legal too and has Unknown data.
enum class RecordType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  dname = 39,
  opt = 41,
  ds = 43,
  rrsig = 46,
  dnskey = 48,
  tlsa = 52,
  spf = 99,    ///< RFC 4408's type, retired by RFC 7208 3.1: read from zone files, never asked for by us
  axfr = 252,  ///< a question only: every record of a zone (RFC 5936)
  any = 255,
  caa = 257,
};
/// "MX"; "TYPE4711" (RFC 3597 5) for a type without a name here.
[[nodiscard]] std::string text(RecordType type);
/// Either form, any case.
[[nodiscard]] std::optional<RecordType> parse_record_type(std::string_view text);

struct A {
  IpAddress address;
  friend bool operator==(const A&, const A&) = default;
};
struct Aaaa {
  IpAddress address;
  friend bool operator==(const Aaaa&, const Aaaa&) = default;
};
struct Mx {
  std::uint16_t preference = 0;
  Name exchange;  ///< the root: null MX (RFC 7505)
  friend bool operator==(const Mx&, const Mx&) = default;
};
/// TXT, and type SPF.
struct Txt {
  std::vector<std::string> strings;  ///< one at least, each up to 255 octets
  /// The strings joined without a space (RFC 7208 3.3, RFC 6376 3.6.2.2).
  [[nodiscard]] std::string joined() const;
  friend bool operator==(const Txt&, const Txt&) = default;
};
struct Cname {
  Name target;
  friend bool operator==(const Cname&, const Cname&) = default;
};
struct Ns {
  Name host;
  friend bool operator==(const Ns&, const Ns&) = default;
};
struct Ptr {
  Name target;
  friend bool operator==(const Ptr&, const Ptr&) = default;
};
struct Soa {
  Name primary;      ///< MNAME
  Name responsible;  ///< RNAME
  std::uint32_t serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0;
  friend bool operator==(const Soa&, const Soa&) = default;
};
/// RFC 2782.
struct Srv {
  std::uint16_t priority = 0, weight = 0, port = 0;
  Name target;  ///< the root: the service is decidedly not available
  friend bool operator==(const Srv&, const Srv&) = default;
};
/// RFC 6698.
struct Tlsa {
  std::uint8_t usage = 0, selector = 0, matching_type = 0;
  std::string association_data;  ///< octets
  friend bool operator==(const Tlsa&, const Tlsa&) = default;
};
/// RFC 8659.
struct Caa {
  std::uint8_t flags = 0;
  std::string tag, value;
  friend bool operator==(const Caa&, const Caa&) = default;
};
/// RDATA of a type we do not take apart (RFC 3597).
struct Unknown {
  std::string octets;
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

using RecordData = std::variant<A, Aaaa, Mx, Txt, Cname, Ns, Ptr, Soa, Srv, Tlsa, Caa, Unknown>;

struct Record {
  Name owner;
  RecordType type = RecordType::a;
  std::uint32_t ttl_seconds = 0;
  RecordData data;
  friend bool operator==(const Record&, const Record&) = default;
};

/// RDATA in presentation format, as one line of a zone file carries it; names end with a dot.
[[nodiscard]] std::string text(const RecordData& data);
/// "owner. TTL IN TYPE rdata": parses back to the same record.
[[nodiscard]] std::string text(const Record& record);

}  // namespace posthorn::dns
