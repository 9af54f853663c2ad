#include <algorithm>
#include <array>

#include "site/config/config.h"
#include "site/config/values.h"

namespace posthorn::config {
namespace {

// ---------------------------------------------------------------- values as TOML

/// TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      out += fmt::format("\\u{:04x}", octet);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

template <class List, class Text>
std::string list_of(const List& list, Text text) {
  std::string out = "[";
  for (const auto& element : list) {
    if (out.size() > 1) out += ", ";
    out += text(element);
  }
  return out + "]";
}

std::string endpoints(const std::vector<Endpoint>& list) {
  return list_of(list, [](const Endpoint& e) { return toml_string(e.text()); });
}

std::string paths(const std::vector<std::filesystem::path>& list) {
  return list_of(list, [](const std::filesystem::path& p) { return toml_string(p.string()); });
}

std::string_view tls_text(RouteTls tls) {
  constexpr std::array<std::string_view, 5> words{"none", "opportunistic", "required", "verified", "implicit"};
  return words[static_cast<std::size_t>(tls)];
}

std::string route_text(const Route& route) {
  std::string out = "{ ";
  if (!route.domain.empty()) out += "domain = " + toml_string(route.domain);
  if (!route.sender.empty()) out += "sender = " + toml_string(route.sender);
  if (!route.stream.empty()) out += "stream = " + toml_string(route.stream);
  out += fmt::format(", host = {}, port = {}, tls = {}", toml_string(route.host), route.port,
                     toml_string(tls_text(route.tls)));
  if (!route.login_user.empty()) {
    out += fmt::format(", login = {{ user = {}, password_file = {} }}", toml_string(route.login_user),
                       toml_string(route.login_password_file.string()));
  }
  return out + " }";
}

std::string_view level_text(runtime::LogLevel level) {
  switch (level) {
    case runtime::LogLevel::error:
      return "error";
    case runtime::LogLevel::warning:
      return "warning";
    case runtime::LogLevel::debug:
      return "debug";
    default:
      return "info";
  }
}

std::string limit_value(const Limits& limits, const LimitRow& row) {
  if (row.unit == LimitUnit::duration) return toml_string(duration_text(limits.*row.duration));
  const std::uint64_t value = limits.*row.number;
  return row.unit == LimitUnit::octets ? toml_string(size_text(value)) : std::to_string(value);
}

// ---------------------------------------------------------------- the keys

struct Key {
  std::string_view key, type, rule, explanation;
  std::string (*value)(const Config&);  ///< as TOML; "" and "[]" mean absent
  bool needs_restart;
};

template <std::vector<Endpoint> Listen::* Service>
std::string listen_value(const Config& c) {
  return endpoints(c.listen.*Service);
}

std::string text_or_absent(const std::string& text) {
  return text.empty() ? "" : toml_string(text);
}

constexpr std::string_view endpoint_type = "ADDR:PORT, or a list of them";

constexpr std::array keys{
    Key{"host_name", "host name", "RFC 5321 4.1.1.1, 4.3.1",
        "This host's full name: in greetings, EHLO, Received and Authentication-Results. Its address records must lead "
        "here, and the PTR records of the addresses back to it.",
        [](const Config& c) { return text_or_absent(c.host_name); }, true},
    Key{"store.dir", "folder", "",
        "Where mail, accounts, queue and stories are kept. Only one process opens it at a time.",
        [](const Config& c) { return text_or_absent(c.store_dir.string()); }, true},
    Key{"dns.source", "system, unvalidated, recursive, ADDRESS[:PORT] or zone:FILE", "",
        "Who answers DNS questions: the servers of resolv.conf (system: validating ourselves, unvalidated: at their "
        "word), the roots, a server, or a zone file (offline).",
        [](const Config& c) { return toml_string(c.dns_source); }, true},
    Key{"dns.trust_anchor_file", "file", "RFC 4033 5",
        "DNSKEY or DS records in zone-file form, one a line, that are trusted beside the root's: for zones of one's "
        "own "
        "that are signed and not delegated from the root. A server given by ADDRESS is then always validated.",
        [](const Config& c) { return text_or_absent(c.dns_trust_anchor_file.string()); }, true},
    Key{"listen.smtp", endpoint_type, "RFC 5321", "Mail from other servers. Port 25.", listen_value<&Listen::smtp>,
        true},
    Key{"listen.submission", endpoint_type, "RFC 6409", "Mail from our own users, STARTTLS first. Port 587.",
        listen_value<&Listen::submission>, true},
    Key{"listen.submissions", endpoint_type, "RFC 8314", "Mail from our own users, TLS from the start. Port 465.",
        listen_value<&Listen::submissions>, true},
    Key{"listen.imap", endpoint_type, "RFC 9051", "Mail programs that read over IMAP, STARTTLS first. Port 143.",
        listen_value<&Listen::imap>, true},
    Key{"listen.imaps", endpoint_type, "RFC 8314", "IMAP with TLS from the start. Port 993.",
        listen_value<&Listen::imaps>, true},
    Key{"listen.pop3", endpoint_type, "RFC 1939", "Mail programs that fetch over POP3, STLS first. Port 110.",
        listen_value<&Listen::pop3>, true},
    Key{"listen.pop3s", endpoint_type, "RFC 8314", "POP3 with TLS from the start. Port 995.",
        listen_value<&Listen::pop3s>, true},
    Key{"listen.http", endpoint_type, "RFC 8555 8.3",
        "Plain HTTP for the proofs that a certificate authority asks for (http-01), and nothing else. Port 80.",
        listen_value<&Listen::http>, true},
    Key{"listen.https", endpoint_type, "RFC 8461 3.3",
        "The MTA-STS policies of the domains here, at mta-sts.DOMAIN. Port 443.", listen_value<&Listen::https>, true},
    Key{"listen.metrics", endpoint_type, "",
        "Prometheus metrics (/metrics) and health (/healthz), without TLS or password: keep it on a local address.",
        listen_value<&Listen::metrics>, true},
    Key{"tls.certificate", "file, or a list", "RFC 6066 3",
        "Certificate chains in PEM, the host's own first. Chosen by the name the client asks for; list ECDSA and RSA.",
        [](const Config& c) { return paths(c.tls.certificate); }, false},
    Key{"tls.key", "file, or a list", "", "The private key of each certificate, in the same order.",
        [](const Config& c) { return paths(c.tls.key); }, false},
    Key{"tls.ca_file", "file", "", "Certificates trusted when mail is sent, in PEM; absent: the system's.",
        [](const Config& c) { return text_or_absent(c.tls.ca_file.string()); }, false},
    Key{"keys.sealing_key_file", "file", "",
        "The key that the private keys in the store are sealed with: 64 hexadecimal digits, readable by the owner "
        "alone. Absent: what systemd hands over as the credential posthorn-sealing-key, else sealing.key beside this "
        "file. Made where it is missing and nothing is sealed yet; keep a copy apart from the backups of the store.",
        [](const Config& c) { return text_or_absent(c.keys.sealing_key_file.string()); }, true},
    Key{"acme.directory", "https URL", "RFC 8555 7.1.1",
        "The certificate authority that is asked for this host's certificates, and renews them; its terms of service "
        "are agreed to with this key. How names are proven says acme.challenge. Absent: "
        "certificates are those of tls.certificate alone.",
        [](const Config& c) { return text_or_absent(c.acme.directory); }, true},
    Key{"acme.contact", "mailto URL, or a list", "RFC 8555 7.3",
        "Whom the authority may write to about the certificates.",
        [](const Config& c) { return list_of(c.acme.contact, toml_string); }, true},
    Key{"acme.names", "host name, or a list", "",
        "Names to have certificates for besides host_name and the mta-sts names of the domains here.",
        [](const Config& c) { return list_of(c.acme.names, toml_string); }, true},
    Key{"acme.challenge", "http-01 or dns-01", "RFC 8555 8",
        "How names are proven to the authority: by a file at port 80 of the name (http-01, needs listen.http), or by a "
        "TXT record in its zone (dns-01): the domain that the name is in must have an update server (posthorn domain "
        "set DOMAIN --update-server).",
        [](const Config& c) { return toml_string(c.acme.challenge == AcmeChallenge::dns_01 ? "dns-01" : "http-01"); },
        true},
    Key{"acme.dns_01", "domain, or a list", "RFC 8555 8.4",
        "Domains whose names, and all below them, are proven by dns-01 where acme.challenge is http-01.",
        [](const Config& c) { return list_of(c.acme.dns_01, toml_string); }, true},
    Key{"acme.key_age", "duration", "",
        "How old a certificate's private key may become before the next one takes over; renewals keep the key. Where "
        "TLSA records name the key, the next one waits until every server has shown its record for two TTLs. 0: only "
        "posthorn certificate change-key changes it.",
        [](const Config& c) { return toml_string(duration_text(c.acme.key_age)); }, true},
    Key{"relay.mx_port", "port", "RFC 5321 4.5.4.2",
        "The port of MX hosts. Anything but 25 is for laboratories; TLSA records are still asked at _25._tcp.",
        [](const Config& c) { return std::to_string(c.relay.mx_port); }, false},
    Key{"relay.source", "address, or a list", "",
        "Local addresses to send from, one of each family; absent: the system's choice.",
        [](const Config& c) {
          return list_of(c.relay.source, [](const IpAddress& a) { return toml_string(a.text()); });
        },
        false},
    Key{"relay.allow_private", "true or false", "RFC 6890",
        "Whether MX records may lead to private and loopback addresses. Off, since an MX record anybody can publish "
        "would otherwise reach your inner network. Routes are your own word: they may.",
        [](const Config& c) -> std::string { return c.relay.allow_private ? "true" : "false"; }, false},
    Key{"relay.routes", "list of { domain|sender|stream, host, port, tls, login }", "",
        "Mail that goes to a fixed host instead of the MX. domain is \"example.org\", \".example.org\" (all below it) "
        "or \"*\"; tls is none, opportunistic, required, verified or implicit; login is { user, password_file }.",
        [](const Config& c) { return list_of(c.relay.routes, route_text); }, false},
    Key{"relay.retry", "list of durations", "RFC 5321 4.5.4.1",
        "Waits after the first, second … failed attempt; the last one repeats. Each mail waits up to a tenth longer, "
        "so "
        "that those that failed together do not come back together.",
        [](const Config& c) {
          return list_of(c.relay.retry, [](Duration d) { return toml_string(duration_text(d)); });
        },
        false},
    Key{"relay.give_up", "duration", "RFC 5321 4.5.4.1", "How long after its arrival mail is returned to the sender.",
        [](const Config& c) { return toml_string(duration_text(c.relay.give_up)); }, false},
};
constexpr std::array verification_keys{
    Key{"verification.enabled", "true or false", "",
        "Whether the origin of mail from outside is checked (iprev, SPF, DKIM, ARC, DMARC) and acted upon. Off only "
        "behind a host that does it.",
        [](const Config& c) -> std::string { return c.verification.enabled ? "true" : "false"; }, false},
    Key{"verification.time_max", "duration", "RFC 5321 4.5.3.2.6",
        "How long the DNS has after the end of a message. What it has not answered by then is a temporary failure.",
        [](const Config& c) { return toml_string(duration_text(c.verification.time_max)); }, false},
    Key{"verification.dmarc", "lenient, standard or strict", "RFC 9989 7.4",
        "Mail that fails DMARC where its author's domain asks to reject: standard refuses it unless it looks like "
        "indirect mail (a list, a listed forwarder), which goes to Junk; strict spares only listed forwarders; lenient "
        "never refuses. A domain here can choose for itself: posthorn domain set.",
        [](const Config& c) { return toml_string(text(c.verification.dmarc)); }, false},
    Key{"verification.dns_failure", "deliver or defer", "RFC 7208 2.6.6, RFC 7372",
        "Mail whose origin cannot be checked because the DNS fails: delivered with that recorded, or put off with 451 "
        "4.7.24 (SPF) or 451 4.4.3.",
        [](const Config& c) { return toml_string(text(c.verification.dns_failure)); }, false},
    Key{"verification.refuse", "list of null_mx, spf_no_mail, spf_fail, spf_error, iprev, dkim, dkim_author",
        "RFC 7372, RFC 7505",
        "What is refused beside DMARC's policy. null_mx: the sender's domain takes no mail. spf_no_mail: SPF fails, "
        "and "
        "the record is exactly \"v=spf1 -all\". The others cost honest mail: spf_fail refuses forwarded mail, iprev "
        "hosts without a proper name, dkim and dkim_author unsigned mail.",
        [](const Config& c) -> std::string {
          if (c.verification.refuse.empty()) return "[ ]";  // not the default, so it must be written
          return list_of(c.verification.refuse, [](Refusal refusal) { return toml_string(text(refusal)); });
        },
        false},
    Key{"verification.forwarders", "domain or network, or a list", "RFC 8617",
        "Forwarders and mailing lists that are believed: their mail is not refused for failing DMARC. Known by a valid "
        "signature, ARC seal, SPF pass or host name of the domain (or one below it), or by their address.",
        [](const Config& c) {
          return list_of(c.verification.forwarders, [](const Forwarder& f) { return toml_string(text(f)); });
        },
        false},
};
constexpr std::array mta_sts_keys{
    Key{"mta_sts.https_port", "port", "RFC 8461 3.3",
        "Where the MTA-STS policies of the domains we send to are fetched (mta-sts.DOMAIN). Anything but 443 is for "
        "tests.",
        [](const Config& c) { return std::to_string(c.mta_sts.https_port); }, true},
};
constexpr std::array domains_keys{
    Key{"domains.dmarc_reports", "mailto URI, or a list", "RFC 9990",
        "The organization's address for DMARC reports: rua= of every domain here that names none of its own. Absent: "
        "postmaster of the domain.",
        [](const Config& c) { return list_of(c.domains.dmarc_reports, toml_string); }, false},
    Key{"domains.tls_reports", "mailto or https URI, or a list", "RFC 8460 3",
        "The organization's address for TLS reports: rua= in _smtp._tls of every domain here that names none of its "
        "own. Absent: postmaster of the domain.",
        [](const Config& c) { return list_of(c.domains.tls_reports, toml_string); }, false},
    Key{"domains.watch_interval", "duration", "",
        "How often the server checks each of its domains and their watched subdomains, as posthorn domain check does. "
        "10m to 2d; 0 for never.",
        [](const Config& c) { return toml_string(duration_text(c.domains.watch_interval)); }, false},
    Key{"domains.watch_mail", "true or false", "",
        "Whether the postmaster of a domain is told by mail when a check finds an error or warning that was not there, "
        "and when it is mended. Once a change; the log and the metrics tell it in any case.",
        [](const Config& c) -> std::string { return c.domains.watch_mail ? "true" : "false"; }, false},
};
constexpr std::array log_keys{
    Key{"log.level", "error, warning, info or debug", "", "How much is logged.",
        [](const Config& c) { return toml_string(level_text(c.log_level)); }, false},
    Key{"log.format", "logfmt or json", "", "How a line is written.",
        [](const Config& c) { return toml_string(c.log_format == runtime::LogFormat::json ? "json" : "logfmt"); },
        true},
};

std::string limit_key(const LimitRow& row) {
  return fmt::format("limits.{}", row.name);
}

/// "limits.NAME" with a life as long as the program's, for KeyInfo.
const std::vector<std::string>& limit_keys() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const LimitRow& row : limit_rows()) out.push_back(limit_key(row));
    return out;
  }();
  return names;
}

