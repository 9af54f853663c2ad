#include "standards/message/header.h"

#include <utility>

#include "foundation/text/ascii.h"

namespace posthorn::message {
namespace {

// Room for an ordinary header section at once.
constexpr std::size_t usual_octets = 1 * KiB;
constexpr std::size_t usual_fields = 16;

/// ftext (RFC 5322 3.6.8), and the raw 8-bit octets some senders put into names.
bool is_ftext(char c) {
  return c != ':' && (c > ' ' || text::is_non_ascii(c)) && c != 0x7f;
}

}  // namespace

struct Header::Data {
  std::string octets;
  std::vector<Field> fields;
  std::size_t body_offset = 0;
  bool missing_separator = false;
  bool overflowed = false;
};

bool same_field_name(std::string_view a, std::string_view b) {
  return text::iequals(a, b);
}

bool Field::is(std::string_view other_name) const {
  return same_field_name(name, other_name);
}

std::string Field::unfolded() const {
  return std::string{text::trim(unfold(value))};
}

std::string unfold(Octets value) {
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool crlf = value[i] == '\r' && i + 1 < value.size() && value[i + 1] == '\n';
    if (!crlf && value[i] != '\n') out.push_back(value[i]);
  }
  return out;
}

// ---- Header

Header Header::parse(Octets message) {
  HeaderReader reader;
  reader.push(message);
  reader.finish();
  return reader.take();
}

const std::vector<Field>& Header::fields() const {
  static const std::vector<Field> none;
  return data_ ? data_->fields : none;
}

std::optional<Field> Header::first(std::string_view name) const {
  for (const Field& field : fields())
    if (field.is(name)) return field;
  return std::nullopt;
}

std::vector<Field> Header::all(std::string_view name) const {
  std::vector<Field> found;
  for (const Field& field : fields())
    if (field.is(name)) found.push_back(field);
  return found;
}

std::size_t Header::count(std::string_view name) const {
  std::size_t found = 0;
  for (const Field& field : fields()) found += field.is(name) ? 1u : 0u;
  return found;
}

std::optional<std::string> Header::value(std::string_view name) const {
  const auto field = first(name);
  if (!field) return std::nullopt;
  return field->unfolded();
}

Octets Header::octets() const {
  return data_ ? Octets{data_->octets} : Octets{};
}
std::size_t Header::body_offset() const {
  return data_ ? data_->body_offset : 0;
}
bool Header::missing_separator() const {
  return data_ && data_->missing_separator;
}
bool Header::overflowed() const {
  return data_ && data_->overflowed;
}

// ---- HeaderReader

HeaderReader::HeaderReader(std::size_t octets_max, std::size_t fields_max)
    : octets_max_(octets_max), fields_max_(fields_max) {}

std::size_t HeaderReader::push(Octets octets) {
  std::size_t taken = 0;
  if (octets_.empty()) {
    octets_.reserve(std::min(octets.size(), usual_octets));
    spans_.reserve(usual_fields);
  }
  while (state_ == State::reading && taken < octets.size()) {
    const std::size_t line_end = octets.find('\n', taken);
    const std::size_t upto = line_end == Octets::npos ? octets.size() : line_end + 1;
    const std::size_t room = octets_max_ - octets_.size();
    if (upto - taken > room) {
      overflow(line_begin_ < octets_.size() ? octets_[line_begin_] : octets[taken]);
      return taken;
    }
    octets_.append(octets.substr(taken, upto - taken));
    taken = upto;
    if (line_end != Octets::npos) end_line(octets_.size());
  }
  return taken;
}

/// A whole line [line_begin_, line_end) is there.
void HeaderReader::end_line(std::size_t line_end) {
  const Octets line = Octets{octets_}.substr(line_begin_, line_end - line_begin_);
  const std::size_t begin = std::exchange(line_begin_, line_end);
  if (line == "\r\n" || line == "\n") {
    close_field(begin);
    section_end_ = begin;
    body_offset_ = line_end;
    state_ = State::complete;
    return;
  }
  if (text::is_wsp(line.front()) && field_open_) return;  // a fold
  close_field(begin);
  if (spans_.size() == fields_max_) {
    line_begin_ = begin;
    overflow(octets_[begin]);
    return;
  }
  if (open_field(begin, line_end)) return;
  // An mbox separator on top belongs to nothing.
  if (begin == 0 && (line.starts_with("From ") || line.starts_with(">From "))) return;
  section_end_ = body_offset_ = begin;
  missing_separator_ = true;
  state_ = State::complete;
}

bool HeaderReader::open_field(std::size_t line_begin, std::size_t line_end) {
  std::size_t at = line_begin;
  while (at < line_end && is_ftext(octets_[at])) ++at;
  const std::size_t name_length = at - line_begin;
  while (at < line_end && text::is_wsp(octets_[at])) ++at;  // RFC 5322 4.5.8
  if (name_length == 0 || name_length > field_name_octets_max || at == line_end || octets_[at] != ':') return false;
  spans_.push_back(Span{line_begin, line_end, name_length, at + 1});
  field_open_ = true;
  return true;
}

void HeaderReader::close_field(std::size_t end) {
  if (!std::exchange(field_open_, false)) return;
  spans_.back().end = end;
}

/// `next` begins the line that has no room; where it continues a field, that field is left out whole.
void HeaderReader::overflow(char next) {
  if (!text::is_wsp(next)) close_field(line_begin_);
  if (std::exchange(field_open_, false)) {
    line_begin_ = spans_.back().begin;
    spans_.pop_back();
  }
  section_end_ = body_offset_ = line_begin_;
  state_ = State::overflow;
}

void HeaderReader::finish() {
  if (state_ != State::reading) return;
  if (line_begin_ < octets_.size()) end_line(octets_.size());
  if (state_ != State::reading) return;
  close_field(octets_.size());
  section_end_ = body_offset_ = octets_.size();
  state_ = State::complete;
}

Header HeaderReader::take() {
  auto data = std::make_shared<Header::Data>();
  octets_.resize(section_end_);
  octets_.shrink_to_fit();
  data->octets = std::move(octets_);
  const Octets octets = data->octets;
  data->fields.reserve(spans_.size());
  for (const Span& span : spans_) {
    Octets value = octets.substr(span.value_begin, span.end - span.value_begin);
    if (value.ends_with('\n')) value.remove_suffix(1);
    if (value.ends_with('\r')) value.remove_suffix(1);
    data->fields.push_back(Field{octets.substr(span.begin, span.name_length),
                                 octets.substr(span.begin, span.end - span.begin), value, span.begin});
  }
  data->body_offset = body_offset_;
  data->missing_separator = missing_separator_;
  data->overflowed = state_ == State::overflow;
  Header header;
  header.data_ = std::move(data);
  return header;
}

}  // namespace posthorn::message
