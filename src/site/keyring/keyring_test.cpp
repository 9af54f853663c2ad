// Keys, their rows and records; the sealing key's file; the keyring's view over a store, also after a restart and with
// the wrong sealing key.
#include "site/keyring/keyring.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/test_support/store_support.h"
#include "site/keyring/sealing_key.h"
#include "standards/dkim/key_record.h"

namespace posthorn::keyring {
namespace {

namespace fs = std::filesystem;
using storage::testing::TemporaryFolder;
using testing::HasSubstr;

const TimePoint kNow = from_unix_seconds(1'795'000'000);  // 2026-11-18

std::vector<DkimKey> make(const crypto::SealingKey& sealing, const std::vector<DkimKey>& present = {},
                          KeyState state = KeyState::made) {
  return make_dkim_keys(sealing, "alpha.example", present, state, kNow);
}

// ---------------------------------------------------------------- keys

TEST(DkimKeys, BothAlgorithmsWithDatedSelectors) {
  const auto sealing = crypto::SealingKey::generate();
  const auto keys = make(sealing);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].selector, "20261118r");
  EXPECT_EQ(keys[1].selector, "20261118e");
  for (const DkimKey& key : keys) {
    const auto secret = open_key(sealing, key);
    ASSERT_TRUE(secret) << secret.error().text();
    EXPECT_EQ(secret->kind(), key.kind);
    const auto record = dkim::parse_key_record(key.record);
    ASSERT_TRUE(record) << record.error().reason;
    EXPECT_EQ(record->key->der(), secret->public_key().der()) << "the record is of another key";
    EXPECT_THAT(key.record, testing::StartsWith("v=DKIM1; k="));
    EXPECT_THAT(key.sealed, testing::Not(HasSubstr("PRIVATE"))) << "the secret lies open";
  }
  EXPECT_EQ(open_key(sealing, keys[0])->bits(), dkim_rsa_bits);
}

TEST(DkimKeys, ASelectorNeverNamesTwoKeys) {
  const auto sealing = crypto::SealingKey::generate();
  auto present = make(sealing);
  const auto more = make(sealing, present);
  EXPECT_EQ(more[0].selector, "20261118r2");
  EXPECT_EQ(more[1].selector, "20261118e2");
  present.insert(present.end(), more.begin(), more.end());
  EXPECT_EQ(make(sealing, present)[0].selector, "20261118r3");
}

TEST(DkimKeys, RowsKeepEverything) {
  const auto sealing = crypto::SealingKey::generate();
  for (DkimKey key : make(sealing, {}, KeyState::retiring)) {
    key.queue_clear_since = kNow + std::chrono::hours(1);
    const auto again = key_from(row_of(key));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->domain, key.domain);
    EXPECT_EQ(again->selector, key.selector);
    EXPECT_EQ(again->kind, key.kind);
    EXPECT_EQ(again->state, key.state);
    EXPECT_EQ(again->record, key.record);
    EXPECT_EQ(again->queue_clear_since, key.queue_clear_since);
    EXPECT_TRUE(open_key(sealing, *again));
  }
}

TEST(DkimKeys, UnreadableRowsAreNoKeys) {
  storage::KeyRow row = row_of(make(crypto::SealingKey::generate())[1]);
  EXPECT_TRUE(key_from(row));
  storage::KeyRow other = row;
  other.state = "sleeping";
  EXPECT_FALSE(key_from(other));
  other = row;
  other.facts = "{";
  EXPECT_FALSE(key_from(other));
  other = row;
  other.kind = "tls";
  EXPECT_FALSE(key_from(other));
}

