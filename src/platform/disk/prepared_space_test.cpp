#include "platform/disk/prepared_space.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "platform/disk/segments.h"
#include "platform/test_support/simulated_files.h"

namespace posthorn::disk {
namespace {

using testing::SimulatedFiles;

constexpr std::uint64_t step = 8 * KiB;

struct Disk {
  Disk() {
    static_cast<void>(files.make_folder("/disk"));
    file = std::move(*files.open("/disk/file", OpenMode::create));
  }
  [[nodiscard]] std::uint64_t size() const { return file->size().value_or(0); }

  SimulatedFiles files;
  std::unique_ptr<File> file;
};

TEST(PreparedSpace, ReachesAStepBehindTheEnd) {
  const Disk disk;
  PreparedSpace space(step);
  EXPECT_FALSE(space.reaches(1));
  ASSERT_TRUE(space.extend(*disk.file, 100));
  EXPECT_TRUE(space.reaches(100 + step));
  EXPECT_FALSE(space.reaches(101 + step));
  EXPECT_EQ(disk.size(), 100 + step);
}

TEST(PreparedSpace, AStepMayTakeManyWrites) {
  const Disk disk;
  PreparedSpace space(step, 3 * KiB);
  ASSERT_TRUE(space.extend(*disk.file, 100));
  EXPECT_TRUE(space.reaches(100 + step));
  EXPECT_EQ(disk.size(), 100 + step);
}

TEST(PreparedSpace, ADiskTooFullForTheStepKeepsWhatItHas) {
  Disk disk;
  const Octets octets = "what counts";
  ASSERT_TRUE(disk.file->write_at(0, std::span(&octets, 1)));
  disk.files.set_capacity(step / 2);
  PreparedSpace space(step);
  EXPECT_TRUE(space.extend(*disk.file, octets.size()));
  EXPECT_FALSE(space.reaches(octets.size() + 1));
  EXPECT_EQ(disk.size(), octets.size());
}

TEST(PreparedSpace, AnyOtherErrorIsOne) {
  Disk disk;
  disk.files.fail_from(0, EIO);
  PreparedSpace space(step);
  const auto extended = space.extend(*disk.file, 0);
  ASSERT_FALSE(extended);
  EXPECT_EQ(extended.error().code, EIO);
}

TEST(PreparedSpace, ASegmentIsCutToItsRecordsWhenTheNextOneBegins) {
  SimulatedFiles files;
  const Layout layout{"/disk/store"};
  for (const auto& folder : {layout.dir, layout.segments()}) ASSERT_TRUE(files.make_folder(folder));
  SegmentFiles segments(files, layout, 1, step);  // every group fills its segment
  const auto size_of = [&](std::uint64_t id) {
    return (*files.open(layout.segment(id), OpenMode::read))->size().value_or(0);
  };
  const auto write = [&](const OctetString& octets) {
    static_cast<void>(segments.add({MailId{1}, octets.size(), 0, ""}, octets));
    ASSERT_TRUE(segments.write_and_sync());
  };
  write(OctetString(1000, 'x'));
  const std::uint64_t first = segments.open_segment();
  const std::uint64_t records = segments.open_octets();
  EXPECT_EQ(size_of(first), records + step);
  write(OctetString(1000, 'y'));
  EXPECT_NE(segments.open_segment(), first);
  EXPECT_EQ(size_of(first), records);
}

}  // namespace
}  // namespace posthorn::disk
