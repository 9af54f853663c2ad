#include "standards/message/downgrade.h"

#include <algorithm>
#include <array>

#include "foundation/text/ascii.h"
#include "standards/address/header_parse.h"
#include "standards/message/encoded_word.h"
#include "standards/message/header.h"

namespace posthorn::message {
namespace {

// RFC 5322 2.1.1: lines should not be longer; folded at white space.
constexpr std::size_t line_octets_wanted = 76;

constexpr std::array<std::string_view, 3> unstructured_fields{"Subject", "Comments", "Content-Description"};
constexpr std::array<std::string_view, 12> address_fields{"From",      "Sender",    "Reply-To",    "To",
                                                          "Cc",        "Bcc",       "Resent-From", "Resent-Sender",
                                                          "Resent-To", "Resent-Cc", "Resent-Bcc",  "Resent-Reply-To"};
constexpr std::array<std::string_view, 2> parameter_fields{"Content-Type", "Content-Disposition"};

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
    if (line.size() + 1 + word.size() > line_octets_wanted && line.size() > 1) {
      out += line + "\r\n";
      line.clear();
    }
    line += ' ';
    line += word;
  }
  return out + line + "\r\n";
}

/// RFC 6857 3.1.8: Group-name SP encoded-word "(" [ FWS ] ":" … ";": nobody can be answered there by mistake.
std::string mailbox_text(const address::HeaderMailbox& entry) {
  const std::string name =
      entry.display_name.empty() ? "" : encode_words(entry.display_name, EncodedWordContext::phrase);
  if (entry.mailbox.needs_smtputf8()) {
    const std::string told = encode_words(entry.mailbox.utf8_text(), EncodedWordContext::phrase);
    return (name.empty() ? told : name + ' ' + told) + " :;";
  }
  return name.empty() ? entry.mailbox.text() : name + " <" + entry.mailbox.text() + '>';
}

std::string addresses(const Field& field) {
  const auto list = address::parse_address_list(unfold(field.value));
  if (!list) return folded("Downgraded-" + std::string(field.name), encoded(field.unfolded()));
  std::string value;
  for (const address::HeaderMailbox& entry : list->mailboxes)
    value += (value.empty() ? "" : ", ") + mailbox_text(entry);
  for (const std::string& group : list->groups) {
    const bool is_empty = std::ranges::none_of(
        list->mailboxes, [&](const auto& entry) { return entry.group && list->groups[*entry.group] == group; });
    if (is_empty) value += (value.empty() ? "" : ", ") + encode_words(group, EncodedWordContext::phrase) + ":;";
  }
  return folded(field.name, value);
}

std::string parameters(const Field& field) {
  const std::string value = field.unfolded();
  std::string out, run;
  const auto end_run = [&] {
    if (!run.empty()) out += encoded(std::exchange(run, {}));
  };
  for (const char c : value) {
    if (text::is_non_ascii(c)) {
      run += c;
    } else {
      end_run();
      out += c;
    }
  }
  end_run();
  return folded(field.name, out);
}

std::string downgraded_field(const Field& field) {
  if (!is_internationalized(field.raw)) return std::string(field.raw);
  if (!text::is_ascii(field.name)) return {};  // RFC 6532 3.2: names stay ASCII; such a line is no field of anybody's
  if (is_among(field, unstructured_fields)) return folded(field.name, encoded(field.unfolded()));
  if (is_among(field, address_fields)) return addresses(field);
  if (is_among(field, parameter_fields)) return parameters(field);
  return folded("Downgraded-" + std::string(field.name), encoded(field.unfolded()));
}

}  // namespace

std::size_t header_section_octets(Octets message) {
  if (message.starts_with("\r\n")) return 2;
  const std::size_t end = message.find("\r\n\r\n");
  return end == Octets::npos ? 0 : end + 4;
}

bool needs_downgrade(Octets header_section) {
  if (text::is_ascii(header_section)) return false;
  const Header header = Header::parse(header_section);
  // A line that is no field ends the section earlier for us than for others: then nothing is touched.
  if (header.overflowed() || header.missing_separator()) return false;
  return std::ranges::any_of(header.fields(), [](const Field& field) { return is_internationalized(field.raw); });
}

std::string downgraded_header(Octets header_section) {
  const Header header = Header::parse(header_section);
  std::string out;
  for (const Field& field : header.fields()) out += downgraded_field(field);
  return out + "\r\n";
}

}  // namespace posthorn::message
