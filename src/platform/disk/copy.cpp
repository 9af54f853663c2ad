#include "platform/disk/copy.h"

namespace posthorn::disk {
namespace {

constexpr std::size_t copy_part_octets = 1 * MiB;

}  // namespace

Result<std::uint64_t, FileError> copy_file(FileLayer& files, const std::filesystem::path& from,
                                           const std::filesystem::path& to, std::uint64_t octets) {
  const auto source = files.open(from, OpenMode::read);
  if (!source) return fail(source.error());
  const auto target = files.open(to, OpenMode::create);
  if (!target) return fail(target.error());
  OctetString part;
  std::uint64_t done = 0;
  while (done < octets) {
    part.resize(std::min<std::uint64_t>(copy_part_octets, octets - done));
    const auto count = (*source)->read_at(done, part);
    if (!count) return fail(count.error());
    if (*count == 0) break;
    const Octets read = Octets(part).substr(0, *count);
    if (auto written = (*target)->write_at(done, std::span(&read, 1)); !written) return fail(written.error());
    done += *count;
  }
  if (auto synced = (*target)->sync(); !synced) return fail(synced.error());
  return done;
}

}  // namespace posthorn::disk