std::string_view limit_type(LimitUnit unit) {
  switch (unit) {
    case LimitUnit::octets:
      return "size";
    case LimitUnit::duration:
      return "duration";
    case LimitUnit::count:
      break;
  }
  return "number";
}

struct Written {
  std::string key, value;
};

std::vector<Written> written(const Config& config) {
  std::vector<Written> out;
  for (const Key& key : keys) out.push_back({std::string(key.key), key.value(config)});
  for (const Key& key : verification_keys) out.push_back({std::string(key.key), key.value(config)});
  for (const Key& key : mta_sts_keys) out.push_back({std::string(key.key), key.value(config)});
  for (const Key& key : domains_keys) out.push_back({std::string(key.key), key.value(config)});
  for (const LimitRow& row : limit_rows()) out.push_back({limit_key(row), limit_value(config.limits, row)});
  for (const Key& key : log_keys) out.push_back({std::string(key.key), key.value(config)});
  return out;
}

bool is_absent(std::string_view value) {
  return value.empty() || value == "[]";
}

}  // namespace

std::string export_toml(const Config& config, bool all) {
  const std::vector<Written> values = written(config);
  const std::vector<Written> defaults = written(Config{});
  std::string out, section;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& [key, value] = values[i];
    if (is_absent(value) || (!all && value == defaults[i].value)) continue;
    const auto dot = key.find('.');
    const std::string its_section = dot == std::string::npos ? "" : key.substr(0, dot);
    if (its_section != section) out += fmt::format("\n[{}]\n", its_section);
    section = its_section;
    out += fmt::format("{} = {}\n", dot == std::string::npos ? key : key.substr(dot + 1), value);
  }
  return out;
}

