// Wanted: the records that a domain should publish, computed from its model (model.h), what stands around it
// (surroundings.h) and what is published already (SPF is merged, a DMARC policy is never weakened). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/finding.h"
#include "operations/domains/ledger.h"
#include "operations/domains/model.h"
#include "operations/domains/published.h"
#include "operations/domains/surroundings.h"
#include "standards/dns/record.h"

namespace posthorn::domains {

/// Who must act for the record to stand there.
enum class Owner : std::uint8_t {
  domain,    ///< whoever changes the domain's zone: `domain apply` may publish it
  provider,  ///< the value has yet to come from a provider
  network,   ///< whoever runs the address (PTR): it is not in the domain's zone
};
[[nodiscard]] std::string_view text(Owner owner);

/// What a record is for: `exclusive` ones have one meaning at their name, so that ours replaces another of the kind.
enum class Purpose : std::uint8_t {
  host_address,
  mx,
  spf,
  dkim,
  dmarc,
  sts_record,
  sts_host,
  tls_rpt,
  tlsa,
  caa,
  ptr,
  srv,
  report_permission,
  extra,
};
/// "mx", "sts-record".
[[nodiscard]] std::string_view text(Purpose purpose);

struct WantedRecord {
  dns::Name name;
  dns::RecordType type = dns::RecordType::txt;
  std::string data;  ///< presentation form as dns::text(RecordData) writes it; empty where it is waited for
  std::uint32_t ttl_seconds = 3600;
  std::string reason;                 ///< why, in a sentence
  std::vector<std::string> replaces;  ///< published data at the name that this one takes the place of
  Owner owner = Owner::domain;
  Purpose purpose = Purpose::extra;

  [[nodiscard]] bool waited_for() const { return data.empty(); }
  friend bool operator==(const WantedRecord&, const WantedRecord&) = default;
};

// Records that lead mail change rarely but must be movable within a working day; policies within minutes.
inline constexpr std::uint32_t ttl_seconds_mail = 3600;
inline constexpr std::uint32_t ttl_seconds_policy = 300;

/// What `_mta-sts` must say: the id of the policy that is served, or is to be served first.
struct Wanted {
  std::vector<WantedRecord> records;  ///< in the order in which they should be published
  /// What kept the plan from being computed as a whole, or is worth knowing about it: findings of FINDINGS.tsv.
  Findings findings;
};

/// `sts_id`: the id that the TXT must name (policy_log.h says which); empty: no policy is served.
[[nodiscard]] Wanted wanted_records(const Model& model, const Surroundings& around, const PublishedRecords& published,
                                    std::string_view sts_id);

/// The (name, type) pairs whose published records a plan for the model must know. Bounded by the model.
[[nodiscard]] std::vector<RecordQuestion> questions_for(const Model& model, const Surroundings& around);
/// The same for a change of what is published: what we published before and may no longer want, too.
[[nodiscard]] std::vector<RecordQuestion> questions_for(const Model& model, const Surroundings& around,
                                                        const Ledger& ledger);

/// Where the model leads mail: its own hosts, else the provider's, else this server.
[[nodiscard]] std::vector<MxHost> mx_hosts_of(const Model& model, const Surroundings& around);
/// The DKIM references of a stream, the provider's own among them.
[[nodiscard]] std::vector<DkimReference> references_of(const Model& model, const Stream& stream);

}  // namespace posthorn::domains
