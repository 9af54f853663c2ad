#include "platform/resolver/udp_ports.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "platform/net/socket_transport.h"
#include "platform/runtime/event.h"

namespace posthorn::resolver {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kDatagramMax = 4096;  // more than we announce; what is cut does not parse

using Got = Result<dns::Message, ClientFailure>;

ClientFailure failed(int error) {
  const bool no_way = error == ENETUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
  return {.status = dns::Status::timeout, .reason = std::strerror(error), .no_way = no_way};
}

ClientFailure no_answer(Duration waited) {
  return {.status = dns::Status::timeout,
          .reason = fmt::format("no answer in {:.2g} s", std::chrono::duration<double>(waited).count()),
          .silent = true};
}

/// A server that cannot read EDNS may leave the question out of its FORMERR (RFC 6891 7).
bool is_for(const dns::Message& message, std::uint16_t id, const dns::Question& question) {
  if (dns::answers(message, id, question)) return true;
  return message.is_response && message.id == id && message.questions.empty() &&
         message.code == dns::ResponseCode::format_error;
}

}  // namespace

/// A question on its way; lives in the coroutine that waits for it.
struct UdpPorts::Asked final : net::Deadline {
  Asked(std::uint16_t with_id, const dns::Question& asked, Duration patience)
      : id(with_id), question(asked), time_max(patience) {}

  /// The coroutine goes on when the caller has come to its end.
  void end(Got with) {
    if (got) return;
    got = std::move(with);
    ended->set();
  }
  /// The same, but it goes on when the caller completes what is returned: the answer of nearly every question, for
  /// which another turn of the loop would cost a system call.
  [[nodiscard]] std::unique_ptr<runtime::detail::Waiter> end_here(Got with) {
    if (got) return nullptr;
    got = std::move(with);
    return ended->set_and_take();
  }
  void expired() override { end(fail(no_answer(time_max))); }

  std::uint16_t id;
  const dns::Question& question;
  Duration time_max;
  std::optional<Got> got;
  std::shared_ptr<runtime::detail::EventState> ended = std::make_shared<runtime::detail::EventState>();
};

/// A connected socket. It is read only while somebody waits, so an idle one keeps no loop running.
class UdpPorts::Port : public std::enable_shared_from_this<Port> {
 public:
  Port(net::Loop& loop, int descriptor) : socket_(loop.executor(), descriptor), opened_(loop.clock().now()) {}

  static Result<std::shared_ptr<Port>, int> open(net::Loop& loop, const net::Endpoint& server) {
    net::SocketAddress to = net::socket_address(server);
    const int descriptor = ::socket(to.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return fail(errno);
    auto port = std::make_shared<Port>(loop, descriptor);
    if (::connect(descriptor, to.get(), to.length) != 0) return fail(errno);
    return port;
  }

  [[nodiscard]] bool is_used_up(TimePoint now) const {
    return questions_ >= questions_a_port_max || asked_.size() >= questions_at_a_port_max ||
           now - opened_ >= port_age_max;
  }
  /// The proposed id, or the next one that nobody waits for.
  [[nodiscard]] std::uint16_t free_id(std::uint16_t id) const {
    while (std::ranges::any_of(asked_, [id](const Asked* a) { return a->id == id; })) ++id;
    return id;
  }
  void add(Asked& asked) { asked_.push_back(&asked); }
  void remove(Asked& asked) { std::erase(asked_, &asked); }

  /// errno, or 0.
  [[nodiscard]] int send(Octets octets) {
    ++questions_;
    if (::send(socket_.native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL) < 0) return errno;
    if (!reading_) read();
    return 0;
  }

 private:
  void read() {
    reading_ = true;
    socket_.async_read_some(asio::buffer(octets_),
                            [weak = weak_from_this()](const boost::system::error_code& error, std::size_t octets) {
                              const auto self = weak.lock();
                              if (self && error != asio::error::operation_aborted) self->was_read(error, octets);
                            });
  }

  void was_read(const boost::system::error_code& error, std::size_t octets) {
    std::unique_ptr<runtime::detail::Waiter> answered;
    // An empty datagram is no end.
    if (error && error != asio::error::eof) {
      end_all(error.value());
    } else {
      answered = take({octets_.data(), octets});
    }
    reading_ = false;
    if (!asked_.empty()) read();
    // At last: it may ask again, here or elsewhere.
    if (answered) runtime::detail::Waiter::complete(std::move(answered), false);
  }

  [[nodiscard]] std::unique_ptr<runtime::detail::Waiter> take(Octets octets) {
    auto message = dns::read_message(octets);
    if (!message) return nullptr;
    const auto is_its = [&](const Asked* asked) { return is_for(*message, asked->id, asked->question); };
    const auto found = std::ranges::find_if(asked_, is_its);
    if (found == asked_.end()) return nullptr;
    Asked& asked = **found;
    asked_.erase(found);
    return asked.end_here(std::move(*message));
  }

  void end_all(int error) {
    for (Asked* asked : asked_) asked->end(fail(failed(error)));
    asked_.clear();
  }

  asio::posix::stream_descriptor socket_;
  TimePoint opened_;
  unsigned questions_ = 0;
  bool reading_ = false;
  std::vector<Asked*> asked_;
  std::array<char, kDatagramMax> octets_;
};

UdpPorts::UdpPorts(net::Loop& loop, runtime::Random& random, const net::Endpoint& server, std::size_t kept)
    : loop_(loop), random_(random), server_(server), kept_(kept) {}
UdpPorts::~UdpPorts() = default;

Result<std::shared_ptr<UdpPorts::Port>, int> UdpPorts::port_for(std::uint64_t dice) {
  if (kept_.empty()) return Port::open(loop_, server_);
  std::shared_ptr<Port>& kept = kept_[dice % kept_.size()];
  if (kept && !kept->is_used_up(loop_.clock().now())) return kept;
  auto opened = Port::open(loop_, server_);
  // Who waits at the old one still holds it.
  if (opened) kept = *opened;
  return opened;
}

Task<Got> UdpPorts::ask(dns::Message query, Duration time_max) {
  struct Place {
    Port& port;
    Asked& asked;
    ~Place() { port.remove(asked); }
  };
  const std::uint64_t dice = random_.next();
  const auto port = port_for(dice >> 16);
  if (!port) co_return fail(failed(port.error()));
  query.id = (*port)->free_id(static_cast<std::uint16_t>(dice));
  Asked asked(query.id, query.questions.front(), time_max);
  (*port)->add(asked);
  const Place place{**port, asked};
  loop_.deadlines().set(asked, loop_.clock().now() + time_max);
  if (const int error = (*port)->send(dns::write_message(query)); error != 0) co_return fail(failed(error));
  co_await runtime::detail::wait_for(asked.ended);
  co_return std::move(*asked.got);
}

}  // namespace posthorn::resolver
