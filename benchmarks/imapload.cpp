// The IMAP load generator of ./bench, over TLS: one thread, as little work as the protocol allows.
//
//   imapload fill   ADDRESS:PORT --logins FILE --messages N [--mailbox INBOX]
//   imapload append ADDRESS:PORT --logins FILE --connections N --messages M [--size OCTETS]
//   imapload mixed  ADDRESS:PORT --logins FILE --connections N --commands M --messages N [--seed S]
//   imapload repeat ADDRESS:PORT --logins FILE --command TEXT [--setup LINES] [--rounds N]
//   imapload hold   ADDRESS:PORT --logins FILE --connections N [--warm W]
//   imapload wake   ADDRESS:PORT --logins FILE --connections N [--rounds N]
//
// FILE has a "user password" a line; connection i takes line i modulo their number. `fill` gives each of them N
// messages. Each prints "ready" when its connections stand and are logged in, begins when a line comes on standard
// input, and ends with one JSON line. `hold` prints "ready" also after W connections, and its JSON when all of them
// idle. `wake` appends a message and waits until every idling session of that mailbox was told.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>

#include "load_support.h"

namespace {

using namespace load;

constexpr std::size_t kTail = 4096;       // a tagged response ends within this
constexpr std::size_t kFillAtOnce = 500;  // messages of one APPEND (RFC 3502)
constexpr std::size_t kFillTextOctets = 2048;

// ---- messages

std::string padded(std::string message, std::size_t octets) {
  const std::string_view line = "The quick brown fox jumps over the lazy dog, and the post horn sounds once more.\r\n";
  while (message.size() + line.size() < octets) message += line;
  return message;
}

/// As mail is: every tenth in two forms, every hundredth with an encoded subject, every thousandth speaks of a zebra.
std::string make_message(long number, std::size_t octets) {
  std::string message = fmt::format(
      "Return-Path: <bob{0}@beta.example>\r\nReceived: from mx.beta.example (mx.beta.example [192.0.2.7])\r\n"
      "\tby mail.bench.example with ESMTPS id {0}; Mon, 7 Feb 2022 21:{1:02}:{2:02} -0800\r\n"
      "From: \"Bob Number {3}\" <bob{3}@beta.example>\r\nTo: Ann <ann@bench.example>, Carol <carol@gamma.example>\r\n"
      "Cc: list@delta.example\r\nSubject: {4} {3} about lunch\r\nDate: Mon, 7 Feb 2022 21:{1:02}:{2:02} -0800\r\n"
      "Message-ID: <m{0}@beta.example>\r\nIn-Reply-To: <m{5}@beta.example>\r\nReferences: <m{5}@beta.example>\r\n"
      "MIME-Version: 1.0\r\n",
      number, number / 60 % 60, number % 60, number % 97, number % 100 == 7 ? "=?utf-8?Q?=C3=BCber?=" : "Re: message",
      number / 2);
  const std::string_view animal = number % 1000 == 500 ? "A zebra looks on.\r\n" : "A horse looks on.\r\n";
  if (number % 10 != 3) {
    message += "Content-Type: text/plain; charset=us-ascii\r\n\r\n";
    message += animal;
    return padded(std::move(message), octets);
  }
  message +=
      "Content-Type: multipart/alternative; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain; "
      "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe.\r\n";
  message += animal;
  message = padded(std::move(message), octets / 2);
  message += "--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>\r\n";
  return padded(std::move(message), octets) + "</p>\r\n--b1--\r\n";
}

std::string literal(std::string_view octets) {
  return fmt::format("{{{}+}}\r\n{}", octets.size(), octets);
}

// ---- one session

struct Login {
  std::string user, password;
};

std::vector<Login> read_logins(const std::string& path) {
  std::ifstream file(path);
  std::vector<Login> logins;
  for (Login login; file >> login.user >> login.password;) logins.push_back(login);
  if (logins.empty()) die("no logins");
  return logins;
}

/// A logged-in session. Blocking until `let_go`, then driven by a Poll.
class Session {
 public:
  Session(const sockaddr_in& peer, SSL_CTX* context, const Login& login, long number) {
    // Many source addresses, as the world has: a server may bound the connections of one.
    const in_addr source{htonl(0x7f010001U + static_cast<uint32_t>(number % 250))};
    connection_.socket = connect_to(peer, source);
    connection_.tls = shake_hands(context, connection_.socket);
    await_line();
    run(fmt::format("LOGIN \"{}\" \"{}\"", login.user, login.password));
  }

