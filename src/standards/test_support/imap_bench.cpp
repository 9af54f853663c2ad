#include "standards/test_support/imap_bench.h"

namespace posthorn::imap::server {

Settings test_settings() {
  Settings settings;
  settings.host_name = "imap.example";
  settings.starttls = true;
  settings.mechanisms = {sasl::Mechanism::plain, sasl::Mechanism::login, sasl::Mechanism::scram_sha_256,
                         sasl::Mechanism::scram_sha_256_plus};
  settings.unknown_login_secret = "secret of the test";
  settings.limits.append_octets_max = 1000;
  settings.random = [](std::size_t count) { return std::string(count, 'r'); };
  return settings;
}

std::string ImapBench::feed(std::string_view octets, std::size_t piece) {
  std::string output;
  for (;;) {
    auto event = session.next();
    if (std::holds_alternative<Close>(event)) {
      closed = std::get<Close>(event).reason;
      return output + session.take_output();
    }
    if (std::holds_alternative<NeedInput>(event)) {
      output += session.take_output();
      if (octets.empty()) return output;
      session.receive(octets.substr(0, piece));
      octets.remove_prefix(std::min(piece, octets.size()));
      continue;
    }
    static_cast<void>(act_on_login(event) || act_on_append(event) || act(event));
  }
}

void ImapBench::log_in() {
  session.on_tls_established({"TLSv1.3", "TLS_AES_256_GCM_SHA384", bindings});
  static_cast<void>(line("login LOGIN ann secret"));
  events.clear();
}

bool ImapBench::act(Event& event) {
  if (auto* execution = std::get_if<Execute>(&event)) {
    commands.push_back(*execution);
    note("execute " + execution->tag);
    if (std::holds_alternative<IdleCommand>(execution->command)) return true;
    if (execute) {
      execute(session, *execution);
    } else {
      session.complete(Condition::ok, "done");
    }
    return true;
  }
  if (std::holds_alternative<IdleEnds>(event)) {
    note("idle ends");
    session.complete(Condition::ok, "IDLE completed");
  }
  if (const auto* id = std::get_if<ClientId>(&event)) note("id " + std::to_string(id->fields.size()));
  if (const auto* refused = std::get_if<Refused>(&event)) note("refused " + refused->command + ": " + refused->why);
  return true;
}

bool ImapBench::act_on_login(Event& event) {
  if (std::holds_alternative<Connected>(event)) {
    session.accept();
  } else if (std::holds_alternative<StartTls>(event)) {
    note("starttls");
    session.on_tls_established({"TLSv1.3", "TLS_AES_256_GCM_SHA384", bindings});
  } else if (const auto* check = std::get_if<CheckPassword>(&event)) {
    note("password of " + check->authcid);
    if (logins_unavailable) {
      session.unavailable();
    } else {
      session.answer_password(check->password == password);
    }
  } else if (std::holds_alternative<FindScramVerifier>(event)) {
    note("scram");
    session.answer_scram_verifier(verifier);
  } else if (const auto* authenticated = std::get_if<Authenticated>(&event)) {
    note("authenticated " + authenticated->authcid);
  } else if (const auto* failed = std::get_if<AuthenticationFailed>(&event)) {
    note("authentication failed: " + failed->reason);
  } else {
    return false;
  }
  return true;
}

bool ImapBench::act_on_append(Event& event) {
  if (const auto* begins = std::get_if<AppendBegins>(&event)) {
    note("append begins " + begins->target.mailbox);
    if (begins->target.mailbox == "missing") {
      session.refuse_append(code::try_create(), "No such mailbox");
      return true;
    }
    appends.push_back({begins->target, begins->message, {}, false});
    session.accept();
  } else if (const auto* octets = std::get_if<AppendOctets>(&event)) {
    appends.back().octets += octets->octets;
  } else if (const auto* part = std::get_if<AppendPart>(&event)) {
    if (part->url) appends.back().octets += "<" + *part->url + ">";
    if (part->url && part->url->contains("bad")) {
      session.refuse_append(code::bad_url(*part->url), "No such message");
      appends.clear();
    } else {
      session.accept();
    }
  } else if (std::holds_alternative<AppendMessageEnds>(event)) {
    appends.back().is_whole = true;
  } else if (std::holds_alternative<AppendEnds>(event)) {
    note("append ends");
    session.complete(Condition::ok, code::append_uid(7, std::vector<Uid>{1}), "APPEND completed");
  } else if (std::holds_alternative<AppendAborted>(event)) {
    note("append aborted");
    appends.clear();
  } else {
    return false;
  }
  return true;
}

}  // namespace posthorn::imap::server
