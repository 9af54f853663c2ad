// Expectation: what we know of a domain besides what it publishes: its model, what stands around it, and what senders
// may still hold. `domain check` compares the two. Empty for a domain that is in no store of ours, which is then
// checked by itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operations/domains/ledger.h"
#include "operations/domains/model.h"
#include "operations/domains/policy_log.h"
#include "operations/domains/surroundings.h"
#include "standards/dns/name.h"

namespace posthorn::inspection {

enum class DomainKind : std::uint8_t {
  unknown,    ///< nothing is known: read off what it publishes
  here,       ///< its mail is here
  elsewhere,  ///< its MX hosts are a provider's
  parked,     ///< no mail at all
};
[[nodiscard]] std::string_view text(DomainKind kind);

struct Expectation {
  std::optional<domains::Model> model;
  domains::Surroundings around;
  domains::PolicyLog policies;
  domains::Ledger ledger;  ///< what was published for it, as far as we know
  /// Issuer-domain of the certificate authority in use (RFC 8659 4.2); empty: read off the certificates met.
  std::string authority;
  /// TLSA data of the key that comes next ("3 1 1 …"), where a roll-over is planned.
  std::optional<std::string> next_key_tlsa;
  bool has_report_evidence = false;  ///< reports have shown that p=reject harms nobody
  bool allow_private = false;        ///< relay.allow_private: private addresses are meant

  [[nodiscard]] DomainKind kind() const;
};

}  // namespace posthorn::inspection
