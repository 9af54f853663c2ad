#include "standards/imap/search.h"

#include <algorithm>

#include "foundation/text/ascii.h"
#include "standards/imap/message_text.h"
#include "standards/imap/usual_fields.h"

namespace posthorn::imap {
namespace {

using Kind = SearchKey::Kind;
using Decision = Search::Decision;

// Of two answers that must both hold, the one that decides; of two open ones, the one that needs more.
Decision both(Decision a, Decision b) {
  if (a == Decision::no || b == Decision::no) return Decision::no;
  return std::max(a, b);
}
Decision either(Decision a, Decision b) {
  if (a == Decision::yes || b == Decision::yes) return Decision::yes;
  return std::max(a, b);
}
Decision opposite(Decision a) {
  if (a == Decision::yes) return Decision::no;
  return a == Decision::no ? Decision::yes : a;
}
static_assert(Decision::no < Decision::yes && Decision::yes < Decision::needs_header &&
              Decision::needs_header < Decision::needs_message);

Decision as_decision(bool holds) {
  return holds ? Decision::yes : Decision::no;
}

bool has_keyword(const SearchFacts& facts, std::string_view keyword) {
  return facts.keywords != nullptr &&
         std::ranges::any_of(*facts.keywords, [&](const std::string& k) { return text::iequals(k, keyword); });
}

bool has_flag(const SearchFacts& facts, SystemFlag flag) {
  return (facts.flags & static_cast<std::uint8_t>(flag)) != 0;
}

bool is_before(Day a, Day b) {
  return a < b;
}

}  // namespace

/// A key made ready: sets resolved, texts folded, cheap children first.
struct Search::Node {
  SearchKey key;
  NumberSet numbers;
  Needle needle{""};
  std::vector<Node> children;

  Node(const SearchKey& source, const SearchContext& context);
  [[nodiscard]] Decision decide(const SearchFacts& facts) const;
  [[nodiscard]] bool matches(const SearchFacts& facts, MessageText& message) const;
  [[nodiscard]] bool uses(std::initializer_list<Kind> kinds) const;
  [[nodiscard]] bool uses_only_usual_fields() const;
  [[nodiscard]] std::optional<NumberSet> bound(Kind kind) const;
  [[nodiscard]] Decision decide_fact(const SearchFacts& facts) const;
  [[nodiscard]] bool matches_content(MessageText& message) const;
  [[nodiscard]] int cost() const;

