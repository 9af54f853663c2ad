#include "standards/dns/resolver.h"

#include <algorithm>

#include <fmt/format.h>

namespace posthorn::dns {
namespace {

constexpr std::size_t summary_octets_max = 1200;  // ours: a DKIM key of 4096 bits stands whole in a story

}  // namespace

std::string_view text(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::no_data:
      return "no such record";
    case Status::nx_domain:
      return "no such name";
    case Status::servfail:
      return "server failure";
    case Status::timeout:
      return "timeout";
    case Status::bogus:
      return "DNSSEC validation failed";
  }
  return "";
}

std::string Answer::summary() const {
  std::string out = fmt::format("{} {}: ", question().text(), dns::text(type()));
  if (status() == Status::ok) {
    std::string_view separator;
    for (std::size_t i = 0; i < records().size(); ++i) {
      if (out.size() > summary_octets_max) {
        out += fmt::format(", and {} more", records().size() - i);
        break;
      }
      const std::string data = dns::text(records()[i].data);
      out += separator;
      out += data.size() <= summary_octets_max
                 ? data
                 : fmt::format("{}... ({} octets in all)", data.substr(0, summary_octets_max), data.size());
      separator = ", ";
    }
  } else {
    out += dns::text(status());
    if (!reason().empty()) out += fmt::format(" ({})", reason());
  }
  if (!is_definite(status())) return out;
  out += fmt::format(" ({} s left", ttl_seconds());
  if (secure()) out += ", validated";
  if (!source().empty()) out += ", from " + source();
  return out + ")";
}

Name reverse_name(const IpAddress& address) {
  // Always legal: at most 32 labels of one octet and two more.
  return Name::parse(address.reverse_name()).value();
}

Task<MxLookup> lookup_mx(Resolver& resolver, Name domain) {
  Answer answer = co_await resolver.resolve(std::move(domain), RecordType::mx);
  MxLookup lookup{std::move(answer), {}, false};
  const auto records = lookup.answer.all<Mx>();
  // RFC 7505 3: a null MX stands alone; among others it names no host and is left out.
  lookup.null_mx = records.size() == 1 && records.front()->exchange.is_root();
  for (const Mx* mx : records) {
    if (mx->exchange.is_root()) continue;
    lookup.hosts.insert(std::ranges::upper_bound(lookup.hosts, mx->preference, {}, &Mx::preference), *mx);
  }
  co_return lookup;
}

Status AddressLookup::status() const {
  if (!addresses.empty()) return Status::ok;
  if (!is_definite(a.status())) return a.status();
  if (!is_definite(aaaa.status())) return aaaa.status();
  const bool exists = a.status() != Status::nx_domain && aaaa.status() != Status::nx_domain;
  return exists ? Status::no_data : Status::nx_domain;
}

bool AddressLookup::secure() const {
  if (addresses.empty()) return a.secure() && aaaa.secure();
  return (a.records().empty() || a.secure()) && (aaaa.records().empty() || aaaa.secure());
}

Task<AddressLookup> lookup_addresses(Resolver& resolver, Name host) {
  Answer aaaa = co_await resolver.resolve(host, RecordType::aaaa);
  Answer a = co_await resolver.resolve(std::move(host), RecordType::a);
  AddressLookup lookup{std::move(aaaa), std::move(a), {}};
  for (const Aaaa* record : lookup.aaaa.all<Aaaa>()) lookup.addresses.push_back(record->address);
  for (const A* record : lookup.a.all<A>()) lookup.addresses.push_back(record->address);
  co_return lookup;
}

Task<TxtLookup> lookup_txt(Resolver& resolver, Name name) {
  Answer answer = co_await resolver.resolve(std::move(name), RecordType::txt);
  TxtLookup lookup{std::move(answer), {}};
  for (const Txt* txt : lookup.answer.all<Txt>()) lookup.texts.push_back(txt->joined());
  co_return lookup;
}

Task<PtrLookup> lookup_ptr(Resolver& resolver, IpAddress address) {
  Answer answer = co_await resolver.resolve(reverse_name(address), RecordType::ptr);
  PtrLookup lookup{std::move(answer), {}};
  for (const Ptr* ptr : lookup.answer.all<Ptr>()) lookup.names.push_back(ptr->target);
  co_return lookup;
}

}  // namespace posthorn::dns
