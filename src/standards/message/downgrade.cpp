#include "standards/message/downgrade.h"

#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"
#include "standards/address/domain.h"
#include "standards/address/header_parse.h"
#include "standards/message/encoded_word.h"
#include "standards/message/header.h"
#include "standards/message/write.h"

namespace posthorn::message {
namespace {

constexpr std::array<std::string_view, 12> address_fields{"From",      "Sender",    "Reply-To",    "To",
                                                          "Cc",        "Bcc",       "Resent-From", "Resent-Sender",
                                                          "Resent-To", "Resent-Cc", "Resent-Bcc",  "Resent-Reply-To"};
constexpr std::array<std::string_view, 2> parameter_fields{"Content-Type", "Content-Disposition"};
constexpr std::array<std::string_view, 8> commented_fields{"Date",
                                                           "Resent-Date",
                                                           "MIME-Version",
                                                           "Content-ID",
                                                           "Content-Transfer-Encoding",
                                                           "Content-Language",
                                                           "Accept-Language",
                                                           "Auto-Submitted"};
// RFC 6857 3.1.10: the names that it registers, and the fourth kind of message id.
constexpr std::array<std::string_view, 6> encapsulated_fields{"Message-ID", "Resent-Message-ID",  "In-Reply-To",
                                                              "References", "Original-Recipient", "Final-Recipient"};

bool is_among(const Field& field, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return field.is(name); });
}

bool is_internationalized(Octets octets) {
  return !text::is_ascii(octets) && text::is_utf8(octets);
}

std::string encoded(std::string_view text) {
  return encode_words(text, EncodedWordContext::unstructured);
}

/// "Name: value" folded at spaces.
std::string folded(std::string_view name, std::string_view value) {
  std::string line = std::string(name) + ':';
  std::string out;
  for (const auto word : text::words(value)) {
    if (line.size() + 1 + word.size() > line_octets_preferred && line.size() > 1) {
      out += line + "\r\n";
      line.clear();
    }
    line += ' ';
    line += word;
  }
  return out + line + "\r\n";
}

// ---------------------------------------------------------------- addresses

using Mailboxes = std::span<const address::HeaderMailbox>;

bool needs_utf8(const address::HeaderMailbox& entry) {
  return entry.mailbox.needs_smtputf8();
}

/// RFC 6857 3.1.8: Group-name SP encoded-word " :;": nobody can be answered there by mistake.
std::string mailbox_text(const address::HeaderMailbox& entry) {
  const std::string name =
      entry.display_name.empty() ? "" : encode_words(entry.display_name, EncodedWordContext::phrase);
  if (needs_utf8(entry)) {
    const std::string told = encode_words(entry.mailbox.utf8_text(), EncodedWordContext::phrase);
    return (name.empty() ? told : name + ' ' + told) + " :;";
  }
  return name.empty() ? entry.mailbox.text() : name + " <" + entry.mailbox.text() + '>';
}

std::string utf8_list(Mailboxes members) {
  std::string list;
  for (const address::HeaderMailbox& member : members) {
    list += list.empty() ? "" : ", ";
    list += member.display_name.empty() ? member.mailbox.utf8_text()
                                        : member.display_name + " <" + member.mailbox.utf8_text() + '>';
  }
  return list;
}

/// RFC 6857 3.1.7. A group cannot stand within a group, so one address that cannot be written takes the others along.
std::string group_text(std::string_view name, Mailboxes members) {
  std::string out = encode_words(name, EncodedWordContext::phrase);
  if (std::ranges::any_of(members, needs_utf8))
    return out + ' ' + encode_words(utf8_list(members), EncodedWordContext::phrase) + " :;";
  out += ':';
  for (const address::HeaderMailbox& member : members)
    out += (&member == members.data() ? " " : ", ") + mailbox_text(member);
  return out + ';';
}

std::string addresses(const Field& field) {
  const auto list = address::parse_address_list(unfold(field.value));
  if (!list) return folded(field.name, encoded(field.unfolded()));
  std::vector<std::string> entries;
  std::vector<bool> written(list->groups.size(), false);
  const Mailboxes all(list->mailboxes);
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i + 1;
    if (const auto group = all[i].group) {
      while (end < all.size() && all[end].group == group) ++end;
      entries.push_back(group_text(list->groups[*group], all.subspan(i, end - i)));
      written[*group] = true;
    } else {
      entries.push_back(mailbox_text(all[i]));
    }
    i = end;
  }
  for (std::size_t group = 0; group < written.size(); ++group)
    if (!written[group]) entries.push_back(group_text(list->groups[group], {}));
  return folded(field.name, fmt::format("{}", fmt::join(entries, ", ")));
}

// ---------------------------------------------------------------- other structured fields

/// RFC 6857 3.1.4.
std::string parameters(const Field& field) {
  const ParameterizedValue parsed = parse_parameterized(field.value);
  if (!text::is_ascii(parsed.value) || parsed.value.empty()) return folded(field.name, encoded(field.unfolded()));
  std::string value = parsed.value;
  for (const Parameter& parameter : parsed.parameters)
    if (text::is_ascii(parameter.name)) value += "; " + write_parameter(parameter.name, parameter.value);
  return folded(field.name, value);
}

