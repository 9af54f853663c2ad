// The load generator of ./bench: a sender, a sink and a holder of idle connections, one thread and epoll each,
// so that what is measured beside them keeps its share of the processors. Speaks just enough SMTP for that,
// and shares no code with Posthorn, so that it measures any server alike.
//
//   loadgen send ADDRESS:PORT --connections N --messages M --size OCTETS [--each 20] [--from A] [--to B]
//                [--tls implicit] [--auth-plain BASE64] [--file MESSAGE]
//   loadgen sink ADDRESS:PORT --expect M [--seconds S]
//   loadgen idle ADDRESS:PORT --connections N [--tls implicit|starttls]
//
// Each prints one JSON line. `sink` first prints "ready"; `idle` prints its line when all connections stand,
// then holds them until standard input closes.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "load_support.h"

namespace {

using namespace load;

// ---- send

struct Plan {
  sockaddr_in peer{};
  long messages = 0, each = 20;
  SSL_CTX* tls = nullptr;
  std::string auth_plain;      ///< the initial response of AUTH PLAIN; empty: no authentication
  std::string commands, body;  ///< MAIL RCPT DATA in one write; the message with its final dot
};

struct Tally {
  long started = 0, acknowledged = 0, refused = 0;
  std::vector<double> latencies_ms;
  std::string last_refusal;
};

/// One sending connection: greeting, EHLO, then `each` transactions, QUIT, and again while messages are left.
class Sender {
 public:
  Sender(const Plan& plan, Tally& tally, Poll& poll) : plan_{plan}, tally_{tally}, poll_{poll} { open(); }

  bool done() const { return state_ == State::done; }

  void on_event(uint32_t events) {
    if ((events & EPOLLOUT) != 0 && connection_.write_out()) poll_.want_write(connection_.socket, this, false);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
    if (!connection_.read_more()) return lost();
    while (const auto line = connection_.take_line()) {
      if (line->size() >= 4 && (*line)[3] == '-') continue;  // RFC 5321 4.2.1: more lines of this reply follow
      on_reply(*line);
      if (state_ == State::done) return;
    }
  }

 private:
  enum class State { greeting, ehlo, auth, mail, rcpt, data, final, quit, done };

  void open() {
    connection_ = Connection{connect_to(plan_.peer), nullptr, {}, {}};
    if (plan_.tls != nullptr) connection_.tls = shake_hands(plan_.tls, connection_.socket);
    set_nonblocking(connection_.socket);
    poll_.add(connection_.socket, this);
    state_ = State::greeting;
    sent_here_ = 0;
  }

  void on_reply(const std::string& reply) {
    const bool good = reply.starts_with('2') || reply.starts_with('3');
    if (!good) {
      tally_.refused++;
      tally_.last_refusal = reply;
    }
    switch (state_) {
      case State::greeting:
        return say(State::ehlo, "EHLO load.example\r\n");
      case State::ehlo:
        if (plan_.auth_plain.empty()) return next_message();
        return say(State::auth, "AUTH PLAIN " + plan_.auth_plain + "\r\n");
      case State::auth:
        return good ? next_message() : finish();
      case State::mail:
        state_ = State::rcpt;
        return;
      case State::rcpt:
        state_ = State::data;
        return;
      case State::data:
        return good ? say(State::final, plan_.body) : finish();
      case State::final:
        if (good) {
          tally_.acknowledged++;
          tally_.latencies_ms.push_back(seconds_between(message_started_, Clock::now()) * 1000);
        }
        return next_message();
      case State::quit:
        return finish();
      case State::done:
        return;
    }
  }

  void next_message() {
    if (tally_.started == plan_.messages || sent_here_ == plan_.each) return say(State::quit, "QUIT\r\n");
    tally_.started++;
    sent_here_++;
    message_started_ = Clock::now();
    say(State::mail, plan_.commands);
  }

  void say(State next, std::string_view octets) {
    state_ = next;
    connection_.send_all(poll_, this, octets);
  }

  void lost() {
    if (state_ != State::quit) {
      tally_.refused++;
      tally_.last_refusal = "connection lost";
    }
    finish();
  }

  void finish() {
    connection_.close();
    if (tally_.started < plan_.messages && tally_.refused < 100) return open();
    state_ = State::done;
  }