  /// Sends a command and reads to its tagged response; dies unless it is OK.
  void run(std::string_view command) {
    attempt(command);
    if (!was_ok()) die(fmt::format("{}: {}", command.substr(0, 80), answer_));
  }
  /// The same whatever the answer.
  void attempt(std::string_view command) {
    begin();
    write_all(fmt::format("q {}\r\n", command));
    while (!take(read_blocking())) {
    }
  }
  void begin_idle() {
    write_all("i IDLE\r\n");
    await_line();
  }
  /// Drops what has come; true where there was something.
  bool drain() {
    if (!connection_.read_more()) die("the server closed a connection");
    return !std::exchange(connection_.in, {}).empty();
  }
  bool was_ok() const { return answer_.starts_with("OK"); }
  const std::string& answer() const { return answer_; }
  std::size_t octets() const { return octets_; }

  void let_go(const Poll& poll, void* owner) {
    set_nonblocking(connection_.socket);
    poll.add(connection_.socket, owner);
  }
  void say(const Poll& poll, void* owner, std::string_view command) {
    begin();
    connection_.send_all(poll, owner, fmt::format("q {}\r\n", command));
  }
  /// True when the tagged response is there.
  bool on_event(const Poll& poll, void* owner, uint32_t events) {
    if ((events & EPOLLOUT) != 0 && connection_.write_out()) poll.want_write(connection_.socket, owner, false);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return false;
    if (!connection_.read_more()) die("the server closed a connection");
    const bool done = take(connection_.in);
    connection_.in.clear();
    return done;
  }

