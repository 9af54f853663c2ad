#include "standards/imap/sort.h"

#include <algorithm>

#include "foundation/text/ascii.h"
#include "standards/imap/address_list.h"
#include "standards/imap/text_match.h"
#include "standards/message/date_time.h"
#include "standards/message/encoded_word.h"

namespace posthorn::imap {
namespace {

using Key = SortCriterion::Key;

// RFC 5256 3: addr-mailbox of the first address; a field that is absent sorts as the empty string.
std::string first_mailbox(const message::Header& header, std::string_view field) {
  const auto addresses = addresses_of(header, field);
  return addresses.empty() ? std::string() : collated(addresses.front().mailbox.value_or(""));
}

// RFC 5957 3: the display name, decoded; else mailbox@host; of a group its name.
std::string first_display(const message::Header& header, std::string_view field) {
  const auto addresses = addresses_of(header, field);
  if (addresses.empty()) return {};
  const auto& first = addresses.front();
  if (first.name && !first.name->empty()) return collated(message::decode_encoded_words(*first.name));
  auto display = message::decode_encoded_words(first.mailbox.value_or(""));
  if (first.host) display += '@' + *first.host;
  return collated(display);
}

template <class Value>
int compare_values(const Value& a, const Value& b) {
  const auto order = a <=> b;
  if (order < 0) return -1;
  return order > 0 ? 1 : 0;
}

int compare_by(Key key, const SortKeys& a, const SortKeys& b) {
  switch (key) {
    case Key::arrival:
      return compare_values(a.arrival, b.arrival);
    case Key::date:
      return compare_values(a.date, b.date);
    case Key::size:
      return compare_values(a.size, b.size);
    case Key::subject:
      return compare_values(a.subject, b.subject);
    case Key::from:
      return compare_values(a.from, b.from);
    case Key::to:
      return compare_values(a.to, b.to);
    case Key::cc:
      return compare_values(a.cc, b.cc);
    case Key::display_from:
      return compare_values(a.display_from, b.display_from);
    case Key::display_to:
      return compare_values(a.display_to, b.display_to);
  }
  return 0;
}

}  // namespace

TimePoint sent_date(const message::Header& header, TimePoint internal_date) {
  const auto value = header.value("Date");
  const auto date = value ? message::parse_date_time(*value) : std::nullopt;
  return date ? date->at : internal_date;
}

SortKeys sort_keys(const message::Header& header, std::span<const SortCriterion> criteria, TimePoint internal_date) {
  SortKeys keys;
  keys.arrival = internal_date;
  for (const auto criterion : criteria) {
    switch (criterion.key) {
      case Key::arrival:
      case Key::size:
        break;
      case Key::date:
        keys.date = sent_date(header, internal_date);
        break;
      case Key::subject:
        keys.subject = base_subject(message::decode_encoded_words(header.value("Subject").value_or(""))).text;
        break;
      case Key::from:
        keys.from = first_mailbox(header, "From");
        break;
      case Key::to:
        keys.to = first_mailbox(header, "To");
        break;
      case Key::cc:
        keys.cc = first_mailbox(header, "Cc");
        break;
      case Key::display_from:
        keys.display_from = first_display(header, "From");
        break;
      case Key::display_to:
        keys.display_to = first_display(header, "To");
        break;
    }
  }
  return keys;
}

bool needs_header(std::span<const SortCriterion> criteria) {
  return std::ranges::any_of(criteria,
                             [](const SortCriterion& c) { return c.key != Key::arrival && c.key != Key::size; });
}

std::vector<std::uint32_t> sorted(const std::vector<SortKeys>& messages, std::span<const SortCriterion> criteria) {
  // Keys are large: they stay where they are.
  std::vector<const SortKeys*> order;
  order.reserve(messages.size());
  for (const auto& message : messages) order.push_back(&message);
  std::ranges::sort(order, [&](const SortKeys* a, const SortKeys* b) {
    for (const auto criterion : criteria) {
      const int compared = compare_by(criterion.key, *a, *b);
      if (compared != 0) return criterion.reverse ? compared > 0 : compared < 0;
    }
    // RFC 5256 3: the sequence number is the implicit last criterion, never reversed.
    return a->number < b->number;
  });
  std::vector<std::uint32_t> numbers;
  numbers.reserve(messages.size());
  for (const SortKeys* message : order) numbers.push_back(message->number);
  return numbers;
}

}  // namespace posthorn::imap
