// The server machine against any octets: fed whole and octet by octet it must take the same messages and give
// the same reply codes, and what it takes must keep the promises of server.h.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "standards/smtp/server.h"

namespace {

using namespace posthorn::smtp;
using namespace posthorn::smtp::server;

struct Transcript {
  std::string codes;
  std::vector<std::string> taken;
  bool operator==(const Transcript&) const = default;
};

Settings settings_for(std::uint8_t choice) {
  Settings settings;
  settings.host_name = "mx.example";
  settings.role = (choice & 1) != 0 ? Role::submissions : Role::reception;
  settings.mechanisms = {posthorn::sasl::Mechanism::plain, posthorn::sasl::Mechanism::login,
                         posthorn::sasl::Mechanism::scram_sha_256};
  settings.limits.errors_max = 50;
  settings.random = [](std::size_t count) { return std::string(count, 'r'); };
  return settings;
}

void must(bool holds) {
  if (!holds) std::abort();
}

void check_octets(const std::string& message) {
  must(message.empty() || message.ends_with("\r\n"));
  must(message.find('\0') == std::string::npos);
  for (std::size_t i = 0; i < message.size(); ++i) {
    if (message[i] == '\n') must(i > 0 && message[i - 1] == '\r');
    if (message[i] == '\r') must(i + 1 < message.size() && message[i + 1] == '\n');
  }
}

class Pump {
 public:
  explicit Pump(const Settings& settings) : session_(settings, {}) {
    if (settings.role == Role::submissions) session_.on_tls_established({});
  }

  // False when the session is closed.
  bool feed(std::string_view octets) {
    if (!octets.empty()) session_.receive(octets);
    for (;;) {
      const Event event = session_.next();
      const bool goes_on = act(event);
      keep_codes(session_.take_output());
      if (!goes_on) return std::holds_alternative<NeedInput>(event);
    }
  }
  Transcript transcript;

 private:
  bool act(const Event& event) {
    if (std::holds_alternative<NeedInput>(event) || std::holds_alternative<Close>(event)) return false;
    if (const auto* mail = std::get_if<Mail>(&event)) envelope_ = mail->path.wire();
    if (const auto* recipient = std::get_if<Recipient>(&event)) envelope_ += " " + recipient->path.wire();
    if (std::holds_alternative<MessageBegins>(event)) message_.clear();
    if (const auto* piece = std::get_if<MessageOctets>(&event)) message_ += piece->octets;
    if (const auto* ends = std::get_if<MessageEnds>(&event)) {
      must(ends->size_octets == message_.size());
      check_octets(message_);
      transcript.taken.push_back(envelope_ + "\n" + message_);
    }
    decide(event);
    return true;
  }
  void decide(const Event& event) {
    if (const auto* check = std::get_if<CheckPassword>(&event))
      return session_.answer_password(check->password == "secret");
    if (std::holds_alternative<FindScramVerifier>(event)) return session_.answer_scram_verifier(std::nullopt);
    const bool is_decision = std::holds_alternative<Connected>(event) || std::holds_alternative<Hello>(event) ||
                             std::holds_alternative<Mail>(event) || std::holds_alternative<Recipient>(event) ||
                             std::holds_alternative<MessageBegins>(event) || std::holds_alternative<MessageEnds>(event);
    if (is_decision) session_.accept();
  }
  void keep_codes(std::string_view output) {
    while (!output.empty()) {
      transcript.codes += output.substr(0, 4);
      const auto end = output.find("\r\n");
      must(end != std::string_view::npos && end <= 510);
      output.remove_prefix(end + 2);
    }
  }

  Session session_;
  std::string envelope_;
  std::string message_;
};

Transcript run(const Settings& settings, std::string_view octets, std::size_t segment) {
  Pump pump(settings);
  bool open = pump.feed({});
  for (std::size_t at = 0; open && at < octets.size(); at += segment) open = pump.feed(octets.substr(at, segment));
  return std::move(pump.transcript);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto settings = settings_for(data[0]);
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = run(settings, octets, octets.size() + 1);
  must(whole == run(settings, octets, 1));
  must(whole == run(settings, octets, 1U + data[0] / 2U));
  return 0;
}
