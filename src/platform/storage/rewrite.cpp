#include "platform/storage/rewrite.h"

#include "platform/disk/crc32c.h"

namespace posthorn::storage {
namespace {

// What is gathered before it is written.
constexpr std::size_t write_octets = 4 * MiB;

Problem problem(std::uint64_t segment, std::string why) {
  return Problem{ProblemKind::unavailable, fmt::format("cannot rewrite segment {}", segment), std::move(why),
                 "run `posthorn store verify`"};
}

/// A file that grows by gathered pieces.
class Writer {
 public:
  explicit Writer(disk::File& file) : file_(file) {}

  [[nodiscard]] std::uint64_t end() const { return written_ + held_.size(); }
  [[nodiscard]] Result<void, disk::FileError> append(Octets octets) {
    held_.append(octets);
    return held_.size() < write_octets ? Result<void, disk::FileError>{} : flush();
  }
  [[nodiscard]] Result<void, disk::FileError> flush() {
    const Octets part = held_;
    auto written = file_.write_at(written_, std::span(&part, 1));
    written_ += held_.size();
    held_.clear();
    return written;
  }

 private:
  disk::File& file_;
  std::uint64_t written_ = 0;
  OctetString held_;
};

struct LiveRecord {
  MailId id;
  std::uint64_t position = 0;
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
};

std::vector<LiveRecord> live_records(const Database& database, std::uint64_t segment) {
  std::vector<LiveRecord> records;
  Statement rows = database.prepare("SELECT id, position, size, crc FROM contents WHERE segment = ? ORDER BY position");
  rows.with(segment);
  while (rows.step()) records.push_back({MailId{rows.natural(0)}, rows.natural(1), rows.natural(2), rows.small(3)});
  return records;
}

/// Header and octets of one record; empty text of the error means a damage.
Result<OctetString, disk::FileError> read_whole(disk::File& file, const LiveRecord& record) {
  const auto header = read_record_header_before(file, record.position);
  OctetString octets(record.size, '\0');
  const auto count = file.read_at(record.position, octets);
  if (!count) return fail(count.error());
  const bool whole = header && header->header.id == record.id && *count == record.size;
  if (!whole || disk::crc32c(octets) != record.crc) return fail(disk::FileError{EILSEQ});
  return disk::format_record_header(header->header) + octets + "\n";
}

}  // namespace

std::optional<disk::ParsedRecordHeader> read_record_header_before(disk::File& file, std::uint64_t position) {
  const std::uint64_t length = std::min<std::uint64_t>(position, disk::record_header_octets_max);
  std::string window(length, '\0');
  const auto count = file.read_at(position - length, window);
  if (!count || *count != length || window.empty() || window.back() != '\n') return std::nullopt;
  // The header has no LF inside: it begins behind the one before it.
  const std::size_t before = window.size() < 2 ? std::string::npos : window.rfind('\n', window.size() - 2);
  return disk::parse_record_header(Octets(window).substr(before == std::string::npos ? 0 : before + 1));
}

Result<RewrittenSegment, Problem> rewrite_segment(disk::SegmentFiles& segments, const Database& database,
                                                  std::uint64_t from) {
  RewrittenSegment to;
  const auto source = segments.file(from);
  if (!source) return fail(problem(from, std::strerror(source.error().code)));
  to.id = segments.take_id();
  const auto path = segments.layout().segment(to.id);
  auto target = segments.files().open(path, disk::OpenMode::create);
  if (!target) return fail(problem(from, std::strerror(target.error().code)));
  Writer writer(**target);
  Result<void, disk::FileError> written;
  for (const LiveRecord& record : live_records(database, from)) {
    auto octets = read_whole(**source, record);
    if (octets) {
      to.records.push_back({record.id, writer.end() + octets->size() - 1 - record.size, record.size});
      written = writer.append(*octets);
    } else {
      written = fail(octets.error());
    }
    if (!written) break;
  }
  if (written) written = writer.flush();
  if (written) written = (*target)->sync();
  if (written) written = segments.files().sync_folder(segments.layout().segments());
  if (!written) {
    static_cast<void>(segments.files().remove(path));
    const int code = written.error().code;
    return fail(problem(from, code == EILSEQ ? "a record is damaged" : std::strerror(code)));
  }
  to.octets = writer.end();
  return to;
}

void move_records(const Database& database, std::uint64_t from, const RewrittenSegment& to) {
  Statement move = database.prepare("UPDATE contents SET segment = ?, position = ? WHERE id = ? AND segment = ?");
  std::uint64_t live = 0;
  for (const MovedRecord& record : to.records) {
    if (move.with(to.id, record.position, record.content, from).run() != 0) live += record.size;
  }
  database.prepare("INSERT INTO segments (id, octets, live) VALUES (?, ?, ?)").with(to.id, to.octets, live).run();
  database.prepare("DELETE FROM segments WHERE id = ?").with(from).run();
}

}  // namespace posthorn::storage
