// Verification, the octets of contents: in rows, segments and files.
#include "platform/disk/crc32c.h"
#include "platform/storage/rewrite.h"
#include "platform/storage/verification.h"

namespace posthorn::storage {
namespace {

constexpr std::size_t read_octets_at_once = 1 * MiB;

}  // namespace

void Verification::check_contents() {
  Statement rows =
      database_.prepare("SELECT refs, size, crc, place, segment, position, octets FROM contents WHERE id = ?");
  for (const auto& [id, content] : contents_) {
    try {
      check_content(MailId{id}, content, rows);
    } catch (const DatabaseError& error) {
      damage_content(DamageKind::database, MailId{id}, error.what());
    }
    rows.reset();
  }
}

void Verification::check_content(MailId id, const Content& content, Statement& rows) {
  if (!rows.with(id).step()) {
    damage_content(DamageKind::dangling_content, id, "named, but not there: content " + id.text());
    return;
  }
  ++report_.contents;
  const std::uint64_t size = rows.natural(1);
  const std::uint32_t crc = rows.small(2);
  report_.octets += size;
  if (rows.integer(0) != content.references) {
    add(DamageKind::reference_count,
        fmt::format("content {} is named {} times, its row says {}", id.text(), content.references, rows.integer(0)),
        id);
  }
  switch (rows.integer(3)) {
    case 0: {
      const Octets octets = rows.octets(6);
      if (octets.size() != size || disk::crc32c(octets) != crc) {
        damage_content(DamageKind::content_octets, id,
                       fmt::format("content {} in the database does not have its checksum", id.text()));
      }
      return;
    }
    case 1:
      return check_segment_octets(id, rows.natural(4), rows.natural(5), size, crc);
    case 2:
      return check_file_octets(id, size, crc);
    default:
      damage_content(DamageKind::content_missing, id, fmt::format("content {} has no place", id.text()));
  }
}

void Verification::check_segment_octets(MailId id, std::uint64_t segment, std::uint64_t position, std::uint64_t size,
                                        std::uint32_t crc) {
  const std::string name = segments_.layout().segment(segment).filename().string();
  const auto file = segments_.file(segment);
  if (!file) {
    return damage_content(DamageKind::content_missing, id,
                          fmt::format("{}: {}", name, std::strerror(file.error().code)));
  }
  OctetString octets(size, '\0');
  const auto count = (*file)->read_at(position, octets);
  if (!count || *count != size) {
    const char* why = count ? "the file ends before it" : std::strerror(count.error().code);
    return damage_content(DamageKind::content_missing, id,
                          fmt::format("{} at {}: content {}: {}", name, position, id.text(), why));
  }
  if (disk::crc32c(octets) != crc) {
    return damage_content(DamageKind::content_octets, id,
                          fmt::format("{} at {}: content {} does not have its checksum", name, position, id.text()));
  }
  const auto header = read_record_header_before(**file, position);
  const bool matches = header && header->header.id == id && header->header.length == size && header->header.crc == crc;
  if (!matches) {
    // The octets are whole: the row knows where they stand and what they are.
    damage_content(DamageKind::record_header, id,
                   fmt::format("{} before {}: the record's header is not that of content {}; its octets are whole",
                               name, position, id.text()));
  }
}

void Verification::check_file_octets(MailId id, std::uint64_t size, std::uint32_t crc) {
  ++report_.files;
  const auto path = segments_.layout().message(id);
  const std::string name = path.filename().string();
  const auto file = segments_.files().open(path, disk::OpenMode::read);
  if (!file) {
    return damage_content(DamageKind::content_missing, id,
                          fmt::format("{}: {}", name, std::strerror(file.error().code)));
  }
  OctetString part(read_octets_at_once, '\0');
  std::uint64_t done = 0;
  std::uint32_t found = 0;
  while (true) {
    const auto count = (*file)->read_at(done, part);
    if (!count) {
      return damage_content(DamageKind::content_missing, id,
                            fmt::format("{} at {}: {}", name, done, std::strerror(count.error().code)));
    }
    if (*count == 0) break;
    found = disk::crc32c(Octets(part).substr(0, *count), found);
    done += *count;
  }
  if (done < size) {
    damage_content(DamageKind::content_missing, id, fmt::format("{}: {} octets instead of {}", name, done, size));
  } else if (done != size || found != crc) {
    damage_content(DamageKind::content_octets, id, name + " does not have its checksum");
  }
}

void Verification::check_unnamed_contents() {
  scan("contents", "SELECT id, refs FROM contents", "id", [this](const Statement& row) {
    if (contents_.contains(row.natural(0))) return;
    const MailId id{row.natural(0)};
    add(DamageKind::reference_count,
        fmt::format("content {} is named by nothing, its row says {}", id.text(), row.integer(1)), id);
  });
}

void Verification::check_segment_totals() {
  scan(
      "segments",
      "SELECT id, octets, live, (SELECT coalesce(sum(size), 0) FROM contents c WHERE c.segment = s.id) FROM segments s",
      "id", [this](const Statement& row) {
        ++report_.segments;
        if (row.integer(2) == row.integer(3)) return;
        add(DamageKind::segment_total,
            fmt::format("segment {}: {} octets live, its row says {}", row.integer(0), row.integer(3), row.integer(2)));
      });
}

}  // namespace posthorn::storage
