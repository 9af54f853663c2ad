#include "platform/storage/row_codec.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/disk/crc32c.h"

namespace posthorn::storage {
namespace {

void put_number(OctetString& to, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) to += static_cast<char>((value >> shift) & 0xff);
}

std::uint64_t get_number(Octets from) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(from[i]);
  return value;
}

}  // namespace

OctetString encode_ranges(const std::vector<ContentRange>& ranges) {
  OctetString octets;
  octets.reserve(ranges.size() * 16);
  for (const ContentRange& range : ranges) {
    put_number(octets, range.offset);
    put_number(octets, range.length);
  }
  return octets;
}

std::vector<ContentRange> decode_ranges(Octets octets) {
  std::vector<ContentRange> ranges;
  ranges.reserve(octets.size() / 16);
  for (; octets.size() >= 16; octets.remove_prefix(16)) {
    ranges.push_back({get_number(octets), get_number(octets.substr(8))});
  }
  return ranges;
}

std::string join(const std::vector<std::string>& items, char separator) {
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty()) text += separator;
    text += item;
  }
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    items.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return items;
}

std::string encode_dkim_results(const std::vector<DmarcRow::Dkim>& results) {
  constexpr std::string_view no_selector = "-";
  std::string text;
  for (const DmarcRow::Dkim& dkim : results) {
    std::string selector(dkim.selector.empty() ? no_selector : dkim.selector);
    std::ranges::replace(selector, ' ', '?');
    text += fmt::format("{}{} {} {}", text.empty() ? "" : "\n", dkim.result, selector, dkim.domain);
  }
  return text;
}

std::vector<DmarcRow::Dkim> decode_dkim_results(std::string_view text) {
  std::vector<DmarcRow::Dkim> results;
  for (const std::string& line : split(text, '\n')) {
    const auto end_of_result = std::min(line.find(' '), line.size());
    const auto end_of_selector = std::min(line.find(' ', end_of_result + 1), line.size());
    if (end_of_selector == line.size()) continue;
    const std::string selector = line.substr(end_of_result + 1, end_of_selector - end_of_result - 1);
    results.push_back(
        {line.substr(end_of_selector + 1), selector == "-" ? "" : selector, line.substr(0, end_of_result)});
  }
  return results;
}

std::uint32_t octets_crc(const StoredOctets& octets) {
  OctetString numbers = encode_ranges(octets.ranges);
  put_number(numbers, octets.content.value);
  put_number(numbers, octets.size);
  return disk::crc32c(octets.header_block, disk::crc32c(numbers));
}

std::uint32_t queue_crc(const QueueRow& row) {
  return disk::crc32c(row.sender, octets_crc(row.octets));
}

std::uint32_t recipient_crc(const RecipientRow& row) {
  return disk::crc32c(row.address, disk::crc32c(row.domain));
}

std::int64_t story_key_hash(std::string_view key) {
  // FNV-1a, 64 bits, with a final mix: spread is all that is asked of it.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash ^= hash >> 32;
  return static_cast<std::int64_t>(hash * 0x9e3779b97f4a7c15ULL);
}

}  // namespace posthorn::storage
