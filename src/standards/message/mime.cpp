#include "standards/message/mime.h"

#include <algorithm>

#include <fmt/format.h>

#include "foundation/text/ascii.h"

namespace posthorn::message {
namespace {

constexpr std::size_t boundary_honoured_max = 998;
constexpr std::size_t line_prefix_max = boundary_honoured_max + 32;  // enough to know a boundary line

bool is_message_type(std::string_view type) {
  return type == "message/rfc822" || type == "message/global" || type == "message/news";
}

/// RFC 2045 5.2 and RFC 2046 5.1.5: the type where the field is absent or cannot be understood.
ParameterizedValue default_type(bool in_digest) {
  if (in_digest) return {"message/rfc822", {}};
  return {"text/plain", {{"charset", "us-ascii"}}};
}

bool is_identity(TransferEncoding encoding) {
  return encoding != TransferEncoding::base64 && encoding != TransferEncoding::quoted_printable;
}

}  // namespace

bool Part::is_message() const {
  return is_message_type(content_type.value) && !children.empty();
}

std::string_view Part::type() const {
  const std::string_view value = content_type.value;
  return value.substr(0, value.find('/'));
}

std::string_view Part::subtype() const {
  const std::string_view value = content_type.value;
  return value.substr(value.find('/') + 1);
}

std::optional<std::string> Part::file_name() const {
  if (disposition)
    if (const auto name = disposition->parameter("filename")) return std::string{*name};
  if (const auto name = content_type.parameter("name")) return std::string{*name};
  return std::nullopt;
}

std::string PartTree::path(std::size_t index) const {
  const Part& part = parts.at(index);
  if (!part.parent) return part.is_multipart() ? "" : "1";
  const Part& parent = parts[*part.parent];
  if (parent.is_multipart()) {
    const auto place = std::ranges::find(parent.children, index) - parent.children.begin() + 1;
    const std::string above = path(*part.parent);
    return above.empty() ? fmt::format("{}", place) : fmt::format("{}.{}", above, place);
  }
  // The message inside a message/rfc822 part: its own text is ".1" unless it is a multipart.
  const std::string above = path(*part.parent);
  return part.is_multipart() ? above : above + ".1";
}

std::optional<std::size_t> PartTree::at_path(std::string_view path) const {
  if (parts.empty()) return std::nullopt;
  std::size_t at = 0;
  if (path.empty()) return at;
  bool at_message = true;  // at the start of a message, whose body is addressed as "1" when it is one part
  for (const std::string_view word : text::split(path, '.')) {
    const auto number = text::parse_number(word);
    if (!number || *number == 0) return std::nullopt;
    if (!at_message && parts[at].is_message()) {
      at = parts[at].children.front();
      at_message = true;
    }
    if (parts[at].is_multipart()) {
      if (*number > parts[at].children.size()) return std::nullopt;
      at = parts[at].children[static_cast<std::size_t>(*number) - 1];
    } else if (*number != 1 || !at_message) {
      return std::nullopt;
    }
    at_message = false;
  }
  return at;
}

Octets body_of(const Part& part, Octets message) {
  if (part.body_offset > message.size()) return {};
  return message.substr(static_cast<std::size_t>(part.body_offset), static_cast<std::size_t>(part.body_length));
}

std::string text_of(const Part& part, Octets message) {
  return to_utf8(decode_body(body_of(part, message), part.encoding),
                 part.content_type.parameter("charset").value_or("us-ascii"));
}

// ---- MimeParser

struct MimeParser::State {
  /// A multipart whose close-delimiter has not been seen.
  struct Open {
    std::size_t part;
    std::string boundary;
  };
  enum class Delimiter : unsigned char { none, next, close };

  PartTree tree;
  std::vector<std::uint64_t> lines_before_body;  ///< a part
  std::vector<Open> open;
  std::size_t current = 0;             ///< the part whose header or body is being read
  std::optional<HeaderReader> reader;  ///< while in its header
  std::size_t header_octets_left = mime_header_octets_total_max;

