#include "flow/relay/targets.h"

#include <algorithm>

#include <fmt/format.h>

#include "flow/relay/shared.h"
#include "foundation/text/ascii.h"
#include "standards/address/domain.h"

namespace posthorn::relay {

namespace {

constexpr std::size_t addresses_per_family_max = addresses_per_host_max / 2;

/// "not now": SERVFAIL, a time-out and bogus answers are no answers (RFC 5321 5.1: never taken for "no MX").
std::string failure_words(const dns::Answer& answer) {
  std::string words = fmt::format("DNS lookup of {} {} failed: {}", answer.question().text(), dns::text(answer.type()),
                                  dns::text(answer.status()));
  if (!answer.reason().empty()) words += " (" + answer.reason() + ")";
  return words;
}

/// So many of each family that neither can crowd the other out.
std::vector<IpAddress> bounded(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> kept;
  std::size_t of_v4 = 0, of_v6 = 0;
  for (const IpAddress& address : addresses)
    if ((address.is_v4() ? of_v4 : of_v6)++ < addresses_per_family_max) kept.push_back(address);
  return kept;
}

}  // namespace

Targets::Targets(const RelayOffice::Shared& office, std::string next_hop)
    : office_(office), next_hop_(std::move(next_hop)), port_(office.options.mx_port) {
  end_with(false, 0, "4.4.1", "no host could be reached");
  ending_set_ = false;
}

std::string Targets::its_mail() const {
  const config::Route* const route = office_.routes.find(next_hop_);
  return route == nullptr ? "mail for " + next_hop_ : "the route of " + route->name();
}

void Targets::end_with(bool permanent, int code, std::string status, std::string words) {
  if (by_route_) {
    // A route is the operator's own word: what is wrong with it is mended here, and no mail is returned for it.
    permanent = false;
    code = 0;
    status.front() = '4';
  }
  ending_.permanent = permanent;
  ending_.verdict = queue::Verdict{code, std::move(status), std::move(words), "", false};
  ending_set_ = true;
}

Task<std::vector<Target>> Targets::next_group() {
  if (!found_) {
    found_ = true;
    co_await find_exchanges();
  }
  std::vector<Target> group;
  while (group.empty() && next_ < exchanges_.size()) {
    const std::uint16_t preference = exchanges_[next_].preference;
    for (; next_ < exchanges_.size() && exchanges_[next_].preference == preference; ++next_) {
      std::optional<Target> target = co_await resolve(exchanges_[next_]);
      if (target) group.push_back(std::move(*target));
    }
    // RFC 5321 5.1: where we ourselves are in the list, we, our equals and everything worse are no targets.
    const bool ourselves = std::ranges::any_of(group, [&](const Target& target) {
      return std::ranges::any_of(target.addresses, [&](const IpAddress& a) { return is_ourselves(a); });
    });
    if (!ourselves) continue;
    notes_.push_back(fmt::format("the hosts of preference {} and worse are left out: we are one of them", preference));
    if (!ending_set_) end_with(true, 554, "5.4.6", its_mail() + " leads back to ourselves");
    exchanges_.clear();
    group.clear();
  }
  co_return group;
}

bool Targets::is_ourselves(const IpAddress& address) const {
  const std::vector<IpAddress>& own = office_.options.own_addresses;
  return port_ == office_.options.mx_port && std::ranges::find(own, address) != own.end();
}

Task<> Targets::find_exchanges() {
  if (queue::Routes::is_route_key(next_hop_)) {
    const config::Route* route = office_.routes.find(next_hop_);
    if (route == nullptr)
      end_with(false, 0, "4.4.4", "the route is not configured any more");
    else
      take_route(*route);
    co_return;
  }
  if (const auto literal = address::AddressLiteral::parse(next_hop_)) {
    exchanges_.push_back({0, 0, next_hop_, literal->address});
    co_return;
  }
  const auto domain = dns::Name::parse(next_hop_);
  if (!domain) {
    end_with(true, 550, "5.1.2", "the domain is not a name the DNS can hold");
    co_return;
  }
  co_await find_mx(*domain);
  leave_out_ourselves();
}

void Targets::take_route(const config::Route& route) {
  port_ = route.port;
  tls_ = route.tls;
  by_route_ = true;
  exchanges_.push_back({0, 0, route.host, IpAddress::parse(route.host)});
}

Task<> Targets::find_mx(dns::Name domain) {
  const dns::MxLookup mx = co_await dns::lookup_mx(*office_.with.resolver, domain);
  if (!dns::is_definite(mx.status())) {
    end_with(false, 0, "4.4.3", failure_words(mx.answer));
    co_return;
  }
  if (mx.null_mx) {
    // RFC 7505 4.1: at once, for good.
    end_with(true, 556, "5.1.10", next_hop_ + " does not accept mail (null MX)");
    co_return;
  }
  by_mx_ = true;
  mx_secure_ = mx.answer.secure();
  domain_names_.push_back(next_hop_);
  for (const dns::Name& alias : mx.answer.cname_chain()) {
    domain_names_.push_back(text::lower(alias.text()));
    notes_.push_back(fmt::format("{} is an alias (CNAME) of {}", next_hop_, alias.text()));
  }
  if (mx.status() == dns::Status::nx_domain) {
    end_with(true, 550, "5.1.2", next_hop_ + " does not exist");
    co_return;
  }
  if (mx.hosts.empty()) {
    // RFC 5321 5.1: the implicit MX, only where the DNS says that there is no MX record.
    implicit_ = true;
    exchanges_.push_back({0, 0, next_hop_, std::nullopt});
    co_return;
  }
  for (const dns::Mx& host : mx.hosts) {
    std::string name = text::lower(host.exchange.text());
    const auto literal = IpAddress::parse(name);
    if (literal) notes_.push_back("the MX record holds an address in place of a name: " + name);
    exchanges_.push_back({host.preference, 0, std::move(name), literal});
  }
  // RFC 5321 5.1: by preference, equals in random order.
  for (Exchange& exchange : exchanges_) exchange.draw = office_.with.random->next();
  std::ranges::sort(exchanges_, {},
                    [](const Exchange& exchange) { return std::pair(exchange.preference, exchange.draw); });
  if (exchanges_.size() > hosts_per_attempt_max) exchanges_.resize(hosts_per_attempt_max);
}

void Targets::leave_out_ourselves() {
  const auto own = std::ranges::find_if(
      exchanges_, [&](const Exchange& exchange) { return text::iequals(exchange.host, office_.options.host_name); });
  if (own == exchanges_.end() || implicit_) return;
  const std::uint16_t preference = own->preference;
  notes_.push_back(fmt::format("the hosts of preference {} and worse are left out: {} is ourselves", preference,
                               office_.options.host_name));
  std::erase_if(exchanges_, [&](const Exchange& exchange) { return exchange.preference >= preference; });
  if (exchanges_.empty()) end_with(true, 554, "5.4.6", its_mail() + " leads back to ourselves");
}

Task<std::optional<Target>> Targets::resolve(Exchange exchange) {
  Target target{exchange.host, {}, port_, tls_, by_mx_, {}};
  if (exchange.literal) {
    const std::vector<IpAddress> only{*exchange.literal};
    co_return admit(exchange, target, only) ? std::optional(std::move(target)) : std::nullopt;
  }
  const auto name = dns::Name::parse(exchange.host);
  if (!name) {
    notes_.push_back(exchange.host + " is not a name the DNS can hold");
    co_return std::nullopt;
  }
  const dns::AddressLookup found = co_await dns::lookup_addresses(*office_.with.resolver, *name);
  // RFC 5321 5.1 forbids an MX that names an alias; the world has them, so we follow and say so.
  for (const dns::Name& alias : found.a.cname_chain())
    notes_.push_back(fmt::format("{} is an alias (CNAME) of {}", exchange.host, alias.text()));
  if (found.addresses.empty()) {
    note_without_address(exchange, found);
    co_return std::nullopt;
  }
  if (!admit(exchange, target, found.addresses)) co_return std::nullopt;
  // RFC 7672 2.2.1: without a validated MX nobody knows that this is the host that was meant.
  if (mx_secure_) target.tlsa = co_await dane::find_tlsa(*office_.with.resolver, *name, found);
  co_return target;
}

void Targets::note_without_address(const Exchange& exchange, const dns::AddressLookup& found) {
  const bool definite = dns::is_definite(found.status());
  const dns::Answer& answer = dns::is_definite(found.a.status()) ? found.aaaa : found.a;
  notes_.push_back(definite ? exchange.host + " has no address" : failure_words(answer));
  const bool only_definite_so_far = !ending_set_ || ending_.permanent;
  if (!definite)
    end_with(false, 0, "4.4.3", failure_words(answer));
  else if (only_definite_so_far && implicit_)
    end_with(true, 550, "5.1.2", next_hop_ + " has neither a mail exchanger nor an address");
  else if (only_definite_so_far)
    end_with(true, 550, "5.4.4",
             by_route_ ? its_mail() + ": " + exchange.host + " has no address"
                       : "no mail exchanger of " + next_hop_ + " has an address");
}

bool Targets::admit(const Exchange& exchange, Target& target, const std::vector<IpAddress>& addresses) {
  const std::vector<IpAddress>& sources = office_.options.source;
  for (const IpAddress& address : bounded(addresses)) {
    // An MX record is anybody's word; a route is the operator's.
    const bool may_be_private = office_.options.allow_private || by_route_;
    if (address.is_special() && !may_be_private && !is_ourselves(address)) {
      notes_.push_back(
          fmt::format("{} has the private or reserved address {}: not connected to", exchange.host, address.text()));
      if (!ending_set_ || ending_.permanent) end_with(true, 554, "5.4.6", its_mail() + " leads to a private address");
      continue;
    }
    const bool has_source = sources.empty() || std::ranges::any_of(sources, [&](const IpAddress& source) {
                              return source.is_v4() == address.is_v4();
                            });
    if (!has_source) {
      notes_.push_back(fmt::format("{}: we have no source address of its family", address.text()));
      continue;
    }
    target.addresses.push_back(address);
  }
  return !target.addresses.empty();
}

}  // namespace posthorn::relay
