// The states of DKIM keys from made to gone, driven over a real store, a zone in memory and a clock of one's own; what
// a crash or a second driver between two steps leaves.
#include "operations/transition/key_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operations/transition/key_witness.h"
#include "platform/test_support/store_support.h"
#include "standards/dkim/key_record.h"

namespace posthorn::transition {
namespace {

using keyring::DkimKey;
using keyring::KeyState;
using storage::testing::wait;
using testing::HasSubstr;
using namespace std::chrono_literals;

const TimePoint kStart = from_unix_seconds(1'795'000'000);
constexpr const char* kDomain = "alpha.example";

/// What is published, as a person would change it.
class FakeWitness final : public KeyWitness {
 public:
  Task<KeySighting> look(keyring::KeyRecord wanted) override {
    ++looks;
    if (down) co_return KeySighting{KeySighting::Kind::unknown, "ns1 does not answer"};
    const bool there = published.contains(wanted.name) && is_same_key(wanted.text, published[wanted.name]);
    co_return there ? KeySighting{KeySighting::Kind::everywhere, "all have it"}
                    : KeySighting{KeySighting::Kind::missing, "ns2 has no record"};
  }
  std::map<std::string, std::string> published;
  bool down = false;
  int looks = 0;
};

class KeyStatesTest : public testing::Test {
 protected:
  KeyStatesTest() {
    open();
    storage::DomainRow domain{kDomain, "enforcing", "{}", kStart};
    EXPECT_TRUE(storage::testing::commit(*store, storage::Unit{{}, {storage::PutDomain{domain}}}));
  }
  ~KeyStatesTest() override { store->close(); }

  void open() {
    store = storage::testing::open_store(folder);
    ring = keyring::Keyring::make(*store);
    ASSERT_FALSE(wait(ring->start(folder.path() / "sealing.key")));
  }
  /// As after a crash: only what was committed is left.
  void reopen() {
    store->close();
    ring.reset();
    store.reset();
    open();
  }
  [[nodiscard]] KeyDriver driver() { return {*store, *ring, workers, &witness}; }
  std::vector<KeyStep> advance(bool force = false) {
    auto steps = wait(driver().advance(kDomain, force, now));
    EXPECT_TRUE(steps) << steps.error().text();
    return steps ? *steps : std::vector<KeyStep>{};
  }
  /// "20261118e signing, 20261118r signing"
  [[nodiscard]] std::string states() const {
    std::string text;
    for (const DkimKey& key : ring->keys_of(kDomain))
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key.selector, keyring::name(key.state));
    return text;
  }
  void publish_all() {
    for (const keyring::KeyRecord& record : ring->records_of(kDomain)) witness.published[record.name] = record.text;
  }
  /// A message in the queue that bears this key's signature.
  void queue_signed_by(const DkimKey& key) {
    storage::Unit unit = storage::testing::submission(ids, {"zoe@far.example"}, 100, &queued);
    for (storage::Mutation& mutation : unit.mutations)
      if (auto* put = std::get_if<storage::PutQueued>(&mutation))
        put->row.signed_with = "other:beta.example " + key.signature_name();
    EXPECT_TRUE(storage::testing::commit(*store, std::move(unit)));
  }
  void relay_queued() {
    EXPECT_TRUE(storage::testing::commit(*store, storage::Unit{{}, {storage::RemoveRecipient{queued, 0}}}));
  }
  /// Keys that sign, published, as after a quickstart.
  void signing_keys() {
    ASSERT_TRUE(wait(driver().add_keys(kDomain, KeyState::signing, now)));
    publish_all();
  }

  storage::testing::TemporaryFolder folder;
  runtime::WorkerPool workers{0, 0};
  FakeWitness witness;
  std::unique_ptr<storage::Store> store;
  std::shared_ptr<keyring::Keyring> ring;
  storage::testing::Ids ids;
  MailId queued;
  TimePoint now = kStart;
};

TEST_F(KeyStatesTest, FirstKeysSignAsSoonAsTheyArePublished) {
  ASSERT_TRUE(wait(driver().add_keys(kDomain, KeyState::made, now)));
  EXPECT_THAT(advance()[0].words, HasSubstr("ns2 has no record"));
  EXPECT_EQ(states(), "20261118e made, 20261118r made");
  publish_all();
  const auto steps = advance();
  EXPECT_TRUE(steps[0].stepped);
  EXPECT_EQ(states(), "20261118e signing, 20261118r signing");
}

TEST_F(KeyStatesTest, ARotationWaitsForServersAndCachesAndThenSwaps) {
  signing_keys();
  now += 24h;
  ASSERT_TRUE(wait(driver().rotate(kDomain, now)));
  EXPECT_FALSE(wait(driver().rotate(kDomain, now))) << "two rotations at a time";
  advance();
  EXPECT_EQ(states(), "20261118e signing, 20261118r signing, 20261119e made, 20261119r made");
  witness.published[ring->records_of(kDomain)[3].name] = ring->records_of(kDomain)[3].text;
  advance();
  EXPECT_EQ(states(), "20261118e signing, 20261118r signing, 20261119e made, 20261119r published");
  publish_all();
  advance();
  now += key_absence_cached_max - 1s;
  advance();
  EXPECT_EQ(states(), "20261118e signing, 20261118r signing, 20261119e published, 20261119r published");
  now += 1s;
  advance();
  EXPECT_EQ(states(), "20261118e retiring, 20261118r retiring, 20261119e signing, 20261119r signing");
}

TEST_F(KeyStatesTest, ARecordThatVanishesHoldsTheNewKeyBack) {
  signing_keys();
  now += 24h;
  ASSERT_TRUE(wait(driver().rotate(kDomain, now)));
  publish_all();
  advance();
  witness.published.clear();
  now += 24h;
  advance();
  EXPECT_THAT(states(), HasSubstr("20261119r published"));
  witness.down = true;
  advance();
  EXPECT_THAT(states(), HasSubstr("20261118r signing")) << "an outage of the DNS ended a key that signs";
}

TEST_F(KeyStatesTest, OldKeysStayWhileTheirMailIsUnderWayAndAWeekLonger) {
  signing_keys();
  const DkimKey old = ring->keys_of(kDomain)[1];
  queue_signed_by(old);
  ASSERT_TRUE(wait(driver().rotate(kDomain, now)));
  advance(true);
  EXPECT_EQ(states(), "20261118e retiring, 20261118e2 signing, 20261118r retiring, 20261118r2 signing");
  now += 30 * 24h;  // a queue may be patient
  advance();
  advance();
  EXPECT_THAT(states(), HasSubstr("20261118r retiring"));
  relay_queued();
  advance();  // notices that the queue is clear
  now += key_retired_at_least - 1s;
  advance();
  EXPECT_THAT(states(), HasSubstr("20261118r retiring"));
  now += 1s;
  advance();
  EXPECT_THAT(states(), HasSubstr("20261118r revoked"));
  EXPECT_EQ(ring->records_of(kDomain)[2].text, "v=DKIM1; p=");
  now += key_revoked_at_least;
  advance();
  EXPECT_EQ(states(), "20261118e2 signing, 20261118r2 signing");
}

TEST_F(KeyStatesTest, MailThatComesBackIntoTheQueueBeginsTheWeekAnew) {
  signing_keys();
  ASSERT_TRUE(wait(driver().rotate(kDomain, now)));
  advance(true);
  advance();
  now += 6 * 24h;
  queue_signed_by(ring->keys_of(kDomain)[2]);  // as a restored queue does
  advance();
  relay_queued();
  now += 2 * 24h;
  advance();
  EXPECT_THAT(states(), HasSubstr("20261118r retiring"));
  now += key_retired_at_least;
  advance();
  EXPECT_THAT(states(), HasSubstr("20261118r revoked"));
}

TEST_F(KeyStatesTest, ForcedKeysSignWithoutALook) {
  signing_keys();
  now += 24h;
  ASSERT_TRUE(wait(driver().rotate(kDomain, now)));
  witness.down = true;
  const int before = witness.looks;
  advance(true);
  EXPECT_EQ(witness.looks, before);
  EXPECT_EQ(states(), "20261118e retiring, 20261118r retiring, 20261119e signing, 20261119r signing");
}

TEST_F(KeyStatesTest, ARevokedKeyStopsAtOnce) {
  signing_keys();
  const auto revoked = wait(driver().revoke(kDomain, "20261118r", now));
  ASSERT_TRUE(revoked);
  EXPECT_EQ(keyring::record_of(*revoked).text, "v=DKIM1; p=");
  EXPECT_EQ((*ring->signers(kDomain))->size(), 1u);
  EXPECT_FALSE(wait(driver().revoke(kDomain, "20261118r", now)));
  EXPECT_FALSE(wait(driver().revoke(kDomain, "nobody", now)));
}

TEST_F(KeyStatesTest, ACrashBetweenAnyTwoStepsLosesAndRepeatsNothing) {
  signing_keys();
  now += 24h;
  ASSERT_TRUE(wait(driver().rotate(kDomain, now)));
  std::vector<std::string> passed;
  for (int step = 0; step < 12; ++step) {
    publish_all();
    reopen();
    const std::string before = states();
    advance();
    if (passed.empty() || passed.back() != before) passed.push_back(before);
    const auto signing = ring->signers(kDomain);
    ASSERT_TRUE(signing);
    EXPECT_EQ((*signing)->size(), 2u) << "at " << states() << " mail is signed once, or not with both algorithms";
    now += 4 * 24h;
  }
  EXPECT_EQ(states(), "20261119e signing, 20261119r signing");
  EXPECT_THAT(passed,
              testing::Contains("20261118e retiring, 20261118r retiring, 20261119e signing, 20261119r signing"));
  EXPECT_THAT(passed, testing::Contains("20261118e revoked, 20261118r revoked, 20261119e signing, 20261119r signing"));
}

TEST_F(KeyStatesTest, TwoDriversDoNotStepTwice) {
  signing_keys();
  now += 24h;
  ASSERT_TRUE(wait(driver().rotate(kDomain, now)));
  const DkimKey key = ring->keys_of(kDomain)[2];
  storage::Unit first, second;
  plan_state(key, KeyState::published, now, first);
  plan_state(key, KeyState::published, now + 1h, second);
  ASSERT_TRUE(storage::testing::commit(*store, std::move(first)));
  const auto again = storage::testing::commit(*store, std::move(second));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().error, storage::CommitError::precondition_failed);
  EXPECT_EQ(ring->keys_of(kDomain)[2].changed, now);
}

TEST_F(KeyStatesTest, OwnKeysTellAPlanWhatToPublish) {
  signing_keys();
  ASSERT_TRUE(wait(driver().revoke(kDomain, "20261118e", now)));
  const auto keys = own_keys(*ring, kDomain);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_TRUE(keys[0].revoked);
  EXPECT_EQ(keys[0].record, "v=DKIM1; p=");
  EXPECT_TRUE(keys[1].signing);
}

// ---------------------------------------------------------------- what answers mean

KeySighting look_in(const std::string& zone_text, const keyring::KeyRecord& wanted) {
  dns::ZoneFileResolver resolver(*dns::Zone::parse(zone_text));
  const auto witness = resolver_witness(resolver);
  return wait(witness->look(wanted));
}

TEST(KeyWitness, ComparesKeysAndNotTheirSpelling) {
  const auto secret = *crypto::PrivateKey::generate_ed25519();
  const auto other = *crypto::PrivateKey::generate_ed25519();
  const std::string record = dkim::key_record_text(secret.public_key());
  const std::string p = record.substr(record.find("p="));
  const keyring::KeyRecord wanted{"s._domainkey.alpha.example", record};
  const auto with = [&](const std::string& txt) {
    return look_in("s._domainkey.alpha.example. TXT " + txt + "\n", wanted).kind;
  };
  using Kind = KeySighting::Kind;
  EXPECT_EQ(with("\"" + record + "\""), Kind::everywhere);
  EXPECT_EQ(with("\"k=ed25519;" + p.substr(0, 10) + "\" \"" + p.substr(10) + "; t=s\""), Kind::everywhere);
  EXPECT_EQ(with("\"" + dkim::key_record_text(other.public_key()) + "\""), Kind::different);
  EXPECT_EQ(with("\"v=DKIM1; p=\""), Kind::different);
  EXPECT_EQ(with("\"v=spf1 -all\""), Kind::different);
  EXPECT_EQ(with("\"" + record + "\"\ns._domainkey.alpha.example. TXT \"x\""), Kind::different);
  EXPECT_EQ(look_in("other.example. TXT x\n", wanted).kind, Kind::missing);
  EXPECT_EQ(look_in(";; timeout s._domainkey.alpha.example\n", wanted).kind, Kind::unknown);
  EXPECT_EQ(look_in("s._domainkey.alpha.example. TXT \"v=DKIM1; p=\"\n", {wanted.name, "v=DKIM1; p="}).kind,
            Kind::everywhere);
}

TEST(KeyWitness, EveryHostMustAnswerRightly) {
  using Kind = KeySighting::Kind;
  const auto seen = [](const std::vector<std::pair<const char*, Kind>>& servers) {
    std::vector<ServerSighting> sightings;
    for (const auto& [host, kind] : servers) sightings.push_back({*dns::Name::parse(host), {kind, host}});
    return sum_up(sightings).kind;
  };
  EXPECT_EQ(seen({{"a.example", Kind::everywhere}, {"b.example", Kind::everywhere}}), Kind::everywhere);
  EXPECT_EQ(seen({{"a.example", Kind::everywhere}, {"b.example", Kind::missing}}), Kind::missing);
  EXPECT_EQ(seen({{"a.example", Kind::everywhere}, {"b.example", Kind::different}}), Kind::different);
  EXPECT_EQ(seen({{"a.example", Kind::everywhere}, {"b.example", Kind::unknown}}), Kind::unknown);
  // One address of a host out of reach (IPv6 where there is none) hides nothing: the same zone answers at the other.
  EXPECT_EQ(seen({{"a.example", Kind::everywhere}, {"A.example", Kind::unknown}}), Kind::everywhere);
  EXPECT_EQ(seen({}), Kind::unknown);
}

}  // namespace
}  // namespace posthorn::transition
