#include "platform/disk/page_sums.h"

#include <algorithm>
#include <cstring>

#include "platform/disk/crc32c.h"

namespace posthorn::disk {
namespace {

// https://www.sqlite.org/fileformat2.html 1.3: the page size stands at 16, two octets, the octets left free at each
// page's end at 20.
constexpr std::size_t header_octets = 100;
constexpr std::size_t page_size_at = 16;
constexpr std::size_t reserved_at = 20;

// Damaged pages kept for one look at a database: 40 MB.
constexpr std::size_t damaged_pages_max = 10'000;

// Codes of our own for xFileControl; those above 100 are an application's.
constexpr int note_damaged_code = 0x50485201;
constexpr int summed_code = 0x50485202;
constexpr int begin_summed_code = 0x50485203;

/// The database file, opened.
struct PagedFile {
  OverlayFile overlay;
  PageNotes* notes;
  bool summed;
};

PagedFile& paged_file(sqlite3_file* file) {
  return *reinterpret_cast<PagedFile*>(file);
}

void put_big_endian(std::uint32_t value, char* to) {
  for (int i = 0; i < page_sum_octets; ++i) to[i] = static_cast<char>(value >> (24 - 8 * i));
}

int check(PagedFile& file, std::uint32_t number, Octets page) {
  if (file.notes != nullptr) file.notes->read(number);
  if (page_sum(number, page) == stored_page_sum(page)) return SQLITE_OK;
  if (file.notes != nullptr) {
    file.notes->damaged(number, page);
    return SQLITE_OK;
  }
  return is_empty_page(page) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

int read_whole(sqlite3_file* file, char* to, sqlite3_int64 offset) {
  const int result = call_below<&sqlite3_io_methods::xRead>(file, to, page_octets, offset);
  if (result != SQLITE_OK) return result;
  return check(paged_file(file), static_cast<std::uint32_t>(offset / page_octets) + 1, Octets(to, page_octets));
}

int paged_read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  PagedFile& paged = paged_file(file);
  const bool page = offset % page_octets == 0 && count <= page_octets && count >= static_cast<int>(page_usable_octets);
  if (paged.summed && page) {
    // SQLite may be built to read overflow pages past its cache, without the octets that it leaves alone.
    std::array<char, page_octets> whole{};
    const int result = read_whole(file, whole.data(), offset);
    std::copy_n(whole.data(), count, static_cast<char*>(to));
    return result;
  }
  const int result = call_below<&sqlite3_io_methods::xRead>(file, to, count, offset);
  const bool header = result == SQLITE_OK && offset == 0 && count >= static_cast<int>(header_octets);
  if (header) paged.summed = says_page_sums(Octets(static_cast<const char*>(to), header_octets));
  return result;
}

int paged_write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  PagedFile& paged = paged_file(file);
  const auto* octets = static_cast<const char*>(from);
  if (offset == 0 && count >= static_cast<int>(header_octets))
    paged.summed = says_page_sums(Octets(octets, header_octets));
  const bool page = offset % page_octets == 0 && count == page_octets;
  if (!paged.summed || !page) return call_below<&sqlite3_io_methods::xWrite>(file, from, count, offset);
  std::array<char, page_octets> whole{};
  std::copy_n(octets, count, whole.data());
  set_page_sum(static_cast<std::uint32_t>(offset / page_octets) + 1, whole);
  return call_below<&sqlite3_io_methods::xWrite>(file, static_cast<const void*>(whole.data()), count, offset);
}

int paged_control(sqlite3_file* file, int code, void* argument) {
  PagedFile& paged = paged_file(file);
  switch (code) {
    case note_damaged_code:
      paged.notes = static_cast<PageNotes*>(argument);
      return SQLITE_OK;
    case summed_code:
      *static_cast<bool*>(argument) = paged.summed;
      return SQLITE_OK;
    case begin_summed_code: {
      // Pages of a new file may be written before the first one, which says that there is room.
      sqlite3_int64 size = 0;
      const int result = call_below<&sqlite3_io_methods::xFileSize>(file, &size);
      if (result == SQLITE_OK && size == 0) paged.summed = true;
      return result;
    }
    default:
      return call_below<&sqlite3_io_methods::xFileControl>(file, code, argument);
  }
}

const sqlite3_io_methods paged_methods = [] {
  sqlite3_io_methods methods = forwarding_methods(2);
  methods.xRead = paged_read;
  methods.xWrite = paged_write;
  methods.xFileControl = paged_control;
  return methods;
}();

PagedFile paged_over(sqlite3_file* opened) {
  return PagedFile{{{&paged_methods}, opened}, nullptr, false};
}

}  // namespace