  std::uint64_t line_offset = 0;  ///< where the present line begins
  std::uint64_t lines = 0;        ///< line ends before it
  std::size_t last_line_end = 0;  ///< octets of the line end before it
  std::string carried;            ///< its beginning, when it came in pieces
  std::uint64_t carried_length = 0;

  State() { begin_part(std::nullopt, 0); }

  void push(Octets octets);
  void finish();

 private:
  void line(Octets text, std::uint64_t length);
  void header_line(Octets text);
  void end_header();
  void begin_part(std::optional<std::size_t> parent, std::uint64_t offset);
  void begin_child(std::size_t parent, std::uint64_t offset);
  void open_content();
  void end_parts_below(std::optional<std::size_t> ancestor, std::uint64_t end, std::uint64_t lines_at_end);
  bool boundary_line(Octets text, std::uint64_t length);
  Delimiter match(Octets text, const std::string& boundary) const;
};

void MimeParser::State::push(Octets octets) {
  while (!octets.empty()) {
    const auto newline = octets.find('\n');
    const Octets piece = octets.substr(0, newline == Octets::npos ? octets.size() : newline + 1);
    octets.remove_prefix(piece.size());
    if (newline != Octets::npos && carried_length == 0) {
      line(piece, piece.size());
      continue;
    }
    const std::size_t room = (reader ? header_octets_max + 2 : line_prefix_max);
    if (carried.size() < room) carried += piece.substr(0, room - carried.size());
    carried_length += piece.size();
    if (newline == Octets::npos) return;
    const std::string whole = std::exchange(carried, {});
    line(whole, std::exchange(carried_length, 0));
  }
}

/// One line with its line end; of a long one, its beginning.
void MimeParser::State::line(Octets text, std::uint64_t length) {
  const bool was_boundary = text.starts_with("--") && boundary_line(text, length);
  if (!was_boundary && reader) header_line(text);
  const bool ended = length == text.size() ? text.ends_with('\n') : true;
  last_line_end = !ended ? 0u : text.ends_with("\r\n") ? 2u : 1u;
  line_offset += length;
  lines += ended ? 1u : 0u;
}

void MimeParser::State::header_line(Octets text) {
  while (reader) {
    reader->push(text);
    if (reader->state() == HeaderReader::State::reading) return;
    const std::size_t part = current;
    end_header();
    // Without an empty line this line is body already; in a message/rfc822 it begins the embedded header.
    if (!tree.parts[part].header.missing_separator()) return;
  }
}

void MimeParser::State::end_header() {
  reader->finish();
  Part& part = tree.parts[current];
  part.header = reader->take();
  reader.reset();
  part.body_offset = part.header_offset + part.header.body_offset();
  header_octets_left -= std::min(header_octets_left, part.header.octets().size());
  tree.truncated = tree.truncated || part.header.overflowed();
  const bool separator_seen = !part.header.missing_separator() && !part.header.overflowed();
  lines_before_body[current] = lines + (separator_seen ? 1u : 0u);

  const bool in_digest = part.parent && tree.parts[*part.parent].content_type.value == "multipart/digest";
  const auto type = part.header.first("Content-Type");
  part.content_type = type ? parse_parameterized(type->value) : ParameterizedValue{};
  const auto slash = part.content_type.value.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == part.content_type.value.size())
    part.content_type = default_type(in_digest);
  if (const auto encoding = part.header.first("Content-Transfer-Encoding"))
    part.encoding = parse_transfer_encoding(encoding->value);
  if (const auto disposition = part.header.first("Content-Disposition"))
    part.disposition = parse_parameterized(disposition->value);
  open_content();
}

/// A multipart gets its boundary watched, a message/rfc822 its embedded message.
void MimeParser::State::open_content() {
  Part& part = tree.parts[current];
  if (part.is_multipart()) {
    const auto boundary = part.content_type.parameter("boundary");
    part.unterminated = true;
    if (!boundary || boundary->empty() || boundary->size() > boundary_honoured_max) return;
    if (part.depth >= mime_depth_max) {
      tree.truncated = true;
      return;
    }
    open.push_back({current, std::string{*boundary}});
  } else if (is_message_type(part.content_type.value) && is_identity(part.encoding) && !part.header.overflowed()) {
    // RFC 2046 5.2.1: no encoding but 7bit, 8bit, binary is permitted; encoded ones stay closed.
    begin_child(current, part.body_offset);
  }
}

