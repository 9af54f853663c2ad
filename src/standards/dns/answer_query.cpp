// The answering side of a small authoritative server over a Zone (RFC 1034 4.3.2 without referrals).
#include <utility>

#include "standards/dns/wire.h"

namespace posthorn::dns {
namespace {

constexpr std::uint8_t opcode_query = 0;
constexpr std::uint16_t class_internet = 1;

Message response_to(const Message& query) {
  Message response;
  response.id = query.id;
  response.is_response = true;
  response.opcode = query.opcode;
  response.authoritative = true;
  response.recursion_desired = query.recursion_desired;
  response.recursion_available = true;  // so that a stub resolver is content with us
  response.checking_disabled = query.checking_disabled;
  response.questions = query.questions;
  if (query.edns) response.edns = Edns{edns_udp_octets, 0, query.edns->dnssec_ok};
  return response;
}

Record soa_of_the_list(const Name& name, std::uint32_t ttl_seconds) {
  return Record{name, RecordType::soa, ttl_seconds, Soa{name, name, 1, 3600, 600, 86400, ttl_seconds}};
}

/// The CNAMEs followed, in order, as records of the answer section.
void put_chain(Message& response, const Zone& zone, const Answer& answer) {
  Name owner = answer.question();
  for (const Name& target : answer.cname_chain()) {
    const Answer link = zone.lookup(owner, RecordType::cname);
    for (const Record& record : link.records()) response.answers.push_back(record);
    owner = target;
  }
}

void put_answer(Message& response, const Zone& zone, const Answer& answer, const Message& query) {
  put_chain(response, zone, answer);
  response.answers.insert(response.answers.end(), answer.records().begin(), answer.records().end());
  if (answer.status() == Status::nx_domain) response.code = ResponseCode::name_error;
  // RFC 2308 3: a negative answer carries a SOA that says how long it holds.
  if (answer.status() != Status::ok)
    response.authorities.push_back(soa_of_the_list(answer.canonical_name().parent(), answer.ttl_seconds()));
  // RFC 6840 5.7, 5.8: AD is given to those who asked by AD or DO.
  const bool asked = query.authentic_data || (query.edns && query.edns->dnssec_ok);
  response.authentic_data = answer.secure() && asked;
}

OctetString refuse(Message response, ResponseCode code) {
  response.authoritative = false;
  response.code = code;
  return write_message(response);
}

}  // namespace

OctetString answer_query(const Zone& zone, Octets query_octets, Transport transport) {
  const auto query = read_message(query_octets);
  if (!query || query->is_response) return {};
  Message response = response_to(*query);
  if (query->opcode != opcode_query) return refuse(std::move(response), ResponseCode::not_implemented);
  if (query->questions.size() != 1) {
    response.questions.clear();
    return refuse(std::move(response), ResponseCode::format_error);
  }
  const Question& question = query->questions.front();
  if (question.record_class != class_internet) return refuse(std::move(response), ResponseCode::refused);

  Answer answer = zone.lookup(question.name, question.type);
  if (answer.status() == Status::timeout) return {};
  if (!is_definite(answer.status())) return refuse(std::move(response), ResponseCode::server_failure);
  put_answer(response, zone, answer, *query);
  const std::size_t udp_max =
      query->edns ? std::clamp<std::size_t>(query->edns->udp_octets, udp_octets_without_edns, edns_udp_octets)
                  : udp_octets_without_edns;
  return write_message(response, transport == Transport::udp ? udp_max : message_octets_max);
}

}  // namespace posthorn::dns
