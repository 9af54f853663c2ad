// Expectation: what we know of a domain besides what it publishes. `domain check` compares the two. Filled from the
// domain's model (check_model.h); empty for a domain that is in no store of ours, which is then checked by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/ip_address.h"
#include "foundation/base/time.h"
#include "standards/dns/record.h"

namespace posthorn::domains {

enum class DomainKind : unsigned char {
  unknown,    ///< nothing is known: read off what it publishes
  here,       ///< its mail is here
  elsewhere,  ///< its MX hosts are a provider's
  parked,     ///< no mail at all
};
[[nodiscard]] std::string_view text(DomainKind kind);

/// A record that should be there.
struct ExpectedRecord {
  dns::Name name;
  dns::RecordType type = dns::RecordType::a;
  std::uint32_t ttl_seconds = 3600;
  std::string data;    ///< presentation form
  std::string reason;  ///< why
  /// Other records of the type at the name are somebody else's and stay (TXT at the apex, CAA); else they are a
  /// difference (MX, CNAME).
  bool shares_name = false;
};

/// A DKIM selector in use.
struct ExpectedSelector {
  std::string selector;
  std::string record;    ///< "v=DKIM1; …" as we sign with it; empty: a provider's key, any will do
  bool retired = false;  ///< revoked on purpose, or a key that waits to be removed
};

/// A way by which the domain's mail leaves.
struct ExpectedStream {
  std::string name;
  std::vector<IpAddress> addresses;  ///< it sends from
  std::string spf_include;           ///< the provider's, "" without
  std::string mail_from_domain;      ///< of its envelope; "" for the domain
  std::string dkim_domain;           ///< d= of its signatures; "" for the domain
};

/// An MTA-STS policy that senders may still hold.
struct ServedPolicy {
  std::string id;
  TimePoint last_served;
  std::uint64_t max_age_seconds = 0;
  bool is_none = false;
};

struct Expectation {
  bool known = false;
  DomainKind kind = DomainKind::unknown;
  std::string state;  ///< draft, testing, enforcing, leaving, migrated, parked
  std::vector<ExpectedRecord> records;
  std::vector<ExpectedSelector> selectors;
  std::vector<ExpectedStream> streams;
  std::vector<ServedPolicy> policies;
  bool policy_is_ours = false;  ///< the id of _mta-sts is computed by us from the file
  std::string authority;        ///< issuer-domain of the certificate authority in use (RFC 8659 4.2); "" unknown
  std::optional<std::string> next_key_tlsa;  ///< association data of the next key, where a roll-over is planned
  std::vector<dns::Name> own_hosts;          ///< MX hosts and senders that are ours: their PTR is our business
  std::vector<IpAddress> own_addresses;      ///< of them, as the world sees them
  std::vector<dns::Name> subdomains;         ///< watched beside the domain
  std::vector<dns::Name> services;           ///< SRV names that should be there
  bool has_report_evidence = false;          ///< reports have shown that reject harms nobody
  bool allow_private = false;                ///< relay.allow_private: private addresses are meant
};

}  // namespace posthorn::domains
