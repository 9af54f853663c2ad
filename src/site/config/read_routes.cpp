#include <algorithm>
#include <array>

#include "site/config/reading.h"
#include "site/config/values.h"
#include "standards/address/domain.h"
#include "standards/address/mailbox.h"

namespace posthorn::config {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t routes_max = 10'000;
constexpr std::array route_keys{"domain"sv, "sender"sv, "stream"sv, "host"sv, "port"sv, "tls"sv, "login"sv};
constexpr std::array login_keys{"user"sv, "password_file"sv};
constexpr std::array tls_words{"none"sv, "opportunistic"sv, "required"sv, "verified"sv, "implicit"sv};
constexpr std::array tls_values{RouteTls::none, RouteTls::opportunistic, RouteTls::required, RouteTls::verified,
                                RouteTls::implicit};

constexpr std::string_view example = R"({ domain = "example.org", host = "relay.example.net", port = 587 })";

/// A recipient domain, ".example.org" with all below it, or "*", in A-labels.
std::optional<std::string> domain_pattern(std::string_view text) {
  if (text == "*") return "*";
  const bool below = text.starts_with('.');
  const auto domain = address::Domain::parse(below ? text.substr(1) : text);
  if (!domain) return std::nullopt;
  return (below ? "." : "") + domain->a_label();
}

/// An address, or a domain.
std::optional<std::string> sender_pattern(std::string_view text) {
  if (text.find('@') == std::string_view::npos) return domain_pattern(text);
  const auto mailbox = address::Mailbox::parse(text);
  if (!mailbox) return std::nullopt;
  return mailbox->text();
}

bool unknown_keys(Reading& r, std::string_view key, const toml::table& table, std::span<const std::string_view> known) {
  bool found = false;
  for (const auto& [name, node] : table) {
    if (std::ranges::find(known, name.str()) != known.end()) continue;
    r.fault(node, fmt::format("{}.{}", key, name.str()), "there is no such key",
            did_you_mean(name.str(), known, "known here are " + alternatives(known)));
    found = true;
  }
  return found;
}

void read_selector(Reading& r, std::string_view key, const toml::table& table, Route& route) {
  int selectors = 0;
  if (const toml::node* node = table.get("domain")) {
    ++selectors;
    const auto text = read_string(r, key, *node, R"("example.org")");
    const auto pattern = text ? domain_pattern(*text) : std::nullopt;
    if (text && !pattern)
      r.fault(*node, key, fmt::format("'{}' is no domain", *text), R"(write "example.org", ".example.org" or "*")");
    route.domain = pattern.value_or("");
  }
  if (const toml::node* node = table.get("sender")) {
    ++selectors;
    const auto text = read_string(r, key, *node, R"("news@example.org")");
    const auto pattern = text ? sender_pattern(*text) : std::nullopt;
    if (text && !pattern)
      r.fault(*node, key, fmt::format("'{}' is neither address nor domain", *text),
              R"(write "news@example.org" or "example.org")");
    route.sender = pattern.value_or("");
  }
  if (const toml::node* node = table.get("stream")) {
    ++selectors;
    route.stream = read_string(r, key, *node, R"("bulk")").value_or("");
  }
  if (selectors != 1) {
    r.fault(table, key, "a route needs exactly one of domain, sender and stream", fmt::format("write {}", example));
  }
}

void read_host(Reading& r, std::string_view key, const toml::table& table, Route& route) {
  const toml::node* node = table.get("host");
  if (node == nullptr) return r.fault(table, key, "a route needs a host", fmt::format("write {}", example));
  const auto text = read_string(r, key, *node, R"("relay.example.net")");
  if (!text) return;
  if (IpAddress::parse(*text)) {
    route.host = *text;
  } else if (const auto name = address::Domain::parse(*text)) {
    route.host = name->a_label();
  } else {
    r.fault(*node, key, fmt::format("'{}' is neither host name nor address", *text), R"(write "relay.example.net")");
  }
}

void read_tls(Reading& r, std::string_view key, const toml::node& node, Route& route) {
  const auto text = read_string(r, key, node, R"("verified")");
  if (!text) return;
  const auto* const at = std::ranges::find(tls_words, std::string_view(*text));
  if (at == tls_words.end()) {
    return r.fault(node, key, fmt::format("'{}' says nothing about TLS", *text), "write " + alternatives(tls_words));
  }
  route.tls = tls_values[static_cast<std::size_t>(at - tls_words.begin())];
}

void read_login(Reading& r, std::string_view key, const toml::node& node, Route& route) {
  const auto* const table = node.as_table();
  const toml::node* const user = table != nullptr ? table->get("user") : nullptr;
  const toml::node* const file = table != nullptr ? table->get("password_file") : nullptr;
  if (user == nullptr || file == nullptr) {
    return r.fault(node, key, "login needs user and password_file",
                   R"(write login = { user = "me", password_file = "relay.password" })");
  }
  if (unknown_keys(r, key, *table, login_keys)) return;
  route.login_user = read_string(r, key, *user, R"("me")").value_or("");
  if (const auto path = read_string(r, key, *file, R"("relay.password")")) route.login_password_file = r.path(*path);
  // A password goes over TLS or not at all (STANDARDS: SASL PLAIN and LOGIN).
  if (route.tls == RouteTls::none || route.tls == RouteTls::opportunistic) {
    r.fault(node, key, "a login without TLS would show its password",
            R"(add tls = "verified" (or "required", or "implicit" for port 465))");
  }
}

void read_route(Reading& r, const std::string& key, const toml::table& table) {
  const std::size_t before = r.faults.size();
  if (unknown_keys(r, key, table, route_keys)) return;
  Route route;
  read_selector(r, key, table, route);
  read_host(r, key, table, route);
  if (const toml::node* node = table.get("port")) route.port = read_port(r, key + ".port", *node).value_or(route.port);
  if (const toml::node* node = table.get("tls")) read_tls(r, key + ".tls", *node, route);
  if (const toml::node* node = table.get("login")) read_login(r, key + ".login", *node, route);
  if (r.faults.size() > before) return;
  const auto same = [&](const Route& other) { return other.name() == route.name(); };
  if (std::ranges::any_of(r.config.relay.routes, same)) {
    return r.fault(table, key, fmt::format("there is a route for {} already", route.name()), "remove one of them");
  }
  r.config.relay.routes.push_back(std::move(route));
}

}  // namespace

std::string Route::name() const {
  if (!domain.empty()) return "domain " + domain;
  if (!sender.empty()) return "sender " + sender;
  return "stream " + stream;
}

void read_routes(Reading& r, std::string_view key, const toml::node& node) {
  const auto* const list = node.as_array();
  if (list == nullptr || list->size() > routes_max) {
    return r.fault(node, key, list == nullptr ? "is not a list" : "has more than 10,000 routes",
                   fmt::format("write routes = [ {} ]", example));
  }
  std::size_t index = 0;
  for (const toml::node& element : *list) {
    const std::string name = fmt::format("{}[{}]", key, index++);
    if (const auto* const table = element.as_table()) {
      read_route(r, name, *table);
    } else {
      r.fault(element, name, "is no route", fmt::format("write {}", example));
    }
  }
}

}  // namespace posthorn::config
