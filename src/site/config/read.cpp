#define TOML_IMPLEMENTATION
#include <algorithm>
#include <array>
#include <map>

#include "foundation/text/ascii.h"
#include "platform/runtime/files.h"
#include "site/config/ascii_form.h"
#include "site/config/reading.h"
#include "site/config/values.h"
#include "standards/address/domain.h"

namespace posthorn::config {
namespace {

constexpr std::size_t file_octets_max = 1 * MiB;
/// More faults than this help nobody.
constexpr std::size_t faults_max = 50;

// ---------------------------------------------------------------- readers of one kind of value each

void read_host_name(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("mx.example.org")");
  if (!text) return;
  const auto domain = address::Domain::parse(*text);
  if (!domain) {
    r.fault(node, key, fmt::format("'{}' is no host name: {}", *text, address::explain(domain.error())),
            "write the name that this machine's address records bear, such as \"mx.example.org\"");
    return;
  }
  // RFC 5321 2.3.5, 4.1.1.1: peers are told a fully-qualified name.
  if (domain->a_label().find('.') == std::string::npos) {
    r.fault(node, key, fmt::format("'{}' is not fully qualified", *text),
            "write it with its domain, such as \"mx.example.org\"");
    return;
  }
  r.config.host_name = domain->a_label();
}

void read_store_dir(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto text = read_string(r, key, node, R"("/var/lib/posthorn")")) r.config.store_dir = r.path(*text);
}

void read_dns_source(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("system")");
  if (!text) return;
  constexpr std::string_view zone = "zone:";
  if (text->starts_with(zone) && text->size() > zone.size()) {
    r.config.dns_source = "zone:" + r.path(std::string_view(*text).substr(zone.size())).string();
    return;
  }
  const bool is_server = IpAddress::parse(*text) || (net::Endpoint::parse(*text) && text->front() != ':');
  if (*text != "system" && *text != "unvalidated" && *text != "recursive" && !is_server) {
    r.fault(node, key, fmt::format("'{}' is no DNS source", *text),
            R"(write "system", "unvalidated", "recursive", "ADDRESS[:PORT]" or "zone:FILE")");
    return;
  }
  r.config.dns_source = *text;
}

template <std::vector<Endpoint> Listen::* Service>
void read_listen(Reading& r, std::string_view key, const toml::node& node) {
  for (const Element& element : read_strings(r, key, node, R"("0.0.0.0:25")")) {
    if (const auto endpoint = net::Endpoint::parse(element.text)) {
      (r.config.listen.*Service).push_back(*endpoint);
    } else {
      r.fault(*element.node, key, fmt::format("'{}' is no address and port", element.text),
              R"(write "ADDR:PORT" with a literal address, such as "192.0.2.1:25" or "[::]:25")");
    }
  }
}

template <std::vector<std::filesystem::path> Tls::* Paths>
void read_paths(Reading& r, std::string_view key, const toml::node& node) {
  for (const Element& element : read_strings(r, key, node, R"("tls/certificate.pem")")) {
    (r.config.tls.*Paths).push_back(r.path(element.text));
  }
}

void read_ca_file(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto text = read_string(r, key, node, R"("/etc/ssl/certs/ca-certificates.crt")")) {
    r.config.tls.ca_file = r.path(*text);
  }
}

void read_trust_anchor_file(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto text = read_string(r, key, node, R"("/etc/posthorn/anchors")"))
    r.config.dns_trust_anchor_file = r.path(*text);
}

void read_sealing_key_file(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto text = read_string(r, key, node, R"("/etc/posthorn/sealing.key")")) {
    r.config.keys.sealing_key_file = r.path(*text);
  }
}

void read_https_port(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto port = read_port(r, key, node)) r.config.mta_sts.https_port = *port;
}

void read_acme_directory(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("https://acme-v02.api.letsencrypt.org/directory")");
  if (!text) return;
  if (!text->starts_with("https://")) {
    return r.fault(node, key, fmt::format("'{}' is no https URL", *text), "write the URL of the authority's directory");
  }
  r.config.acme.directory = *text;
}