void MimeParser::State::begin_part(std::optional<std::size_t> parent, std::uint64_t offset) {
  Part part;
  part.header_offset = part.body_offset = offset;
  part.parent = parent;
  part.content_type = default_type(false);
  const std::size_t index = tree.parts.size();
  if (parent) {
    part.depth = tree.parts[*parent].depth + 1;
    tree.parts[*parent].children.push_back(index);
  }
  tree.parts.push_back(std::move(part));
  lines_before_body.push_back(lines);
  current = index;
  reader.emplace(std::min(header_octets_max, header_octets_left));
}

void MimeParser::State::begin_child(std::size_t parent, std::uint64_t offset) {
  current = parent;
  const bool fits =
      tree.parts.size() < mime_parts_max && tree.parts[parent].depth < mime_depth_max && header_octets_left > 0;
  if (fits) {
    begin_part(parent, offset);
  } else {
    tree.truncated = true;
  }
}

/// Ends the current part and those around it, up to `ancestor` (not included).
void MimeParser::State::end_parts_below(std::optional<std::size_t> ancestor, std::uint64_t end,
                                        std::uint64_t lines_at_end) {
  while (reader) end_header();
  for (std::optional<std::size_t> at = current; at && at != ancestor; at = tree.parts[*at].parent) {
    Part& part = tree.parts[*at];
    part.body_length = end > part.body_offset ? end - part.body_offset : 0;
    part.body_lines = part.body_length > 0 ? lines_at_end - std::min(lines_at_end, lines_before_body[*at]) : 0;
  }
}

MimeParser::State::Delimiter MimeParser::State::match(Octets text, const std::string& boundary) const {
  text.remove_prefix(2);
  if (!text.starts_with(boundary)) return Delimiter::none;
  text = text::trim_lines(text.substr(boundary.size()));  // transport-padding (RFC 2046 5.1.1)
  if (text.empty()) return Delimiter::next;
  return text == "--" ? Delimiter::close : Delimiter::none;
}

/// RFC 2046 5.1.2: a delimiter of any enclosing multipart ends the parts inside.
bool MimeParser::State::boundary_line(Octets text, std::uint64_t length) {
  for (std::size_t level = open.size(); level-- > 0;) {
    const Delimiter delimiter = match(text, open[level].boundary);
    if (delimiter == Delimiter::none) continue;
    const std::size_t multipart = open[level].part;
    const std::uint64_t end = line_offset - last_line_end;
    end_parts_below(multipart, end, lines - (last_line_end > 0 ? 1u : 0u));
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(level) + 1, open.end());
    current = multipart;
    if (delimiter == Delimiter::close) {
      tree.parts[multipart].unterminated = false;
      open.pop_back();
      return true;
    }
    const std::uint64_t newline = text.ends_with('\n') ? 1 : 0;
    lines += newline;  // the child's lines are counted from the line after
    begin_child(multipart, line_offset + length);
    lines -= newline;
    return true;
  }
  return false;
}

void MimeParser::State::finish() {
  if (carried_length > 0) {
    const std::string rest = std::exchange(carried, {});
    const std::uint64_t length = std::exchange(carried_length, 0);
    const bool was_boundary = rest.starts_with("--") && boundary_line(rest, length);
    if (!was_boundary && reader) header_line(rest);
    line_offset += length;
  }
  end_parts_below(std::nullopt, line_offset, lines);
}

MimeParser::MimeParser() : state_(std::make_unique<State>()) {}
MimeParser::~MimeParser() = default;
MimeParser::MimeParser(MimeParser&&) noexcept = default;
MimeParser& MimeParser::operator=(MimeParser&&) noexcept = default;

void MimeParser::push(Octets octets) {
  state_->push(octets);
}

PartTree MimeParser::finish() {
  state_->finish();
  return std::move(state_->tree);
}

PartTree parse_mime(Octets message) {
  MimeParser parser;
  parser.push(message);
  return parser.finish();
}

}  // namespace posthorn::message
