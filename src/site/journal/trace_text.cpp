// The story in plain words, for somebody who has been asked "where is my mail?" at the end of a long day.
#include <array>

#include <boost/json.hpp>

#include "foundation/text/ascii.h"
#include "site/journal/trace.h"

namespace posthorn::journal {
namespace {

namespace json = boost::json;

struct Words {
  std::string_view state, sentence;
};
/// {0}: where.
constexpr std::array words{
    Words{"mailbox", "is in the mailbox"},
    Words{"relayed", "was handed over to"},
    Words{"expanded", "went to the members of the group"},
    Words{"discarded", "was discarded"},
    Words{"returned", "could not be delivered, and the sender has been told"},
    Words{"undeliverable", "could not be delivered, and no report was due"},
    Words{"queued", "waits in the queue"},
    Words{"refused", "was refused; it stayed with the sender's server"},
};

std::string_view sentence(std::string_view state) {
  const auto* const at = std::ranges::find(words, state, &Words::state);
  return at == words.end() ? state : at->sentence;
}

/// A next hop as the queue keeps it: a domain, a host, or "route:domain beta.example" (flow/queue/routes.h).
std::string hop_text(const std::string& where) {
  constexpr std::string_view route = "route:";
  return where.starts_with(route) ? fmt::format("the route of {}", where.substr(route.size())) : where;
}

void append_recipient(std::string& out, const TraceRecipient& r) {
  out += fmt::format("  {}: {}", text::printable(r.address, 320), sentence(r.state));
  if (!r.where.empty()) out += (r.state == "queued" ? " for " : " ") + hop_text(text::printable(r.where, 400));
  out += '\n';
  if (!r.reply.empty()) out += fmt::format("      {}\n", text::printable(r.reply, 600));
}

/// "ann@alpha.example", "250", "yes"; lists go on lines of their own.
std::string plain(const json::value& value) {
  if (const auto* text = value.if_string()) {
    const std::string_view octets(text->data(), text->size());
    return text::is_ascii(octets) ? text::printable(octets, 1000) : std::string(octets);
  }
  if (const auto* truth = value.if_bool()) return *truth ? "yes" : "no";
  return json::serialize(value);
}

/// Whom a step is about, for its first line.
std::string recipient_of(const TraceStep& step) {
  const auto at = std::ranges::find(step.evidence, "recipient", &std::pair<std::string, std::string>::first);
  json::error_code error;
  if (at == step.evidence.end()) return {};
  const json::value value = json::parse(at->second, error);
  return error ? std::string{} : ": " + plain(value);
}

void append_evidence(std::string& out, const TraceStep& step) {
  std::string line, lists;
  for (const auto& [key, text] : step.evidence) {
    if (key == "recipient" || key == "state") continue;  // the first line, and the top of the page
    json::error_code error;
    const json::value value = json::parse(text, error);
    if (error) continue;
    std::string label = key;
    std::ranges::replace(label, '_', ' ');
    if (const auto* list = value.if_array()) {
      lists += fmt::format("{:>16}{}:\n", "", label);
      for (const json::value& element : *list) lists += fmt::format("{:>18}{}\n", "", plain(element));
    } else {
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", label, hop_text(plain(value)));
    }
  }
  if (!line.empty()) out += fmt::format("{:>16}{}\n", "", line);
  out += lists;
}

/// "08:00:00.250", or the date too where the day has changed.
std::string clock_text(TimePoint at, TimePoint before) {
  const std::string full = rfc3339(at, true);  // 2026-12-24T08:00:00.250Z
  const bool same_day = std::chrono::floor<std::chrono::days>(at) == std::chrono::floor<std::chrono::days>(before);
  const std::string time = full.substr(11, 12);
  return same_day ? time : fmt::format("{} (UTC)\n  {}", full.substr(0, 10), time);
}

void append_steps(std::string& out, const Trace& trace) {
  TimePoint before = TimePoint::min();
  for (const TraceStep& step : trace.steps) {
    out += fmt::format("  {}  {}: {}{}\n", clock_text(step.at, before), step.stage, text::printable(step.what, 1000),
                       recipient_of(step));
    append_evidence(out, step);
    before = step.at;
  }
}

void append_hops(std::string& out, const Trace& trace) {
  if (trace.hops.empty()) return;
  out += "\nIts way here, as its own Received lines tell it (all but ours are only what others claim):\n";
  for (const message::Hop& hop : trace.hops) {
    const message::Received& r = hop.received;
    const std::string time = r.at ? rfc3339(*r.at) : "at an unknown time";
    out += fmt::format("  {}  from {} by {}", time, r.from.empty() ? "?" : text::printable(r.from),
                       r.by.empty() ? "?" : text::printable(r.by));
    if (!r.with.empty()) out += fmt::format(" with {}", text::printable(r.with));
    if (hop.delay) out += fmt::format(", after {} s", std::chrono::floor<std::chrono::seconds>(*hop.delay).count());
    out += '\n';
  }
}

}  // namespace

std::string to_text(const Trace& trace) {
  std::string out = trace.id.text();
  if (!trace.message_id.empty()) out += "  Message-ID " + text::printable(trace.message_id, 400);
  out += '\n';
  for (const TraceRecipient& r : trace.recipients) append_recipient(out, r);
  if (trace.recipients.empty()) out += "  No recipient was settled.\n";
  out += "\nHow it came to that:\n";
  append_steps(out, trace);
  append_hops(out, trace);
  return out;
}

}  // namespace posthorn::journal
