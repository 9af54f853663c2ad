#include "platform/storage/page_damage.h"

#include <algorithm>
#include <map>
#include <set>

#include "platform/disk/changed_octet.h"

namespace posthorn::storage {
namespace {

// Rows that are named in the line itself.
constexpr std::size_t rows_told_max = 5;

/// A page in its b-tree, as https://www.sqlite.org/dbstat.html says it.
struct Place {
  std::string tree;  // a table's or an index's name
  std::string path;  // from the root; of an overflow page: its owner's, the cell's number, "+", its own number
  bool overflow = false;
};

class DamagedPages {
 public:
  DamagedPages(const Database& database, const disk::PageNotes& notes) : database_(database), notes_(notes) {}

  [[nodiscard]] std::vector<PageDamage> run() {
    find_places();
    find_owners();
    std::vector<PageDamage> damages;
    // Looking at them may note further ones: of the file's pages that the log has later states of.
    const std::size_t noted = notes_.pages().size();
    for (std::size_t i = 0; i < noted; ++i) {
      const disk::DamagedPage page = notes_.pages()[i];
      if (auto damage = one(page)) damages.push_back(std::move(*damage));
    }
    return damages;
  }

 private:
  void find_places() {
    std::set<std::uint32_t> numbers;
    for (const disk::DamagedPage& page : notes_.pages()) numbers.insert(page.number);
    Statement rows = database_.prepare("SELECT pageno, name, path, pagetype FROM dbstat");
    rows.with();
    while (rows.step()) {
      if (!numbers.contains(rows.small(0))) continue;
      places_[rows.small(0)] = {rows.text(1), rows.text(2), rows.text(3) == "overflow"};
    }
  }

  /// Of overflow pages: the page of the row that goes on there.
  void find_owners() {
    for (const auto& [number, place] : places_) {
      if (place.overflow) owners_[owner_path(place.path)] = 0;
    }
    if (owners_.empty()) return;
    Statement rows = database_.prepare("SELECT path, pageno FROM dbstat WHERE pagetype <> 'overflow'");
    rows.with();
    while (rows.step()) {
      if (const auto owner = owners_.find(rows.text(0)); owner != owners_.end()) owner->second = rows.small(1);
    }
  }

  /// "/1c2/000+000001" is an overflow page of a cell of page "/1c2/".
  static std::string owner_path(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

  [[nodiscard]] std::optional<PageDamage> one(const disk::DamagedPage& page) const {
    const auto place = places_.find(page.number);
    const bool empty = disk::is_empty_page(page.octets);
    if (place == places_.end()) {
      // The file grew past it, and it was never written.
      if (empty) return std::nullopt;
      return PageDamage{
          fmt::format("page {} of posthorn.db does not have its checksum; no row stands on it", page.number), {}, {}};
    }
    PageDamage damage;
    const std::string in = fmt::format("page {} of posthorn.db ({})", page.number, kind_of(place->second.tree, damage));
    const auto changed = empty ? std::nullopt : disk::changed_octet(page.number, page.octets);
    if (changed) {
      damage.what =
          fmt::format("{}: octet {} is 0x{:02x} and was 0x{:02x}", in, changed->at,
                      static_cast<unsigned char>(page.octets[changed->at]), static_cast<unsigned char>(changed->was));
    } else {
      damage.what = fmt::format("{} {}", in, empty ? "is empty" : "does not have its checksum");
    }
    damage.rows = place->second.overflow ? owner_row(place->second) : rows_of(page, changed);
    tell_rows(damage);
    return damage;
  }

  /// "table emails", "index emails_by_id"; an index has no rows of its own.
  [[nodiscard]] std::string kind_of(const std::string& tree, PageDamage& damage) const {
    Statement index = database_.prepare("SELECT tbl_name FROM sqlite_schema WHERE name = ? AND type = 'index'");
    if (index.with(tree).step()) return fmt::format("an index of table {}", index.text(0));
    damage.table = tree;
    return "table " + tree;
  }

  [[nodiscard]] static std::vector<disk::PageCell> rows_of(const disk::DamagedPage& page,
                                                           const std::optional<disk::ChangedOctet>& changed) {
    if (!changed) return disk::page_cells(page.octets, page.number, disk::page_usable_octets);
    OctetString before = page.octets;
    before[changed->at] = changed->was;
    std::vector<disk::PageCell> cells = disk::page_cells(before, page.number, disk::page_usable_octets);
    const auto touches = [at = changed->at](const disk::PageCell& cell) {
      return (at >= cell.begin && at < cell.end) || at == cell.pointer || at == cell.pointer + 1;
    };
    const bool in_header = !cells.empty() && changed->at < cells.front().pointer;
    if (!in_header) std::erase_if(cells, [&](const disk::PageCell& cell) { return !touches(cell); });
    return cells;
  }

  [[nodiscard]] std::vector<disk::PageCell> owner_row(const Place& place) const {
    const auto owner = owners_.find(owner_path(place.path));
    std::array<char, disk::page_octets> page{};
    if (owner == owners_.end() || owner->second == 0) return {};
    if (!disk::read_page(database_.handle(), owner->second, page)) return {};
    const Octets octets(page.data(), page.size());
    // In the log stands a later state of it: which of its rows is meant cannot be said from this one.
    if (disk::page_sum(owner->second, octets) != disk::stored_page_sum(octets)) return {};
    const std::vector<disk::PageCell> cells = disk::page_cells(octets, owner->second, disk::page_usable_octets);
    const std::size_t name = place.path.rfind('/') + 1;
    const std::size_t index = std::strtoul(place.path.c_str() + name, nullptr, 16);
    if (index >= cells.size() || cells[index].overflow == 0) return {};
    return {cells[index]};
  }

  /// By their primary keys.
  void tell_rows(PageDamage& damage) const {
    if (damage.table.empty()) return;
    if (damage.rows.empty()) {
      damage.what += "; no row is touched";
      return;
    }
    Statement keys = database_.prepare("SELECT count(*) FROM pragma_table_info(?) WHERE pk > 0");
    const auto key_columns = keys.with(damage.table).step() ? keys.natural(0) : 0;
    damage.what += damage.rows.size() == 1 ? ", in the row " : fmt::format(", one of {} rows: ", damage.rows.size());
    const std::size_t told = std::min(damage.rows.size(), rows_told_max);
    for (std::size_t i = 0; i < told; ++i) {
      damage.what += fmt::format("{}{}", i == 0 ? "" : ", ", name_of(damage.rows[i], key_columns));
    }
    if (told < damage.rows.size()) damage.what += ", …";
  }

  static std::string name_of(const disk::PageCell& row, std::size_t keys) {
    if (row.rowid) return std::to_string(*row.rowid);
    std::vector<std::string> parts;
    for (const auto& column : row.columns) {
      if (parts.size() == keys) break;
      const auto* number = std::get_if<std::int64_t>(&column);
      parts.push_back(number != nullptr ? std::to_string(*number) : std::get<std::string>(column));
    }
    return fmt::format("{}", fmt::join(parts, " "));
  }

  const Database& database_;
  const disk::PageNotes& notes_;
  std::map<std::uint32_t, Place> places_;
  std::map<std::string, std::uint32_t> owners_;  // path, page
};

}  // namespace

std::vector<PageDamage> place_damage(const Database& database, const disk::PageNotes& notes) {
  return DamagedPages(database, notes).run();
}

}  // namespace posthorn::storage
