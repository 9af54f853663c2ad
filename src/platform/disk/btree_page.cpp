#include "platform/disk/btree_page.h"

#include <algorithm>

namespace posthorn::disk {
namespace {

constexpr std::size_t file_header_octets = 100;
// Columns read of a row: more than any primary key has.
constexpr std::size_t columns_max = 6;

/// Section 1.6: the first octet of a page.
enum class PageKind : std::uint8_t { index_interior = 2, table_interior = 5, index_leaf = 10, table_leaf = 13 };

/// Reads from octets that may end anywhere.
class Cursor {
 public:
  Cursor(Octets octets, std::size_t at) : octets_(octets), at_(at) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool failed() const { return failed_; }

  std::uint64_t big_endian(std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | octet();
    return value;
  }
  /// Up to nine octets, seven bits each, the ninth whole.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) {
      const std::uint64_t next = octet();
      value = value << 7 | (next & 0x7f);
      if ((next & 0x80) == 0) return value;
    }
    return value << 8 | octet();
  }
  Octets take(std::size_t count) {
    if (count > octets_.size() - std::min(at_, octets_.size())) failed_ = true;
    if (failed_) return {};
    const Octets taken = octets_.substr(at_, count);
    at_ += count;
    return taken;
  }

 private:
  std::uint64_t octet() {
    const Octets one = take(1);
    return one.empty() ? 0 : static_cast<unsigned char>(one.front());
  }

  Octets octets_;
  std::size_t at_;
  bool failed_ = false;
};

/// Section 2.1: the octets of a value by its serial type.
std::size_t value_octets(std::uint64_t type) {
  constexpr std::array<std::size_t, 12> fixed{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
  return type < fixed.size() ? fixed.at(type) : static_cast<std::size_t>((type - 12) / 2);
}

std::variant<std::int64_t, std::string> read_value(Cursor& cursor, std::uint64_t type) {
  if (type == 8 || type == 9) return static_cast<std::int64_t>(type - 8);
  const std::size_t size = value_octets(type);
  if (type >= 1 && type <= 6) {
    const std::uint64_t value = cursor.big_endian(size);
    const std::size_t unused = 64 - 8 * size;
    return static_cast<std::int64_t>(value << unused) >> unused;  // the sign is the value's first bit
  }
  const Octets octets = cursor.take(size);
  const bool text = type >= 13 && type % 2 == 1;
  return text ? std::string(octets) : std::string();
}

void read_columns(Octets record, PageCell& cell) {
  Cursor types(record, 0);
  const std::uint64_t header = types.varint();
  Cursor values(record, static_cast<std::size_t>(std::min<std::uint64_t>(header, record.size())));
  while (!types.failed() && types.at() < header && cell.columns.size() < columns_max) {
    const std::uint64_t type = types.varint();
    auto value = read_value(values, type);
    if (types.failed() || values.failed()) return;
    cell.columns.push_back(std::move(value));
  }
}

/// Section 1.6: how much of a payload of this size stands on the page itself.
std::size_t local_octets(std::uint64_t payload, std::size_t usable, PageKind kind) {
  const std::size_t most = kind == PageKind::table_leaf ? usable - 35 : (usable - 12) * 64 / 255 - 23;
  if (payload <= most) return static_cast<std::size_t>(payload);
  const std::size_t least = (usable - 12) * 32 / 255 - 23;
  const std::size_t fitting = least + static_cast<std::size_t>((payload - least) % (usable - 4));
  return fitting <= most ? fitting : least;
}

std::optional<PageCell> read_cell(Octets page, std::size_t at, std::size_t usable, PageKind kind) {
  Cursor cursor(page, at);
  PageCell cell;
  cell.begin = at;
  if (kind == PageKind::index_interior) cursor.big_endian(4);  // the page below
  const std::uint64_t payload = cursor.varint();
  if (kind == PageKind::table_leaf) cell.rowid = static_cast<std::int64_t>(cursor.varint());
  const std::size_t local = local_octets(payload, usable, kind);
  const Octets record = cursor.take(local);
  if (local < payload) cell.overflow = static_cast<std::uint32_t>(cursor.big_endian(4));
  if (cursor.failed()) return std::nullopt;
  cell.end = cursor.at();
  read_columns(record, cell);
  return cell;
}

}  // namespace

std::vector<PageCell> page_cells(Octets page, std::uint32_t number, std::size_t usable) {
  constexpr std::size_t least_octets = 480;  // section 1.3.4
  if (usable < least_octets || page.size() < usable) return {};
  page = page.substr(0, usable);
  Cursor header(page, number == 1 ? file_header_octets : 0);
  const auto kind = static_cast<PageKind>(header.big_endian(1));
  if (kind != PageKind::table_leaf && kind != PageKind::index_leaf && kind != PageKind::index_interior) return {};
  header.big_endian(2);  // the first free block
  const std::uint64_t count = header.big_endian(2);
  header.big_endian(kind == PageKind::index_interior ? 7 : 3);
  std::vector<PageCell> cells;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t pointer = header.at();
    const auto at = static_cast<std::size_t>(header.big_endian(2));
    if (header.failed()) break;
    auto cell = read_cell(page, at, usable, kind);
    if (!cell) continue;
    cell->pointer = pointer;
    cells.push_back(std::move(*cell));
  }
  return cells;
}

}  // namespace posthorn::disk
