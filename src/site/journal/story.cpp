#include "site/journal/story.h"

#include <algorithm>
#include <array>
#include <utility>

#include "foundation/base/bytes.h"
#include "foundation/base/number.h"
#include "foundation/codec/json_string.h"
#include "foundation/text/ascii.h"

namespace posthorn::journal {
namespace {

constexpr std::size_t story_octets_max = 1 * MiB;
constexpr std::size_t usual_octets = 1 * KiB;  // of a message's first part
/// Evidence longer than this is cut: a peer's reply has at most 512 octets a line, but many lines.
constexpr std::size_t value_octets_max = 4 * KiB;
constexpr std::size_t keys_max = 2000;
constexpr std::size_t key_octets_max = 320;  // an address (RFC 5321 4.5.3.1) or a reasonable Message-ID

constexpr std::array<std::string_view, 14> stage_names{
    "connection", "tls",     "authentication", "envelope", "data",  "verification", "filter",
    "delivery",   "mailbox", "signing",        "queue",    "relay", "dsn",          "administration"};
static_assert(stage_names.size() == static_cast<std::size_t>(Stage::administration) + 1);

constexpr std::array<std::string_view, 8> outcome_names{"mailbox",  "relayed",       "expanded", "discarded",
                                                        "returned", "undeliverable", "queued",   "refused"};
static_assert(outcome_names.size() == static_cast<std::size_t>(Outcome::refused) + 1);

std::string_view bounded(std::string_view value) {
  return value.substr(0, value_octets_max);
}

}  // namespace

std::string_view name(Stage stage) {
  return stage_names[static_cast<std::size_t>(stage)];
}

std::string_view name(Outcome outcome) {
  return outcome_names[static_cast<std::size_t>(outcome)];
}

Story& Story::step(TimePoint at, Stage stage, std::string_view what) {
  if (full_) return *this;
  if (json_.empty()) json_.reserve(usual_octets);
  json_ += json_.empty() ? "[{\"at\":" : "},{\"at\":";
  append_number(json_, unix_micros(at));
  json_ += ",\"stage\":\"";
  json_ += name(stage);
  json_ += "\",\"what\":";
  full_ = json_.size() > story_octets_max;
  codec::append_json_string(json_, full_ ? "the story is too long: what followed is not kept" : bounded(what));
  return *this;
}

void Story::open_member(std::string_view key) {
  json_ += ",\"";
  json_ += key;
  json_ += "\":";
}

Story& Story::with(std::string_view key, std::string_view value) {
  if (full_ || json_.empty()) return *this;
  open_member(key);
  codec::append_json_string(json_, bounded(value));
  return *this;
}

Story& Story::with(std::string_view key, std::int64_t value) {
  if (full_ || json_.empty()) return *this;
  open_member(key);
  append_number(json_, value);
  return *this;
}

Story& Story::with(std::string_view key, bool value) {
  if (full_ || json_.empty()) return *this;
  open_member(key);
  json_ += value ? "true" : "false";
  return *this;
}

Story& Story::with(std::string_view key, std::span<const std::string> values) {
  if (full_ || json_.empty()) return *this;
  open_member(key);
  json_ += '[';
  for (const std::string& value : values) {
    if (json_.back() != '[') json_ += ',';
    codec::append_json_string(json_, bounded(value));
  }
  json_ += ']';
  return *this;
}

Story& Story::recipient(TimePoint at, Stage stage, std::string_view what, std::string_view address, Outcome outcome,
                        std::string_view where, std::string_view reply) {
  step(at, stage, what).with("recipient", address).with("state", name(outcome));
  if (!where.empty()) with("where", where);
  if (!reply.empty()) with("reply", reply);
  return *this;
}

Story& Story::message_id(std::string_view value) {
  with("message_id", value);
  key(value);
  return *this;
}

std::string story_key(std::string_view text) {
  text = text::trim_lines(text);
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') text = text.substr(1, text.size() - 2);
  return text::lower(text.substr(0, key_octets_max));
}

void Story::key(std::string_view text) {
  if (keys_.size() >= keys_max) return;
  std::string key = story_key(text);
  // Among few keys a look at each is cheapest; among many, doubles do no harm (the store keeps each once).
  const bool is_known = keys_.size() < 16 && std::ranges::find(keys_, key) != keys_.end();
  if (!key.empty() && !is_known) keys_.push_back(std::move(key));
}

std::string Story::take_json() {
  std::string json = json_.empty() ? "[]" : std::move(json_);
  if (json.size() > 2) json += "}]";
  json_.clear();
  full_ = false;
  return json;
}

storage::StoryRow Story::take_row(MailId id, TimePoint at) {
  std::ranges::sort(keys_);
  keys_.erase(std::ranges::unique(keys_).begin(), keys_.end());
  return {.id = id, .at = at, .keys = std::exchange(keys_, {}), .steps = take_json()};
}

storage::StoryPartRow Story::take_part(MailId id, TimePoint at) {
  keys_.clear();
  return {.id = id, .at = at, .steps = take_json()};
}

}  // namespace posthorn::journal
