// Model: what a domain is meant to be: where its mail goes in, who sends for it, who reads its reports. Everything
// that the plan wants published follows from it. It stands in the domain row's settings under "model" (docs/states/
// domains.md); the row's state stands beside it.
//
// A Model is a value. Names in it are A-labels in lower case without the root dot. read_model() accepts every row: what
// is absent has its default, so a domain that was only ever added has a model too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "platform/storage/rows.h"
#include "standards/dmarc/record.h"
#include "standards/mta_sts/policy.h"

namespace posthorn::domains {

/// docs/states/domains.md has the transitions.
enum class State : std::uint8_t {
  draft,      ///< being set up: nothing need be published yet
  testing,    ///< in use; policies are published in forms that block nothing
  enforcing,  ///< in use; policies hold
  leaving,    ///< on its way out: MTA-STS policies are running off, other changes wait
  migrated,   ///< its DNS is somebody else's now
  parked,     ///< sends and takes no mail, and says so
};
[[nodiscard]] std::string_view text(State state);
[[nodiscard]] std::optional<State> parse_state(std::string_view text);

/// Whose rules the domain keeps besides everybody's (STANDARDS: receivers' rules, government).
enum class Profile : std::uint8_t {
  standard,    ///< "default"
  uk_gov,      ///< "uk-gov": MTA-STS is required; 86400 first, 1209600 at the end
  us_federal,  ///< "us-federal": p=reject; rua includes the CISA address (other domains must not name it)
};
[[nodiscard]] std::string_view text(Profile profile);
[[nodiscard]] std::optional<Profile> parse_profile(std::string_view text);

/// What us-federal domains name in rua besides their own (BOD 18-01), and others must not.
inline constexpr std::string_view us_federal_report_address = "mailto:reports@dmarc.cyber.dhs.gov";

enum class InboundSide : std::uint8_t {
  here,      ///< the mailboxes are on this server
  provider,  ///< they are elsewhere; MX is foreign
  backup,    ///< they are elsewhere, and this server queues for them
};
[[nodiscard]] std::string_view text(InboundSide side);
[[nodiscard]] std::optional<InboundSide> parse_inbound_side(std::string_view text);

struct MxHost {
  std::uint16_t preference = 10;
  std::string host;
  friend auto operator<=>(const MxHost&, const MxHost&) = default;
};

struct Inbound {
  InboundSide side = InboundSide::here;
  std::string provider;  ///< name of a provider file; empty for `here`
  /// The MX set where it differs from what side and provider give: this host alone, or the provider's hosts. Values
  /// that a provider derives from the domain ("example-org.mail.protection…") stand in its file, not here.
  std::vector<MxHost> hosts;
  friend bool operator==(const Inbound&, const Inbound&) = default;
};

/// How a key that somebody else holds is named in our zone.
enum class DkimKind : std::uint8_t { cname, txt };

struct DkimReference {
  std::string selector;
  DkimKind kind = DkimKind::cname;
  /// The CNAME's target or the TXT's text; empty: the provider has yet to give it (waited for, and looked for again).
  std::string value;
  [[nodiscard]] bool waited_for() const { return value.empty(); }
  friend bool operator==(const DkimReference&, const DkimReference&) = default;
};

/// One way in which the domain's mail goes out. Its name is the `stream` of routes and queue rows.
struct Stream {
  std::string name;                   ///< "people", "product"; "own" where nothing else is said
  std::string provider;               ///< name of a provider file; empty: this server's own queue
  std::vector<std::string> spf;       ///< terms beyond the provider's: "ip4:192.0.2.7", "include:spf.example.com"
  std::vector<DkimReference> dkim;    ///< beyond this server's own keys
  std::string return_path_subdomain;  ///< MAIL FROM domain below ours that the provider bounces to; empty: none
  friend bool operator==(const Stream&, const Stream&) = default;
};

/// Where reports go, as URIs. Empty: the organization's default (config `domains.*`), else postmaster of the domain.
struct Reports {
  std::vector<std::string> dmarc_aggregate;  ///< rua=
  std::vector<std::string> dmarc_failure;    ///< ruf=; empty: none
  std::vector<std::string> tls;              ///< TLS-RPT rua=
  /// Domains that send their DMARC reports to an address in this one: `_report._dmarc` permissions. "*": anybody.
  std::vector<std::string> permitted;
  friend bool operator==(const Reports&, const Reports&) = default;
};

struct DmarcWish {
  std::optional<dmarc::Policy> policy;  ///< empty: what is published, else by state (none, then reject)
  std::optional<dmarc::Policy> subdomains;
  bool strict = false;  ///< adkim=s, aspf=s
  friend bool operator==(const DmarcWish&, const DmarcWish&) = default;
};

/// How far MTA-STS has been rolled out (rollout.h). Absent in the model: no policy at all.
struct StsStage {
  mta_sts::Mode mode = mta_sts::Mode::testing;
  std::uint32_t max_age_seconds = 86400;
  friend bool operator==(const StsStage&, const StsStage&) = default;
};

/// "testing", "enforce", "none". A Problem of kind usage for a mode that does not exist, with the one that was meant:
/// "training" is no mode; did you mean testing?
[[nodiscard]] Result<mta_sts::Mode, Problem> read_mode(std::string_view word);

/// A record that the owner wants beside what the plan computes: what a provider asked for, a subdomain's A record.
struct ExtraRecord {
  std::string name;
  std::string type;
  std::string data;  ///< presentation form
  std::uint32_t ttl_seconds = 3600;
  friend bool operator==(const ExtraRecord&, const ExtraRecord&) = default;
};

/// Where `domain apply` publishes (RFC 2136). The secret stays in its file.
struct UpdateServer {
  std::string address;   ///< "192.0.2.53" or "192.0.2.53:5353"; empty: none, the DNS is changed by other means
  std::string zone;      ///< empty: found by asking for the SOA
  std::string key_name;  ///< TSIG (RFC 8945)
  std::string key_file;  ///< its first line is the secret in base64
  friend bool operator==(const UpdateServer&, const UpdateServer&) = default;
};

struct Model {
  std::string domain;
  State state = State::draft;
  Profile profile = Profile::standard;
  Inbound inbound;
  std::vector<Stream> streams;  ///< empty: "own" alone
  Reports reports;
  DmarcWish dmarc;
  std::optional<StsStage> sts;
  bool sts_hosted_here = true;         ///< false: the policy file is served by somebody else
  std::vector<std::string> caa;        ///< authorities that may issue; empty: no CAA is wanted
  std::vector<std::string> watched;    ///< subdomains that checks look at too
  std::vector<std::string> selectors;  ///< further DKIM selectors known to be in use: checked, not planned
  std::vector<ExtraRecord> extra;
  UpdateServer update;
  /// Where `leaving` leads: State::migrated or State::parked.
  State leaving_to = State::migrated;
  TimePoint leaving_since{};  ///< when it began to leave; the epoch: it does not, or nobody noted it

  [[nodiscard]] bool takes_mail_here() const { return inbound.side != InboundSide::provider && state != State::parked; }
  /// The streams with the default one in place.
  [[nodiscard]] std::vector<Stream> all_streams() const;
  friend bool operator==(const Model&, const Model&) = default;
};

[[nodiscard]] Model read_model(const storage::DomainRow& row);
/// The row with its state, its "hosted" and its "model" set; other rooms' settings are kept.
[[nodiscard]] storage::DomainRow write_model(storage::DomainRow row, const Model& model);
/// As JSON text, for `domain show`, `domain export` and the control socket, and back. A Problem names what is wrong.
[[nodiscard]] std::string model_json(const Model& model);
[[nodiscard]] Result<Model, Problem> parse_model(std::string_view json);
/// What cannot be right in a model: a provider that does not exist, a name that is none, a mode that is none.
[[nodiscard]] Result<void, Problem> check_model(const Model& model);

}  // namespace posthorn::domains
