// Live probe of an MX host: addresses, connection, EHLO, STARTTLS, the certificate as senders judge it, TLSA. Makes
// one connection an address and sends no mail (QUIT after the handshake).
//
// Asks the DNS for A, AAAA and, where the addresses are validated, TLSA: at most three questions a host. What was
// asked before comes from the resolver's cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/finding.h"
#include "foundation/base/ip_address.h"
#include "foundation/crypto/certificate.h"
#include "platform/net/connect.h"
#include "platform/net/loop.h"
#include "platform/net/tls.h"
#include "standards/dane/tlsa.h"
#include "standards/dane/verify.h"
#include "standards/dns/resolver.h"

namespace posthorn::inspection {

inline constexpr std::size_t probed_addresses_max = 4;  // a host; two of each family
inline constexpr std::size_t probe_line_octets_max = 4096;

struct ProbeOptions {
  std::string host_name = "localhost";  ///< EHLO
  std::uint16_t port = 25;
  std::vector<IpAddress> source;
  bool allow_private = false;
  Duration time_max = std::chrono::seconds(30);  ///< a host's address
  /// Until there is a connection: a SYN is sent four times by then (after 1, 3 and 7 s).
  Duration connect_time_max = std::chrono::seconds(12);
  /// Only the DNS is asked: nothing is connected to (offline checks).
  bool dns_only = false;
};

struct ProbeSurroundings {
  dns::Resolver* resolver = nullptr;
  net::Dialer* dialer = nullptr;
  net::Loop* loop = nullptr;
  const net::ClientTls* tls = nullptr;
  const crypto::TrustStore* trust = nullptr;  ///< what certificates are judged against
};

/// The certificate as MTA-STS asks for it (RFC 8461 4.1): chain, name (SAN, the MX name), dates.
struct CertificateVerdict {
  std::vector<std::string> names;
  std::string issuer, key_type;
  TimePoint not_before, not_after;
  bool fits_name = false;
  bool expired = false;     ///< or not yet valid
  std::string not_trusted;  ///< why the chain is not trusted, dates apart; empty: it is
  [[nodiscard]] bool is_good() const { return fits_name && !expired && not_trusted.empty(); }
  /// One sentence: what is wrong; "" where nothing is.
  std::string problem;
  std::string tlsa;  ///< "3 1 1 …" of its key: what a TLSA record for it says
};

struct AddressProbe {
  IpAddress address;
  bool skipped = false;  ///< private, or nothing was to be connected to
  bool connected = false;
  bool refused = false;     ///< nobody listens there
  bool silent = false;      ///< nothing came from there in time: no connection, or no greeting
  bool starttls = false;    ///< offered
  bool encrypted = false;   ///< the handshake came to an end
  bool requiretls = false;  ///< REQUIRETLS offered under TLS
  std::string greeting;     ///< first line of the 220
  std::string tls;          ///< "TLSv1.3 TLS_AES_256_GCM_SHA384"
  std::string problem;      ///< where it ended; empty: it went well
  std::optional<CertificateVerdict> certificate;
  std::optional<dane::Verdict> dane;  ///< where there are TLSA records and a certificate
};

struct MxProbe {
  dns::Name host;
  dns::Status addresses_status = dns::Status::ok;
  bool is_alias = false;  ///< the host is a CNAME
  std::vector<IpAddress> addresses;
  bool addresses_secure = false;
  dane::TlsaLookup tlsa;
  bool unsigned_tlsa = false;  ///< there are TLSA records, and nothing vouches for them
  std::vector<AddressProbe> probes;
  std::vector<dns::Answer> answers;
};

/// `mx_secure`: the MX answer was validated (RFC 7672 2.2.1: without that there is no DANE); true where a host alone
/// is asked about.
[[nodiscard]] Task<MxProbe> probe_mx(ProbeSurroundings with, ProbeOptions options, dns::Name host, bool mx_secure,
                                     TimePoint now);

/// mx-unresolvable, mx-cname, mx-no-starttls, mx-certificate, tlsa-mismatch, tlsa-unsigned.
[[nodiscard]] Findings findings_of(const MxProbe& probe);

// ---- hosts that say nothing

/// Which kinds of public address have answered on the port: what shows that it leads out of this network.
struct Reached {
  bool v4 = false, v6 = false;
  void note(const MxProbe& probe);
  [[nodiscard]] bool proves(const IpAddress& address) const;
};

/// A host of which no address answers. In doubt: nobody else has answered on that port either, so that it may be the
/// way out of this network that is closed.
struct SilentHost {
  Finding finding;  ///< mx-no-starttls
  bool in_doubt = false;
};
/// nullopt: it answers, it refuses (findings_of() says so), or it was not asked. `port`: asked at.
[[nodiscard]] std::optional<SilentHost> silence_of(const MxProbe& probe, const Reached& reached, std::uint16_t port);

}  // namespace posthorn::inspection
