#include "platform/disk/page_repair.h"

#include "platform/disk/page_sums.h"

namespace posthorn::disk {
namespace {

/// What is to be done about a page; nullopt: nothing, or nothing that is known.
std::optional<RepairedPage> repair_of(std::uint32_t number, Octets page) {
  if (page.find_first_not_of('\0') == Octets::npos) return std::nullopt;  // never written, or lost as a whole
  const auto changed = changed_octet(number, page);
  if (!changed) return std::nullopt;
  return RepairedPage{number, changed->at, changed->was, page[changed->at]};
}

}  // namespace

Result<std::vector<RepairedPage>, FileError> repair_pages(File& file) {
  std::vector<RepairedPage> repaired;
  std::array<char, page_octets> page{};
  const Octets octets(page.data(), page.size());
  for (std::uint32_t number = 1;; ++number) {
    const std::uint64_t offset = std::uint64_t{number - 1} * page_octets;
    const auto count = file.read_at(offset, page);
    if (!count) return fail(count.error());
    if (*count < page.size()) break;
    const auto repair = repair_of(number, octets);
    if (repair) page.at(repair->at) = repair->was;
    // The octet that changed may be one of those that say so.
    if (number == 1 && !says_page_sums(octets)) return repaired;
    if (!repair) continue;
    if (auto written = file.write_at(offset, std::span(&octets, 1)); !written) return fail(written.error());
    repaired.push_back(*repair);
  }
  if (repaired.empty()) return repaired;
  if (auto synced = file.sync(); !synced) return fail(synced.error());
  return repaired;
}

Result<bool, FileError> first_page_changed(File& file) {
  std::array<char, page_octets> page{};
  const auto count = file.read_at(0, page);
  if (!count) return fail(count.error());
  const Octets octets(page.data(), page.size());
  if (*count < page.size() || says_page_sums(octets)) return false;
  const auto repair = repair_of(1, octets);
  if (repair) page.at(repair->at) = repair->was;
  return says_page_sums(octets);
}

}  // namespace posthorn::disk