  std::int64_t now_seconds = 0;
};

Search::Node::Node(const SearchKey& source, const SearchContext& context)
    : key(source), needle(source.text), now_seconds(unix_seconds(context.now)) {
  if (key.kind == Kind::uid) numbers = key.set.is_saved() ? context.saved_uids : key.set.resolve(context.last_uid);
  if (key.kind == Kind::sequence) {
    // RFC 5182: "$" stands for messages, kept here as uids.
    if (key.set.is_saved()) key.kind = Kind::uid;
    numbers = key.set.is_saved() ? context.saved_uids : key.set.resolve(context.last_number);
  }
  children.reserve(key.children.size());
  for (const auto& child : key.children) children.emplace_back(child, context);
  key.children.clear();
  // What the view answers comes before what needs octets.
  std::ranges::sort(children, {}, [](const Node& child) { return child.cost(); });
}

int Search::Node::cost() const {
  switch (key.kind) {
    case Kind::header:
    case Kind::sent_before:
    case Kind::sent_on:
    case Kind::sent_since:
      return 1;
    case Kind::body:
    case Kind::text:
      return 2;
    case Kind::both:
    case Kind::either:
    case Kind::negation: {
      int highest = 0;
      for (const auto& child : children) highest = std::max(highest, child.cost());
      return highest;
    }
    default:
      return 0;
  }
}

// ---- without the message ---------------------------------------------------------------------------------------

Decision Search::Node::decide(const SearchFacts& facts) const {
  switch (key.kind) {
    case Kind::both: {
      auto result = Decision::yes;
      for (const auto& child : children) {
        result = imap::both(result, child.decide(facts));
        if (result == Decision::no) break;
      }
      return result;
    }
    case Kind::either: {
      auto result = Decision::no;
      for (const auto& child : children) result = imap::either(result, child.decide(facts));
      return result;
    }
    case Kind::negation:
      return opposite(children.front().decide(facts));
    default:
      return decide_fact(facts);
  }
}

Decision Search::Node::decide_fact(const SearchFacts& facts) const {
  const auto internal_day = [&] { return day_of(facts.internal_date); };
  const auto age = [&] { return now_seconds - unix_seconds(facts.internal_date); };
  const auto saved = [&](auto compare) {
    return as_decision(facts.save_date && compare(day_of(*facts.save_date), key.day));
  };
  switch (key.kind) {
    case Kind::flag:
      return as_decision(has_flag(facts, key.flag));
    case Kind::keyword:
      return as_decision(has_keyword(facts, key.text));
    case Kind::is_new:
      return as_decision(has_flag(facts, SystemFlag::recent) && !has_flag(facts, SystemFlag::seen));
    case Kind::before:
      return as_decision(internal_day() < key.day);
    case Kind::on:
      return as_decision(internal_day() == key.day);
    case Kind::since:
      return as_decision(internal_day() >= key.day);
    case Kind::saved_before:
      return saved(is_before);
    case Kind::saved_on:
      return saved([](Day a, Day b) { return a == b; });
    case Kind::saved_since:
      return saved([](Day a, Day b) { return a >= b; });
    case Kind::larger:
      return as_decision(facts.size > key.number);
    case Kind::smaller:
      return as_decision(facts.size < key.number);
    case Kind::older:  // RFC 5032 2: at least that old
      return as_decision(age() >= static_cast<std::int64_t>(key.number));
    case Kind::younger:
      return as_decision(age() <= static_cast<std::int64_t>(key.number));
    case Kind::mod_seq:
      return as_decision(facts.mod_seq >= key.number);
    case Kind::email_id:
      return as_decision(facts.email_id == key.text);
    case Kind::thread_id:
      return as_decision(!facts.thread_id.empty() && facts.thread_id == key.text);
    case Kind::uid:
      return as_decision(numbers.contains(facts.uid));
    case Kind::sequence:
      return as_decision(numbers.contains(facts.number));
    case Kind::header:
    case Kind::sent_before:
    case Kind::sent_on:
    case Kind::sent_since:
      return Decision::needs_header;
    case Kind::body:
    case Kind::text:
      return needle.empty() ? Decision::yes : Decision::needs_message;
    default:
      return Decision::yes;  // ALL, SAVEDATESUPPORTED (RFC 8514 4.4: every mailbox of ours keeps it)
  }
}

// ---- with the message ------------------------------------------------------------------------------------------

bool Search::Node::matches(const SearchFacts& facts, MessageText& message) const {
  switch (key.kind) {
    case Kind::both:
      return std::ranges::all_of(children, [&](const Node& child) { return child.matches(facts, message); });
    case Kind::either:
      return std::ranges::any_of(children, [&](const Node& child) { return child.matches(facts, message); });
    case Kind::negation:
      return !children.front().matches(facts, message);
    default:
      break;
  }
  const auto decision = decide_fact(facts);
  if (decision == Decision::yes || decision == Decision::no) return decision == Decision::yes;
  return matches_content(message);
}

bool Search::Node::matches_content(MessageText& message) const {
  switch (key.kind) {
    case Kind::header:
      return message.header_has(key.field, needle);
    case Kind::body:
      return message.body_has(needle);
    case Kind::text:
      return message.text_has(needle);
    default:
      break;
  }
  const auto day = message.sent_day();
  if (!day) return false;
  if (key.kind == Kind::sent_before) return *day < key.day;
  return key.kind == Kind::sent_on ? *day == key.day : *day >= key.day;
}

// ---- what it looks at ------------------------------------------------------------------------------------------

bool Search::Node::uses(std::initializer_list<Kind> kinds) const {
  return std::ranges::find(kinds, key.kind) != kinds.end() ||
         std::ranges::any_of(children, [&](const Node& child) { return child.uses(kinds); });
}

// The sent date is that of Date, which is among them.
bool Search::Node::uses_only_usual_fields() const {
  return (key.kind != Kind::header || is_usual_field(key.field)) &&
         std::ranges::all_of(children, [](const Node& child) { return child.uses_only_usual_fields(); });
}

std::optional<NumberSet> Search::Node::bound(Kind kind) const {
  if (key.kind == kind) return numbers;
  if (key.kind != Kind::both) return std::nullopt;
  std::optional<NumberSet> result;
  for (const auto& child : children) {
    auto of_child = child.bound(kind);
    if (of_child) result = result ? result->intersection(*of_child) : std::move(*of_child);
  }
  return result;
}

Search::Search(const SearchKey& key, const SearchContext& context) : root_(std::make_unique<Node>(key, context)) {}
Search::~Search() = default;
Search::Search(Search&&) noexcept = default;
Search& Search::operator=(Search&&) noexcept = default;

Search::Decision Search::decide(const SearchFacts& facts) const {
  return root_->decide(facts);
}

bool Search::matches(const SearchFacts& facts, Octets octets) const {
  MessageText message(octets);
  return root_->matches(facts, message);
}

bool Search::uses_internal_date() const {
  return root_->uses({Kind::before, Kind::on, Kind::since, Kind::older, Kind::younger});
}
bool Search::uses_save_date() const {
  return root_->uses({Kind::saved_before, Kind::saved_on, Kind::saved_since});
}
bool Search::uses_ids() const {
  return root_->uses({Kind::email_id, Kind::thread_id});
}
bool Search::uses_only_usual_fields() const {
  return root_->uses_only_usual_fields();
}
std::optional<NumberSet> Search::number_bound() const {
  return root_->bound(Kind::sequence);
}
std::optional<NumberSet> Search::uid_bound() const {
  return root_->bound(Kind::uid);
}

}  // namespace posthorn::imap
