// compare_zones: every record of a domain at one name server against another one's, before a delegation moves.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/base/task.h"
#include "operations/domains/ledger.h"
#include "operations/domains/model.h"
#include "operations/domains/surroundings.h"
#include "platform/resolver/dns_client.h"
#include "standards/dns/record.h"

namespace posthorn::inspection {

/// One RRset that is not the same on both sides; an empty list: not there.
struct Difference {
  dns::Name name;
  dns::RecordType type = dns::RecordType::a;
  std::vector<std::string> a, b;  ///< data, sorted
  std::uint32_t ttl_a = 0, ttl_b = 0;
};

struct Comparison {
  std::vector<Difference> differences;  ///< in canonical order of names
  std::size_t names = 0, record_sets = 0;
  bool whole_a = false, whole_b = false;  ///< the side let us transfer the zone: nothing can be missed
  std::string problem;                    ///< a side could not be asked
};

/// Pure: SOA and the zone's own NS at the apex, DNSSEC's records, and TTLs where `with_ttl` is false, do not count.
[[nodiscard]] Comparison compare_records(const std::vector<dns::Record>& a, const std::vector<dns::Record>& b,
                                         const dns::Name& domain, bool with_ttl);

/// The names that mail uses, for servers that allow no transfer.
[[nodiscard]] std::vector<dns::Name> names_known(const dns::Name& domain, const std::vector<std::string>& selectors);

/// The same and those of a domain of ours: what its plan asks about, what it published, its watched subdomains.
[[nodiscard]] std::vector<dns::Name> names_known(const domains::Model& model, const domains::Surroundings& around,
                                                 const domains::Ledger& ledger,
                                                 const std::vector<std::string>& selectors);

/// Everything that one server has at and below the domain: the zone it is in transferred, else name by name.
struct Collected {
  std::vector<dns::Record> records;
  bool whole = false;   ///< transferred: nothing can be missed
  std::string problem;  ///< it could not be asked
};
[[nodiscard]] Task<Collected> collect_records(resolver::DnsClient& client, dns::Name domain, net::Endpoint server,
                                              std::vector<dns::Name> names);

[[nodiscard]] Task<Comparison> compare_zones(resolver::DnsClient& client, dns::Name domain, net::Endpoint a,
                                             net::Endpoint b, std::vector<dns::Name> names, bool with_ttl);

}  // namespace posthorn::inspection
