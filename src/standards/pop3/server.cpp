#include "standards/pop3/server.h"

#include "foundation/base/require.h"
#include "foundation/text/ascii.h"
#include "standards/pop3/server_core.h"

namespace posthorn::pop3::server {
namespace {

/// Answering what was not asked is an error of the pump.
void expect(bool asked) {
  require(asked, "pop3 server session", "an answer to a question that was not asked");
}

}  // namespace

// ---------------------------------------------------------------- lines and events

Core::Core(const Settings& the_settings) : settings(the_settings) {
  ok(settings.host_name + " POP3 ready");
}

void Core::ok(std::string_view text) {
  output += "+OK ";
  output += text;
  output += "\r\n";
}

void Core::err(std::string_view text) {
  output += "-ERR ";
  output += text;
  output += "\r\n";
}

void Core::err(std::string_view code, std::string_view text) {
  err("[" + std::string(code) + "] " + std::string(text));
}

void Core::refuse(std::string_view text) {
  err(text);
  if (++errors >= settings.limits.errors_max) close(CloseReason::too_many_errors);
}

void Core::ask(Waiting what, Event question) {
  waiting = what;
  events.push_back(std::move(question));
}

void Core::close(CloseReason reason) {
  if (!closed) closed = reason;
}

// RFC 1939 3: "terminated by a CRLF pair". A bare LF or CR ends nothing: another server before us may think otherwise,
// and what it took for one command must not be two here.
Core::Line Core::read_line(std::string& line) {
  const std::size_t limit = reading == Reading::auth_response ? auth_line_octets_max : command_line_octets_max;
  const std::size_t end = end_of_line();
  const std::string_view piece = input.substr(0, end);
  input.remove_prefix(piece.size());
  if (!piece.empty()) ends_with_cr = piece.back() == '\r';
  if (dropped == 0 && partial.size() + piece.size() <= limit) {
    partial.append(piece);
  } else {
    dropped += partial.size() + piece.size();
    partial.clear();
  }
  if (dropped > endless_line_octets_max) return Line::endless;
  if (end == std::string_view::npos) return Line::need_input;
  if (std::exchange(dropped, 0) > 0) return Line::too_long;
  line = std::exchange(partial, {});
  line.resize(line.size() - 2);
  return Line::line;
}

std::size_t Core::end_of_line() const {
  if (ends_with_cr && input.starts_with('\n')) return 1;
  const std::size_t end = input.find("\r\n");
  return end == std::string_view::npos ? end : end + 2;
}

void Core::take_line() {
  std::string line;
  switch (read_line(line)) {
    case Line::need_input:
      return;
    case Line::endless:
      err("The line does not end");
      return close(CloseReason::protocol);
    case Line::too_long:
      reading = Reading::commands;
      exchange.reset();
      return refuse("The line is too long");
    case Line::line:
      break;
  }
  if (reading == Reading::auth_response) return auth_response(line);
  // RFC 1939 3: keywords and arguments are printable; a bare CR or LF is somebody's trick or mistake.
  if (line.find_first_of("\r\n") != std::string::npos) return refuse("A line ends with CRLF");
  std::string_view rest = line;
  const std::string_view verb = text::take_until(rest, ' ');
  const Command* command = find_command(verb);
  if (command == nullptr) return refuse("Unknown command");
  if (!(state == State::authorization ? command->in_authorization : command->in_transaction))
    return refuse(state == State::authorization ? "Log in first" : "Already logged in");
  command->run(*this, rest);
}

Event Core::next() {
  while (true) {
    if (!events.empty()) {
      Event event = std::move(events.front());
      events.pop_front();
      return event;
    }
    if (closed) return Close{*closed};
    expect(waiting == Waiting::nothing);
    if (input.empty()) return NeedInput{};
    if (output.size() > output_octets_max) return FlushOutput{};
    take_line();
  }
}

// ---------------------------------------------------------------- the session

Session::Session(const Settings& settings) : core_(std::make_unique<Core>(settings)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Event Session::next() {
  return core_->next();
}

void Session::receive(std::string_view octets) {
  core_->input = octets;
}

std::string Session::take_output() {
  return std::exchange(core_->output, {});
}

void Session::answer_password(bool right) {
  expect(std::exchange(core_->waiting, Waiting::nothing) == Waiting::password);
  if (core_->exchange) return core_->step(core_->exchange->password_checked(right));
  if (!right) return core_->login_failed("wrong login or password");
  core_->ask(Waiting::maildrop, OpenMaildrop{core_->mechanism, core_->authcid, ""});
}

void Session::answer_scram_verifier(std::optional<sasl::ScramVerifier> verifier) {
  expect(std::exchange(core_->waiting, Waiting::nothing) == Waiting::scram_verifier);
  core_->step(core_->exchange->scram_verifier(std::move(verifier)));
}

void Session::not_now(std::string_view why) {
  const Waiting asked = std::exchange(core_->waiting, Waiting::nothing);
  expect(asked == Waiting::password || asked == Waiting::scram_verifier || asked == Waiting::maildrop);
  core_->exchange.reset();
  // RFC 3206 4: not the credentials; the same again later may do.
  core_->err("SYS/TEMP", why);
}

void Session::opened(std::vector<Listed> maildrop) {
  expect(std::exchange(core_->waiting, Waiting::nothing) == Waiting::maildrop);
  core_->maildrop = std::move(maildrop);
  core_->deleted.assign(core_->maildrop.size(), false);
  core_->state = State::transaction;
  const auto [messages, octets] = core_->left();
  core_->ok(fmt::format("{} messages ({} octets)", messages, octets));
}

void Session::in_use() {
  expect(std::exchange(core_->waiting, Waiting::nothing) == Waiting::maildrop);
  core_->err("IN-USE", "Another session has this maildrop; try again later");
}

void Session::refused(std::string reason) {
  expect(std::exchange(core_->waiting, Waiting::nothing) == Waiting::maildrop);
  core_->login_failed(std::move(reason));
}

void Session::message_begins() {
  expect(core_->waiting == Waiting::message);
  core_->stuffer.emplace(core_->top_lines);
  core_->ok("Message follows");
}

bool Session::wants_octets() const {
  return core_->stuffer && core_->stuffer->wants_more();
}

void Session::message_octets(std::string_view octets) {
  expect(core_->stuffer.has_value());
  core_->stuffer->push(octets, core_->output);
}

void Session::message_ends() {
  expect(std::exchange(core_->waiting, Waiting::nothing) == Waiting::message);
  core_->stuffer->finish(core_->output);
  core_->stuffer.reset();
}

void Session::gone() {
  expect(std::exchange(core_->waiting, Waiting::nothing) == Waiting::message);
  // Half of a message cannot be taken back: the connection ends, so that nobody takes it for the whole.
  if (std::exchange(core_->stuffer, std::nullopt)) return core_->close(CloseReason::protocol);
  core_->err("SYS/PERM", "The message cannot be read");
}

void Session::updated(bool done) {
  expect(std::exchange(core_->waiting, Waiting::nothing) == Waiting::update);
  if (done) {
    core_->ok("Goodbye");
  } else {
    core_->err("SYS/TEMP", "Nothing was deleted");
  }
  core_->close(CloseReason::quit);
}

void Session::on_tls_established(sasl::ChannelBindings bindings) {
  if (core_->waiting == Waiting::tls) core_->waiting = Waiting::nothing;
  core_->tls = true;
  core_->bindings = std::move(bindings);
  core_->input = {};
  core_->partial.clear();
  core_->ends_with_cr = false;
  core_->user.clear();
}

void Session::on_timeout() {
  // RFC 1939 3: the server closes without UPDATE and without a word.
  core_->close(CloseReason::timeout);
}

void Session::on_shutdown(std::string_view words) {
  if (core_->waiting == Waiting::nothing && !core_->closed) core_->err("SYS/TEMP", words);
  core_->close(CloseReason::shutdown);
}

void Session::on_disconnect() {
  core_->close(CloseReason::disconnected);
}

State Session::state() const {
  return core_->state;
}

bool Session::is_tls() const {
  return core_->tls;
}

bool Session::is_utf8() const {
  return core_->utf8;
}

bool Session::in_command() const {
  return !core_->partial.empty() || core_->dropped > 0 || core_->reading == Reading::auth_response;
}

}  // namespace posthorn::pop3::server