std::string keywords(const Field& field) {
  const std::string value = field.unfolded();
  std::string out;
  for (std::string_view rest = value; !rest.empty();) {
    const std::string_view phrase = text::trim(text::take_until(rest, ','));
    out += (out.empty() ? "" : ", ") + encode_words(phrase, EncodedWordContext::phrase);
  }
  return folded(field.name, out);
}

/// Words with non-ASCII in them as encoded-words, neighbours as one; what marks a comment stays outside (RFC 2047 5
/// (2)).
std::string words_encoded(std::string_view value) {
  constexpr std::string_view marks = "()\"<>;", spaces = " \t", ends = "()\"<>; \t";
  std::string out, run, gap;  // run: words to be encoded; gap: the white space behind what was read
  const auto end_run = [&] {
    if (!run.empty()) out += encoded(std::exchange(run, {}));
    out += std::exchange(gap, {});
  };
  while (!value.empty()) {
    const bool is_space = spaces.contains(value.front()), is_mark = marks.contains(value.front());
    const std::size_t length = is_space || is_mark ? 1 : std::min(value.find_first_of(ends), value.size());
    const std::string_view token = value.substr(0, length);
    value.remove_prefix(length);
    if (is_space) {
      gap += token;
    } else if (text::is_ascii(token)) {
      end_run();
      out += token;
    } else {
      if (run.empty()) end_run();
      run += std::exchange(gap, {});
      run += token;
    }
  }
  end_run();
  return out;
}

/// A domain with U-labels in the form that everybody can read.
std::string ascii_domain(std::string_view word) {
  if (text::is_ascii(word)) return std::string(word);
  const auto domain = address::Domain::parse(word);
  return domain ? domain->a_label() : std::string(word);
}

std::string received(const Field& field) {
  const std::string value = field.unfolded();
  std::string out;
  const auto words = text::words(value);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool can_go = text::iequals(words[i], "for") || text::iequals(words[i], "id");
    if (can_go && i + 1 < words.size() && !text::is_ascii(words[i + 1])) {
      // The date's semicolon may be written to the clause's last word.
      if (words[++i].ends_with(';')) out += ';';
      continue;
    }
    out += (out.empty() ? "" : " ") + ascii_domain(words[i]);
  }
  return folded(field.name, words_encoded(out));
}

}  // namespace

std::string downgraded_field(const Field& field) {
  if (!is_internationalized(field.raw)) return std::string(field.raw);
  if (!text::is_ascii(field.name)) return {};  // RFC 6532 3.2: names stay ASCII; such a line is no field of anybody's
  if (is_among(field, address_fields)) return addresses(field);
  if (is_among(field, parameter_fields)) return parameters(field);
  if (is_among(field, commented_fields)) return folded(field.name, words_encoded(field.unfolded()));
  if (is_among(field, encapsulated_fields))
    return folded("Downgraded-" + std::string(field.name), encoded(field.unfolded()));
  if (field.is("Keywords")) return keywords(field);
  if (field.is("Received")) return received(field);
  return folded(field.name, encoded(field.unfolded()));
}

std::vector<Replacement> downgrade(const PartTree& tree) {
  std::vector<Replacement> replacements;
  for (const Part& part : tree.parts) {
    const Header& header = part.header;
    const Octets section = header.octets();
    // A line that is no field ends the section earlier for us than for others: then nothing is touched.
    if (text::is_ascii(section) || header.overflowed() || header.missing_separator()) continue;
    if (std::ranges::none_of(header.fields(), [](const Field& field) { return is_internationalized(field.raw); }))
      continue;
    const std::size_t first = header.fields().front().offset;  // behind an mbox line on top
    Replacement replacement{part.header_offset + first, section.size() - first, {}};
    for (const Field& field : header.fields()) replacement.ascii += downgraded_field(field);
    replacements.push_back(std::move(replacement));
  }
  return replacements;
}

std::uint64_t downgraded_octets(std::uint64_t octets, const std::vector<Replacement>& replacements) {
  for (const Replacement& replacement : replacements) octets = octets - replacement.length + replacement.ascii.size();
  return octets;
}

OctetString Downgrader::push(Octets octets) {
  OctetString out;
  while (!octets.empty()) {
    if (next_ == replacements_.size()) {
      out += octets;
      break;
    }
    const Replacement& replacement = replacements_[next_];
    const std::uint64_t end = replacement.offset + replacement.length;
    const bool before = position_ < replacement.offset;
    const auto length = std::min<std::uint64_t>(octets.size(), (before ? replacement.offset : end) - position_);
    if (before) {
      out += octets.substr(0, length);
    } else if (position_ == replacement.offset) {
      out += replacement.ascii;
    }
    position_ += length;
    octets.remove_prefix(length);
    if (position_ == end) ++next_;
  }
  return out;
}

}  // namespace posthorn::message
