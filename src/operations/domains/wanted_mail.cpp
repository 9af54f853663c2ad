// Where mail goes in: this host's addresses, MX, PTR, and the SRV records by which clients find it.
#include <algorithm>

#include "operations/domains/provider.h"
#include "operations/domains/wanting.h"

namespace posthorn::domains {

std::vector<MxHost> mx_hosts_of(const Model& model, const Surroundings& around) {
  if (!model.inbound.hosts.empty() && model.inbound.side != InboundSide::backup) return model.inbound.hosts;
  std::vector<MxHost> hosts = model.inbound.hosts;
  if (model.inbound.side != InboundSide::here && hosts.empty()) {
    if (const Provider* provider = find_provider(model.inbound.provider))
      hosts = provider_for(*provider, model.domain).mx;
  }
  if (model.inbound.side == InboundSide::provider || around.host_name.empty()) return hosts;
  // RFC 5321 5.1: a backup stands behind everybody else.
  std::uint16_t preference = 10;
  if (model.inbound.side == InboundSide::backup && !hosts.empty())
    preference = static_cast<std::uint16_t>(
        std::min(65535, std::ranges::max_element(hosts, {}, &MxHost::preference)->preference + 10));
  hosts.push_back({preference, around.host_name});
  return hosts;
}

std::vector<MxHost> Wanting::mx_hosts() const {
  return mx_hosts_of(model_, around_);
}

void Wanting::host_addresses() {
  // The host's own records are ours to plan only where its name lies in the domain.
  if (!host_is_in_zone() || !host_is_used()) return;
  const auto host = dns::Name::parse(around_.host_name);
  for (const IpAddress& address : around_.addresses) {
    add(Purpose::host_address, *host, address.is_v4() ? dns::RecordType::a : dns::RecordType::aaaa, address.text(),
        ttl_seconds_mail, "the address at which this host takes mail");
  }
}

void Wanting::mx() {
  const std::vector<MxHost> hosts = mx_hosts();
  const auto& published = published_.data(domain_, dns::RecordType::mx);
  // On the way to be parked the null MX comes before the rest of the defensive set (road_sts.cpp).
  const bool is_closed = model_.state == State::leaving && model_.leaving_to == State::parked &&
                         published == std::vector<std::string>{"0 ."};
  if (is_closed) {
    add(Purpose::mx, domain_, dns::RecordType::mx, "0 .", ttl_seconds_mail,
        "no mail is taken; senders learn it at once (null MX, RFC 7505)");
    return;
  }
  if (hosts.empty()) {
    // A provider that names its hosts to its customers only: what stands there is right until we are told otherwise.
    if (published.empty())
      add(Purpose::mx, domain_, dns::RecordType::mx, "", ttl_seconds_mail,
          "the provider names the hosts that take the domain's mail")
          .owner = Owner::provider;
    return;
  }
  const auto first = out_.records.size();
  for (const MxHost& mx : hosts) {
    const bool ours = mx.host == around_.host_name;
    add(Purpose::mx, domain_, dns::RecordType::mx, fmt::format("{} {}.", mx.preference, mx.host), ttl_seconds_mail,
        !ours                                        ? "the provider's host that takes the domain's mail"
        : model_.inbound.side == InboundSide::backup ? "this host keeps mail while the others cannot be reached"
                                                     : "mail for the domain comes to this host");
  }
  const auto is_wanted = [&](const std::string& data) {
    return std::ranges::any_of(out_.records.begin() + static_cast<std::ptrdiff_t>(first), out_.records.end(),
                               [&](const WantedRecord& record) { return record.data == data; });
  };
  // One host list, defined once: every other MX would take part of the mail elsewhere.
  for (const std::string& data : published)
    if (!is_wanted(data)) out_.records[first].replaces.push_back(data);
}

void Wanting::reverse_names() {
  if (!host_is_used()) return;
  for (const IpAddress& address : around_.addresses) {
    if (address.is_special()) continue;  // no network delegates the reverse names of such addresses
    const auto name = dns::Name::parse(address.reverse_name());
    if (!name) continue;
    WantedRecord& record = add(Purpose::ptr, *name, dns::RecordType::ptr, around_.host_name + ".", ttl_seconds_mail,
                               "receivers refuse mail from addresses without a name that leads back to them");
    record.owner = Owner::network;
  }
}

void Wanting::services() {
  if (model_.inbound.side != InboundSide::here || around_.host_name.empty()) return;
  for (const Service& service : around_.services) {
    const dns::Name name = at(service.label);
    const std::string data = service.offered ? fmt::format("0 1 {} {}.", service.port, around_.host_name) : "0 0 0 .";
    WantedRecord& record =
        add(Purpose::srv, name, dns::RecordType::srv, data, ttl_seconds_mail,
            service.offered ? "mail programs find the service by it (RFC 6186, RFC 8314)"
                            : "mail programs need not try: the service is not offered (RFC 6186 3.4)");
    for (const std::string& other : published_.data(name, dns::RecordType::srv))
      if (other != record.data) record.replaces.push_back(other);
  }
}

void Wanting::extra() {
  for (const ExtraRecord& record : model_.extra) {
    const auto name = dns::Name::parse(record.name);
    const auto type = dns::parse_record_type(record.type);
    if (!name || !type) continue;
    // A key beside the wildcard that revokes them all would be one that still counts.
    const bool is_key = name->is_at_or_below(at("_domainkey"));
    if (model_.state == State::parked && (is_key || *type == dns::RecordType::mx || *type == dns::RecordType::srv))
      continue;
    WantedRecord& wanted = add(Purpose::extra, *name, *type, record.data, record.ttl_seconds, "its owner asked for it");
    // RFC 1034 3.6.2: an alias stands alone; another one at the name is replaced.
    if (*type != dns::RecordType::cname) continue;
    for (const std::string& other : published_.data(*name, *type))
      if (other != wanted.data) wanted.replaces.push_back(other);
  }
}

}  // namespace posthorn::domains
