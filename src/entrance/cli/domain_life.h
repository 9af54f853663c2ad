// What the verbs over a domain's life have in common: the domain as the store has it, its surroundings, what is
// published, and how a decision is written back. The entrance/cli half of admin's "domain situation" and "domain
// change".
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "entrance/cli/verb.h"
#include "operations/domains/evidence.h"
#include "operations/transition/road.h"
#include "site/config/config.h"

namespace posthorn::cli {

inline constexpr Argument life_domain{"DOMAIN", "a domain of this server: mail here, elsewhere or parked"};
inline constexpr Option life_dns{
    "--dns", "SOURCE",
    "what is published: system, recursive, ADDRESS[:PORT], authoritative or zone:FILE (the "
    "configuration's dns.source)"};

/// A domain as the store had it when the verb began.
class DomainLife {
 public:
  /// Asks the running server, or the store where none runs. The error is printed already.
  [[nodiscard]] static Result<DomainLife, Exit> open(const Invocation& v);

  /// The same for a domain by name, with nothing printed.
  [[nodiscard]] static Result<DomainLife, Problem> find(config::Config config, std::string domain, TimePoint now);

  config::Config config;
  domains::Model model;
  domains::Surroundings around;
  domains::PolicyLog policies;
  domains::Ledger ledger;
  std::vector<domains::CheckMade> checks;
  std::string lease;
  std::size_t queued = 0;
  TimePoint now;

  /// Writes what differs from what was read, in one unit; a Problem of kind `no` where somebody else was faster. What
  /// was read is then what was written.
  [[nodiscard]] Result<void, Problem> save();

  /// The road for what is published. `present`: for the addresses of this host where the listeners do not tell them.
  [[nodiscard]] transition::Situation situation(domains::PublishedRecords published) const;

 private:
  void read(const boost::json::object& object);
  std::string was_state_, was_settings_, was_model_;
  std::map<std::string, std::string, std::less<>> was_;  // kept texts by name
};

/// --dns, else the configuration's source.
[[nodiscard]] std::string dns_source_of(const Invocation& v, const config::Config& config);
/// Asks that source, with the configuration's trust anchors.
[[nodiscard]] std::optional<Problem> ask_dns(const Invocation& v, const config::Config& config,
                                             const std::function<Task<>(dns::Resolver& resolver)>& question);
/// Asks what is published at the names that a plan needs; fills in the host's addresses where they are not known.
[[nodiscard]] Result<domains::PublishedRecords, Problem> ask_what_is_published(const Invocation& v, DomainLife& life);
/// Notes MX records that stand or have gone, whoever publishes them: their TTLs hold the way out. A cache tells what is
/// left of a TTL, not the whole of it.
void note_mx(const Invocation& v, DomainLife& life, const domains::PublishedRecords& published);
/// Asks for the MX records alone, and notes them.
[[nodiscard]] std::optional<Problem> look_at_mx(const Invocation& v, DomainLife& life);

// ---- printing
[[nodiscard]] boost::json::object road_json(const transition::Situation& situation, const transition::Road& road);
[[nodiscard]] boost::json::array steps_json(const transition::Road& road, TimePoint now);
[[nodiscard]] std::string steps_text(const transition::Road& road, TimePoint now);
[[nodiscard]] std::string road_text(const transition::Situation& situation, const transition::Road& road);
/// "2026-12-24T08:00:00Z" or seconds since 1970.
[[nodiscard]] std::optional<TimePoint> read_time(std::string_view text);
/// "now", "in 3 days (2026-12-24T08:00:00Z)".
[[nodiscard]] std::string when_text(TimePoint at, TimePoint now);

/// noun_domain.cpp: the options of `domain set` that say what becomes of mail that comes in.
[[nodiscard]] Exit set_inbound_rules(const Invocation& v);
inline constexpr std::array inbound_rule_options{
    Option{"--inbound-dmarc", "CHOICE", "mail that fails DMARC under p=reject: lenient, standard, strict or site"},
    Option{"--inbound-dns-failure", "CHOICE", "mail whose origin the DNS does not tell now: deliver, defer or site"}};

/// "example.org: enforcing, mail is here".
[[nodiscard]] std::string headline(const domains::Model& model);

}  // namespace posthorn::cli
