// A full disk, a failing disk, backup, restore and older versions, on a simulated disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/storage/migrate.h"
#include "platform/storage/open.h"
#include "platform/storage/schema.h"
#include "platform/test_support/simulated_store.h"

namespace posthorn::storage::testing {
namespace {

using StoreFault = StoreOnSimulatedDisk;

TEST_F(StoreFault, AFullDiskRefusesWhatAddsAndLetsTheQueueDrain) {
  StoreOptions o = options();
  o.reserve_octets = 2 * MiB;
  auto store = open(o);
  const Place place = make_account(*store, "bob@beta.example");
  MailId queued;
  ASSERT_TRUE(commit(*store, submission(ids_, {"a@x.example"}, 1000, &queued)));
  ASSERT_TRUE(commit(*store, delivery(ids_, place, 1000)));
  const std::uint64_t used = ~std::uint64_t{0} - *disk_.free_octets("/disk");
  disk_.set_capacity(used + 1 * MiB);  // less than the reserve is left

  for (const std::size_t size : {std::size_t{1000}, std::size_t{10'000}}) {
    const auto refused = commit(*store, delivery(ids_, place, size));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().error, CommitError::no_space);
  }
  const auto intake = store->intake(ids_.mail());
  const auto streamed = wait(intake->append(OctetString(100'000, 'x')));
  ASSERT_FALSE(streamed);
  EXPECT_EQ(streamed.error().kind, ProblemKind::unavailable);

  Unit done;
  done.mutations = {RemoveRecipient{queued, 0}, AppendStory{{queued, from_unix_seconds(1), "[]"}}};
  EXPECT_TRUE(commit(*store, done)) << "the queue drains from the reserve";
  Unit expunge;
  expunge.mutations = {ExpungeEmail{place.account, place.inbox, 1}};
  EXPECT_TRUE(commit(*store, expunge)) << "deletions too";

  disk_.set_capacity(~std::uint64_t{0});
  const auto again = commit(*store, delivery(ids_, place, 1000));
  ASSERT_TRUE(again) << "service resumes by itself";
  EXPECT_EQ(again->placed.at(0).uid, 2u);
  expect_clean(store->verify());
}

TEST_F(StoreFault, ADiskThatFillsUpInTheMiddleOfAGroupHarmsNothing) {
  // No reserve: the disk is really full at some write of a segment, of the log, of a checkpoint.
  for (std::uint64_t room = 0; room < 120'000; room += 3'001) {
    disk::testing::SimulatedFiles disk;
    StoreOptions o = options();
    o.files = &disk;
    auto store = open(o);
    Diary diary;
    Load load(*store, ids_, room, [&diary](const std::string& line) { diary.push_back(line); });
    ASSERT_TRUE(load.begin("bob@beta.example"));
    for (int i = 0; i < 5; ++i) load.step();
    disk.set_capacity(~std::uint64_t{0} - *disk.free_octets("/disk") + room);
    for (int i = 0; i < 15; ++i) load.step();
    disk.set_capacity(~std::uint64_t{0});
    for (int i = 0; i < 5; ++i) load.step();
    for (const std::string& wrong : check_against(diary, *store)) ADD_FAILURE() << "room " << room << ": " << wrong;
    store.reset();
    store = open(o);
    for (const std::string& wrong : check_against(diary, *store)) ADD_FAILURE() << "reopened: " << wrong;
    if (HasFailure()) return;
  }
}

using StoreFaultDeathTest = StoreFault;

TEST_F(StoreFaultDeathTest, AFailedWriteOrSyncEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const std::int64_t n : {0, 1}) {
    EXPECT_DEATH(
        {
          auto store = open();
          const Place place = make_account(*store, "bob@beta.example");
          disk_.fail_from(n, EIO);
          static_cast<void>(commit(*store, delivery(ids_, place, 10'000)));
        },
        "the process ends and a restart recovers what was acknowledged");
  }
}

TEST_F(StoreFault, TheLockNamesItsHolder) {
  const TemporaryFolder folder;
  StoreOptions o = options_for_faults(folder.path() / "store");
  const auto first = open(o);
  const auto second = Store::open(o);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ProblemKind::unavailable);
  EXPECT_NE(second.error().why.find(fmt::format("(pid {})", ::getpid())), std::string::npos) << second.error().text();
}

TEST_F(StoreFault, AStoreThatIsNotThereIsNotMade) {
  StoreOptions o = options();
  o.create = false;
  const auto opened = Store::open(o);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ProblemKind::no);
}

// ---------------------------------------------------------------- backup, restore, reclaim, versions

TEST_F(StoreFault, ABackupUnderLoadRestores) {
  auto store = open();
  Diary diary;
  Load load(*store, ids_, 5, [&diary](const std::string& line) { diary.push_back(line); });
  ASSERT_TRUE(load.begin("bob@beta.example"));
  for (int i = 0; i < 60; ++i) load.step();
  const Diary before = diary;
  std::atomic<bool> stop{false};
  std::thread more([&] {
    while (!stop) load.step();
  });
  const auto backup = store->backup("/backup/one");
  stop = true;
  more.join();
  ASSERT_TRUE(backup) << backup.error().text();
  EXPECT_GT(backup->linked_files, 0u);
  EXPECT_FALSE(store->backup("/backup/one")) << "a folder that is not empty";
  store.reset();

  const auto restored = restore("/backup/one", options("/disk/restored"));
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_EQ(restored->mailboxes, 1u);
  EXPECT_GT(restored->held_recipients, 0u);
  store = open(options("/disk/restored"));
  expect_clean(store->verify());
  // What was acknowledged before it began is in it, as far as the load has not asked for its end since.
  Diary expected = before;
  for (const std::string& line : diary) {
    if (line[0] == 'x' || line[0] == 'r') expected.push_back(line);
  }
  std::erase_if(expected, [&](const std::string& line) { return line[0] == 'X' || line[0] == 'R'; });
  for (const std::string& wrong : check_against(expected, *store)) {
    // Uids given after the backup are free again under the new UIDVALIDITY.
    ADD_FAILURE() << wrong;
  }
  EXPECT_TRUE(ask(*store, [](Reader& r) { return r.destinations(); }).empty()) << "the queue is on hold";
  const auto old = open();
  const auto validity = [](Store& s) {
    return ask(s, [](Reader& r) { return r.mailboxes(AccountId{1}).at(0).uid_validity; });
  };
  EXPECT_GT(validity(*store), validity(*old));
}

TEST_F(StoreFault, ADamagedBackupIsRefused) {
  auto store = open();
  const Place place = make_account(*store, "bob@beta.example");
  ASSERT_TRUE(commit(*store, delivery(ids_, place, 10'000)));
  ASSERT_TRUE(store->backup("/backup/two"));
  store->close();
  disk_.edit("/backup/two/segments/0000000001.segment", [](std::string& octets) { octets[5'000] ^= 1; });
  EXPECT_FALSE(restore("/backup/two", options("/disk/restored")));
  EXPECT_FALSE(disk_.exists("/disk/restored/posthorn.db"));
  const auto accepted = restore("/backup/two", options("/disk/restored"), true);
  ASSERT_TRUE(accepted) << accepted.error().text();
  EXPECT_EQ(accepted->verified.damages.size(), 1u);
}

TEST_F(StoreFault, SegmentsLessThanHalfLiveAreRewritten) {
  StoreOptions o = options();
  o.next_segment_octets = 0;  // files are counted here
  auto store = open(o);
  const Place place = make_account(*store, "bob@beta.example");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(commit(*store, delivery(ids_, place, 20'000)));
  ASSERT_EQ(disk_.list("/disk/store/segments").size(), 5u);
  for (Uid uid = 1; uid <= 16; ++uid) {
    if (uid % 4 == 1) continue;  // one of each segment's four stays
    Unit unit;
    unit.mutations = {ExpungeEmail{place.account, place.inbox, uid}};
    ASSERT_TRUE(commit(*store, unit));
  }
  const auto given_back = store->reclaim();
  ASSERT_TRUE(given_back) << given_back.error().text();
  EXPECT_GT(*given_back, 200'000u);
  expect_clean(store->verify());
  const auto rows = ask(*store, [place](Reader& r) { return r.emails(place.account, place.inbox, 1, 100); });
  ASSERT_EQ(rows.size(), 8u);
  for (const EmailRow& row : rows) {
    const OctetString octets = ask(*store, [&row](Reader& r) {
      OctetString text;
      EXPECT_TRUE(r.read_octets(row.octets, 0, row.octets.size, text));
      return text;
    });
    EXPECT_EQ(octets, row.octets.header_block + message(row.octets.content, 20'000));
  }
  store.reset();
  store = open();
  EXPECT_EQ(disk_.list("/disk/store/segments").size(), 5u) << "the old ones are gone";
  expect_clean(store->verify());
}

TEST_F(StoreFault, WhatNoRowNamesIsSweptAtStart) {
  open()->close();
  ASSERT_TRUE(disk_.open("/disk/store/segments/0000000077.segment", disk::OpenMode::create));
  ASSERT_TRUE(disk_.open("/disk/store/messages/" + ids_.mail().text() + ".message", disk::OpenMode::create));
  open()->close();
  EXPECT_TRUE(disk_.list("/disk/store/segments").empty());
  EXPECT_TRUE(disk_.list("/disk/store/messages").empty());
}

TEST_F(StoreFault, AStoreThatLostItsDatabaseIsNotBegunAnew) {
  {
    auto store = open();
    const Place place = make_account(*store, "bob@beta.example");
    ASSERT_TRUE(commit(*store, delivery(ids_, place, 100'000)));
    store->close();
  }
  const std::size_t segments = disk_.list("/disk/store/segments").size();
  ASSERT_GT(segments, 0u);
  for (const char* const log : {"/disk/store/posthorn.db-wal", "/disk/store/posthorn.db-shm"})
    if (disk_.exists(log)) ASSERT_TRUE(disk_.remove(log));
  ASSERT_TRUE((*disk_.open("/disk/store/posthorn.db", disk::OpenMode::read_write))->truncate(0));
  const auto emptied = Store::open(options());
  ASSERT_FALSE(emptied) << "what would be swept is somebody's mail";
  EXPECT_NE(emptied.error().why.find("empty"), std::string::npos) << emptied.error().text();
  EXPECT_NE(emptied.error().remedy.find("restore"), std::string::npos) << emptied.error().text();
  StoreOptions present = options();
  present.create = false;
  EXPECT_FALSE(verify_folder(present)->clean());
  EXPECT_FALSE(migrate(present));

  ASSERT_TRUE(disk_.remove("/disk/store/posthorn.db"));
  const auto gone = Store::open(options());
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().why.find("gone"), std::string::npos) << gone.error().text();
  EXPECT_EQ(disk_.list("/disk/store/segments").size(), segments) << "nothing was swept";
}

TEST_F(StoreFault, AStoreOfAnotherVersionIsNotOpened) {
  open()->close();
  StoreOptions o = options();
  o.create = false;
  const auto same = migrate(o);
  ASSERT_TRUE(same) << same.error().text();
  EXPECT_EQ(same->from, schema_version);
  EXPECT_EQ(same->to, schema_version);
  {
    const Database database("/disk/store/posthorn.db", DatabaseMode::read_write, disk_.vfs_name());
    database.execute("PRAGMA user_version=999");
  }
  const auto newer = Store::open(o);
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().why.find("newer"), std::string::npos) << newer.error().text();
  EXPECT_FALSE(migrate(o));
}

/// A database as the program made it before pages had checksums.
void make_store_of_form_4(const std::filesystem::path& dir, disk::FileLayer& files, int rows) {
  const Database database(dir / "posthorn.db", DatabaseMode::create, files.vfs_name());
  for (int version = 0; version < 4; ++version) run_schema_step(database, version);
  database.execute(fmt::format("PRAGMA application_id={}; PRAGMA user_version=4", application_id).c_str());
  database.execute("PRAGMA journal_mode=WAL");
  Statement insert = database.prepare("INSERT INTO settings VALUES (?, hex(zeroblob(?)))");
  database.execute("BEGIN");
  for (int i = 0; i < rows; ++i) insert.with(fmt::format("setting-{:05}", i), 100 + i).run();
  database.execute("COMMIT");
  database.execute("PRAGMA wal_checkpoint");
  insert.with("in-the-log", 3).run();
}

void expect_migrated(const StoreOptions& o, int rows) {
  const auto older = Store::open(o);
  ASSERT_FALSE(older);
  EXPECT_NE(older.error().remedy.find("store migrate"), std::string::npos) << older.error().text();
  const auto migrated = migrate(o);
  ASSERT_TRUE(migrated) << migrated.error().text();
  EXPECT_EQ(migrated->from, 4);
  const auto store = Store::open(o);
  ASSERT_TRUE(store) << store.error().text();
  const auto report = (*store)->verify();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->clean()) << report->damages[0].what;
  const auto value = [&](const std::string& key) {
    return ask(**store, [key](Reader& r) { return r.setting(key); }).size();
  };
  EXPECT_EQ(value("setting-00000"), 200u);
  EXPECT_EQ(value(fmt::format("setting-{:05}", rows - 1)), 2 * (100u + static_cast<std::size_t>(rows) - 1));
  EXPECT_EQ(value("in-the-log"), 6u);
}

TEST_F(StoreFault, AnOlderStoreIsGivenPagesWithChecksums) {
  StoreOptions o = options();
  ASSERT_TRUE(disk_.make_folder(o.dir));
  make_store_of_form_4(o.dir, disk_, 300);
  o.create = false;
  expect_migrated(o, 300);
}

TEST_F(StoreFault, AMigrationThatLosesPowerIsTakenUpAgain) {
  StoreOptions o = options();
  ASSERT_TRUE(disk_.make_folder(o.dir));
  ASSERT_TRUE(disk_.make_folder(o.dir / "segments") && disk_.make_folder(o.dir / "messages"));
  ASSERT_TRUE(disk_.sync_folder("/disk") && disk_.sync_folder(o.dir));
  make_store_of_form_4(o.dir, disk_, 60);
  ASSERT_TRUE(disk_.sync_folder(o.dir));
  o.create = false;
  std::vector<std::unique_ptr<disk::testing::SimulatedFiles>> found;
  disk_.on_sync([&] { found.push_back(disk_.power_loss(found.size())); });
  ASSERT_TRUE(migrate(o));
  disk_.on_sync({});
  ASSERT_GT(found.size(), 4u);
  for (std::size_t cut = 0; cut < found.size(); ++cut) {
    o.files = found[cut].get();
    const auto again = migrate(o);
    ASSERT_TRUE(again) << "cut " << cut << ": " << again.error().text();
    const auto store = Store::open(o);
    ASSERT_TRUE(store) << "cut " << cut << ": " << store.error().text();
    EXPECT_TRUE((*store)->verify()->clean()) << "cut " << cut;
    EXPECT_EQ(ask(**store, [](Reader& r) { return r.setting("setting-00059"); }).size(), 318u);
  }
}

TEST(StoreFiles, AnOlderStoreOnTheMachineIsGivenPagesWithChecksums) {
  const TemporaryFolder folder;
  StoreOptions o;
  o.dir = folder.path() / "store";
  std::filesystem::create_directories(o.dir / "segments");
  std::filesystem::create_directories(o.dir / "messages");
  make_store_of_form_4(o.dir, disk::machine_files(), 2'000);
  expect_migrated(o, 2'000);
}

TEST(StoreFiles, WhatAnOlderVersionLeftOpenToOthersIsClosed) {
  const TemporaryFolder folder;
  StoreOptions o;
  o.dir = folder.path() / "store";
  o.create = true;
  ASSERT_TRUE(Store::open(o));
  const auto file = disk::Layout{o.dir}.database();
  using std::filesystem::perms;
  std::filesystem::permissions(file, perms::owner_read | perms::owner_write | perms::group_read | perms::others_read);
  ASSERT_TRUE(Store::open(o));
  EXPECT_EQ(std::filesystem::status(file).permissions(), perms::owner_read | perms::owner_write);
}

TEST(StoreSchema, EveryReleasedVersionMigratesToTheSameTables) {
  // The text of every version that was released stands in schema.cpp as the step that made it: migrating from each
  // must end where a new store begins.
  disk::testing::SimulatedFiles disk;
  const auto tables = [&](const std::string& path, int from) {
    const Database database(path, DatabaseMode::create, disk.vfs_name());
    for (int version = 0; version < from; ++version) run_schema_step(database, version);
    migrate_schema(database, from);
    std::string text;
    Statement rows = database.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name");
    rows.with();
    while (rows.step()) text += rows.text(0) + ": " + rows.text(1) + "\n";
    return text;
  };
  const std::string fresh = tables("/disk/fresh.db", 0);
  EXPECT_NE(fresh.find("CREATE TABLE emails"), std::string::npos);
  for (int from = 1; from <= schema_version; ++from) {
    EXPECT_EQ(tables(fmt::format("/disk/from-{}.db", from), from), fresh) << "from version " << from;
  }
}

TEST(StoreSchema, WhatAnOlderVersionHeldIsThereAfterMigrating) {
  disk::testing::SimulatedFiles disk;
  const Database database("/disk/old.db", DatabaseMode::create, disk.vfs_name());
  run_schema_step(database, 0);
  database.execute(
      "INSERT INTO mailboxes VALUES (1, 7, 5, 3, 4, 1, 'INBOX', '');"
      "INSERT INTO emails VALUES (1, 7, 2, 4, 99, 100, 1, 'todo');"
      "INSERT INTO email_data VALUES (99, 1, 7, 2, 99, 42, 1790000000500000, 1790000000500000, 0, x'', x'');");
  migrate_schema(database, 1);
  EXPECT_EQ(database.integer("SELECT internal_date FROM emails WHERE uid = 2"), 1'790'000'000);
  EXPECT_EQ(database.integer("SELECT object_id FROM email_data"), 0);
  EXPECT_EQ(database.integer("SELECT forgotten_modseq FROM mailboxes"), 0);
  EXPECT_EQ(database.integer("SELECT octets FROM mailboxes"), 100);
  EXPECT_EQ(database.integer("SELECT messages FROM mailboxes"), 1);
  EXPECT_EQ(database.integer("SELECT first_recent FROM mailboxes"), 1);
  EXPECT_EQ(database.integer("SELECT count(*) FROM email_fields"), 0) << "made when they are asked for";
}

TEST(StoreSchema, WhatWasRememberedAsSettingsBecomesRows) {
  disk::testing::SimulatedFiles disk;
  const Database database("/disk/old.db", DatabaseMode::create, disk.vfs_name());
  for (int version = 0; version < 3; ++version) run_schema_step(database, version);
  database.execute(
      "INSERT INTO settings VALUES"
      " ('dmarc-rows/2027-01-15/far.example/0123456789abcdef0123456789abcdef', 'count 8' || char(10) ||"
      "  'source_ip 192.0.2.1' || char(10) || 'policy_domain far.example' || char(10) ||"
      "  'record v=DMARC1; p=reject' || char(10) || 'disposition none' || char(10) || 'dkim pass' || char(10) ||"
      "  'spf fail' || char(10) || 'header_from far.example' || char(10) || 'spf_result softfail' || char(10) ||"
      "  'dkim_result pass s1 far.example' || char(10) || 'dkim_result fail - other.example' || char(10)),"
      " ('dmarc-rows/2027-01-15/near.example/fedcba9876543210fedcba9876543210', 'count 1' || char(10) ||"
      "  'policy_domain near.example' || char(10)),"
      " ('verification/selectors/5', 'far.example s1 rsa-sha256 2048 1800000000 1800000100' || char(10) ||"
      "  'far.example s2 ed25519-sha256 256 1800000001 1800000101' || char(10)),"
      " ('verification/selectors/6', 'broken\"line'), ('reports/last-run', 'stays');");
  migrate_schema(database, 3);
  Statement rows = database.prepare(
      "SELECT count, day, policy_domain, source_ip, record, dkim_results, spf_result, envelope_to FROM dmarc_rows "
      "ORDER BY policy_domain");
  rows.with();
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.integer(0), 8);
  EXPECT_EQ(rows.integer(1), 1'800'000'000 / 86'400);
  EXPECT_EQ(rows.text(2), "far.example");
  EXPECT_EQ(rows.text(3), "192.0.2.1");
  EXPECT_EQ(rows.text(4), "v=DMARC1; p=reject");
  EXPECT_EQ(rows.text(5), "pass s1 far.example\nfail - other.example");
  EXPECT_EQ(rows.text(6), "softfail");
  EXPECT_EQ(rows.text(7), "");
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.text(2), "near.example");
  EXPECT_FALSE(rows.step());
  EXPECT_EQ(database.integer("SELECT rows FROM dmarc_days WHERE policy_domain = ''"), 2);
  EXPECT_EQ(database.integer("SELECT count(*) FROM selectors_seen"), 2);
  EXPECT_EQ(database.integer("SELECT last_seen FROM selectors_seen WHERE selector = 's2'"), 1'800'000'101'000'000);
  EXPECT_EQ(database.integer("SELECT count(*) FROM settings"), 1) << "other settings stay";
}

}  // namespace
}  // namespace posthorn::storage::testing
