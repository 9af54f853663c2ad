#include "standards/dns/zone.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace posthorn::dns {
namespace {

constexpr std::uint32_t negative_ttl_seconds = 300;  // where the list has no SOA to say it (RFC 2308 5)

}  // namespace

std::string ZoneFileError::text() const {
  return fmt::format("line {}: {}", line, reason);
}

void Zone::add(Record record) {
  Node& node = nodes_[record.owner];
  const bool known = std::ranges::any_of(
      node.records, [&](const Record& other) { return other.type == record.type && other.data == record.data; });
  if (!known) node.records.push_back(std::move(record));
}

void Zone::fail_with(const Name& name, std::optional<RecordType> type, Status failure) {
  Node& node = nodes_[name];
  if (type) {
    node.failures[*type] = failure;
  } else {
    node.failure_of_others = failure;
  }
}

void Zone::mark_secure(const Name& name) {
  nodes_[name].secure_from_here = true;
}

bool Zone::Node::has_content() const {
  return !records.empty() || !failures.empty() || failure_of_others.has_value();
}

bool Zone::Node::has(RecordType type) const {
  return std::ranges::any_of(records, [type](const Record& r) { return r.type == type; });
}

std::optional<Status> Zone::Node::failure_for(RecordType type) const {
  if (const auto found = failures.find(type); found != failures.end()) return found->second;
  if (failure_of_others && !has(type)) return failure_of_others;
  return std::nullopt;
}

const Zone::Node* Zone::find(const Name& name) const {
  const auto found = nodes_.find(name);
  return found != nodes_.end() && found->second.has_content() ? &found->second : nullptr;
}

/// A name exists with content at it or anywhere below (empty non-terminals, RFC 4592 2.2.2, RFC 8020).
bool Zone::exists(const Name& name) const {
  for (auto at = nodes_.lower_bound(name); at != nodes_.end() && at->first.is_at_or_below(name); ++at)
    if (at->second.has_content()) return true;
  return false;
}

/// RFC 4592 3.3.1: the source of synthesis is "*" right under the closest encloser, and nothing above it.
const Zone::Node* Zone::find_wildcard(const Name& name) const {
  Name encloser = name.parent();
  while (!encloser.is_root() && !exists(encloser)) encloser = encloser.parent();
  const auto wildcard = encloser.child("*");
  return wildcard ? find(*wildcard) : nullptr;
}

bool Zone::is_secure(const Name& name) const {
  for (Name at = name;; at = at.parent()) {
    const auto found = nodes_.find(at);
    if (found != nodes_.end() && found->second.secure_from_here) return true;
    if (at.is_root()) return false;
  }
}

std::uint32_t Zone::negative_ttl(const Name& name) const {
  for (Name at = name;; at = at.parent()) {
    if (const Node* node = find(at))
      for (const Record& record : node->records)
        if (const Soa* soa = std::get_if<Soa>(&record.data)) return std::min(record.ttl_seconds, soa->minimum);
    if (at.is_root()) return negative_ttl_seconds;
  }
}

Zone::Step Zone::step(const Name& name, RecordType type) const {
  const Node* node = find(name);
  Step step;
  if (node == nullptr && exists(name)) {
    step.status = Status::no_data;
    return step;
  }
  if (node == nullptr) node = find_wildcard(name);
  if (node == nullptr) {
    step.status = Status::nx_domain;
    return step;
  }
  if (const auto failure = node->failure_for(type); failure && !(node->has(RecordType::cname) && !node->has(type))) {
    step.status = *failure;
    return step;
  }
  for (const Record& record : node->records) {
    if (record.type != type && type != RecordType::any) continue;
    step.records.push_back(record);
    step.records.back().owner = name;
  }
  step.status = step.records.empty() ? Status::no_data : Status::ok;
  if (!step.records.empty()) return step;
  for (const Record& record : node->records) {
    if (record.type != RecordType::cname) continue;
    step.alias = record;
    step.alias->owner = name;
    break;
  }
  return step;
}

Answer Zone::lookup(const Name& name, RecordType type) const {
  AnswerData data{.question = name, .type = type, .secure = is_secure(name), .source = "zone file"};
  std::uint32_t ttl = std::numeric_limits<std::uint32_t>::max();
  Name at = name;
  for (std::size_t followed = 0; followed <= cname_chain_max; ++followed) {
    Step here = step(at, type);
    data.secure = data.secure && is_secure(at);
    if (!here.alias) {
      data.status = here.status;
      for (const Record& record : here.records) ttl = std::min(ttl, record.ttl_seconds);
      if (here.records.empty()) ttl = std::min(ttl, negative_ttl(at));
      data.records = std::move(here.records);
      data.ttl_seconds = is_definite(data.status) ? ttl : 0;
      data.secure = data.secure && is_definite(data.status);
      if (!is_definite(data.status)) data.reason = "so the zone file says";
      return Answer{std::move(data)};
    }
    ttl = std::min(ttl, here.alias->ttl_seconds);
    at = std::get<Cname>(here.alias->data).target;
    data.cname_chain.push_back(at);
  }
  data.status = Status::servfail;
  data.secure = false;
  data.reason = fmt::format("more than {} CNAMEs in a row", cname_chain_max);
  return Answer{std::move(data)};
}

std::vector<Record> Zone::records() const {
  std::vector<Record> all;
  for (const auto& [name, node] : nodes_) all.insert(all.end(), node.records.begin(), node.records.end());
  return all;
}

Task<Answer> ZoneFileResolver::resolve(Name name, RecordType type) {
  co_return zone_.lookup(name, type);
}

std::optional<Answer> ZoneFileResolver::at_hand(const Name& name, RecordType type) {
  return zone_.lookup(name, type);
}

}  // namespace posthorn::dns