void read_acme_contact(Reading& r, std::string_view key, const toml::node& node) {
  for (const Element& element : read_strings(r, key, node, R"("mailto:postmaster@example.org")")) {
    if (element.text.starts_with("mailto:") && element.text.contains('@')) {
      r.config.acme.contact.push_back(element.text);
    } else {
      r.fault(*element.node, key, fmt::format("'{}' is no mailto URL", element.text),
              R"(write an address as "mailto:postmaster@example.org")");
    }
  }
}

void read_acme_challenge(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("dns-01")");
  if (!text) return;
  if (*text == "http-01" || *text == "dns-01") {
    r.config.acme.challenge = *text == "dns-01" ? AcmeChallenge::dns_01 : AcmeChallenge::http_01;
    return;
  }
  r.fault(node, key, fmt::format("'{}' is no way to prove a name", *text), R"(write "http-01" or "dns-01")");
}

void read_acme_dns_01(Reading& r, std::string_view key, const toml::node& node) {
  for (const Element& element : read_strings(r, key, node, R"("example.org")")) {
    if (const auto domain = address::Domain::parse(element.text)) {
      r.config.acme.dns_01.push_back(domain->a_label());
    } else {
      r.fault(*element.node, key, fmt::format("'{}' is no domain", element.text), "write domains of this server");
    }
  }
}

void read_acme_key_age(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("365d")");
  if (!text) return;
  if (const auto time = read_duration(r, key, node, *text)) r.config.acme.key_age = *time;
}

void read_acme_names(Reading& r, std::string_view key, const toml::node& node) {
  for (const Element& element : read_strings(r, key, node, R"("imap.example.org")")) {
    if (const auto domain = address::Domain::parse(element.text)) {
      r.config.acme.names.push_back(domain->a_label());
    } else {
      const bool is_wildcard = element.text.starts_with("*.");
      r.fault(*element.node, key, fmt::format("'{}' is no host name", element.text),
              is_wildcard ? "write each name: a certificate takes up to 100 of them, and none for all below a domain"
                          : "write names of this host");
    }
  }
}

void read_mx_port(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto port = read_port(r, key, node)) r.config.relay.mx_port = *port;
}
void read_relay_source(Reading& r, std::string_view key, const toml::node& node) {
  for (const Element& element : read_strings(r, key, node, R"("192.0.2.1")")) {
    if (const auto address = IpAddress::parse(element.text)) {
      r.config.relay.source.push_back(*address);
    } else {
      r.fault(*element.node, key, fmt::format("'{}' is no IP address", element.text),
              R"(write an address of this machine, such as "192.0.2.1")");
    }
  }
}

void read_allow_private(Reading& r, std::string_view key, const toml::node& node) {
  if (const auto value = node.value_exact<bool>()) {
    r.config.relay.allow_private = *value;
  } else {
    r.fault(node, key, "is neither true nor false", "write true or false, without quotes");
  }
}

void read_retry(Reading& r, std::string_view key, const toml::node& node) {
  std::vector<Duration> waits;
  for (const Element& element : read_strings(r, key, node, R"(["5m", "15m", "1h"])")) {
    const auto wait = read_duration(r, key, *element.node, element.text);
    if (!wait) return;
    if (*wait < std::chrono::seconds(1)) {
      r.fault(*element.node, key, "waits less than a second", "write at least \"1s\"");
      return;
    }
    waits.push_back(*wait);
  }
  if (waits.empty()) return r.fault(node, key, "is an empty list", R"(write at least one wait, such as ["5m"])");
  r.config.relay.retry = std::move(waits);
}

void read_give_up(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("5d")");
  if (!text) return;
  if (const auto time = read_duration(r, key, node, *text)) r.config.relay.give_up = *time;
}

void read_log_level(Reading& r, std::string_view key, const toml::node& node) {
  constexpr std::array<std::string_view, 4> words{"error", "warning", "info", "debug"};
  using runtime::LogLevel;
  constexpr std::array levels{LogLevel::error, LogLevel::warning, LogLevel::info, LogLevel::debug};
  const auto text = read_string(r, key, node, R"("info")");
  if (!text) return;
  const auto* const at = std::ranges::find(words, *text);
  if (at == words.end()) {
    return r.fault(node, key, fmt::format("'{}' is no log level", *text), "write " + alternatives(words));
  }
  r.config.log_level = levels[static_cast<std::size_t>(at - words.begin())];
}

