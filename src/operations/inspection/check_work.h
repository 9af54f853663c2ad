// CheckWork: one run of check_domain: what was asked, what was found. Private to the check_*.cpp files, each of which
// judges one thing.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operations/inspection/check.h"

namespace posthorn::inspection {

/// "name. TTL IN TXT "…"": a line to publish.
[[nodiscard]] std::string txt_line(const dns::Name& name, std::string_view text, std::uint32_t ttl_seconds = 3600);
[[nodiscard]] std::string record_line(const dns::Name& name, dns::RecordType type, std::string_view data,
                                      std::uint32_t ttl_seconds = 3600);
/// `label` may have several labels: "_smtp._tls".
[[nodiscard]] dns::Name below(const dns::Name& domain, std::string_view label);
[[nodiscard]] std::vector<std::string> texts_of(const dns::Answer* answer);

class CheckWork {
 public:
  CheckWork(CheckSource& source, CheckSource::Session& session, const Expectation& expectation,
            const CheckOptions& options, CheckReport& report);

  /// Asks once; later questions are answered from memory. The pointer lives as long as the work.
  [[nodiscard]] Task<const Published*> ask(dns::Name name, dns::RecordType type);
  /// Asks all of them at the same time.
  [[nodiscard]] Task<> prefetch(std::vector<std::pair<dns::Name, dns::RecordType>> questions);
  /// Nullptr: it was not asked.
  [[nodiscard]] const Published* asked(const dns::Name& name, dns::RecordType type) const;
  [[nodiscard]] const std::map<std::pair<dns::Name, dns::RecordType>, Published>& all() const { return asked_; }

  /// Once: what is there already stays as it is. `in_doubt`: see CheckFinding.
  void add(Finding finding, const dns::Name& name, dns::RecordType type, std::string wanted = {},
           bool in_doubt = false);
  void add(std::string_view id, FindingLevel level, std::string reason, std::string correction, const dns::Name& name,
           dns::RecordType type = dns::RecordType::txt);
  /// Findings of one TXT record; their corrections are texts, which become lines to publish.
  void add_txt(const Findings& findings, const dns::Name& name);

  /// How many questions a server, or the cache, may be asked: questions_max and what the domain itself asks for.
  [[nodiscard]] unsigned allowed() const;

  /// Where DMARC's and TLS's reports should go, as URIs: as the domain's owner, else the organization has it, else its
  /// postmaster. Empty: it takes no mail, and nobody else is named.
  [[nodiscard]] std::vector<std::string> dmarc_readers() const;
  [[nodiscard]] std::vector<std::string> tls_readers() const;

  /// What was asked authoritatively, and for the rest the source's resolver.
  [[nodiscard]] dns::Resolver& resolver() { return *overlay_; }

  CheckSource& source;
  CheckSource::Session& session;
  const Expectation& expectation;
  const CheckOptions& options;
  CheckReport& report;
  const dns::Name domain;

  // ---- what one judge learns for another
  bool takes_no_mail = false;  ///< null MX
  /// What the plan wants at a question.
  std::map<std::pair<dns::Name, dns::RecordType>, std::vector<std::string>> wants;
  bool is_parked = false;
  std::vector<dns::Mx> mx;
  bool has_dmarc = false;
  std::vector<std::string> issuers;  ///< of certificates met at our own hosts
  std::size_t report_addresses = 0;  ///< of DMARC reports, elsewhere
  std::size_t watched = 0;           ///< subdomains looked at
  std::vector<dns::Record> listed;   ///< everything, where the source can list it

 private:
  class Overlay;
  [[nodiscard]] std::vector<std::string> readers(const std::vector<std::string>& own,
                                                 const std::vector<std::string>& organization) const;
  Task<> ask_into(dns::Name name, dns::RecordType type);
  std::map<std::pair<dns::Name, dns::RecordType>, Published> asked_;
  std::unique_ptr<dns::Resolver> overlay_;
};

/// Both sides of a question, for a finding and for the table.
[[nodiscard]] std::vector<SaidByServer> said_by(const Published& published);
[[nodiscard]] std::optional<std::string> cached_text(const Published& published);

// ---- the judges, in the order they run
[[nodiscard]] Task<> check_mx(CheckWork& work);
[[nodiscard]] Task<> check_spf(CheckWork& work);
[[nodiscard]] Task<> check_dkim(CheckWork& work);
[[nodiscard]] Task<> check_dmarc(CheckWork& work);
[[nodiscard]] Task<> check_transport(CheckWork& work);
[[nodiscard]] Task<> check_authorities(CheckWork& work);
[[nodiscard]] Task<> check_parked(CheckWork& work);
[[nodiscard]] Task<> check_subdomains(CheckWork& work);
[[nodiscard]] Task<> check_wanted(CheckWork& work);
[[nodiscard]] Task<> check_dnssec(CheckWork& work);
[[nodiscard]] Task<> check_servers(CheckWork& work);

/// Every selector that is known to be in use, and what is known of its key.
struct KnownSelector {
  std::string selector;
  std::string record;  ///< ours; empty: somebody else's
  bool in_use = true;
  bool revoked = false;
};
[[nodiscard]] std::vector<KnownSelector> known_selectors(const CheckWork& work);

}  // namespace posthorn::inspection
