#include "platform/test_support/dns_bed.h"

#include <array>
#include <stdexcept>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/net/socket_transport.h"

namespace posthorn::test_support {
namespace {

using dns::Message;
using dns::Name;
using dns::RecordType;

IpAddress loopback(unsigned last) {
  return IpAddress::v4({127, 0, 0, static_cast<std::uint8_t>(last)});
}

/// The cut at or above `name` and below the apex, where the zone refers to others.
const dns::Answer* find_cut(const dns::Zone& zone, const Name& apex, const dns::Question& question,
                            std::optional<dns::Answer>& kept) {
  std::vector<Name> names;
  for (Name name = question.name; name.is_at_or_below(apex) && name != apex; name = name.parent())
    names.push_back(name);
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    kept = zone.lookup(*name, RecordType::ns);
    const bool is_parents_side = question.type == RecordType::ds && *name == question.name;
    if (kept->status() == dns::Status::ok && !is_parents_side) return &*kept;
  }
  return nullptr;
}

void refer(Message& answer, const dns::Zone& zone, const dns::Answer& cut) {
  answer.authoritative = false;
  for (const dns::Record& record : cut.records()) {
    answer.authorities.push_back(record);
    const Name host = std::get<dns::Ns>(record.data).host;
    for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
      const dns::Answer glue = zone.lookup(host, type);
      answer.additionals.insert(answer.additionals.end(), glue.records().begin(), glue.records().end());
    }
  }
}

void answer_from_zone(Message& answer, const dns::Zone& zone, const Name& apex, const dns::Question& question) {
  const dns::Answer found = zone.lookup(question.name, question.type);
  if (!dns::is_definite(found.status())) {
    answer.code = dns::ResponseCode::server_failure;
    return;
  }
  Name owner = question.name;
  for (const Name& target : found.cname_chain()) {
    const dns::Answer link = zone.lookup(owner, RecordType::cname);
    answer.answers.insert(answer.answers.end(), link.records().begin(), link.records().end());
    owner = target;
  }
  // What the zone does not hold is for others to say (RFC 1034 4.3.2).
  if (!owner.is_at_or_below(apex)) return;
  answer.answers.insert(answer.answers.end(), found.records().begin(), found.records().end());
  if (found.status() == dns::Status::nx_domain) answer.code = dns::ResponseCode::name_error;
  if (found.status() == dns::Status::ok) return;
  const dns::Answer soa = zone.lookup(apex, RecordType::soa);
  answer.authorities.insert(answer.authorities.end(), soa.records().begin(), soa.records().end());
}

void transfer(Message& answer, const dns::Zone& zone, const Name& apex) {
  const dns::Answer soa = zone.lookup(apex, RecordType::soa);
  answer.answers = soa.records();
  for (const dns::Record& record : zone.records())
    if (record.type != RecordType::soa) answer.answers.push_back(record);
  answer.answers.insert(answer.answers.end(), soa.records().begin(), soa.records().end());
}

void answer_datagram(DnsBed::Server& server, int socket) {
  std::array<char, 4096> query;
  net::SocketAddress from;
  const ssize_t got = ::recvfrom(socket, query.data(), query.size(), 0, from.get(), &from.length);
  if (got <= 0) return;
  const OctetString answer = server.respond({query.data(), static_cast<std::size_t>(got)}, false);
  if (!answer.empty()) ::sendto(socket, answer.data(), answer.size(), 0, from.get(), from.length);
}

/// One question a connection, read in one piece: what loopback delivers.
void answer_connection(DnsBed::Server& server, int listener) {
  const int socket = ::accept(listener, nullptr, nullptr);
  if (socket < 0) return;
  std::array<char, 4096> query;
  const ssize_t got = ::recv(socket, query.data(), query.size(), 0);
  if (got > 2) {
    const OctetString answer = server.respond({query.data() + 2, static_cast<std::size_t>(got) - 2}, true);
    OctetString framed{static_cast<char>(answer.size() >> 8), static_cast<char>(answer.size() & 0xff)};
    framed += answer;
    if (!answer.empty()) ::send(socket, framed.data(), framed.size(), MSG_NOSIGNAL);
  }
  ::close(socket);
}

/// A socket bound to the endpoint; -1 where that is taken.
int bound(int kind, const net::Endpoint& endpoint) {
  const int socket = ::socket(AF_INET, kind | SOCK_CLOEXEC, 0);
  net::SocketAddress address = net::socket_address(endpoint);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool good =
      ::bind(socket, address.get(), address.length) == 0 && (kind == SOCK_DGRAM || ::listen(socket, 64) == 0);
  if (good) return socket;
  ::close(socket);
  return -1;
}

}  // namespace

