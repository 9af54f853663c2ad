#include "platform/resolver/dns_client.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "platform/net/connect.h"
#include "platform/resolver/udp_ports.h"
#include "platform/runtime/event.h"

namespace posthorn::resolver {
namespace {

constexpr std::size_t kLengthOctets = 2;  // RFC 1035 4.2.2

using Got = Result<dns::Message, ClientFailure>;

constexpr std::size_t servers_kept_max = 1000;  // ours: then those that nobody waits for are forgotten

/// How many questions one server holds, and who waits for a place.
struct Gate {
  struct Waiter {
    runtime::Event turn;
    bool granted = false;
  };
  std::deque<std::shared_ptr<Waiter>> waiting;
  unsigned in_flight = 0;
  [[nodiscard]] bool is_idle() const { return in_flight == 0 && waiting.empty(); }
};

/// A place at a server; gives it to the next one when it is destroyed.
class Place {
 public:
  explicit Place(Gate& gate) : gate_(&gate) {}
  Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
  Place& operator=(Place&&) = delete;
  ~Place() {
    if (gate_ == nullptr) return;
    // Who was cancelled while it waited is held by the queue alone.
    while (!gate_->waiting.empty() && gate_->waiting.front().use_count() == 1) gate_->waiting.pop_front();
    if (gate_->waiting.empty()) {
      --gate_->in_flight;
      return;
    }
    const std::shared_ptr<Gate::Waiter> next = std::move(gate_->waiting.front());
    gate_->waiting.pop_front();
    next->granted = true;
    next->turn.set();
  }

 private:
  Gate* gate_;
};

class Reserved final : public DnsClient::Reservation {
 public:
  explicit Reserved(Place place) : place_(std::move(place)) {}

 private:
  Place place_;
};

/// Without an id.
dns::Message query_for(const dns::Question& question, const Asking& asking, bool edns) {
  dns::Message query;
  query.recursion_desired = asking.recursion_desired;
  query.checking_disabled = asking.checking_disabled;
  query.questions.push_back(question);
  // RFC 6840 5.7: AD in a query asks for AD in the answer.
  query.authentic_data = asking.recursion_desired;
  if (edns) query.edns = dns::Edns{dns::edns_udp_octets, 0, asking.dnssec_ok};
  return query;
}

Task<Result<OctetString, ClientFailure>> read_exactly(net::Stream& stream, std::size_t octets) {
  OctetString out(octets, '\0');
  for (std::size_t have = 0; have < octets;) {
    const auto got = co_await stream.read_some(std::span<char>(out).subspan(have));
    if (!got) co_return fail(ClientFailure{dns::Status::timeout, std::string(net::text(got.error()))});
    have += *got;
  }
  co_return out;
}

/// A message of a TCP connection.
Task<Got> read_framed(net::Stream& stream) {
  const auto length = co_await read_exactly(stream, kLengthOctets);
  if (!length) co_return fail(length.error());
  const auto octets =
      co_await read_exactly(stream, static_cast<std::size_t>(static_cast<unsigned char>((*length)[0])) << 8 |
                                        static_cast<unsigned char>((*length)[1]));
  if (!octets) co_return fail(octets.error());
  auto message = dns::read_message(*octets);
  if (!message) co_return fail(ClientFailure{dns::Status::servfail, std::string(dns::text(message.error()))});
  co_return std::move(*message);
}

Task<Result<std::unique_ptr<net::Stream>, ClientFailure>> send_over_tcp(net::Loop& loop, net::Endpoint server,
                                                                        dns::Message query, Duration time_max) {
  const TimePoint deadline = loop.clock().now() + time_max;
  const net::ConnectOptions options{.deadline = deadline, .source = {}};
  auto connected = co_await net::connect(loop, server, options);
  if (!connected) co_return fail(ClientFailure{dns::Status::timeout, "over TCP: " + connected.error().reason});
  std::unique_ptr<net::Stream> stream = std::move(*connected);
  stream->set_deadline(deadline);
  const OctetString octets = dns::write_message(query);
  OctetString framed{static_cast<char>(octets.size() >> 8), static_cast<char>(octets.size() & 0xff)};
  framed += octets;
  const auto written = co_await stream->write(framed);
  if (!written) co_return fail(ClientFailure{dns::Status::timeout, std::string(net::text(written.error()))});
  co_return std::move(stream);
}

Task<Got> try_tcp(net::Loop& loop, net::Endpoint server, dns::Message query, Duration time_max) {
  auto stream = co_await send_over_tcp(loop, server, query, time_max);
  if (!stream) co_return fail(stream.error());
  auto message = co_await read_framed(**stream);
  if (message && !dns::answers(*message, query.id, query.questions.front()))
    co_return fail(ClientFailure{dns::Status::servfail, "the answer is to another question"});
  co_return message;
}

using Transfer = Result<std::vector<dns::Record>, ClientFailure>;

/// RFC 5936 2.2: messages until the SOA comes a second time.
Task<Transfer> read_transfer(net::Loop& loop, net::Stream& stream, std::uint16_t id, Duration time_max) {
  std::vector<dns::Record> records;
  for (;;) {
    stream.set_deadline(loop.clock().now() + time_max);
    auto message = co_await read_framed(stream);
    if (!message) co_return fail(message.error());
    if (message->id != id || message->code != dns::ResponseCode::no_error || message->answers.empty()) {
      const bool refused = message->code != dns::ResponseCode::no_error;
      co_return fail(
          ClientFailure{dns::Status::servfail, refused ? "the server allows no transfer" : "the transfer is broken"});
    }
    for (dns::Record& record : message->answers) {
      const bool is_soa = record.type == dns::RecordType::soa;
      if (records.empty() && !is_soa)
        co_return fail(ClientFailure{dns::Status::servfail, "the transfer does not begin with a SOA record"});
      if (is_soa && !records.empty()) co_return records;
      records.push_back(std::move(record));
    }
    if (records.size() > transfer_records_max)
      co_return fail(ClientFailure{dns::Status::servfail, "the zone is too large"});
  }
}

}  // namespace

class DnsClient::State {
 public:
  State(net::Loop& loop, runtime::Random& random, ClientOptions options)
      : loop_(loop), random_(random), options_(options) {}

