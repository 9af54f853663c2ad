#include "standards/message/view.h"

#include "foundation/text/ascii.h"
#include "standards/address/header_parse.h"
#include "standards/message/encoded_word.h"

namespace posthorn::message {
namespace {

std::vector<FieldView> view_fields(const Header& header) {
  std::vector<FieldView> fields;
  for (const Field& field : header.fields())
    fields.push_back(
        {to_utf8(field.name, ""), to_utf8(text::trim(field.value), ""), decode_encoded_words(field.unfolded())});
  return fields;
}

PartView view_part(const PartTree& tree, std::size_t index, Octets message) {
  const Part& part = tree.parts[index];
  PartView view;
  view.path = tree.path(index);
  view.type = part.content_type.value;
  if (part.disposition) view.disposition = part.disposition->value;
  view.file_name = part.file_name();
  if (const auto charset = part.content_type.parameter("charset")) view.charset = std::string{*charset};
  view.encoding = text(part.encoding);
  if (part.parent) view.header = view_fields(part.header);
  view.offset = part.body_offset;
  view.length = part.body_length;
  view.decoded_length = decoded_length(body_of(part, message), part.encoding);
  if (part.is_text()) view.text = text_of(part, message);
  // Depth is bounded by mime_depth_max.
  for (const std::size_t child : part.children) view.parts.push_back(view_part(tree, child, message));
  return view;
}

/// Text without HTML tags, comments, style and script; the common entities decoded.
std::string strip_html(std::string_view html) {
  std::string out;
  while (!html.empty()) {
    if (html.front() == '<') {
      std::string_view closing = ">";
      if (html.starts_with("<!--")) closing = "-->";
      if (text::istarts_with(html, "<style")) closing = "</style>";
      if (text::istarts_with(html, "<script")) closing = "</script>";
      std::size_t end = 0;
      while (end < html.size() && !text::istarts_with(html.substr(end), closing)) ++end;
      html.remove_prefix(std::min(html.size(), end + closing.size()));
      out.push_back(' ');
      continue;
    }
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> entities{
        {{"&nbsp;", " "}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}}};
    const auto* entity =
        std::ranges::find_if(entities, [html](const auto& candidate) { return html.starts_with(candidate.first); });
    if (entity != entities.end()) {
      out += entity->second;
      html.remove_prefix(entity->first.size());
    } else {
      out.push_back(html.front());
      html.remove_prefix(1);
    }
  }
  return out;
}

/// Runs of white space and controls as one space, at most `characters` characters.
std::string folded(std::string_view utf8, std::size_t characters) {
  std::string out;
  std::size_t count = 0;
  bool space = false;
  for (const char c : utf8) {
    const bool continuation = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if ((c >= 0 && c <= ' ') || c == 0x7f) {
      space = !out.empty();
      continue;
    }
    if (!continuation) {
      if (count + (space ? 1 : 0) >= characters) break;
      if (std::exchange(space, false)) {
        out.push_back(' ');
        ++count;
      }
      ++count;
    }
    out.push_back(c);
  }
  return out;
}

}  // namespace

MessageView view_message(Octets message) {
  const PartTree tree = parse_mime(message);
  MessageView view;
  view.header = view_fields(tree.parts.front().header);
  view.parts.push_back(view_part(tree, 0, message));
  view.truncated = tree.truncated;
  return view;
}

std::optional<std::vector<MailboxView>> view_address_list(Octets field_body) {
  const auto list = address::parse_address_list(field_body);
  if (!list) return std::nullopt;
  std::vector<MailboxView> views;
  for (const address::HeaderMailbox& mailbox : list->mailboxes) {
    MailboxView view{decode_encoded_words(mailbox.display_name),
                     mailbox.mailbox.local_part.value(),
                     mailbox.mailbox.host_text(),
                     {}};
    if (mailbox.group) view.group = decode_encoded_words(list->groups[*mailbox.group]);
    views.push_back(std::move(view));
  }
  return views;
}

std::string preview(const PartTree& tree, Octets message, std::size_t characters) {
  // Text of an attached message is not this message's preview.
  constexpr std::size_t body_octets_read = 64 * KiB;
  for (const Part& part : tree.parts) {
    const bool attached = part.disposition && part.disposition->value == "attachment";
    const bool embedded = part.parent && tree.parts[*part.parent].is_message();
    if (!part.is_text() || attached || embedded) continue;
    const auto body = body_of(part, message).substr(0, body_octets_read);
    const auto charset = part.content_type.parameter("charset").value_or("us-ascii");
    const std::string words = to_utf8(decode_body(body, part.encoding), charset);
    std::string found = folded(part.subtype() == "html" ? strip_html(words) : words, characters);
    if (!found.empty()) return found;
  }
  return {};
}

std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out.push_back('\r');
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace posthorn::message
