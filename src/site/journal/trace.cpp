#include "site/journal/trace.h"

#include <algorithm>

#include <boost/json.hpp>

#include "foundation/codec/json_string.h"
#include "foundation/text/ascii.h"

namespace posthorn::journal {
namespace {

namespace json = boost::json;

std::string text_of(const json::value& value) {
  if (const auto* text = value.if_string()) return {text->data(), text->size()};
  return json::serialize(value);
}

/// The last thing said about a recipient holds.
void note_recipient(Trace& trace, const json::object& step) {
  const json::value* address = step.if_contains("recipient");
  const json::value* state = step.if_contains("state");
  if (address == nullptr || state == nullptr) return;
  const std::string name = text_of(*address);
  auto at = std::ranges::find(trace.recipients, name, &TraceRecipient::address);
  if (at == trace.recipients.end()) at = trace.recipients.insert(at, TraceRecipient{.address = name});
  at->state = text_of(*state);
  const json::value* where = step.if_contains("where");
  const json::value* reply = step.if_contains("reply");
  at->where = where != nullptr ? text_of(*where) : "";
  at->reply = reply != nullptr ? text_of(*reply) : "";
}

void add_step(Trace& trace, const json::object& object) {
  TraceStep step;
  for (const auto& [key, value] : object) {
    if (key == "at") {
      if (const auto* micros = value.if_int64()) step.at = from_unix_micros(*micros);
    } else if (key == "stage") {
      step.stage = text_of(value);
    } else if (key == "what") {
      step.what = text_of(value);
    } else {
      if (key == "message_id" && trace.message_id.empty()) trace.message_id = text_of(value);
      step.evidence.emplace_back(std::string(key), json::serialize(value));
    }
  }
  note_recipient(trace, object);
  trace.steps.push_back(std::move(step));
}

void add_part(Trace& trace, TimePoint at, std::string_view steps) {
  json::error_code error;
  const json::value parsed = json::parse(json::string_view(steps.data(), steps.size()), error);
  const auto* const list = error ? nullptr : parsed.if_array();
  if (list == nullptr) {
    trace.steps.push_back({at, std::string(name(Stage::administration)), "a part of the story cannot be read", {}});
    return;
  }
  for (const json::value& step : *list) {
    if (const auto* object = step.if_object()) add_step(trace, *object);
  }
}

Trace read_trace(storage::Reader& reader, const storage::StoryRow& row) {
  return assemble(row, reader.story_parts(row.id));
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
  if (out.back() != '{') out += ',';
  codec::append_json_string(out, key);
  out += ':';
  codec::append_json_string(out, text);
}

void append_step(std::string& out, const TraceStep& step) {
  out += '{';
  append_member(out, "at", rfc3339(step.at, true));
  append_member(out, "stage", step.stage);
  append_member(out, "what", step.what);
  for (const auto& [key, value] : step.evidence) {
    out += ',';
    codec::append_json_string(out, key);
    out += ':';
    out += value;
  }
  out += '}';
}

void append_hop(std::string& out, const message::Hop& hop) {
  out += '{';
  append_member(out, "from", hop.received.from);
  append_member(out, "from_address", hop.received.from_address);
  append_member(out, "by", hop.received.by);
  append_member(out, "with", hop.received.with);
  if (hop.received.at) append_member(out, "at", rfc3339(*hop.received.at));
  if (hop.delay) out += fmt::format(",\"delay\":{}", std::chrono::floor<std::chrono::seconds>(*hop.delay).count());
  out += '}';
}

template <class List, class Append>
void append_list(std::string& out, std::string_view key, const List& list, Append append) {
  out += fmt::format(",\"{}\":[", key);
  for (const auto& element : list) {
    if (out.back() != '[') out += ',';
    append(element);
  }
  out += ']';
}

}  // namespace

Trace assemble(const storage::StoryRow& row, const std::vector<storage::StoryPartRow>& parts) {
  Trace trace;
  trace.id = row.id;
  add_part(trace, row.at, row.steps);
  for (const storage::StoryPartRow& part : parts) add_part(trace, part.at, part.steps);
  return trace;
}

void add_hops(Trace& trace, Octets header_section) {
  trace.hops = message::hops(message::Header::parse(header_section));
}

std::vector<Trace> find(storage::Reader& reader, std::string_view what, std::size_t max) {
  std::vector<Trace> traces;
  if (const auto id = MailId::parse(what)) {
    if (const auto row = reader.story(*id)) traces.push_back(read_trace(reader, *row));
    if (!traces.empty()) return traces;
  }
  for (const storage::StoryRow& row : reader.stories_by_key(story_key(what), max)) {
    traces.push_back(read_trace(reader, row));
  }
  std::ranges::sort(traces, std::greater{}, &Trace::id);  // ids are ordered by time
  return traces;
}

std::string to_json(const Trace& trace) {
  std::string out = "{";
  append_member(out, "id", trace.id.text());
  append_member(out, "message_id", trace.message_id);
  append_list(out, "steps", trace.steps, [&](const TraceStep& step) { append_step(out, step); });
  append_list(out, "recipients", trace.recipients, [&](const TraceRecipient& r) {
    out += '{';
    append_member(out, "address", r.address);
    append_member(out, "state", r.state);
    append_member(out, "where", r.where);
    append_member(out, "reply", r.reply);
    out += '}';
  });
  append_list(out, "hops", trace.hops, [&](const message::Hop& hop) { append_hop(out, hop); });
  return out + "}";
}

}  // namespace posthorn::journal
