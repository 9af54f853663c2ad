// A whole session against any octets: fed whole and octet by octet it must give the same commands and the same answers;
// every answer must be one that our client can read; what is kept is bounded.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "standards/imap/client.h"
#include "standards/imap/server.h"
#include "standards/imap/url.h"

namespace {

using namespace posthorn::imap;
using namespace posthorn::imap::server;

void must(bool holds) {
  if (!holds) std::abort();
}

Settings settings_for(std::uint8_t choice) {
  Settings settings;
  settings.host_name = "imap.example";
  settings.starttls = (choice & 1) != 0;
  settings.allow_clear_login = true;
  settings.mechanisms = {posthorn::sasl::Mechanism::plain, posthorn::sasl::Mechanism::scram_sha_256};
  settings.limits.bad_commands_max = 1000;
  settings.limits.append_octets_max = 5000;
  settings.random = [](std::size_t count) { return std::string(count, 'r'); };
  return settings;
}

struct Outcome {
  std::string output;
  std::string taken;
  bool operator==(const Outcome&) const = default;
};

class Pump {
 public:
  explicit Pump(const Settings& settings) : session_(settings, {}) {}

  Outcome run(std::string_view octets, std::size_t piece) {
    for (;;) {
      auto event = session_.next();
      outcome_.output += session_.take_output();
      if (std::holds_alternative<Close>(event)) return std::move(outcome_);
      if (!std::holds_alternative<NeedInput>(event)) {
        act(event);
        continue;
      }
      if (octets.empty()) return std::move(outcome_);
      session_.receive(octets.substr(0, piece));
      octets.remove_prefix(std::min(piece, octets.size()));
    }
  }

 private:
  void act(Event& event) {
    if (std::holds_alternative<Connected>(event)) session_.accept();
    if (std::holds_alternative<StartTls>(event)) session_.on_tls_established({});
    if (const auto* check = std::get_if<CheckPassword>(&event)) session_.answer_password(check->password != "wrong");
    if (std::holds_alternative<FindScramVerifier>(event)) session_.answer_scram_verifier(std::nullopt);
    if (const auto* execution = std::get_if<Execute>(&event)) execute(*execution);
    if (std::holds_alternative<IdleEnds>(event)) session_.complete(Condition::ok, "done");
    if (const auto* begins = std::get_if<AppendBegins>(&event)) begin(*begins);
    if (const auto* part = std::get_if<AppendPart>(&event)) take(*part);
    if (const auto* octets = std::get_if<AppendOctets>(&event)) outcome_.taken += octets->octets;
    if (std::holds_alternative<AppendMessageEnds>(event)) outcome_.taken += "|";
    if (std::holds_alternative<AppendEnds>(event)) session_.complete(Condition::ok, "done");
    if (std::holds_alternative<AppendAborted>(event)) outcome_.taken += "aborted";
  }

  void begin(const AppendBegins& begins) {
    must(begins.message.is_catenated == (begins.message.size_octets == 0) && begins.message.size_octets <= 5000);
    if (begins.target.mailbox == "no") return session_.refuse_append(code::try_create(), "no");
    session_.accept();
  }

  void take(const AppendPart& part) {
    must(part.size_octets <= 5000);
    outcome_.taken += part.url ? "<" + *part.url + ">" : "text ";
    if (!part.url) return session_.accept();
    const auto url = parse_message_url(*part.url);
    if (!url) return session_.refuse_append(code::bad_url(*part.url), "no");
    must(url->uid > 0 && (!url->partial || url->partial->length > 0));
    must(!url->section.wire().contains(']'));
    session_.accept();
  }

  void execute(const Execute& execution) {
    outcome_.taken += std::to_string(execution.command.index()) + ' ';
    if (std::holds_alternative<IdleCommand>(execution.command)) return;
    answer(execution);
    const auto* select = std::get_if<SelectCommand>(&execution.command);
    const bool refused = select != nullptr && select->mailbox == "no";
    session_.complete(refused ? Condition::no : Condition::ok, "done");
  }

  // Echoes what the client said, so that the writers meet hostile values too.
  void answer(const Execute& execution) {
    auto& writer = session_.responses();
    if (const auto* fetch = std::get_if<FetchCommand>(&execution.command)) {
      writer.fetch_begin(1);
      for (const auto& section : fetch->items.sections) writer.fetch_section(section, "octets\r\n");
      writer.fetch_uid(1);
      writer.fetch_end();
    }
    if (const auto* status = std::get_if<StatusCommand>(&execution.command))
      writer.status({.mailbox = status->mailbox});
    if (const auto* rename = std::get_if<RenameCommand>(&execution.command)) {
      const std::vector<ListedMailbox> mailboxes{{.name = rename->from}, {.name = rename->to, .subscribed = true}};
      for (const auto& entry : list_mailboxes({.patterns = {"*"}}, mailboxes)) writer.list(entry);
    }
    if (const auto* search = std::get_if<SearchCommand>(&execution.command)) {
      writer.search(execution.tag, search->returns, {.numbers = *NumberSet::parse("1:3,9")});
    }
  }

  Session session_;
  Outcome outcome_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto settings = settings_for(data[0]);
  const std::string_view octets(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = Pump(settings).run(octets, octets.size());
  const auto pieces = Pump(settings).run(octets, 1);
  // STARTTLS with octets behind it differs on purpose: whole they are plaintext that ends the session.
  if (!settings.starttls) must(whole == pieces);
  client::ResponseReader reader;
  reader.push(whole.output);
  while (reader.next()) {
  }
  must(!reader.broken());
  return 0;
}
