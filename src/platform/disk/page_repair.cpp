#include "platform/disk/page_repair.h"

#include "platform/disk/page_sums.h"

namespace posthorn::disk {
namespace {

/// What is to be done about a page; nullopt: nothing, or nothing that is known.
std::optional<RepairedPage> repair_of(std::uint32_t number, Octets page) {
  if (is_empty_page(page)) return std::nullopt;
  const auto changed = changed_octet(number, page);
  if (!changed) return std::nullopt;
  return RepairedPage{number, changed->at, changed->was, page[changed->at]};
}

}  // namespace

Result<std::vector<RepairedPage>, FileError> repair_pages(File& file) {
  std::vector<RepairedPage> repaired;
  const auto changed = change_pages(file, [&](std::uint32_t number, std::span<char> page) {
    const Octets octets(page.data(), page.size());
    const auto repair = repair_of(number, octets);
    if (repair) page[repair->at] = repair->was;
    // The octet that changed may be one of those that say so.
    if (number == 1 && !says_page_sums(octets)) return PageChange::stop;
    if (!repair) return PageChange::none;
    repaired.push_back(*repair);
    return PageChange::write;
  });
  if (!changed) return fail(changed.error());
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