bool is_empty_page(Octets page) {
  return page.find_first_not_of('\0') == Octets::npos;
}

bool says_page_sums(Octets beginning) {
  const auto octet = [beginning](std::size_t at) { return static_cast<unsigned char>(beginning.at(at)); };
  const int page_size = octet(page_size_at) << 8 | octet(page_size_at + 1);
  return page_size == page_octets && octet(reserved_at) == page_sum_octets;
}

std::uint32_t page_sum(std::uint32_t number, Octets page) {
  std::array<char, 4> place{};
  put_big_endian(number, place.data());
  return crc32c(page.substr(0, page_usable_octets), crc32c(Octets(place.data(), place.size())));
}

std::uint32_t stored_page_sum(Octets page) {
  std::uint32_t sum = 0;
  for (const char octet : page.substr(page_usable_octets, page_sum_octets))
    sum = sum << 8 | static_cast<unsigned char>(octet);
  return sum;
}

void set_page_sum(std::uint32_t number, std::span<char> page) {
  put_big_endian(page_sum(number, Octets(page.data(), page.size())), page.data() + page_usable_octets);
}

PageSumVfs::PageSumVfs(const char* below)
    : vfs_("pages", below, open_overlay<SQLITE_OPEN_MAIN_DB, PagedFile, paged_over>, sizeof(PagedFile)) {}

void PageNotes::read(std::uint32_t number) {
  if (number >= read_.size()) read_.resize(number + 1);
  read_[number] = true;
}

void PageNotes::damaged(std::uint32_t number, Octets page) {
  if (std::ranges::find(pages_, number, &DamagedPage::number) != pages_.end()) return;
  if (pages_.size() == damaged_pages_max) {
    more_ = true;
    return;
  }
  pages_.push_back({number, OctetString(page)});
}

void note_damaged_pages(sqlite3* connection, PageNotes* notes) {
  sqlite3_file_control(connection, "main", note_damaged_code, notes);
}

bool read_page(sqlite3* connection, std::uint32_t number, std::span<char> into) {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
  const auto offset = static_cast<sqlite3_int64>(number - 1) * page_octets;
  return file->pMethods->xRead(file, into.data(), static_cast<int>(into.size()), offset) == SQLITE_OK;
}

void leave_room_for_page_sums(sqlite3* connection) {
  int octets = page_sum_octets;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_RESERVE_BYTES, &octets);
  sqlite3_file_control(connection, "main", begin_summed_code, nullptr);
}

bool has_page_sums(sqlite3* connection) {
  bool summed = false;
  sqlite3_file_control(connection, "main", summed_code, &summed);
  return summed;
}

Result<void, FileError> change_pages(File& file,
                                     const std::function<PageChange(std::uint32_t, std::span<char>)>& change) {
  std::array<char, page_octets> page{};
  const Octets octets(page.data(), page.size());
  for (std::uint32_t number = 1;; ++number) {
    const std::uint64_t offset = std::uint64_t{number - 1} * page_octets;
    const auto count = file.read_at(offset, page);
    if (!count) return fail(count.error());
    if (*count < page.size()) break;
    const PageChange step = change(number, page);
    if (step == PageChange::stop) return {};
    if (step == PageChange::none) continue;
    if (auto written = file.write_at(offset, std::span(&octets, 1)); !written) return written;
  }
  return file.sync();
}

Result<void, FileError> renew_page_sums(File& file) {
  return change_pages(file, [](std::uint32_t number, std::span<char> page) {
    const Octets octets(page.data(), page.size());
    if (number == 1 && !says_page_sums(octets)) return PageChange::stop;
    if (page_sum(number, octets) == stored_page_sum(octets) || is_empty_page(octets)) return PageChange::none;
    set_page_sum(number, page);
    return PageChange::write;
  });
}

Result<void, FileError> keep_damage(File& file, const std::vector<DamagedPage>& pages) {
  for (const DamagedPage& page : pages) {
    const Octets octets = page.octets;
    auto written = file.write_at(std::uint64_t{page.number - 1} * page_octets, std::span(&octets, 1));
    if (!written) return written;
  }
  return file.sync();
}

}  // namespace posthorn::disk
