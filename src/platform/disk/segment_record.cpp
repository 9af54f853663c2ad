#include "platform/disk/segment_record.h"

#include <charconv>

#include "foundation/base/time.h"

namespace posthorn::disk {
namespace {

constexpr std::string_view magic = "posthorn";
// magic, id, length, crc, arrival and five separators, before the envelope.
constexpr std::size_t fixed_octets_max = 8 + 13 + 20 + 8 + 24 + 6;
static_assert(fixed_octets_max + record_envelope_octets_max <= record_header_octets_max);

std::string printable(std::string_view envelope) {
  std::string text(envelope.substr(0, record_envelope_octets_max));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

/// Cuts the next word off a line.
std::string_view next_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
  return word;
}

template <class Number>
std::optional<Number> number(std::string_view word, int base) {
  Number value{};
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (word.empty() || error != std::errc{} || stop != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string format_record_header(const RecordHeader& header) {
  // base/id.h: the upper 44 bits of an id are milliseconds.
  const TimePoint arrival{std::chrono::milliseconds(header.id.value >> 20)};
  std::string line =
      fmt::format("{} {} {} {:08x} {}", magic, header.id.text(), header.length, header.crc, rfc3339(arrival, true));
  if (!header.envelope.empty()) line += " " + printable(header.envelope);
  line += '\n';
  return line;
}

std::optional<ParsedRecordHeader> parse_record_header(Octets octets) {
  octets = octets.substr(0, record_header_octets_max);
  const std::size_t end = octets.find('\n');
  if (end == Octets::npos) return std::nullopt;
  std::string_view line = octets.substr(0, end);
  if (next_word(line) != magic) return std::nullopt;
  const auto id = MailId::parse(next_word(line));
  const auto length = number<std::uint64_t>(next_word(line), 10);
  const std::string_view crc_text = next_word(line);
  const auto crc = number<std::uint32_t>(crc_text, 16);
  const std::string_view arrival = next_word(line);
  if (!id || !length || !crc || crc_text.size() != 8 || arrival.empty()) return std::nullopt;
  ParsedRecordHeader parsed;
  parsed.header = RecordHeader{*id, *length, *crc, std::string(line)};
  parsed.octets = end + 1;
  return parsed;
}

}  // namespace posthorn::disk
