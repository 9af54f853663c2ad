// Damage that verify finds, on a simulated disk: which messages it names, and that nothing goes unseen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "platform/disk/layout.h"
#include "platform/storage/migrate.h"
#include "platform/storage/repair.h"
#include "platform/storage/schema.h"
#include "platform/test_support/simulated_store.h"

namespace posthorn::storage::testing {
namespace {

class StoreDamage : public StoreOnSimulatedDisk {
 protected:
  /// A store with one message inline, two in one segment, one in a file; two recipients of the second.
  void SetUp() override {
    auto store = open();
    ann_ = make_account(*store, "ann@beta.example");
    bob_ = make_account(*store, "bob@beta.example");
    ASSERT_TRUE(commit(*store, delivery(ids_, bob_, 1'000, &inline_)));
    Unit shared = delivery(ids_, bob_, 10'000, &first_);
    shared.mutations.emplace_back(email(ann_.account, ann_.inbox, ids_.email(), first_, 10'000));
    ASSERT_TRUE(commit(*store, shared));
    ASSERT_TRUE(commit(*store, submission(ids_, {"x@x.example"}, 10'000, &second_)));
    Unit large = delivery(ids_, bob_, 30'000, &file_);
    const auto intake = store->intake(file_);
    ASSERT_TRUE(wait(intake->append(message(file_, 30'000))));
    large.mutations.front() = wait(intake->finish()).value();
    ASSERT_TRUE(commit(*store, large));
    store->close();
  }

  VerifyReport verify() {
    StoreOptions o = options();
    o.create = false;
    return verify_folder(o).value();
  }
  /// Changes the octet in the middle of the first place where `text` stands.
  void damage(const std::string& path, const std::string& text) {
    disk_.edit(path, [&](std::string& octets) {
      const std::size_t at = octets.rfind(text);
      ASSERT_NE(at, std::string::npos) << path;
      octets[at + text.size() / 2] ^= 1;
    });
  }
  static std::string in_the_middle(MailId id, std::size_t size) { return message(id, size).substr(size / 2, 60); }

  const disk::Layout layout_{"/disk/store"};
  Place ann_, bob_;
  MailId inline_, first_, second_, file_;
};

TEST_F(StoreDamage, AWholeStoreIsClean) {
  const VerifyReport report = verify();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.contents, 4u);
  EXPECT_EQ(report.emails, 4u);
  EXPECT_EQ(report.queued, 1u);
  EXPECT_EQ(report.files, 1u);
}

TEST_F(StoreDamage, AByteOfASegmentNamesItsMessagesAndNoOther) {
  damage(layout_.segment(1), in_the_middle(first_, 10'000));
  const VerifyReport report = verify();
  ASSERT_EQ(report.damages.size(), 1u);
  const Damage& found = report.damages[0];
  EXPECT_EQ(found.kind, DamageKind::content_octets);
  EXPECT_EQ(found.content, first_);
  ASSERT_EQ(found.emails.size(), 2u);
  EXPECT_EQ(found.emails[0].account_address, "bob@beta.example");
  EXPECT_EQ(found.emails[0].mailbox_name, "INBOX");
  EXPECT_EQ(found.emails[0].uid, 2u);
  EXPECT_EQ(found.emails[1].account_address, "ann@beta.example");
  EXPECT_TRUE(found.queued.empty());
}

TEST_F(StoreDamage, ACutSegmentNamesWhatItLost) {
  disk_.edit(layout_.segment(1), [](std::string& octets) { octets.resize(octets.size() - 5'000); });
  const VerifyReport report = verify();
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_EQ(report.damages[0].kind, DamageKind::content_missing);
  EXPECT_EQ(report.damages[0].queued, std::vector{second_});
  EXPECT_TRUE(report.damages[0].emails.empty());
  // The store opens all the same, and appends elsewhere.
  auto store = open();
  EXPECT_TRUE(commit(*store, delivery(ids_, bob_, 10'000)));
  store.reset();
  EXPECT_EQ(verify().damages.size(), 1u);
}

TEST_F(StoreDamage, SumsThatAreNotThoseOfTheirRowsAreTold) {
  DmarcRow row;
  row.day = std::chrono::sys_days(std::chrono::days(20'000));
  row.policy_domain = "far.example";
  for (const char* digest : {"one", "two"}) {
    row.digest = digest;
    ASSERT_TRUE(commit(*open(), Unit{{}, {CountDmarcRow{row}}}));
  }
  EXPECT_TRUE(verify().clean());
  const auto with_sql = [&](const char* sql) {
    const Database database(layout_.database(), DatabaseMode::read_write, disk_.vfs_name());
    database.execute(sql);
  };
  with_sql("UPDATE dmarc_days SET rows = 5 WHERE policy_domain = 'far.example'");
  VerifyReport report = verify();
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_EQ(report.damages[0].kind, DamageKind::dmarc_day);
  EXPECT_THAT(report.damages[0].what,
              ::testing::HasSubstr("2024-10-04, far.example: 2 rows for DMARC reports, their sum "
                                   "says 5"));
  with_sql("DELETE FROM dmarc_days");
  report = verify();
  ASSERT_EQ(report.damages.size(), 2u) << "the domain and the whole day";
  EXPECT_THAT(report.damages[0].what, ::testing::HasSubstr("all domains: 2 rows for DMARC reports, their sum says 0"));
  with_sql("DELETE FROM dmarc_rows; INSERT INTO dmarc_days VALUES (9000000000000, 'far.example', 1, 0)");
  report = verify();
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_THAT(report.damages[0].what, ::testing::HasSubstr("day 9000000000000, far.example: 0 rows"));
}

TEST_F(StoreDamage, AMailboxThatHoldsSomethingElseThanItsRowSaysIsTold) {
  {
    const Database database(layout_.database(), DatabaseMode::read_write, disk_.vfs_name());
    database.execute(fmt::format("UPDATE mailboxes SET messages = 5 WHERE account = {}", bob_.account.value).c_str());
  }
  const VerifyReport report = verify();
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_EQ(report.damages[0].kind, DamageKind::usage);
  EXPECT_THAT(report.damages[0].what, ::testing::HasSubstr("bob@beta.example INBOX has"));
  EXPECT_THAT(report.damages[0].what, ::testing::HasSubstr("in 3 emails, its row says"));
}

TEST_F(StoreDamage, AStoreOfTheFormBeforeIsNotTakenForDamaged) {
  constexpr int before = 4;
  {
    const Database database("/disk/older/posthorn.db", DatabaseMode::create, disk_.vfs_name());
    for (int version = 0; version < before; ++version) run_schema_step(database, version);
    database.execute(
        "INSERT INTO accounts VALUES (1, 'bob@beta.example', '', 1, 0, '', 0);"
        "INSERT INTO mailboxes VALUES (1, 7, 5, 3, 4, 1, 'INBOX', '', 0, 1);"
        "PRAGMA user_version=4");
  }
  StoreOptions o = options("/disk/older");
  o.create = false;
  expect_clean(verify_folder(o));
}

TEST_F(StoreDamage, ARecordHeaderIsTold) {
  damage(layout_.segment(1), "posthorn " + second_.text());
  const VerifyReport report = verify();
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_EQ(report.damages[0].kind, DamageKind::record_header);
  EXPECT_EQ(report.damages[0].queued, std::vector{second_});
}

TEST_F(StoreDamage, AByteOrTheLossOfAMessageFileIsTold) {
  damage(layout_.message(file_), in_the_middle(file_, 30'000));
  ASSERT_EQ(verify().damages.size(), 1u);
  EXPECT_EQ(verify().damages[0].emails.at(0).uid, 3u);
  ASSERT_TRUE(disk_.remove(layout_.message(file_)));
  ASSERT_EQ(verify().damages.size(), 1u);
  EXPECT_EQ(verify().damages[0].kind, DamageKind::content_missing);
}

TEST_F(StoreDamage, AByteOfAnInlineMessageIsTold) {
  damage(layout_.database(), in_the_middle(inline_, 1'000));
  const VerifyReport report = verify();
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_EQ(report.damages[0].kind, DamageKind::content_octets);
  EXPECT_EQ(report.damages[0].content, inline_);
  EXPECT_EQ(report.damages[0].emails.at(0).uid, 1u);
}

TEST_F(StoreDamage, AByteOfAnEmailsHeaderBlockIsTold) {
  // The last one that stands in the file is the first that was written: rows grow from the page's end.
  damage(layout_.database(), "Delivered-To: bob@beta.example\r\n");
  const VerifyReport report = verify();
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_EQ(report.damages[0].emails.at(0).uid, 1u);
}

// ---------------------------------------------------------------- checksums of pages

/// The database's octets, and what verify says when they are changed.
class StorePageDamage : public StoreDamage {
 protected:
  void SetUp() override {
    StoreDamage::SetUp();
    auto store = open();
    Unit more;
    EmailRow marked = email(ann_.account, ann_.inbox, ids_.email(), first_, 10'000).row;
    marked.keywords = {"unmistakable-keyword"};
    more.mutations = {AddEmail{marked}, PutSetting{"unmistakable-setting", "unmistakable-value"}};
    ASSERT_TRUE(commit(*store, more));
    store->close();
    disk_.edit(layout_.database(), [&](std::string& octets) { whole_ = octets; });
  }

  [[nodiscard]] std::size_t pages() const { return whole_.size() / disk::page_octets; }
  /// The file grew past it, and nothing was ever written there.
  [[nodiscard]] bool was_never_written(std::size_t page) const {
    return whole_.find_first_not_of('\0', page * disk::page_octets) >= (page + 1) * disk::page_octets;
  }
  VerifyReport verify_changed(const std::function<void(std::string&)>& change) {
    disk_.edit(layout_.database(), [&](std::string& octets) {
      octets = whole_;
      change(octets);
    });
    return verify();
  }
  /// The only damage after one octet in the middle of where `text` stands was changed.
  Damage only_damage(const std::string& text) {
    const VerifyReport report = verify_changed([&](std::string& octets) {
      const std::size_t at = octets.rfind(text);
      ASSERT_NE(at, std::string::npos);
      octets[at + text.size() / 2] ^= 0x20;
    });
    EXPECT_EQ(report.damages.size(), 1u);
    return report.damages.empty() ? Damage{} : report.damages[0];
  }

  std::string whole_;
};

TEST_F(StorePageDamage, APageOverwrittenIsFoundWhicheverItIs) {
  for (std::size_t page = 0; page < pages(); ++page) {
    if (was_never_written(page)) continue;
    for (const char with : {'\x5a', '\0'}) {
      const VerifyReport report = verify_changed([&](std::string& octets) {
        std::fill_n(octets.begin() + static_cast<std::ptrdiff_t>(page * disk::page_octets), disk::page_octets, with);
      });
      EXPECT_FALSE(report.clean()) << "page " << page + 1 << " all " << int{with};
    }
  }
}

TEST_F(StorePageDamage, AnOctetOfAnyPageIsFoundWhereverItStands) {
  constexpr std::size_t step = 211;
  for (std::size_t at = 0; at < whole_.size(); at += at < 100 ? 1 : step) {  // the file's header octet by octet
    if (was_never_written(at / disk::page_octets)) continue;
    const VerifyReport report = verify_changed([&](std::string& octets) { octets[at] ^= 0x04; });
    EXPECT_FALSE(report.clean()) << "octet " << at % disk::page_octets << " of page " << at / disk::page_octets + 1;
  }
}

TEST_F(StorePageDamage, ARowThatChangedNamesItsMessageAlone) {
  const Damage found = only_damage("unmistakable-keyword");
  EXPECT_EQ(found.kind, DamageKind::database);
  ASSERT_EQ(found.emails.size(), 1u) << found.what;
  EXPECT_EQ(found.emails[0].account_address, "ann@beta.example");
  EXPECT_EQ(found.emails[0].uid, 2u);
  EXPECT_TRUE(found.queued.empty());
  EXPECT_THAT(found.what,
              ::testing::ContainsRegex("page [0-9]+ of posthorn.db \\(table emails\\): octet [0-9]+ is 0x4c and "
                                       "was 0x6c, in the row [0-9]+ [0-9]+ 2$"));
}

TEST_F(StorePageDamage, ARowWithoutAMessageIsNamed) {
  const Damage found = only_damage("unmistakable-value");
  EXPECT_TRUE(found.emails.empty() && found.queued.empty());
  EXPECT_THAT(found.what, ::testing::HasSubstr("table settings"));
  EXPECT_THAT(found.what, ::testing::EndsWith("in the row unmistakable-setting"));
}

TEST_F(StorePageDamage, SeveralOctetsNameEveryRowOfThePage) {
  const VerifyReport report = verify_changed([&](std::string& octets) {
    const std::size_t at = octets.rfind("unmistakable-keyword");
    octets[at + 2] ^= 1;
    octets[at + 9] ^= 1;
  });
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_EQ(report.damages[0].emails.size(), report.emails) << "few enough for one page";
  EXPECT_THAT(report.damages[0].what, ::testing::HasSubstr("does not have its checksum, one of 5 rows"));
}

TEST_F(StorePageDamage, WhatIsReadDamagedIsAnErrorAndStaysOne) {
  static_cast<void>(only_damage("unmistakable-value"));
  const Database database(layout_.database(), DatabaseMode::read_write, disk_.vfs_name());
  const auto code_of = [&](const char* sql) {
    try {
      database.execute(sql);
    } catch (const DatabaseError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("a page of posthorn.db does not have its checksum"));
      return error.code;
    }
    return SQLITE_OK;
  };
  EXPECT_EQ(code_of("SELECT * FROM settings"), SQLITE_IOERR_DATA);
  EXPECT_EQ(code_of("UPDATE settings SET value = 'new'"), SQLITE_IOERR_DATA)
      << "not written anew with a sum that is right";
  EXPECT_EQ(code_of("SELECT * FROM emails"), SQLITE_OK) << "what else there is can be read";
  EXPECT_FALSE(verify().clean());
}

TEST_F(StorePageDamage, AnOctetIsPutBackWhereverItStands) {
  constexpr std::size_t step = 997;
  for (std::size_t at = 0; at < whole_.size(); at += at < 100 ? 1 : step) {  // the file's header octet by octet
    if (was_never_written(at / disk::page_octets)) continue;
    disk_.edit(layout_.database(), [&](std::string& octets) {
      octets = whole_;
      octets[at] ^= 0x55;
    });
    const auto repaired = repair_folder(options());
    ASSERT_TRUE(repaired) << repaired.error().text();
    ASSERT_EQ(repaired->size(), 1u) << at;
    EXPECT_EQ(repaired->front().number, at / disk::page_octets + 1);
    EXPECT_EQ(repaired->front().at, at % disk::page_octets);
    EXPECT_EQ(repaired->front().was, whole_[at]);
    disk_.edit(layout_.database(), [&](std::string& octets) { EXPECT_TRUE(octets == whole_) << at; });
  }
  EXPECT_TRUE(repair_folder(options()).value().empty());
  expect_clean(verify());
}

TEST_F(StorePageDamage, OneOctetOfEachPageIsPutBackAndWhatIsMoreStays) {
  const std::size_t setting = whole_.rfind("unmistakable-value");
  const std::size_t other = (setting / disk::page_octets == 1 ? 2 : 1) * disk::page_octets + 100;
  std::string damaged;
  disk_.edit(layout_.database(), [&](std::string& octets) {
    octets[setting] ^= 0x20;
    octets[setting + 5] ^= 0x20;
    damaged = octets;
    octets[other] ^= 0x20;
  });
  const auto repaired = repair_folder(options());
  ASSERT_TRUE(repaired) << repaired.error().text();
  ASSERT_EQ(repaired->size(), 1u);
  EXPECT_EQ(repaired->front().number, other / disk::page_octets + 1);
  disk_.edit(layout_.database(), [&](std::string& octets) { EXPECT_TRUE(octets == damaged); });
  EXPECT_FALSE(verify().clean());
}

TEST_F(StorePageDamage, AStoreThatIsHeldIsNotRepaired) {
  const auto store = open();
  EXPECT_FALSE(repair_folder(options()));
}

/// More than its checksum can tell: a sector of zeros over the accounts.
TEST_F(StorePageDamage, AStoreThatCannotBeServedIsBackedUpAsItIs) {
  const std::size_t account = whole_.rfind("ann@beta.example", whole_.rfind("bob@beta.example"));
  ASSERT_NE(account, std::string::npos);
  disk_.edit(layout_.database(), [&](std::string& octets) {
    for (const std::size_t at : {account, account + 4}) octets[at] ^= 0x20;
  });
  const auto backup = backup_folder(options(), "/backup/damaged");
  ASSERT_TRUE(backup) << backup.error().text();
  EXPECT_EQ(backup->damaged_pages, 1u);
  EXPECT_EQ(backup->contents, 4u);
  EXPECT_FALSE(restore("/backup/damaged", options("/disk/restored")));
  const auto restored = restore("/backup/damaged", options("/disk/restored"), true);
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_EQ(restored->repaired_pages, 0u);
  EXPECT_EQ(restored->verified.contents, 4u);
}

TEST_F(StorePageDamage, AFirstPageThatSaysNoMoreThatThereAreSumsIsNotMigratedAway) {
  std::string damaged;
  disk_.edit(layout_.database(), [&](std::string& octets) {
    octets[20] = '\0';
    damaged = octets;
  });
  const auto migrated = migrate(options());
  ASSERT_FALSE(migrated);
  EXPECT_THAT(migrated.error().remedy, ::testing::HasSubstr("store verify --repair"));
  disk_.edit(layout_.database(), [&](std::string& octets) { EXPECT_TRUE(octets == damaged); });
  EXPECT_EQ(repair_folder(options()).value().size(), 1u);
  expect_clean(verify());
}

TEST_F(StorePageDamage, AFirstPageOfWhichMoreChangedStillLeadsToTheRest) {
  disk_.edit(layout_.database(), [&](std::string& octets) {
    for (const std::size_t at : {24U, 96U}) octets[at] ^= 0x20;  // counters that only tell SQLite what it may keep
  });
  EXPECT_TRUE(repair_folder(options()).value().empty());
  ASSERT_TRUE(backup_folder(options(), "/backup/damaged"));
  ASSERT_FALSE(restore("/backup/damaged", options("/disk/restored")));
  const auto restored = restore("/backup/damaged", options("/disk/restored"), true);
  ASSERT_TRUE(restored) << restored.error().text();
  expect_clean(verify_folder(options("/disk/restored")).value());
}

TEST_F(StorePageDamage, AServedStoreWhoseFirstPageChangedIsVerifiedAndBackedUp) {
  auto store = open();
  disk_.edit(layout_.database(), [](std::string& octets) { octets[24] ^= 0x20; });
  const auto verified = store->verify();
  ASSERT_TRUE(verified) << verified.error().text();
  ASSERT_EQ(verified->damages.size(), 1u);
  EXPECT_THAT(verified->damages[0].what, ::testing::HasSubstr("page 1 of posthorn.db"));
  const auto backup = store->backup("/backup/damaged");
  ASSERT_TRUE(backup) << backup.error().text();
  EXPECT_EQ(backup->damaged_pages, 1u);
}

TEST_F(StorePageDamage, AnIndexThatLeadsNowhereIsMadeAnewWhenDamageIsAccepted) {
  // Two octets of the domain in an entry of recipients_waiting, or in the row: index and row are no longer the same.
  const std::size_t waiting = whole_.rfind("x.example");
  ASSERT_NE(waiting, std::string::npos);
  disk_.edit(layout_.database(), [&](std::string& octets) {
    octets[waiting] ^= 1;
    octets[waiting + 3] ^= 1;
  });
  ASSERT_TRUE(backup_folder(options(), "/backup/damaged"));
  const auto restored = restore("/backup/damaged", options("/disk/restored"), true);
  ASSERT_TRUE(restored) << restored.error().text();
  for (const Damage& left : verify_folder(options("/disk/restored")).value().damages)
    EXPECT_THAT(left.what, ::testing::Not(::testing::HasSubstr("index")));
}

TEST_F(StorePageDamage, AServedStoreRefusesWhatNeedsTheDamagedPageAndNothingElse) {
  static_cast<void>(only_damage("unmistakable-value"));
  auto store = open();
  const Unit touching{{}, {PutSetting{"unmistakable-setting", "new"}}};
  const auto refused = commit(*store, touching);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, CommitError::damaged);

  // Together in groups, whichever.
  constexpr int clients = 24;
  std::atomic<int> delivered{0};
  std::atomic<int> damaged{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back([&, i] {
        const std::size_t size = i % 3 == 0 ? 10'000 : 500;  // in a segment, inline
        const auto done = commit(*store, i % 2 == 0 ? touching : delivery(ids_, bob_, size));
        delivered += done && !done->placed.empty() ? 1 : 0;
        damaged += !done && done.error().error == CommitError::damaged ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(delivered, clients / 2);
  EXPECT_EQ(damaged, clients / 2);
  Unit both = delivery(ids_, bob_, 500);
  both.mutations.push_back(touching.mutations.front());
  EXPECT_FALSE(commit(*store, both)) << "a unit is whole or not at all";

  store.reset();
  const VerifyReport report = verify();
  EXPECT_EQ(report.emails, 5u + clients / 2);
  ASSERT_EQ(report.damages.size(), 1u);
  EXPECT_THAT(report.damages[0].what, ::testing::HasSubstr("table settings"));
}

TEST_F(StorePageDamage, ABackupKeepsTheDamageUntilItIsAccepted) {
  const std::size_t value = whole_.rfind("unmistakable-value");
  const std::size_t keyword = whole_.rfind("unmistakable-keyword");
  ASSERT_NE(value / disk::page_octets, keyword / disk::page_octets);
  disk_.edit(layout_.database(), [&](std::string& octets) {
    for (const std::size_t at : {value, value + 9, keyword}) octets[at] ^= 0x20;
  });
  auto store = open();
  const auto backup = store->backup("/backup/damaged");
  ASSERT_TRUE(backup) << backup.error().text();
  EXPECT_EQ(backup->damaged_pages, 2u);
  store.reset();
  const auto refused = restore("/backup/damaged", options("/disk/restored"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().why, ::testing::HasSubstr("the backup is damaged in 2 places"));
  const auto restored = restore("/backup/damaged", options("/disk/restored"), true);
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_EQ(restored->repaired_pages, 1u) << "the keyword's";
  store = open(options("/disk/restored"));
  expect_clean(store->verify());
  EXPECT_EQ(ask(*store, [](Reader& r) { return r.setting("unmistakable-setting"); }), "UnmistakaBle-value");
}

}  // namespace
}  // namespace posthorn::storage::testing
