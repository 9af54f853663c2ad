#include "platform/disk/log_vfs.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "platform/storage/database.h"
#include "platform/storage/schema.h"
#include "platform/test_support/simulated_files.h"
#include "platform/test_support/store_support.h"

namespace posthorn::disk {
namespace {

using testing::SimulatedFiles;

class LogWriteVfsTest : public ::testing::Test {
 protected:
  LogWriteVfsTest() {
    {
      const storage::Database made(path_, storage::DatabaseMode::create, files_.vfs_name());
      made.execute("PRAGMA journal_mode=WAL");
      made.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, octets BLOB)");
    }
    writer_ = storage::Database(path_, storage::DatabaseMode::read_write, vfs_.name());
    reader_ = storage::Database(path_, storage::DatabaseMode::read_write, files_.vfs_name());
    storage::configure_connection(writer_, true);
    storage::configure_connection(reader_, false);
  }

  void insert(int rows, int octets) {
    writer_.execute("BEGIN");
    for (int i = 0; i < rows; ++i)
      writer_.execute(fmt::format("INSERT INTO t (octets) VALUES (zeroblob({}))", octets).c_str());
    writer_.execute("COMMIT");
  }
  [[nodiscard]] std::int64_t seen_by_reader() const { return reader_.integer("SELECT count(*) FROM t"); }

  const std::string path_ = "/disk/test.db";
  SimulatedFiles files_;
  LogWriteVfs vfs_{files_.vfs_name()};
  storage::Database writer_;
  storage::Database reader_;
};

TEST_F(LogWriteVfsTest, ACommitIsOneWriteAndOneSync) {
  insert(1, 100);  // the log's own header is synced with the first
  const std::uint64_t before = files_.operations();
  insert(15, 3000);
  EXPECT_EQ(files_.operations() - before, 2u);
  EXPECT_EQ(seen_by_reader(), 16);
}

TEST(LogWriteVfsMachine, OverSqlitesOwnVfsAnyAmountIsWritten) {
  const storage::testing::TemporaryFolder folder;
  const LogWriteVfs vfs(nullptr);
  const storage::Database made(folder.path() / "test.db", storage::DatabaseMode::create, nullptr);
  made.execute("PRAGMA journal_mode=WAL");
  made.execute("CREATE TABLE t (octets BLOB)");
  const storage::Database writer(folder.path() / "test.db", storage::DatabaseMode::read_write, vfs.name());
  storage::configure_connection(writer, true);
  for (const int octets : {100, 120'000, 126'000, 131'072, 262'144, 1'048'576, 3'000'000}) {
    writer.execute(fmt::format("INSERT INTO t VALUES (zeroblob({}))", octets).c_str());
    EXPECT_EQ(made.integer("SELECT length(octets) FROM t ORDER BY rowid DESC LIMIT 1"), octets);
  }
  EXPECT_EQ(made.integer("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

TEST_F(LogWriteVfsTest, WhatExceedsTheBoundIsWrittenInParts) {
  insert(1000, 4000);  // about 4 MB of frames
  EXPECT_EQ(seen_by_reader(), 1000);
  EXPECT_EQ(reader_.integer("SELECT sum(length(octets)) FROM t"), 4'000'000);
}

TEST_F(LogWriteVfsTest, WhatIsCommittedSurvivesALossOfPower) {
  for (int i = 1; i <= 20; ++i) {
    insert(3, 2000);
    for (const std::uint64_t seed : {1, 2, 3, 4}) {
      const auto after = files_.power_loss(seed);
      const storage::Database found(path_, storage::DatabaseMode::read_write, after->vfs_name());
      EXPECT_EQ(found.integer("SELECT count(*) FROM t"), 3 * i);
    }
  }
}

TEST_F(LogWriteVfsTest, AFullDiskLeavesNothingBehindThatALaterCommitWouldWrite) {
  insert(1, 100);
  const std::uint64_t used = ~std::uint64_t{0} - *files_.free_octets("/disk");
  files_.set_capacity(used + 5000);
  try {
    insert(100, 3000);
    FAIL() << "a full disk took it";
  } catch (const storage::DatabaseError& error) {
    EXPECT_TRUE(error.no_space()) << error.what();
  }
  files_.set_capacity(~std::uint64_t{0});
  EXPECT_EQ(seen_by_reader(), 1);
  insert(2, 3000);
  EXPECT_EQ(seen_by_reader(), 3);
  const auto after = files_.power_loss(2);
  EXPECT_EQ(
      storage::Database(path_, storage::DatabaseMode::read_write, after->vfs_name()).integer("SELECT count(*) FROM t"),
      3);
}

TEST_F(LogWriteVfsTest, AFailedWriteOfTheLogFailsTheCommit) {
  insert(1, 100);
  files_.fail_from(0, EIO);
  EXPECT_THROW(insert(1, 100), storage::DatabaseError);
}

TEST_F(LogWriteVfsTest, ACheckpointSeesWhatWasCommitted) {
  insert(50, 3000);
  const storage::Database checkpointer(path_, storage::DatabaseMode::read_write, files_.vfs_name());
  EXPECT_EQ(checkpointer.integer("PRAGMA wal_checkpoint(PASSIVE)"), 0);
  insert(50, 3000);  // the log starts anew
  EXPECT_EQ(seen_by_reader(), 100);
  EXPECT_EQ(writer_.integer("SELECT count(*) FROM t"), 100);
}

}  // namespace
}  // namespace posthorn::disk