TEST(DkimKeys, RevokedOnesWantAnEmptyKeyAndForgetTheirSecret) {
  const auto key = make(crypto::SealingKey::generate())[1];
  EXPECT_EQ(record_of(key).name, "20261118e._domainkey.alpha.example");
  EXPECT_EQ(record_of(key).text, key.record);
  storage::Unit unit;
  plan_state(key, KeyState::revoked, kNow, unit);
  const auto& row = std::get<storage::PutKey>(unit.mutations.at(0)).row;
  EXPECT_TRUE(row.sealed.empty());
  EXPECT_EQ(record_of(*key_from(row)).text, "v=DKIM1; p=");
}

TEST(DkimKeys, MovedOrSealedByAnotherTheyDoNotOpen) {
  const auto sealing = crypto::SealingKey::generate();
  DkimKey key = make(sealing)[1];
  const auto other = open_key(crypto::SealingKey::generate(), key);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().text(), HasSubstr("another sealing key"));
  key.domain = "beta.example";
  EXPECT_FALSE(open_key(sealing, key)) << "a key that was moved to another domain opened";
}

// ---------------------------------------------------------------- the sealing key's file

TEST(SealingKeyFile, IsMadeForItsOwnerAloneAndReadBack) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "sealing.key";
  const auto none = read_sealing_key(path);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const auto made = make_sealing_key(path);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const auto read = read_sealing_key(path);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->octets(), made->octets());
  EXPECT_FALSE(make_sealing_key(path)) << "a sealing key was overwritten";
}

TEST(SealingKeyFile, OpenToOthersOrDamagedItIsRefused) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "sealing.key";
  ASSERT_TRUE(make_sealing_key(path));
  fs::permissions(path, fs::perms::group_read, fs::perm_options::add);
  const auto open = read_sealing_key(path);
  ASSERT_FALSE(open);
  EXPECT_THAT(open.error().text(), HasSubstr("chmod 600"));
  EXPECT_EQ(open.error().text().find("PRIVATE"), std::string::npos);
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  for (const std::string text : {"", "0123", "not a key", "zz"}) {
    std::ofstream(path) << text << "\n";
    EXPECT_FALSE(read_sealing_key(path)) << text;
  }
}

TEST(SealingKeyFile, StandsBesideTheConfigurationUnlessSaidOtherwise) {
  EXPECT_EQ(sealing_key_path("", "/etc/posthorn"), "/etc/posthorn/sealing.key");
  EXPECT_EQ(sealing_key_path("/etc/keys/secret", "/etc/posthorn"), "/etc/keys/secret");
}

