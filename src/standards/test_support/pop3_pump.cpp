#include "standards/test_support/pop3_pump.h"

namespace posthorn::pop3::server {

std::string Pop3Pump::say(std::string_view octets) {
  output_.clear();
  if (!octets.empty()) session_.receive(octets);
  while (!closed && act(session_.next())) output_ += session_.take_output();
  output_ += session_.take_output();
  return std::exchange(output_, {});
}

void Pop3Pump::retrieve(const Retrieve& question) {
  const std::string& text = messages[question.message];
  if (text.empty()) return session_.gone();
  session_.message_begins();
  for (std::size_t at = 0; at < text.size() && session_.wants_octets(); at += piece)
    session_.message_octets(std::string_view(text).substr(at, piece));
  session_.message_ends();
}

bool Pop3Pump::act(const Event& event) {
  if (std::holds_alternative<NeedInput>(event)) return false;
  if (const auto* close = std::get_if<Close>(&event)) {
    log.push_back(fmt::format("closed {}", static_cast<int>(close->reason)));
    closed = true;
    return false;
  }
  if (const auto* check = std::get_if<CheckPassword>(&event)) {
    if (busy) {
      session_.not_now("Too many are logging in");
    } else {
      session_.answer_password(check->authcid == login && check->password == password);
    }
  } else if (std::holds_alternative<FindScramVerifier>(event)) {
    session_.answer_scram_verifier(verifier);
  } else if (std::holds_alternative<OpenMaildrop>(event)) {
    if (locked) {
      session_.in_use();
    } else {
      std::vector<Listed> list;
      for (std::size_t i = 0; i < messages.size(); ++i)
        list.push_back({messages[i].size(), fmt::format("id{}", i + 1)});
      session_.opened(std::move(list));
    }
  } else if (const auto* failed = std::get_if<AuthenticationFailed>(&event)) {
    log.push_back("failed " + failed->authcid + ": " + failed->reason);
  } else if (const auto* question = std::get_if<Retrieve>(&event)) {
    retrieve(*question);
  } else if (const auto* update = std::get_if<Update>(&event)) {
    if (!update_fails) removed = update->deleted;
    session_.updated(!update_fails);
  } else if (std::holds_alternative<StartTls>(event)) {
    session_.on_tls_established({});
  }
  return true;
}

}  // namespace posthorn::pop3::server