  const Plan& plan_;
  Tally& tally_;
  Poll& poll_;
  Connection connection_;
  State state_ = State::greeting;
  long sent_here_ = 0;
  Clock::time_point message_started_;
};

std::string make_body(size_t size, const std::string& from, const std::string& to) {
  std::string body = fmt::format(
      "From: <{}>\r\nTo: <{}>\r\nSubject: load\r\nMessage-ID: <load@load.example>\r\n"
      "Date: Sun, 22 Nov 2026 00:00:00 +0000\r\n\r\n",
      from, to);
  const std::string line = "The quick brown fox jumps over the lazy dog, and the post horn sounds once more.\r\n";
  while (body.size() < size) body += line;
  body.resize(std::max<size_t>(size, 4) - 2);
  return body + "\r\n.\r\n";
}

/// A finished message with CRLF line ends: dots at the beginnings of lines doubled, the final dot added.
std::string body_from(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string body{std::istreambuf_iterator<char>(file), {}};
  if (!file || !body.ends_with("\r\n")) die(fmt::format("{} is no message with CRLF line ends", path));
  for (size_t at = body.find("\n."); at != std::string::npos; at = body.find("\n.", at + 3))
    body.insert(at + 1, 1, '.');
  return body + ".\r\n";
}

int send_messages(const Arguments& arguments) {
  const std::string from = arguments.text("from", "sender@load.example"),
                    to = arguments.text("to", "rcpt@bench.example");
  Plan plan{arguments.peer,
            arguments.number("messages", 1000),
            arguments.number("each", 20),
            nullptr,
            arguments.text("auth-plain", ""),
            {},
            {}};
  if (arguments.text("tls", "none") == "implicit") plan.tls = make_tls_context();
  plan.commands = fmt::format("MAIL FROM:<{}>\r\nRCPT TO:<{}>\r\nDATA\r\n", from, to);
  const std::string file = arguments.text("file", "");
  plan.body = file.empty() ? make_body(static_cast<size_t>(arguments.number("size", 4096)), from, to) : body_from(file);
  Poll poll;
  Tally tally;
  const auto started = Clock::now();
  std::vector<std::unique_ptr<Sender>> senders;
  for (long number = 0; number < arguments.number("connections", 1); number++) {
    senders.push_back(std::make_unique<Sender>(plan, tally, poll));
  }
  while (!std::ranges::all_of(senders, &Sender::done)) {
    for (const epoll_event& event : poll.wait(30'000)) static_cast<Sender*>(event.data.ptr)->on_event(event.events);
  }
  const double seconds = seconds_between(started, Clock::now());
  std::ranges::sort(tally.latencies_ms);
  fmt::print(
      R"({{"acknowledged":{},"refused":{},"seconds":{:.4f},"rate":{:.1f},"p50_ms":{:.2f},"p99_ms":{:.2f},"max_ms":{:.2f},"last_refusal":"{}"}})"
      "\n",
      tally.acknowledged, tally.refused, seconds, static_cast<double>(tally.acknowledged) / seconds,
      percentile(tally.latencies_ms, 0.5), percentile(tally.latencies_ms, 0.99), percentile(tally.latencies_ms, 1),
      tally.last_refusal);
  return tally.refused == 0 ? 0 : 1;
}

// ---- sink

/// One receiving connection: answers everything with yes, keeps nothing.
struct Receiver {
  Connection connection;
  bool in_data = false;

  /// Handles what has arrived; returns how many messages ended in it.
  long digest(std::string& answer) {
    long ended = 0;
    while (true) {
      if (in_data) {
        const auto end = connection.in.find("\r\n.\r\n");
        if (end == std::string::npos) {
          if (connection.in.size() > 4) connection.in.erase(0, connection.in.size() - 4);
          return ended;
        }
        connection.in.erase(0, end + 5);
        in_data = false;
        ended++;
        answer += "250 2.0.0 ok\r\n";
      } else if (const auto line = connection.take_line()) {
        answer += reply_to(*line);
      } else {
        return ended;
      }
    }
  }

  std::string_view reply_to(std::string_view line) {
    const auto is = [line](std::string_view verb) {
      const auto same = [](char wanted, char said) { return std::toupper(static_cast<unsigned char>(said)) == wanted; };
      return line.size() >= 4 && std::equal(verb.begin(), verb.end(), line.begin(), same);
    };
    if (is("EHLO"))
      return "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE\r\n250 ENHANCEDSTATUSCODES\r\n";
    if (is("DATA")) {
      in_data = true;
      connection.in.insert(0, "\r\n");  // so that an end mark on the first line is found
      return "354 go ahead\r\n";
    }
    return is("QUIT") ? "221 2.0.0 bye\r\n" : "250 2.0.0 ok\r\n";
  }
};

void accept_all(int listener, const Poll& poll, std::map<Receiver*, std::unique_ptr<Receiver>>& receivers) {
  for (int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); client >= 0;
       client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) {
    set_nonblocking(client);
    auto receiver = std::make_unique<Receiver>();
    receiver->connection.socket = client;
    poll.add(client, receiver.get());
    receiver->connection.send_all(poll, receiver.get(), "220 sink.example ESMTP\r\n");
    receivers.emplace(receiver.get(), std::move(receiver));
  }
}

int listen_on(const sockaddr_in& address) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, generic(address), sizeof address) != 0 || listen(listener, 1024) != 0) die("cannot listen");
  return listener;
}

