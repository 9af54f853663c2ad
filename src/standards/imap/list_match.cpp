#include "standards/imap/list_match.h"

#include <algorithm>
#include <map>

#include "foundation/text/ascii.h"
#include "standards/imap/mailbox_name.h"

namespace posthorn::imap {
namespace {

/// A name that may be shown: a mailbox, a subscription without one, or a level above one.
struct Known {
  const ListedMailbox* mailbox = nullptr;
  bool has_children = false;  ///< a mailbox below it exists
  bool has_subscribed_below = false;
  bool has_special_use_below = false;
};
using KnownNames = std::map<std::string, Known, std::less<>>;

bool exists(const Known& known) {
  return known.mailbox != nullptr && known.mailbox->exists;
}
bool is_subscribed(const Known& known) {
  return known.mailbox != nullptr && known.mailbox->subscribed;
}
bool has_special_use(const Known& known) {
  return exists(known) && !known.mailbox->special_use.empty();
}

// Every name and every level above one. Levels are bounded by mailbox_levels_max.
KnownNames known_names(std::span<const ListedMailbox> mailboxes) {
  KnownNames names;
  for (const auto& mailbox : mailboxes) names[mailbox.name].mailbox = &mailbox;
  for (const auto& mailbox : mailboxes) {
    const std::string_view name = mailbox.name;
    for (auto end = name.rfind(hierarchy_separator); end != std::string_view::npos && end > 0;
         end = name.rfind(hierarchy_separator, end - 1)) {
      auto& above = names[std::string(name.substr(0, end))];
      above.has_children = above.has_children || mailbox.exists;
      above.has_subscribed_below = above.has_subscribed_below || mailbox.subscribed;
      above.has_special_use_below = above.has_special_use_below || (mailbox.exists && !mailbox.special_use.empty());
    }
  }
  return names;
}

bool matches_any(std::string_view name, const std::vector<std::string>& patterns) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches_pattern(name, pattern); });
}

// RFC 5258 3.1: what the selection options let through on its own account.
bool is_selected(const ListCommand& command, const Known& known) {
  if (command.select_subscribed && !is_subscribed(known)) return false;
  if (command.select_special_use && !has_special_use(known)) return false;
  if (command.select_subscribed || command.select_special_use) return true;
  return exists(known);
}

// RFC 5258 3.5: RECURSIVEMATCH shows a name for what is below it too.
std::vector<std::string_view> child_info(const ListCommand& command, const Known& known) {
  std::vector<std::string_view> info;
  if (!command.select_recursive_match) return info;
  if (command.select_subscribed && known.has_subscribed_below) info.emplace_back("SUBSCRIBED");
  if (command.select_special_use && known.has_special_use_below) info.emplace_back("SPECIAL-USE");
  return info;
}

// Whether a pattern that ends in "%" hides what is below this level, so that the level itself must be shown
// (RFC 9051 6.3.9: "a % at the end … matching levels of hierarchy are also returned").
bool is_level_shown(const ListCommand& command, const Known& known) {
  const bool has_selection = command.select_subscribed || command.select_special_use;
  return !has_selection && known.has_children;
}

void add_attributes(const ListCommand& command, const Known& known, ListEntry& entry) {
  if (!exists(known)) {
    entry.attributes.emplace_back("\\NonExistent");
    entry.is_selectable = false;
  } else if (!known.mailbox->selectable) {
    entry.attributes.emplace_back("\\Noselect");
    entry.is_selectable = false;
  }
  if (command.return_subscribed && is_subscribed(known)) entry.attributes.emplace_back("\\Subscribed");
  // RFC 3348 and RFC 9051 7.3.1: children are known without cost, so they are told always, except where only
  // subscriptions were asked for (RFC 5258 3.2 leaves it to RETURN then).
  const bool tells_children = command.return_children || !(command.select_subscribed || command.select_special_use);
  if (tells_children) entry.attributes.emplace_back(known.has_children ? "\\HasChildren" : "\\HasNoChildren");
  // RFC 6154 2: special uses may be told on every LIST.
  if (has_special_use(known)) entry.special_use = known.mailbox->special_use;
}

std::vector<std::string> joined(const std::string& reference, const std::vector<std::string>& patterns) {
  std::vector<std::string> all;
  all.reserve(patterns.size());
  for (const auto& pattern : patterns) all.push_back(join_pattern(reference, pattern));
  return all;
}

}  // namespace

bool matches_pattern(std::string_view name, std::string_view pattern) {
  // RFC 9051 5.1: INBOX in any case, as a name and as the first level.
  const bool is_inbox = name.starts_with("INBOX") && (name.size() == 5 || name[5] == hierarchy_separator);
  const auto is_same = [&](std::size_t i, char c) {
    return name[i] == c || (is_inbox && i < 5 && name[i] == text::to_upper(c));
  };
  // reached[i]: the pattern so far can take the first i octets.
  std::vector<bool> reached(name.size() + 1, false);
  reached[0] = true;
  for (const char c : pattern) {
    if (c == '*' || c == '%') {
      for (std::size_t i = 0; i < name.size(); ++i) {
        if (reached[i] && (c == '*' || name[i] != hierarchy_separator)) reached[i + 1] = true;
      }
      continue;
    }
    for (std::size_t i = name.size(); i > 0; --i) reached[i] = reached[i - 1] && is_same(i - 1, c);
    reached[0] = false;
  }
  return reached[name.size()];
}

std::string join_pattern(std::string_view reference, std::string_view pattern) {
  if (pattern.starts_with(hierarchy_separator)) return std::string(pattern.substr(1));
  std::string joined(reference);
  // "Foo" and "Foo/" both mean the level Foo when the pattern says what is below it.
  joined += pattern;
  return joined;
}

std::vector<ListEntry> list_mailboxes(const ListCommand& command, std::span<const ListedMailbox> mailboxes) {
  const auto patterns = joined(command.reference, command.patterns);
  std::vector<ListEntry> entries;
  for (const auto& [name, known] : known_names(mailboxes)) {
    if (!matches_any(name, patterns)) continue;
    ListEntry entry;
    entry.name = name;
    entry.child_info = child_info(command, known);
    if (!is_selected(command, known) && entry.child_info.empty() && !is_level_shown(command, known)) continue;
    add_attributes(command, known, entry);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<ListEntry> list_subscribed(const LsubCommand& command, std::span<const ListedMailbox> mailboxes) {
  const auto pattern = join_pattern(command.reference, command.pattern);
  std::vector<ListEntry> entries;
  for (const auto& [name, known] : known_names(mailboxes)) {
    if (!matches_pattern(name, pattern)) continue;
    // RFC 3501 6.3.9: a level above a subscribed name that "%" stops at is shown with \Noselect.
    const bool is_level = known.has_subscribed_below && pattern.ends_with('%');
    if (!is_subscribed(known) && !is_level) continue;
    ListEntry entry;
    entry.name = name;
    entry.is_selectable = is_subscribed(known);
    if (!is_subscribed(known)) entry.attributes.emplace_back("\\Noselect");
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace posthorn::imap