TEST(SealingKeyFile, SystemdMayHandItOver) {
  const TemporaryFolder folder;
  ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  EXPECT_EQ(sealing_key_path("", "/etc/posthorn"), "/etc/posthorn/sealing.key")
      << "the folder may hold other credentials only";
  std::ofstream(folder.path() / credential_name) << "x";
  EXPECT_EQ(sealing_key_path("", "/etc/posthorn"), folder.path() / credential_name);
  EXPECT_EQ(sealing_key_path("/etc/keys/secret", "/etc/posthorn"), "/etc/keys/secret");
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

// ---------------------------------------------------------------- the keyring over a store

class KeyringTest : public testing::Test {
 protected:
  KeyringTest() { open(); }
  ~KeyringTest() override { store->close(); }

  void open() {
    store = storage::testing::open_store(folder);
    ring = Keyring::make(*store);
  }
  void reopen() {
    store->close();
    ring.reset();
    store.reset();
    open();
  }
  std::optional<Problem> start() { return storage::testing::wait(ring->start(folder.path() / "sealing.key")); }
  std::vector<DkimKey> add(KeyState state) {
    auto keys = make(*ring->sealing_key(), ring->keys_of("alpha.example"), state);
    storage::Unit unit;
    for (const DkimKey& key : keys) plan_add(key, unit);
    EXPECT_TRUE(storage::testing::commit(*store, std::move(unit)));
    return keys;
  }
  std::size_t signers() {
    const auto signers = ring->signers("alpha.example");
    return signers ? (*signers)->size() : 999;
  }

  TemporaryFolder folder;
  std::unique_ptr<storage::Store> store;
  std::shared_ptr<Keyring> ring;
};

TEST_F(KeyringTest, TheFirstStartMakesTheSealingKey) {
  EXPECT_FALSE(start());
  EXPECT_TRUE(ring->sealing_key());
  EXPECT_FALSE(ring->signs());
  EXPECT_EQ(signers(), 0u);
}

TEST_F(KeyringTest, OnlySigningKeysSignRsaFirst) {
  ASSERT_FALSE(start());
  add(KeyState::made);
  EXPECT_EQ(signers(), 0u);
  const auto keys = add(KeyState::signing);
  const auto signing = ring->signers("alpha.example");
  ASSERT_TRUE(signing);
  ASSERT_EQ((*signing)->size(), 2u);
  EXPECT_EQ((*signing)->at(0).key.kind(), crypto::KeyKind::rsa);
  EXPECT_EQ((*signing)->at(0).selector.text(), keys[0].selector);
  EXPECT_EQ(ring->keys_of("alpha.example").size(), 4u);
  EXPECT_EQ(ring->records_of("alpha.example").size(), 4u);
  EXPECT_TRUE(ring->keys_of("beta.example").empty());
}

TEST_F(KeyringTest, SurvivesARestart) {
  ASSERT_FALSE(start());
  add(KeyState::signing);
  reopen();
  EXPECT_FALSE(start());
  EXPECT_EQ(signers(), 2u);
}

TEST_F(KeyringTest, WithoutItsSealingKeyItSaysSo) {
  ASSERT_FALSE(start());
  add(KeyState::signing);
  reopen();
  fs::remove(folder.path() / "sealing.key");
  const auto lost = start();
  ASSERT_TRUE(lost);
  EXPECT_THAT(lost->text(), HasSubstr("sealing.key"));
  EXPECT_FALSE(fs::exists(folder.path() / "sealing.key")) << "a new key hides that the old one is lost";
  EXPECT_EQ(ring->keys_of("alpha.example").size(), 2u);
  EXPECT_EQ(signers(), 999u);
  ASSERT_TRUE(make_sealing_key(folder.path() / "sealing.key"));
  const auto other = start();
  ASSERT_TRUE(other);
  EXPECT_THAT(other->text(), HasSubstr("another sealing key"));
}

TEST_F(KeyringTest, AStateChangesOnce) {
  ASSERT_FALSE(start());
  const auto key = add(KeyState::signing)[0];
  for (const bool first : {true, false}) {
    storage::Unit unit;
    plan_state(key, KeyState::retiring, kNow, unit);
    EXPECT_EQ(storage::testing::commit(*store, std::move(unit)).has_value(), first);
  }
  EXPECT_EQ(signers(), 1u);
  storage::Unit again;
  plan_add(key, again);
  EXPECT_FALSE(storage::testing::commit(*store, std::move(again))) << "a key was overwritten";
  storage::Unit gone;
  plan_forget(ring->keys_of("alpha.example")[1], gone);
  EXPECT_TRUE(storage::testing::commit(*store, std::move(gone)));
  EXPECT_EQ(ring->keys_of("alpha.example").size(), 1u);
}

TEST_F(KeyringTest, ADomainTakesItsKeysWithIt) {
  ASSERT_FALSE(start());
  storage::DomainRow domain{"alpha.example", "draft", "{}", kNow};
  ASSERT_TRUE(storage::testing::commit(*store, storage::Unit{{}, {storage::PutDomain{domain}}}));
  add(KeyState::signing);
  ASSERT_TRUE(storage::testing::commit(*store, storage::Unit{{}, {storage::RemoveDomain{"alpha.example"}}}));
  EXPECT_TRUE(ring->keys_of("alpha.example").empty());
  EXPECT_EQ(signers(), 0u);
  reopen();
  EXPECT_FALSE(start());
  EXPECT_TRUE(ring->keys_of("alpha.example").empty());
}

}  // namespace
}  // namespace posthorn::keyring