std::vector<std::string> needs_restart(const Config& running, const Config& next) {
  std::vector<std::string> out;
  for (const auto* const table : {keys.data(), log_keys.data()}) {
    const std::size_t count = table == keys.data() ? keys.size() : log_keys.size();
    for (const Key& key : std::span(table, count)) {
      if (key.needs_restart && key.value(running) != key.value(next)) out.emplace_back(key.key);
    }
  }
  return out;
}

std::vector<KeyInfo> reference() {
  const Config defaults;
  std::vector<KeyInfo> out;
  const auto add = [&](const Key& key) {
    const std::string value = key.value(defaults);
    const bool required = key.key == "host_name" || key.key == "store.dir";
    out.push_back({key.key, key.type,
                   required           ? "required"
                   : is_absent(value) ? ""
                                      : value,
                   key.rule, key.explanation});
  };
  std::ranges::for_each(keys, add);
  std::ranges::for_each(verification_keys, add);
  std::ranges::for_each(mta_sts_keys, add);
  std::ranges::for_each(domains_keys, add);
  const auto rows = limit_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.push_back({limit_keys()[i], limit_type(rows[i].unit), limit_value(defaults.limits, rows[i]), rows[i].rule,
                   rows[i].explanation});
  }
  std::ranges::for_each(log_keys, add);
  return out;
}

}  // namespace posthorn::config