struct DnsBed::Listener {
  Server* server;
  int udp = -1, tcp = -1;
  Listener(Server& of, const net::Endpoint& endpoint)
      : server(&of), udp(bound(SOCK_DGRAM, endpoint)), tcp(bound(SOCK_STREAM, endpoint)) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    if (udp >= 0) ::close(udp);
    if (tcp >= 0) ::close(tcp);
  }
  [[nodiscard]] bool good() const { return udp >= 0 && tcp >= 0; }
};

void DnsBed::Server::meddle(std::function<void(Message& answer)> how) {
  const std::lock_guard lock(mutex_);
  meddle_ = std::move(how);
}

void DnsBed::Server::serve(const std::string& apex, dns::Zone zone) {
  const std::lock_guard lock(mutex_);
  zones_.insert_or_assign(apex, std::move(zone));
}

void DnsBed::Server::answer(Message& answer) const {
  const dns::Question& question = answer.questions.front();
  const std::pair<const std::string, dns::Zone>* best = nullptr;
  for (const auto& zone : zones_) {
    const bool holds = question.name.is_at_or_below(*Name::parse(zone.first));
    if (holds && (best == nullptr || zone.first.size() > best->first.size())) best = &zone;
  }
  const bool refused = best == nullptr || (question.type == RecordType::axfr && !allow_transfer);
  if (refused) {
    answer.code = dns::ResponseCode::refused;
    answer.authoritative = best != nullptr;
    return;
  }
  const Name apex = *Name::parse(best->first);
  std::optional<dns::Answer> kept;
  if (question.type == RecordType::axfr)
    transfer(answer, best->second, apex);
  else if (const dns::Answer* cut = find_cut(best->second, apex, question, kept))
    refer(answer, best->second, *cut);
  else
    answer_from_zone(answer, best->second, apex, question);
}

OctetString DnsBed::Server::respond(Octets octets, bool tcp) {
  const auto query = dns::read_message(octets);
  if (!query || query->questions.size() != 1) return {};
  ++questions;
  if (tcp) ++over_tcp;
  if (silent) return {};
  Message message;
  message.id = query->id;
  message.is_response = true;
  message.questions = query->questions;
  message.authoritative = true;
  if (query->edns) message.edns = dns::Edns{};
  const std::lock_guard lock(mutex_);
  answer(message);
  if (truncate && !tcp) {
    message.answers.clear();
    message.truncated = true;
  }
  if (meddle_) meddle_(message);
  return dns::write_message(message, tcp ? dns::message_octets_max : dns::edns_udp_octets);
}

DnsBed::DnsBed() = default;
DnsBed::~DnsBed() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

DnsBed::Server& DnsBed::at(unsigned last) {
  auto& server = servers_[last];
  if (!server) server = std::make_unique<Server>();
  return *server;
}

void DnsBed::serve(unsigned last, const std::string& apex, std::string_view zone) {
  auto parsed = dns::Zone::parse(zone);
  if (!parsed) throw std::runtime_error(parsed.error().text());
  at(last).serve(apex, std::move(*parsed));
}

net::Endpoint DnsBed::endpoint(unsigned last) const {
  return {loopback(last), port_};
}

void DnsBed::start() {
  // One port for all: the first takes a free one; where another address has it taken, everything begins anew.
  for (unsigned attempt = 0; attempt < 50; ++attempt) {
    listeners_.clear();
    const int probe = bound(SOCK_STREAM, {loopback(1), 0});
    net::SocketAddress address;
    ::getsockname(probe, address.get(), &address.length);
    port_ = net::endpoint_of(address).port;
    ::close(probe);
    bool good = true;
    for (auto& [last, server] : servers_) {
      listeners_.push_back(std::make_unique<Listener>(*server, endpoint(last)));
      good &= listeners_.back()->good();
    }
    if (!good) continue;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    return;
  }
  throw std::runtime_error("no free port on every address");
}

void DnsBed::run(const std::stop_token& stop) {
  std::vector<pollfd> waiting;
  for (const auto& listener : listeners_) {
    waiting.push_back({listener->udp, POLLIN, 0});
    waiting.push_back({listener->tcp, POLLIN, 0});
  }
  while (!stop.stop_requested()) {
    if (::poll(waiting.data(), waiting.size(), 20) < 1) continue;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if ((waiting[i].revents & POLLIN) == 0) continue;
      Server& server = *listeners_[i / 2]->server;
      if (i % 2 == 0)
        answer_datagram(server, waiting[i].fd);
      else
        answer_connection(server, waiting[i].fd);
    }
  }
}

}  // namespace posthorn::test_support
