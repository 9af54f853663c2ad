#include "platform/disk/next_segment.h"

#include <cerrno>
#include <future>

#include <gtest/gtest.h>

#include "platform/disk/segments.h"
#include "platform/test_support/simulated_files.h"

namespace posthorn::disk {
namespace {

using testing::SimulatedFiles;

constexpr std::uint64_t file_octets = 5 * MiB;  // more than one part

class NextSegmentTest : public ::testing::Test {
 protected:
  NextSegmentTest() {
    for (const auto& folder : {layout_.dir, layout_.segments()}) static_cast<void>(files_.make_folder(folder));
    next_.start();
  }

  /// Waits until what was asked for is ready, or was given up.
  bool settle() {
    while (!next_.is_ready() && !next_.is_idle()) std::this_thread::yield();
    return next_.is_ready();
  }
  [[nodiscard]] std::size_t files_there() { return files_.list(layout_.segments()).size(); }

  SimulatedFiles files_;
  const Layout layout_{"/disk/store"};
  std::promise<int> failed_;
  NextSegment next_{
      files_, layout_, {file_octets, 1 * MiB}, [this](FileError error) { failed_.set_value(error.code); }};
};

TEST_F(NextSegmentTest, IsZerosOnStableStorageUnderADurableName) {
  EXPECT_TRUE(next_.is_idle());
  next_.ask(7);
  ASSERT_TRUE(settle());
  const auto after = files_.power_loss(1);
  const auto found = after->open(layout_.segment(7), OpenMode::read);
  ASSERT_TRUE(found) << "the name is not durable";
  OctetString octets(file_octets + 1, 'x');
  EXPECT_EQ((*found)->read_at(0, octets).value(), file_octets);
  octets.pop_back();
  EXPECT_EQ(octets.find_first_not_of('\0'), std::string::npos);

  const auto taken = next_.take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->id, 7u);
  EXPECT_EQ(taken->octets, file_octets);
  EXPECT_TRUE(next_.is_idle());
  EXPECT_FALSE(next_.take());
}

TEST_F(NextSegmentTest, WhatNobodyTookGoesAtTheEnd) {
  next_.ask(1);
  ASSERT_TRUE(settle());
  EXPECT_EQ(files_there(), 1u);
  next_.close();
  EXPECT_EQ(files_there(), 0u);
  EXPECT_FALSE(next_.is_idle());
  next_.ask(2);
  EXPECT_EQ(files_there(), 0u);
}

TEST_F(NextSegmentTest, AFullDiskGetsItBackAndMakesNone) {
  next_.ask(1);
  ASSERT_TRUE(settle());
  next_.give_back();
  EXPECT_EQ(files_there(), 0u);
  files_.set_capacity(1 * MiB + 2 * file_octets - 1);  // one less than the reserve and room for two
  next_.ask(2);
  EXPECT_FALSE(settle());
  EXPECT_EQ(files_there(), 0u);
}

TEST_F(NextSegmentTest, ADiskThatFillsMeanwhileIsNoError) {
  files_.fail_from(1, ENOSPC);
  next_.ask(1);
  EXPECT_FALSE(settle());
  EXPECT_EQ(files_there(), 0u);
}

TEST_F(NextSegmentTest, AnyOtherErrorIsTold) {
  for (const int failing : {0, 1, 2}) {
    SCOPED_TRACE(failing);
    failed_ = {};
    auto told = failed_.get_future();
    files_.fail_from(failing, EIO);
    next_.ask(1);
    EXPECT_EQ(told.get(), EIO);
    EXPECT_FALSE(settle());
    files_.fail_from(-1, 0);
  }
}

TEST_F(NextSegmentTest, SegmentsLeaveAFileWhosePreparedSpaceIsUsedUp) {
  constexpr std::uint64_t step = 64 * KiB;
  SegmentFiles segments(files_, layout_, 128 * MiB, step);
  segments.use(next_);
  const auto write = [&](std::size_t octets) {
    const OctetString record(octets, 'x');
    const SegmentPlace place = segments.add({MailId{1}, record.size(), 0, ""}, record);
    EXPECT_TRUE(segments.write_and_sync());
    return place;
  };
  const std::uint64_t first = write(1000).segment;
  write(step / 2);
  EXPECT_TRUE(next_.is_idle()) << "a little mail needs no file ahead";
  write(step);  // beyond what was prepared
  ASSERT_TRUE(settle()) << "more is coming: the next one is made ready";
  EXPECT_EQ(write(1000).segment, first) << "while there is room in the open one it is used";
  write(step);
  const std::uint64_t records = segments.open_octets();
  const SegmentPlace place = write(1000);
  EXPECT_NE(place.segment, first);
  EXPECT_EQ((*files_.open(layout_.segment(first), OpenMode::read))->size().value_or(0), records);
  EXPECT_EQ((*files_.open(layout_.segment(place.segment), OpenMode::read))->size().value_or(0), file_octets);
  EXPECT_TRUE(settle()) << "and the one after it";
}

}  // namespace
}  // namespace posthorn::disk