void read_log_format(Reading& r, std::string_view key, const toml::node& node) {
  const auto text = read_string(r, key, node, R"("logfmt")");
  if (!text) return;
  if (*text != "logfmt" && *text != "json") {
    return r.fault(node, key, fmt::format("'{}' is no log format", *text), "write logfmt or json");
  }
  r.config.log_format = *text == "json" ? runtime::LogFormat::json : runtime::LogFormat::logfmt;
}

struct KeyReader {
  std::string_view key;
  void (*read)(Reading&, std::string_view, const toml::node&);
};
constexpr std::array readers{
    KeyReader{"host_name", read_host_name},
    KeyReader{"store.dir", read_store_dir},
    KeyReader{"dns.source", read_dns_source},
    KeyReader{"dns.trust_anchor_file", read_trust_anchor_file},
    KeyReader{"listen.smtp", read_listen<&Listen::smtp>},
    KeyReader{"listen.submission", read_listen<&Listen::submission>},
    KeyReader{"listen.submissions", read_listen<&Listen::submissions>},
    KeyReader{"listen.imap", read_listen<&Listen::imap>},
    KeyReader{"listen.imaps", read_listen<&Listen::imaps>},
    KeyReader{"listen.pop3", read_listen<&Listen::pop3>},
    KeyReader{"listen.pop3s", read_listen<&Listen::pop3s>},
    KeyReader{"listen.http", read_listen<&Listen::http>},
    KeyReader{"listen.https", read_listen<&Listen::https>},
    KeyReader{"listen.metrics", read_listen<&Listen::metrics>},
    KeyReader{"tls.certificate", read_paths<&Tls::certificate>},
    KeyReader{"tls.key", read_paths<&Tls::key>},
    KeyReader{"tls.ca_file", read_ca_file},
    KeyReader{"keys.sealing_key_file", read_sealing_key_file},
    KeyReader{"acme.directory", read_acme_directory},
    KeyReader{"acme.contact", read_acme_contact},
    KeyReader{"acme.names", read_acme_names},
    KeyReader{"acme.challenge", read_acme_challenge},
    KeyReader{"acme.dns_01", read_acme_dns_01},
    KeyReader{"acme.key_age", read_acme_key_age},
    KeyReader{"relay.mx_port", read_mx_port},
    KeyReader{"relay.source", read_relay_source},
    KeyReader{"relay.allow_private", read_allow_private},
    KeyReader{"relay.routes", read_routes},
    KeyReader{"relay.retry", read_retry},
    KeyReader{"relay.give_up", read_give_up},
    KeyReader{"verification.enabled", read_verification_enabled},
    KeyReader{"verification.time_max", read_verification_time},
    KeyReader{"verification.dmarc", read_verification_dmarc},
    KeyReader{"verification.dns_failure", read_verification_dns_failure},
    KeyReader{"verification.refuse", read_verification_refuse},
    KeyReader{"verification.forwarders", read_verification_forwarders},
    KeyReader{"mta_sts.https_port", read_https_port},
    KeyReader{"domains.dmarc_reports", read_dmarc_reports},
    KeyReader{"domains.tls_reports", read_tls_reports},
    KeyReader{"domains.watch_interval", read_watch_interval},
    KeyReader{"domains.watch_mail", read_watch_mail},
    KeyReader{"log.level", read_log_level},
    KeyReader{"log.format", read_log_format},
};

// ---------------------------------------------------------------- the document

std::vector<std::string_view> known_keys() {
  static const std::vector<KeyInfo> all = reference();
  std::vector<std::string_view> keys;
  keys.reserve(all.size());
  for (const KeyInfo& info : all) keys.push_back(info.key);
  return keys;
}

/// For "did you mean": every key; for a name outside all sections those too, and the key that only lacks its section.
std::vector<std::string_view> candidates_for(std::string_view key) {
  std::vector<std::string_view> candidates = known_keys();
  if (key.find('.') != std::string_view::npos) return candidates;
  std::vector<std::string_view> sections;
  for (const std::string_view known : candidates) {
    const auto dot = known.find('.');
    if (dot == std::string_view::npos) continue;
    if (known.substr(dot + 1) == key) return {known};
    sections.push_back(known.substr(0, dot));
  }
  candidates.insert(candidates.end(), sections.begin(), sections.end());
  return candidates;
}