int run_sink(const Arguments& arguments) {
  const int listener = listen_on(arguments.peer);
  const long expected = arguments.number("expect", 1);
  const auto deadline = Clock::now() + std::chrono::seconds(arguments.number("seconds", 600));
  Poll poll;
  poll.add(listener, nullptr);
  fmt::print("ready\n");
  std::fflush(stdout);
  std::map<Receiver*, std::unique_ptr<Receiver>> receivers;
  std::optional<Clock::time_point> first, last;
  long received = 0;
  while (received < expected && Clock::now() < deadline) {
    for (const epoll_event& event : poll.wait(100)) {
      auto* receiver = static_cast<Receiver*>(event.data.ptr);
      if (receiver == nullptr) {
        accept_all(listener, poll, receivers);
        continue;
      }
      if ((event.events & EPOLLOUT) != 0 && receiver->connection.write_out())
        poll.want_write(receiver->connection.socket, receiver, false);
      if (!receiver->connection.read_more()) {
        receiver->connection.close();
        receivers.erase(receiver);
        continue;
      }
      std::string answer;
      const long ended = receiver->digest(answer);
      if (!answer.empty()) receiver->connection.send_all(poll, receiver, answer);
      if (ended > 0) {
        received += ended;
        last = Clock::now();
        if (!first) first = last;
      }
    }
  }
  fmt::print("{{\"received\":{},\"seconds\":{:.4f}}}\n", received, first ? seconds_between(*first, *last) : 0.0);
  return received >= expected ? 0 : 1;
}

// ---- idle

/// Reads one whole reply on a blocking connection.
void await_reply(int client) {
  std::string got;
  std::array<char, 1024> chunk;
  while (true) {
    const ssize_t size = ::read(client, chunk.data(), chunk.size());
    if (size <= 0) die("the server closed an idle connection");
    got.append(chunk.data(), static_cast<size_t>(size));
    const auto last_line = got.rfind("\r\n", got.size() - 3);
    const size_t start = last_line == std::string::npos ? 0 : last_line + 2;
    if (got.ends_with("\r\n") && got.size() > start + 3 && got[start + 3] == ' ') return;
  }
}

void say_blocking(int client, std::string_view octets) {
  if (::send(client, octets.data(), octets.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(octets.size()))
    die("send failed");
}

struct Held {
  int socket;
  SSL* tls;
};

Held hold_one(const Arguments& arguments, long number, SSL_CTX* context) {
  // Many source addresses, as the world has: a server may bound the connections of one.
  const in_addr source{htonl(0x7f010001U + static_cast<uint32_t>(number % 250))};
  const int client = connect_to(arguments.peer, source);
  const std::string tls = arguments.text("tls", "none");
  if (tls != "implicit") await_reply(client);
  if (tls == "none") return {client, nullptr};
  if (tls == "starttls") {
    say_blocking(client, "EHLO idle.example\r\n");
    await_reply(client);
    say_blocking(client, "STARTTLS\r\n");
    await_reply(client);
  }
  SSL* session = shake_hands(context, client);
  if (tls == "implicit") {
    std::array<char, 1024> greeting;
    if (SSL_read(session, greeting.data(), static_cast<int>(greeting.size())) <= 0) die("no greeting over TLS");
  }
  return {client, session};
}

int hold_idle(const Arguments& arguments) {
  SSL_CTX* context = make_tls_context();
  const auto started = Clock::now();
  std::vector<Held> held;
  for (long number = 0; number < arguments.number("connections", 100); number++)
    held.push_back(hold_one(arguments, number, context));
  fmt::print("{{\"held\":{},\"seconds\":{:.2f}}}\n", held.size(), seconds_between(started, Clock::now()));
  std::fflush(stdout);
  std::array<char, 64> ignored;
  while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
  }
  for (const Held& one : held) {
    SSL_free(one.tls);
    close(one.socket);
  }
  SSL_CTX_free(context);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const Arguments arguments = parse_arguments({words + 1, words + count});
  if (arguments.mode == "send") return send_messages(arguments);
  if (arguments.mode == "sink") return run_sink(arguments);
  if (arguments.mode == "idle") return hold_idle(arguments);
  die(fmt::format("no mode {}: send, sink or idle", arguments.mode));
}
