// Config: what the TOML file says, checked and with every default filled in. One file, read at start and again on
// SIGHUP. What changes while running (domains, accounts, addresses) is not here but in the store (site/directory).
//
// Units: durations are microseconds, sizes octets. Paths are absolute: relative ones are taken from the folder of
// the file. A Config that parse() or load() gave is valid as a whole; nobody has to check it again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"
#include "foundation/base/ip_address.h"
#include "foundation/base/result.h"
#include "foundation/base/time.h"
#include "platform/net/endpoint.h"
#include "platform/runtime/log.h"
#include "site/config/domains.h"
#include "site/config/limits.h"
#include "site/config/verification.h"

namespace posthorn::config {

/// ADDR:PORT with a literal address, [ADDR]:PORT for IPv6, :PORT for every IPv4 address. Port 0: a free one.
using Endpoint = net::Endpoint;

/// Where each service listens; an empty list: off.
struct Listen {
  std::vector<Endpoint> smtp, submission, submissions, imap, imaps, pop3, pop3s, http, https, metrics;
};

/// Certificates are chosen by SNI; certificate[i] belongs to key[i].
struct Tls {
  std::vector<std::filesystem::path> certificate;
  std::vector<std::filesystem::path> key;
  std::filesystem::path ca_file;  ///< trust anchors for outbound verification; empty: the system's
};

/// The site's own secrets.
struct Keys {
  /// What private keys in the store are sealed with; empty: sealing.key beside the configuration, or what systemd
  /// hands over (keyring::sealing_key_path).
  std::filesystem::path sealing_key_file;
};

/// How a name is proven to the authority.
enum class AcmeChallenge : std::uint8_t { http_01, dns_01 };

/// Certificates by ACME (RFC 8555).
struct Acme {
  std::string directory;             ///< URL of the authority's directory; empty: no certificates are asked for
  std::vector<std::string> contact;  ///< "mailto:…"
  std::vector<std::string> names;    ///< further host names besides host_name and the policy hosts, A-labels
  AcmeChallenge challenge = AcmeChallenge::http_01;
  std::vector<std::string> dns_01;            ///< domains whose names, and those below, are proven by dns-01 anyway
  Duration key_age = std::chrono::days(365);  ///< of a key, before the next one takes over; zero: never by itself
};

/// What a route asks of TLS.
enum class RouteTls : std::uint8_t {
  none,           ///< never
  opportunistic,  ///< STARTTLS where offered, any certificate
  required,       ///< STARTTLS or no mail, any certificate
  verified,       ///< STARTTLS and a certificate for the host's name
  implicit,       ///< TLS from the first octet (RFC 8314), verified
};

/// A static route: mail that matches goes to this host instead of the MX. Exactly one of domain, sender, stream is
/// set. `domain` is a recipient domain, ".example" with every name below it, or "*"; `sender` an address or a
/// sender domain; `stream` the name of an outbound stream.
struct Route {
  std::string domain, sender, stream;
  std::string host;  ///< name or address literal
  std::uint16_t port = 25;
  RouteTls tls = RouteTls::opportunistic;
  std::string login_user;                     ///< empty: no AUTH
  std::filesystem::path login_password_file;  ///< first line is the password; read when it is used

  /// "domain example.com", "stream bulk": unique among the routes, names it in queue rows and logs.
  [[nodiscard]] std::string name() const;
};

struct Relay {
  std::uint16_t mx_port = 25;
  std::vector<IpAddress> source;  ///< local addresses to send from, one a family; empty: the system's choice
  bool allow_private = false;     ///< whether MX may lead to special-purpose addresses; routes may
  std::vector<Route> routes;
  /// Waits after the 1st, 2nd … failed attempt; the last one repeats.
  std::vector<Duration> retry{std::chrono::minutes(5), std::chrono::minutes(15), std::chrono::minutes(30),
                              std::chrono::hours(1),   std::chrono::hours(2),    std::chrono::hours(4)};
  Duration give_up = std::chrono::days(5);
};

struct MtaSts {
  std::uint16_t https_port = 443;  ///< where policies of other domains are fetched
};

struct Config {
  std::filesystem::path file;  ///< where it was read from; empty: from text
  std::string host_name;       ///< greeting, EHLO, Received, authserv-id
  std::filesystem::path store_dir;
  std::string dns_source = "system";  ///< INTERFACES --dns: system, recursive, ADDR[:PORT], zone:FILE (absolute)
  std::filesystem::path dns_trust_anchor_file;  ///< DNSKEY or DS records trusted beside the root's; may be empty
  Listen listen;
  Tls tls;
  Keys keys;
  Acme acme;
  Relay relay;
  MtaSts mta_sts;
  Domains domains;
  Verification verification;
  Limits limits;
  runtime::LogLevel log_level = runtime::LogLevel::info;
  runtime::LogFormat log_format = runtime::LogFormat::logfmt;
};

/// Every fault of the text, in the order of its lines, never only the first. Each names file, line, key and what
/// would be right.
using Problems = std::vector<Problem>;

/// `file` is what the messages call it; relative paths are taken from `base`.
[[nodiscard]] Result<Config, Problems> parse(std::string_view toml, const std::filesystem::path& file,
                                             const std::filesystem::path& base);
/// Reads at most 1 MB.
[[nodiscard]] Result<Config, Problems> load(const std::filesystem::path& file);

/// The configuration as TOML that parse() reads back to the same; defaults are written only where `all`.
[[nodiscard]] std::string export_toml(const Config& config, bool all = false);
/// Keys whose change needs a restart (the rest takes effect on SIGHUP): "listen.smtp", "store.dir".
[[nodiscard]] std::vector<std::string> needs_restart(const Config& running, const Config& next);

/// One row of the reference: what can stand in the file.
struct KeyInfo {
  std::string_view key;          ///< "relay.mx_port"
  std::string_view type;         ///< "port", "duration", "list of ADDR:PORT"
  std::string default_value;     ///< as it would be written; empty: none, "required" where it must be given
  std::string_view rule;         ///< "RFC 5321 4.5.3.1.8"; empty: our own choice
  std::string_view explanation;  ///< a sentence or two
};
/// Every key there is, in the order of the documentation. docs/operator/configuration.md and `config explain` are it.
[[nodiscard]] std::vector<KeyInfo> reference();

}  // namespace posthorn::config
