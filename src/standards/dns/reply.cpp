#include "standards/dns/reply.h"

#include <algorithm>

#include <fmt/format.h>

namespace posthorn::dns {
namespace {

constexpr std::size_t rrsig_fixed_octets = 18;  // RFC 4034 3.1, before the signer's name

std::string code_text(ResponseCode code) {
  switch (code) {
    case ResponseCode::no_error:
      return "NOERROR";
    case ResponseCode::format_error:
      return "FORMERR";
    case ResponseCode::server_failure:
      return "SERVFAIL";
    case ResponseCode::name_error:
      return "NXDOMAIN";
    case ResponseCode::not_implemented:
      return "NOTIMP";
    case ResponseCode::refused:
      return "REFUSED";
  }
  return fmt::format("response code {}", static_cast<unsigned>(code));
}

std::uint32_t number(std::string_view octets, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (const char c : octets.substr(at, size)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

const Record* find(const std::vector<Record>& records, const Name& owner, RecordType type) {
  const auto found = std::ranges::find_if(records, [&](const Record& r) { return r.type == type && r.owner == owner; });
  return found == records.end() ? nullptr : &*found;
}

/// RFC 1034 4.3.2 step 3a: CNAMEs are followed as far as the message holds them.
void follow_aliases(Reply& reply, const Message& message, const Question& question) {
  Name owner = question.name;
  while (question.type != RecordType::cname && reply.aliases.size() < cname_chain_max) {
    const Record* const alias = find(message.answers, owner, RecordType::cname);
    const auto* const target = alias == nullptr ? nullptr : std::get_if<Cname>(&alias->data);
    if (target == nullptr) break;
    reply.aliases.push_back(*alias);
    owner = target->target;
  }
  for (const Record& record : message.answers)
    if (record.owner == owner && (record.type == question.type || question.type == RecordType::any))
      reply.records.push_back(record);
}

void find_ttl(Reply& reply, const Message& message) {
  std::uint32_t ttl = UINT32_MAX;
  for (const auto* list : {&reply.records, &reply.aliases})
    for (const Record& record : *list) ttl = std::min(ttl, record.ttl_seconds);
  // RFC 2308 5: a negative answer holds for the smaller of the SOA's TTL and its minimum.
  if (reply.records.empty())
    for (const Record& record : message.authorities)
      if (const auto* soa = std::get_if<Soa>(&record.data)) ttl = std::min({ttl, record.ttl_seconds, soa->minimum});
  reply.ttl_seconds = ttl == UINT32_MAX ? 0 : ttl;
}

void find_zone(Reply& reply, const Message& message) {
  for (const auto* list : {&message.answers, &message.authorities}) {
    for (const Record& record : *list) {
      const auto* const soa = std::get_if<Soa>(&record.data);
      if (soa == nullptr || reply.soa) continue;
      reply.soa = *soa;
      reply.zone = record.owner;
    }
  }
}

/// NS records in the authority section, without a SOA and without an answer: somebody below knows more.
void find_referral(Reply& reply, const Message& message, const Question& question) {
  std::vector<Record> ns;
  for (const Record& record : message.authorities) {
    if (record.type == RecordType::ds) reply.has_ds = true;
    if (record.type != RecordType::ns || !question.name.is_at_or_below(record.owner)) continue;
    if (ns.empty() || ns.front().owner == record.owner) ns.push_back(record);
  }
  if (ns.empty()) return;
  reply.kind = ReplyKind::referral;
  reply.zone = ns.front().owner;
  reply.ttl_seconds = ns.front().ttl_seconds;
  reply.servers = name_servers(ns, message.additionals);
}

ReplyKind kind_without_records(const Reply& reply, const Message& message) {
  if (!reply.aliases.empty()) {
    // The end of the chain is told only where the message says so with the SOA of its zone.
    if (message.code == ResponseCode::name_error) return ReplyKind::nx_domain;
    return reply.soa ? ReplyKind::no_data : ReplyKind::alias;
  }
  if (message.code == ResponseCode::name_error) return ReplyKind::nx_domain;
  return reply.authoritative || reply.recursive || reply.soa ? ReplyKind::no_data : ReplyKind::lame;
}

}  // namespace

std::string_view text(ReplyKind kind) {
  switch (kind) {
    case ReplyKind::answer:
      return "answer";
    case ReplyKind::alias:
      return "alias";
    case ReplyKind::no_data:
      return "no such record";
    case ReplyKind::nx_domain:
      return "no such name";
    case ReplyKind::referral:
      return "referral";
    case ReplyKind::lame:
      return "not authoritative";
    case ReplyKind::failure:
      return "failure";
  }
  return "";
}

std::optional<SignatureTimes> signature_times(const Record& record) {
  const auto* const data = std::get_if<Unknown>(&record.data);
  if (record.type != RecordType::rrsig || data == nullptr || data->octets.size() <= rrsig_fixed_octets)
    return std::nullopt;
  const std::string& octets = data->octets;
  SignatureTimes times;
  times.owner = record.owner;
  times.covered = static_cast<RecordType>(number(octets, 0, 2));
  // RFC 4034 3.1.5: 32 bits in serial number arithmetic; this century's are read as they stand.
  times.expiration = from_unix_seconds(number(octets, 8, 4));
  times.inception = from_unix_seconds(number(octets, 12, 4));
  times.key_tag = static_cast<std::uint16_t>(number(octets, 16, 2));
  // What follows the signer's name is the signature, so the name is cut out label by label.
  std::size_t at = rrsig_fixed_octets;
  std::vector<std::string_view> labels;
  while (at < octets.size() && octets[at] != '\0') {
    const auto length = static_cast<unsigned char>(octets[at]);
    if (length > label_octets_max || at + 1 + length > octets.size()) return std::nullopt;
    labels.push_back(std::string_view(octets).substr(at + 1, length));
    at += length + 1U;
  }
  auto name = Name::from_labels(labels);
  if (!name) return std::nullopt;
  times.signer = std::move(*name);
  return times;
}

Name Reply::target(const Name& question) const {
  if (aliases.empty()) return question;
  return std::get<Cname>(aliases.back().data).target;
}

Reply read_reply(const Message& message, const Question& question) {
  Reply reply;
  reply.authoritative = message.authoritative;
  reply.authentic = message.authentic_data;
  reply.recursive = message.recursion_available;
  for (const auto* list : {&message.answers, &message.authorities})
    for (const Record& record : *list)
      if (auto times = signature_times(record)) reply.signatures.push_back(std::move(*times));
  if (message.code == ResponseCode::refused) {
    reply.kind = ReplyKind::lame;
    reply.problem = code_text(message.code);
    return reply;
  }
  if (message.code != ResponseCode::no_error && message.code != ResponseCode::name_error) {
    reply.problem = code_text(message.code);
    return reply;
  }
  follow_aliases(reply, message, question);
  find_zone(reply, message);
  find_ttl(reply, message);
  if (!reply.records.empty()) {
    reply.kind = ReplyKind::answer;
    return reply;
  }
  const bool may_refer = !reply.soa && reply.aliases.empty() && message.code == ResponseCode::no_error;
  if (may_refer && !reply.authoritative) find_referral(reply, message, question);
  if (reply.kind == ReplyKind::referral) return reply;
  reply.kind = kind_without_records(reply, message);
  if (reply.kind == ReplyKind::lame) reply.problem = "it knows nothing of the name";
  return reply;
}

bool answers(const Message& message, std::uint16_t id, const Question& question) {
  if (!message.is_response || message.id != id || message.questions.size() != 1) return false;
  const Question& theirs = message.questions.front();
  return theirs.type == question.type && theirs.record_class == question.record_class && theirs.name == question.name;
}

std::vector<NameServer> name_servers(const std::vector<Record>& ns_records, const std::vector<Record>& additionals) {
  std::vector<NameServer> out;
  for (const Record& record : ns_records) {
    const auto* const ns = std::get_if<Ns>(&record.data);
    if (ns == nullptr) continue;
    NameServer server{ns->host, {}};
    for (const Record& glue : additionals) {
      if (glue.owner != ns->host) continue;
      if (const auto* v6 = std::get_if<Aaaa>(&glue.data)) server.addresses.push_back(v6->address);
      if (const auto* v4 = std::get_if<A>(&glue.data)) server.addresses.push_back(v4->address);
    }
    out.push_back(std::move(server));
  }
  std::ranges::sort(out, {}, [](const NameServer& s) { return s.host.lower_case_key(); });
  return out;
}

}  // namespace posthorn::dns