 private:
  void begin() {
    tail_ = "\r\n";
    octets_ = 0;
  }
  bool take(std::string_view octets) {
    octets_ += octets.size();
    if (octets.size() >= kTail) tail_.clear();
    tail_ += octets.substr(octets.size() - std::min(octets.size(), kTail));
    if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
    if (!tail_.ends_with("\r\n")) return false;
    const auto at = tail_.rfind("\r\nq ");
    if (at == std::string::npos) return false;
    answer_ = tail_.substr(at + 4);
    return true;
  }
  std::string_view read_blocking() {
    const int got = SSL_read(connection_.tls, chunk_.data(), static_cast<int>(chunk_.size()));
    if (got <= 0) die("the server closed a connection");
    return {chunk_.data(), static_cast<std::size_t>(got)};
  }
  void await_line() {
    std::string line;
    while (!line.ends_with("\r\n")) line += read_blocking();
  }
  void write_all(std::string_view octets) {
    while (!octets.empty()) {
      const int sent = SSL_write(connection_.tls, octets.data(), static_cast<int>(octets.size()));
      if (sent <= 0) die("send failed");
      octets.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  inline static std::array<char, 65536> chunk_;
  Connection connection_;
  std::string tail_, answer_;
  std::size_t octets_ = 0;
};

struct Plan {
  sockaddr_in peer{};
  SSL_CTX* context = nullptr;
  std::vector<Login> logins;

  explicit Plan(const Arguments& arguments)
      : peer(arguments.peer), context(make_tls_context()), logins(read_logins(arguments.text("logins", ""))) {}
  std::unique_ptr<Session> session(long number) const {
    return std::make_unique<Session>(peer, context, logins[static_cast<std::size_t>(number) % logins.size()], number);
  }
};

void wait_for_word() {
  fmt::print("ready\n");
  std::fflush(stdout);
  std::string line;
  if (!std::getline(std::cin, line)) std::exit(1);
}

// ---- fill

int fill(const Arguments& arguments) {
  const Plan plan(arguments);
  const long messages = arguments.number("messages", 100);
  const std::string mailbox = arguments.text("mailbox", "INBOX");
  wait_for_word();
  const auto started = Clock::now();
  for (std::size_t user = 0; user < plan.logins.size(); user++) {
    const auto session = plan.session(static_cast<long>(user));
    session->attempt("CREATE Archive");
    for (long at = 0; at < messages;) {
      std::string command = "APPEND " + mailbox;
      for (std::size_t i = 0; i < kFillAtOnce && at < messages; i++, at++)
        command += " " + literal(make_message(at, kFillTextOctets));
      session->run(command);
    }
  }
  fmt::print("{{\"seconds\":{:.3f}}}\n", seconds_between(started, Clock::now()));
  return 0;
}

// ---- append and mixed

/// What one connection does next; empty at its end.
class Script {
 public:
  virtual ~Script() = default;
  virtual std::string next() = 0;
};

class AppendScript final : public Script {
 public:
  AppendScript(long& left, std::size_t size) : left_(left), size_(size) {}
  std::string next() override {
    if (left_ == 0) return {};
    return "APPEND INBOX (\\Seen) " + literal(make_message(left_--, size_));
  }

 private:
  long& left_;
  std::size_t size_;
};

/// What a mail client asks for, by chance and seed: the same sequence for every server. One connection an account, so
/// that what stands in its mailboxes is known.
class MixedScript final : public Script {
 public:
  MixedScript(long commands, long messages, unsigned seed) : left_(commands), exists_(messages), random_(seed) {}

  std::string next() override {
    if (left_-- == 0) return {};
    const long chance = below(100);
    if (chance < 12) {
      exists_++;
      return "APPEND INBOX " + literal(make_message(exists_, 4096));
    }
    if (chance < 32) {
      const long first = 1 + below(std::max(exists_ - 20, 1L));
      return fmt::format(
          "FETCH {}:{} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY.PEEK[HEADER.FIELDS (References)])", first,
          std::min(first + 19, exists_));
    }
    const long one = 1 + below(exists_);
    if (chance < 52) return fmt::format("FETCH {} (BODY.PEEK[])", one);
    if (chance < 57) return fmt::format("FETCH {} (BODYSTRUCTURE)", one);
    if (chance < 72) return fmt::format("STORE {} +FLAGS.SILENT (\\Seen)", one);
    if (chance < 75) return fmt::format("STORE {}:{} +FLAGS.SILENT (\\Flagged)", one, std::min(one + 9, exists_));
    if (chance < 80) return "SEARCH UNSEEN";
    if (chance < 82) return fmt::format("SEARCH FROM bob{}@", below(97));
    if (chance < 83) return "SEARCH TEXT zebra";
    if (chance < 88) return fmt::format("COPY {} Archive", one);
    if (chance < 91 && exists_ > 1) {
      exists_--;
      return fmt::format("MOVE {} Archive", one);
    }
    return chance < 96 ? "SELECT INBOX" : "NOOP";
  }

 private:
  long below(long bound) { return static_cast<long>(random_() % static_cast<unsigned long>(bound)); }

  long left_, exists_;
  std::mt19937 random_;
};

/// A session at work on a script.
struct Worker {
  std::unique_ptr<Session> session;
  std::unique_ptr<Script> script;
  Clock::time_point since;
  bool done = false;
};

struct Tally {
  long commands = 0, refused = 0;
  std::string refusal;
  std::vector<double> latencies_ms;
};

void go_on(const Poll& poll, Worker& worker) {
  const std::string command = worker.script->next();
  worker.done = command.empty();
  worker.since = Clock::now();
  if (!worker.done) worker.session->say(poll, &worker, command);
}

int run_scripts(std::vector<Worker>& workers) {
  Poll poll;
  Tally tally;
  for (Worker& worker : workers) worker.session->let_go(poll, &worker);
  wait_for_word();
  const auto started = Clock::now();
  for (Worker& worker : workers) go_on(poll, worker);
  while (!std::ranges::all_of(workers, &Worker::done)) {
    for (const epoll_event& event : poll.wait(30'000)) {
      auto& worker = *static_cast<Worker*>(event.data.ptr);
      if (!worker.session->on_event(poll, &worker, event.events)) continue;
      tally.commands++;
      tally.latencies_ms.push_back(seconds_between(worker.since, Clock::now()) * 1000);
      if (!worker.session->was_ok() && tally.refused++ == 0) tally.refusal = worker.session->answer();
      go_on(poll, worker);
    }
  }
  const double seconds = seconds_between(started, Clock::now());
  std::ranges::sort(tally.latencies_ms);
  std::erase_if(tally.refusal, [](char c) { return c == '"' || c == '\\' || c < ' '; });
  fmt::print(
      R"({{"commands":{},"refused":{},"refusal":"{}","seconds":{:.4f},"rate":{:.1f},"p50_ms":{:.2f},"p99_ms":{:.2f}}})"
      "\n",
      tally.commands, tally.refused, tally.refusal, seconds, static_cast<double>(tally.commands) / seconds,
      percentile(tally.latencies_ms, 0.5), percentile(tally.latencies_ms, 0.99));
  return 0;
}

int append(const Arguments& arguments) {
  const Plan plan(arguments);
  long left = arguments.number("messages", 1000);
  const auto size = static_cast<std::size_t>(arguments.number("size", 4096));
  std::vector<Worker> workers;
  for (long i = 0; i < arguments.number("connections", 10); i++)
    workers.push_back({plan.session(i), std::make_unique<AppendScript>(left, size), {}, false});
  return run_scripts(workers);
}

int mixed(const Arguments& arguments) {
  const Plan plan(arguments);
  const long connections = arguments.number("connections", 10), commands = arguments.number("commands", 1000);
  const long messages = arguments.number("messages", 1000), seed = arguments.number("seed", 1);
  if (static_cast<std::size_t>(connections) > plan.logins.size()) die("mixed needs a login for each connection");
  std::vector<Worker> workers;
  for (long i = 0; i < connections; i++) {
    auto session = plan.session(i);
    session->run("SELECT INBOX");
    auto script =
        std::make_unique<MixedScript>(commands / connections, messages, static_cast<unsigned>(seed * 1000 + i));
    workers.push_back({std::move(session), std::move(script), {}, false});
  }
  return run_scripts(workers);
}

// ---- repeat

int repeat(const Arguments& arguments) {
  const Plan plan(arguments);
  const auto session = plan.session(0);
  std::string setup = arguments.text("setup", "");
  while (!setup.empty()) {
    const auto end = std::min(setup.find('\n'), setup.size());
    session->run(setup.substr(0, end));
    setup.erase(0, end + 1);
  }
  const std::string command = arguments.text("command", "NOOP");
  session->run(command);  // warm: both keep what they found out
  wait_for_word();
  std::vector<double> times;
  for (long i = 0; i < arguments.number("rounds", 5); i++) {
    const auto since = Clock::now();
    session->run(command);
    times.push_back(seconds_between(since, Clock::now()) * 1000);
  }
  std::ranges::sort(times);
  fmt::print("{{\"rounds\":{},\"median_ms\":{:.4f},\"max_ms\":{:.4f},\"octets\":{}}}\n", times.size(),
             percentile(times, 0.5), times.back(), session->octets());
  return 0;
}

// ---- hold

int hold(const Arguments& arguments) {
  const Plan plan(arguments);
  const long warm = arguments.number("warm", 0);
  std::vector<std::unique_ptr<Session>> held;
  const auto started = Clock::now();
  for (long i = 0; i < warm + arguments.number("connections", 100); i++) {
    if (i == warm) wait_for_word();
    held.push_back(plan.session(i));
    held.back()->run("SELECT INBOX");
    held.back()->run("FETCH 1:* (FLAGS)");
    held.back()->begin_idle();
  }
  fmt::print("{{\"held\":{},\"seconds\":{:.2f}}}\n", held.size(), seconds_between(started, Clock::now()));
  std::fflush(stdout);
  std::string line;
  std::getline(std::cin, line);
  return 0;
}

// ---- wake

struct Sleeper {
  std::unique_ptr<Session> session;
  bool told = false;
};

/// From sending APPEND until each sleeper has heard of it, in milliseconds.
void wake_all(Session& waker, Poll& poll, std::vector<Sleeper>& sleepers, long number, std::vector<double>& times) {
  const auto since = Clock::now();
  waker.run("APPEND INBOX " + literal(make_message(number, 4096)));
  for (std::size_t told = 0; told < sleepers.size();) {
    const auto events = poll.wait(30'000);
    if (events.empty()) die("somebody was never told");
    for (const epoll_event& event : events) {
      auto& sleeper = *static_cast<Sleeper*>(event.data.ptr);
      if (!sleeper.session->drain() || sleeper.told) continue;
      sleeper.told = true;
      told++;
      times.push_back(seconds_between(since, Clock::now()) * 1000);
    }
  }
  for (Sleeper& sleeper : sleepers) sleeper.told = false;
}

int wake(const Arguments& arguments) {
  const Plan plan(arguments);
  Poll poll;
  std::vector<Sleeper> sleepers(static_cast<std::size_t>(arguments.number("connections", 100)));
  for (std::size_t i = 0; i < sleepers.size(); i++) {
    sleepers[i].session = plan.session(static_cast<long>(i * plan.logins.size()));  // all of the first login
    sleepers[i].session->run("SELECT INBOX");
    sleepers[i].session->begin_idle();
    sleepers[i].session->let_go(poll, &sleepers[i]);
  }
  const auto waker = plan.session(0);
  wait_for_word();
  std::vector<double> times;
  for (long round = 0; round < arguments.number("rounds", 20); round++) wake_all(*waker, poll, sleepers, round, times);
  std::ranges::sort(times);
  fmt::print("{{\"sessions\":{},\"p50_ms\":{:.2f},\"p99_ms\":{:.2f},\"max_ms\":{:.2f}}}\n", sleepers.size(),
             percentile(times, 0.5), percentile(times, 0.99), times.back());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const Arguments arguments = parse_arguments({words + 1, words + count});
  if (arguments.mode == "fill") return fill(arguments);
  if (arguments.mode == "append") return append(arguments);
  if (arguments.mode == "mixed") return mixed(arguments);
  if (arguments.mode == "repeat") return repeat(arguments);
  if (arguments.mode == "hold") return hold(arguments);
  if (arguments.mode == "wake") return wake(arguments);
  die(fmt::format("no mode {}: fill, append, mixed, repeat, hold or wake", arguments.mode));
}