  struct Server {
    Server(net::Loop& loop, runtime::Random& random, const net::Endpoint& at, std::size_t ports_kept)
        : ports(loop, random, at, ports_kept) {}
    Gate gate;
    UdpPorts ports;
  };

  Server& server_at(const net::Endpoint& endpoint) {
    // Sockets that are shared outlast a question; who shares them asks few servers.
    if (options_.ports_kept == 0 && servers_.size() >= servers_kept_max && !servers_.contains(endpoint))
      std::erase_if(servers_, [](const auto& entry) { return entry.second.gate.is_idle(); });
    return servers_.try_emplace(endpoint, loop_, random_, endpoint, options_.ports_kept).first->second;
  }

  Task<Place> enter(Gate& gate) {
    if (gate.in_flight < options_.in_flight_max) {
      ++gate.in_flight;
      most_ = std::max(most_, gate.in_flight);
      co_return Place(gate);
    }
    const auto waiter = std::make_shared<Gate::Waiter>();
    gate.waiting.push_back(waiter);
    const Turn turn{gate, *waiter};
    co_await waiter->turn.wait();
    waiter->granted = false;
    co_return Place(gate);
  }

  Task<std::unique_ptr<DnsClient::Reservation>> reserve(net::Endpoint server) {
    co_return std::make_unique<Reserved>(co_await enter(server_at(server).gate));
  }

  Task<Result<Exchange, ClientFailure>> ask(net::Endpoint server, dns::Question question, Asking asking) {
    Server& at = server_at(server);
    const Place place = co_await enter(at.gate);
    ++questions_;
    const TimePoint begun = loop_.clock().now();
    Exchange exchange;
    auto got = co_await ask_udp_then_tcp(at, server, question, asking, exchange.over_tcp);
    if (!got) co_return fail(got.error());
    exchange.message = std::move(*got);
    exchange.reply = dns::read_reply(exchange.message, question);
    exchange.took = loop_.clock().now() - begun;
    co_return exchange;
  }

  Task<Transfer> transfer(net::Endpoint server, dns::Name zone) {
    const Place place = co_await enter(server_at(server).gate);
    ++questions_;
    const dns::Question question{std::move(zone), dns::RecordType::axfr};
    dns::Message query = query_for(question, {}, false);
    query.id = new_id();
    auto stream = co_await send_over_tcp(loop_, server, query, options_.try_time_max);
    if (!stream) co_return fail(stream.error());
    co_return co_await read_transfer(loop_, **stream, query.id, options_.try_time_max);
  }

  [[nodiscard]] std::uint64_t questions() const { return questions_; }
  [[nodiscard]] unsigned most_in_flight() const { return most_; }

 private:
  /// A waiter that is unwound when its turn had come passes the turn on.
  struct Turn {
    Gate& gate;
    Gate::Waiter& waiter;
    ~Turn() {
      if (waiter.granted) const Place pass_on(gate);
    }
  };

  std::uint16_t new_id() { return static_cast<std::uint16_t>(random_.below(65536)); }

  Task<Got> ask_udp_then_tcp(Server& at, net::Endpoint server, const dns::Question& question, Asking asking,
                             bool& over_tcp) {
    const Duration time_max = asking.time_max.value_or(options_.try_time_max);
    over_tcp = asking.over_tcp;
    Got got = fail(ClientFailure{});
    bool edns = true;
    for (unsigned tries = 0; !asking.over_tcp && tries < options_.tries;) {
      dns::Message query = query_for(question, asking, edns);
      got = co_await at.ports.ask(std::move(query), time_max);
      const bool knows_no_edns = got && edns && got->code == dns::ResponseCode::format_error;
      if (got && !knows_no_edns) break;
      if (knows_no_edns) edns = false;
      if (!got) ++tries;
    }
    // RFC 7766 5: a truncated answer is asked for again over TCP.
    if (asking.over_tcp || (got && got->truncated)) {
      over_tcp = true;
      dns::Message query = query_for(question, asking, edns);
      query.id = new_id();
      got = co_await try_tcp(loop_, server, std::move(query), time_max);
    }
    co_return got;
  }

  net::Loop& loop_;
  runtime::Random& random_;
  ClientOptions options_;
  std::map<net::Endpoint, Server> servers_;
  std::uint64_t questions_ = 0;
  unsigned most_ = 0;
};

DnsClient::DnsClient(net::Loop& loop, runtime::Random& random, ClientOptions options)
    : state_(std::make_unique<State>(loop, random, options)) {}
DnsClient::~DnsClient() = default;

Task<Result<Exchange, ClientFailure>> DnsClient::ask(net::Endpoint server, dns::Question question, Asking asking) {
  return state_->ask(server, std::move(question), asking);
}
Task<Result<std::vector<dns::Record>, ClientFailure>> DnsClient::transfer(net::Endpoint server, dns::Name zone) {
  return state_->transfer(server, std::move(zone));
}
Task<std::unique_ptr<DnsClient::Reservation>> DnsClient::reserve(net::Endpoint server) {
  return state_->reserve(server);
}
std::uint64_t DnsClient::questions() const {
  return state_->questions();
}
unsigned DnsClient::most_in_flight() const {
  return state_->most_in_flight();
}

}  // namespace posthorn::resolver