bool is_section(std::string_view prefix) {
  return std::ranges::any_of(known_keys(), [&](std::string_view key) {
    return key.size() > prefix.size() && key.starts_with(prefix) && key[prefix.size()] == '.';
  });
}

void read_key(Reading& r, const std::string& key, const toml::node& node);

void read_table(Reading& r, const std::string& prefix, const toml::table& table) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
    read_key(r, key, node);
    if (r.faults.size() >= faults_max) return;
  }
}

void read_key(Reading& r, const std::string& key, const toml::node& node) {
  const auto* const reader = std::ranges::find(readers, std::string_view(key), &KeyReader::key);
  if (reader != readers.end()) return reader->read(r, reader->key, node);
  constexpr std::string_view limits = "limits.";
  if (key.starts_with(limits)) {
    const auto rows = limit_rows();
    const auto row = std::ranges::find(rows, std::string_view(key).substr(limits.size()), &LimitRow::name);
    if (row != rows.end()) return read_limit(r, *row, key, node);
  }
  const auto* const table = node.as_table();
  if (table != nullptr && is_section(key)) return read_table(r, key, *table);
  if (is_section(key)) {
    return r.fault(node, key, "is a section, not a value", fmt::format("write [{}] on a line of its own", key));
  }
  r.fault(node, key, "there is no such key",
          did_you_mean(key, candidates_for(key), "`posthorn config explain` lists all keys"));
}

bool has_fault(const Reading& r, std::string_view key) {
  const std::string mark = fmt::format(": {}", key);
  return std::ranges::any_of(r.faults, [&](const Reading::Fault& f) { return f.problem.what.ends_with(mark); });
}

void require(Reading& r, std::string_view key, bool present, std::string_view example) {
  if (present || has_fault(r, key)) return;
  r.fault(0, key, "is missing", fmt::format("add {}", example));
}

/// Listeners share their ports (SO_REUSEPORT), so the kernel would give one address to two services in turn.
void check_listeners_differ(Reading& r) {
  const Listen& listen = r.config.listen;
  const std::array<std::pair<std::string_view, const std::vector<Endpoint>*>, 10> services{
      {{"listen.smtp", &listen.smtp},
       {"listen.submission", &listen.submission},
       {"listen.submissions", &listen.submissions},
       {"listen.imap", &listen.imap},
       {"listen.imaps", &listen.imaps},
       {"listen.http", &listen.http},
       {"listen.https", &listen.https},
       {"listen.pop3", &listen.pop3},
       {"listen.pop3s", &listen.pop3s},
       {"listen.metrics", &listen.metrics}}};
  std::map<Endpoint, std::string_view> taken;
  for (const auto& [key, endpoints] : services) {
    for (const Endpoint& at : *endpoints) {
      if (at.port == 0) continue;  // each gets a port of its own
      const auto [first, is_free] = taken.emplace(at, key);
      if (!is_free) r.fault(0, key, fmt::format("{} is taken by {}", at.text(), first->second), "choose another port");
    }
  }
}

/// What no key alone can be blamed for.
void check_whole(Reading& r) {
  const Config& c = r.config;
  require(r, "host_name", !c.host_name.empty(), R"(host_name = "mx.example.org")");
  require(r, "store.dir", !c.store_dir.empty(), R"(dir = "/var/lib/posthorn" under [store])");
  if (c.tls.certificate.size() != c.tls.key.size()) {
    r.fault(0, "tls.key", fmt::format("{} keys for {} certificates", c.tls.key.size(), c.tls.certificate.size()),
            "list one key for each certificate, in the same order");
  }
  check_listeners_differ(r);
  const bool wants_tls =
      !c.listen.submissions.empty() || !c.listen.imaps.empty() || !c.listen.pop3s.empty() || !c.listen.https.empty();
  if (wants_tls && c.tls.certificate.empty() && !has_fault(r, "tls.certificate")) {
    r.fault(0, "tls.certificate", "is missing, and a listener speaks TLS from the first octet",
            "name a certificate and its key under [tls], or turn that listener off");
  }
  if (!c.relay.retry.empty() && c.relay.give_up < c.relay.retry.front()) {
    r.fault(0, "relay.give_up", "is shorter than the first wait of relay.retry", "give mail time for a second attempt");
  }
  if (c.limits.connections_per_address > c.limits.connections) {
    r.fault(0, "limits.connections_per_address",
            fmt::format("{} is more than limits.connections, which is {}", c.limits.connections_per_address,
                        c.limits.connections),
            "lower this one, or raise that");
  }
}

Problems in_order(std::vector<Reading::Fault> faults) {
  std::ranges::sort(faults, {}, [](const Reading::Fault& f) { return std::pair(f.line, f.order); });
  Problems problems;
  problems.reserve(faults.size());
  for (Reading::Fault& fault : faults) problems.push_back(std::move(fault.problem));
  return problems;
}

}  // namespace

void Reading::fault(std::uint32_t line, std::string_view key, std::string why, std::string remedy) {
  std::string what = line == 0 ? fmt::format("{}: {}", file, key) : fmt::format("{}:{}: {}", file, line, key);
  faults.push_back({line, faults.size(), Problem{ProblemKind::no, std::move(what), std::move(why), std::move(remedy)}});
}

void Reading::fault(const toml::node& at, std::string_view key, std::string why, std::string remedy) {
  fault(at.source().begin.line, key, std::move(why), std::move(remedy));
}

std::filesystem::path Reading::path(std::string_view text) const {
  return (base / std::filesystem::path(text)).lexically_normal();
}

std::optional<std::string> read_string(Reading& r, std::string_view key, const toml::node& node,
                                       std::string_view example) {
  auto text = node.value_exact<std::string>();
  if (!text || text->empty()) {
    r.fault(node, key, text ? "is empty" : "is not a string", fmt::format("write it in quotes, such as {}", example));
    return std::nullopt;
  }
  *text = from_ascii_form(*text);
  if (text->find('\0') != std::string::npos || !text::is_utf8(*text)) {
    r.fault(node, key, "holds a NUL or is not UTF-8", fmt::format("write text, such as {}", example));
    return std::nullopt;
  }
  return text;
}

std::vector<Element> read_strings(Reading& r, std::string_view key, const toml::node& node, std::string_view example) {
  std::vector<Element> elements;
  const auto* const list = node.as_array();
  if (list == nullptr) {
    if (auto text = read_string(r, key, node, example)) elements.push_back({std::move(*text), &node});
    return elements;
  }
  for (const toml::node& element : *list) {
    if (auto text = read_string(r, key, element, example)) elements.push_back({std::move(*text), &element});
  }
  return elements;
}

std::optional<std::uint16_t> read_port(Reading& r, std::string_view key, const toml::node& node) {
  const auto number = node.value_exact<std::int64_t>();
  if (number && *number >= 1 && *number <= 65535) return static_cast<std::uint16_t>(*number);
  r.fault(node, key, "is no port", "write a number from 1 to 65535, without quotes");
  return std::nullopt;
}

std::optional<Duration> read_duration(Reading& r, std::string_view key, const toml::node& node, std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration) {
    r.fault(node, key, fmt::format("'{}' is no duration", text), R"(write a number and s, m, h or d, such as "5m")");
  }
  return duration;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                         std::string_view otherwise) {
  const std::string_view best = nearest(word, candidates);
  if (best.empty() && candidates.size() == 1) return fmt::format("did you mean {}?", candidates.front());
  return best.empty() ? std::string(otherwise) : fmt::format("did you mean {}?", best);
}

Result<Config, Problems> parse(std::string_view toml, const std::filesystem::path& file,
                               const std::filesystem::path& base) {
  Reading reading{.file = file.string(), .base = base, .config = {}, .faults = {}};
  if (toml.size() > file_octets_max) {
    return fail(Problems{{ProblemKind::usage, reading.file, "is longer than 1 MB", "this is no configuration file"}});
  }
  const std::optional<toml::table> table = read_toml(reading, toml);
  if (!table) return fail(in_order(std::move(reading.faults)));
  read_table(reading, "", *table);
  if (reading.faults.size() < faults_max) check_whole(reading);
  if (!reading.faults.empty()) return fail(in_order(std::move(reading.faults)));
  reading.config.file = file;
  return std::move(reading.config);
}

Result<Config, Problems> load(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(file, error);
  auto text = runtime::read_file(absolute, file_octets_max);
  if (!text) return fail(Problems{text.error()});
  return parse(*text, absolute, absolute.parent_path());
}

}  // namespace posthorn::config
