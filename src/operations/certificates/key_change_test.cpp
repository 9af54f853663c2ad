// A certificate's key changes only when the DNS has shown the next one's TLSA record long enough: on virtual time, over
// a zone that the test holds, with a crash at every step.
#include <fmt/format.h>

#include "foundation/codec/hex.h"
#include "operations/test_support/certificates_bed.h"

namespace posthorn::certificates {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t kTtl = 3600;

std::string key_of(const dns::Name& name, dns::RecordType type) {
  return fmt::format("{} {}", name.lower_case_key(), static_cast<int>(type));
}

/// Two servers of a zone; the second may lag, fail, or not answer. And a cache that asks one of them.
class Zone final : public RecordWitness, public Publishers {
 public:
  explicit Zone(const runtime::Clock& clock) : clock_(clock) {}
  using Records = std::map<std::string, std::vector<dns::Record>>;

  Task<Sighting> look(dns::Name name, dns::RecordType type) override {
    ++looks;
    if (crash != nullptr) co_await crash->pass();
    if (lag_until && clock_.now() >= *lag_until) second = first, lag_until.reset();
    Sighting sighting;
    sighting.servers.push_back(say("ns1.example", first, name, type));
    sighting.servers.push_back(say("ns2.example", second, name, type));
    if (silent) sighting.servers.back() = {"ns2.example", false, {}, {}, "ns2.example: timeout"};
    co_return sighting;
  }
  Result<std::unique_ptr<transition::ZonePublisher>, Problem> publisher(const dns::Name& name) override {
    if (!takes_updates) return fail(Problem{ProblemKind::usage, name.text(), "no domain takes updates", ""});
    return std::make_unique<Publisher>(*this);
  }

  void set_tlsa(const std::vector<std::string>& digests) {
    std::vector<dns::Record> records;
    for (const std::string& digest : digests)
      records.push_back({tlsa_name(), dns::RecordType::tlsa, kTtl, dns::Tlsa{3, 1, 1, *codec::hex_decode(digest)}});
    first[key_of(tlsa_name(), dns::RecordType::tlsa)] = records;
    second = first;
  }
  std::vector<std::string> tlsa() const {
    std::vector<std::string> out;
    const auto at = first.find(key_of(tlsa_name(), dns::RecordType::tlsa));
    if (at == first.end()) return out;
    for (const dns::Record& record : at->second)
      out.push_back(codec::hex_encode(std::get<dns::Tlsa>(record.data).association_data));
    return out;
  }
  std::vector<std::string> texts(const Records& server, const std::string& name) const {
    std::vector<std::string> out;
    const auto at = server.find(key_of(*dns::Name::parse(name), dns::RecordType::txt));
    if (at == server.end()) return out;
    for (const dns::Record& record : at->second) out.push_back(std::get<dns::Txt>(record.data).joined());
    return out;
  }
  static dns::Name tlsa_name() { return *dns::Name::parse("_25._tcp.mx.alpha.example"); }

  CrashPoint* crash = nullptr;
  Records first, second;
  bool silent = false, takes_updates = true, refuses = false;
  Duration lag{};  ///< of the second server
  std::optional<TimePoint> lag_until;
  int looks = 0, updates = 0;
  std::map<std::string, std::string> aliases;

 private:
  class Publisher final : public transition::ZonePublisher {
   public:
    explicit Publisher(Zone& zone) : zone_(zone) {}
    Task<Result<void, Problem>> publish(transition::ZoneChange change) override {
      if (zone_.crash != nullptr) co_await zone_.crash->pass();
      if (zone_.refuses) co_return fail(Problem{ProblemKind::unavailable, "update", "connection refused", ""});
      for (const dns::Record& record : change.must_exist) {
        const auto& present = zone_.first[key_of(record.owner, record.type)];
        const bool there = std::ranges::any_of(present, [&](const auto& each) { return each.data == record.data; });
        if (!there) co_return fail(Problem{ProblemKind::no, "update", "somebody else has changed the zone", ""});
      }
      ++zone_.updates;
      for (const dns::Record& record : change.remove)
        std::erase_if(zone_.first[key_of(record.owner, record.type)],
                      [&](const dns::Record& each) { return each.data == record.data; });
      for (const dns::Record& record : change.add) {
        auto& present = zone_.first[key_of(record.owner, record.type)];
        std::erase_if(present, [&](const dns::Record& each) { return each.data == record.data; });
        present.push_back(record);
      }
      if (zone_.lag == Duration::zero()) {
        zone_.second = zone_.first;
      } else {
        zone_.lag_until = zone_.clock_.now() + zone_.lag;
      }
      if (zone_.crash != nullptr) co_await zone_.crash->pass();
      co_return Result<void, Problem>{};
    }

   private:
    Zone& zone_;
  };

  ServerRecords say(std::string server, const Records& records, const dns::Name& asked, dns::RecordType type) const {
    ServerRecords said{std::move(server), true, {}, {}, {}};
    dns::Name name = asked;
    if (const auto alias = aliases.find(asked.lower_case_key()); alias != aliases.end()) {
      name = *dns::Name::parse(alias->second);
      said.aliases.push_back(name);
    }
    if (const auto at = records.find(key_of(name, type)); at != records.end()) said.records = at->second;
    return said;
  }
  const runtime::Clock& clock_;
};

class KeyChangeTest : public CertificatesTest {
 protected:
  KeyChangeTest() {
    wanted = {{{"mx.alpha.example"}, true}};
    restart();
  }
  Surroundings surroundings() override {
    Surroundings around = CertificatesTest::surroundings();
    dns_prover = std::make_unique<DnsProver>(*store, clock, zone, zone, runtime::Logger());
    around.witness = &zone;
    around.dns_prover = dns_prover.get();
    if (by_dns) {
      around.prover = dns_prover.get();
      around.publishers = &zone;
      authority.texts_at = [this](const std::string& name) { return zone.texts(zone.second, name); };
    }
    return around;
  }
  void restart() {
    certificates.reset();
    reopen();
  }
  std::optional<TlsKey> key(TlsKeyState state) {
    for (const TlsKey& each : certificates->keys())
      if (each.state == state) return each;
    return std::nullopt;
  }
  std::string digest(TlsKeyState state) {
    const auto found = key(state);
    return found ? found->digest : std::string();
  }
  /// Looks every ten minutes, as keep() does, a restart before each: what counts is in the store.
  void pass(Duration time) {
    for (const TimePoint until = clock.now() + time; clock.now() < until;) {
      clock.advance(renewal_look);
      if (restarts) restart();
      look();
      check_invariant();
    }
  }
  /// What must hold at every moment: a sender whose cache is as old as its TTL finds the key in use in it.
  void check_invariant() {
    const std::string live = digest(TlsKeyState::live);
    if (live.empty()) return;
    history.emplace_back(clock.now(), zone.tlsa());
    for (const auto& [at, digests] : history) {
      if (at + std::chrono::seconds(kTtl) < clock.now() || digests.empty()) continue;
      EXPECT_NE(std::ranges::find(digests, live), digests.end())
          << "at " << rfc3339(clock.now()) << " a cache filled at " << rfc3339(at) << " does not know the key in use";
    }
  }
  std::string change(bool force = false) {
    auto waits = run(certificates->change_key("mx.alpha.example", force));
    EXPECT_TRUE(waits) << (waits ? "" : waits.error().text());
    return waits.value_or("?");
  }

  Zone zone{clock};
  std::unique_ptr<DnsProver> dns_prover;
  bool by_dns = false, restarts = false;
  std::vector<std::pair<TimePoint, std::vector<std::string>>> history;
};

TEST_F(KeyChangeTest, WithoutTlsaTheFirstKeyAndEveryChangeIsAtOnce) {
  EXPECT_EQ(look(), 1u);
  const std::string first = digest(TlsKeyState::live);
  look();
  EXPECT_FALSE(digest(TlsKeyState::next).empty()) << "the next key is made early";
  EXPECT_EQ(change(), "");
  EXPECT_NE(digest(TlsKeyState::live), first);
  EXPECT_EQ(digest(TlsKeyState::retiring), first);
  EXPECT_EQ(changes, 2);
}

TEST_F(KeyChangeTest, TheFirstKeyWaitsWhereTlsaNamesAnother) {
  zone.set_tlsa({std::string(64, 'a')});
  EXPECT_EQ(look(), 0u);
  EXPECT_THAT(certificates->standing("mx.alpha.example").waits, HasSubstr("does not list"));
  EXPECT_EQ(authority.issued, 0) << "an order is of no use yet";
  zone.set_tlsa({std::string(64, 'a'), digest(TlsKeyState::next)});
  pass(std::chrono::seconds(kTtl) * 2);
  EXPECT_EQ(authority.issued, 0);
  pass(20min);
  EXPECT_EQ(authority.issued, 1);
  EXPECT_EQ(certificates->issued().size(), 1u);
}

TEST_F(KeyChangeTest, TheNextKeyTakesOverTwoTtlsAfterEveryServerShowsIt) {
  look(), look();
  const std::string first = digest(TlsKeyState::live), next = digest(TlsKeyState::next);
  zone.set_tlsa({first});
  EXPECT_THAT(change(), HasSubstr("does not list 3 1 1 " + next));
  pass(24h);
  EXPECT_EQ(digest(TlsKeyState::live), first) << "for days, if nobody publishes it";
  zone.set_tlsa({first, next});
  pass(110min);
  EXPECT_EQ(digest(TlsKeyState::live), first);
  pass(30min);
  EXPECT_EQ(digest(TlsKeyState::live), next);
  EXPECT_EQ(digest(TlsKeyState::retiring), first) << "its record is wanted while caches know no other";
  pass(3h);
  EXPECT_EQ(digest(TlsKeyState::retiring), "");
  EXPECT_NE(digest(TlsKeyState::next), "") << "and there is a next one again";
}

TEST_F(KeyChangeTest, TheSameWithARestartBeforeEveryLook) {
  look(), look();
  const std::string first = digest(TlsKeyState::live), next = digest(TlsKeyState::next);
  zone.set_tlsa({first});
  change();
  restarts = true;
  pass(1h);
  zone.set_tlsa({first, next});
  pass(110min);
  EXPECT_EQ(digest(TlsKeyState::live), first) << "a restart does not shorten the wait";
  pass(30min);
  EXPECT_EQ(digest(TlsKeyState::live), next) << "nor prolongs it";
  EXPECT_EQ(authority.issued, 2);
}

TEST_F(KeyChangeTest, ARecordThatGoesAwayAgainBeginsTheWaitAnew) {
  look(), look();
  const std::string first = digest(TlsKeyState::live), next = digest(TlsKeyState::next);
  zone.set_tlsa({first, next});
  change();
  pass(100min);
  zone.set_tlsa({first});
  pass(20min);
  zone.set_tlsa({first, next});
  pass(110min);
  EXPECT_EQ(digest(TlsKeyState::live), first);
  pass(30min);
  EXPECT_EQ(digest(TlsKeyState::live), next);
}

TEST_F(KeyChangeTest, NoKeyMovesOnADnsThatDoesNotAnswer) {
  look(), look();
  const std::string first = digest(TlsKeyState::live);
  zone.set_tlsa({first, digest(TlsKeyState::next)});
  zone.silent = true;
  EXPECT_THAT(change(), HasSubstr("timeout"));
  pass(24h);
  EXPECT_EQ(digest(TlsKeyState::live), first);
}

TEST_F(KeyChangeTest, OneServerThatLacksTheRecordIsEnoughToWait) {
  look(), look();
  const std::string first = digest(TlsKeyState::live), next = digest(TlsKeyState::next);
  zone.set_tlsa({first});
  const Zone::Records old = zone.second;
  zone.set_tlsa({first, next});
  zone.second = old;
  EXPECT_THAT(change(), HasSubstr("ns2.example"));
  pass(24h);
  EXPECT_EQ(digest(TlsKeyState::live), first);
}

TEST_F(KeyChangeTest, RecordsThatHaveJustGoneStillBindCaches) {
  look(), look();
  const std::string first = digest(TlsKeyState::live);
  zone.set_tlsa({first});
  pass(90min);
  zone.set_tlsa({});
  EXPECT_THAT(change(), HasSubstr("caches may hold"));
  pass(3h);
  EXPECT_NE(digest(TlsKeyState::live), first);
}

TEST_F(KeyChangeTest, RenewalsKeepTheKeyWhateverTheRecordsSay) {
  look(), look();
  const std::string first = digest(TlsKeyState::live);
  zone.set_tlsa({first});
  clock.advance(61 * 24h);
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(digest(TlsKeyState::live), first);
  EXPECT_EQ(authority.issued, 2);
}

TEST_F(KeyChangeTest, AnOldKeyIsReplacedByItself) {
  key_age = 365 * 24h;
  restart();
  look(), look();
  const std::string first = digest(TlsKeyState::live);
  clock.advance(366 * 24h);
  look();
  EXPECT_NE(digest(TlsKeyState::live), first);
}

TEST_F(KeyChangeTest, TlsaThatLacksTheKeyInUseIsAnAlarm) {
  look();
  zone.set_tlsa({std::string(64, 'a')});
  clock.advance(70min);
  look();
  EXPECT_THAT(certificates->standing("mx.alpha.example").tlsa, HasSubstr("does not list"));
  zone.set_tlsa({digest(TlsKeyState::live)});
  clock.advance(70min);
  look();
  EXPECT_EQ(certificates->standing("mx.alpha.example").tlsa, "");
}

TEST_F(KeyChangeTest, ForceIsAtOnce) {
  look(), look();
  zone.set_tlsa({digest(TlsKeyState::live)});
  const std::string next = digest(TlsKeyState::next);
  EXPECT_EQ(change(true), "");
  EXPECT_EQ(digest(TlsKeyState::live), next);
}

TEST_F(KeyChangeTest, TrustAnchorsAloneBindNoKey) {
  zone.first[key_of(Zone::tlsa_name(), dns::RecordType::tlsa)] = {
      {Zone::tlsa_name(), dns::RecordType::tlsa, kTtl, dns::Tlsa{2, 1, 1, std::string(32, 'x')}}};
  zone.second = zone.first;
  EXPECT_EQ(look(), 1u);
}

TEST_F(KeyChangeTest, WithUpdatesTheServerPublishesAndWithdrawsByItself) {
  by_dns = true;
  restart();
  look(), look();
  const std::string first = digest(TlsKeyState::live), next = digest(TlsKeyState::next);
  EXPECT_THAT(zone.tlsa(), IsEmpty()) << "who has no TLSA records does not get any from us";
  zone.set_tlsa({first});
  change();
  look();
  EXPECT_EQ(zone.tlsa(), (std::vector{first, next}));
  restarts = true;
  pass(150min);
  EXPECT_EQ(digest(TlsKeyState::live), next);
  pass(3h);
  EXPECT_EQ(zone.tlsa().front(), next) << "the old record is gone";
  EXPECT_EQ(std::ranges::count(zone.tlsa(), first), 0);
}

constexpr int kMomentsMax = 120;

/// The whole of a change with dns-01 and updates of ours, the process ending at the n-th word to authority or DNS.
class CrashTest : public KeyChangeTest, public testing::WithParamInterface<int> {
 protected:
  CrashTest() {
    by_dns = true;
    restart();
  }
  /// Looks until the crash, or until everything is done; whether it crashed.
  bool run_into(CrashPoint& crash) {
    authority.crash = zone.crash = &crash;
    runtime::TaskGroup doomed("doomed", runtime::Logger{});
    const TimePoint until = clock.now() + 6h;
    while (!crash.reached && clock.now() < until) {
      clock.advance(renewal_look);
      std::optional<std::size_t> done;
      runtime::spawn(doomed, loop.executor(), "look", into(certificates->look(), done));
      EXPECT_TRUE(reaches([&] { return done || crash.reached; }, 1h));
      if (!crash.reached) check_invariant();
    }
    doomed.cancel();
    loop.run_for(1s);
    authority.crash = zone.crash = nullptr;
    return crash.reached;
  }
};

TEST_P(CrashTest, AChangeOfKeysIsResumedNeverSkippedAndNeverRepeatedHarmfully) {
  look(), look();
  const std::string first = digest(TlsKeyState::live), next = digest(TlsKeyState::next);
  zone.set_tlsa({first});
  change();
  CrashPoint crash{clock, GetParam()};
  const bool crashed = run_into(crash);
  if (GetParam() == kMomentsMax) {
    EXPECT_FALSE(crashed) << "there are more moments than these";
  }
  restart();
  check_invariant();
  pass(6h);
  EXPECT_EQ(digest(TlsKeyState::live), next);
  EXPECT_EQ(digest(TlsKeyState::retiring), "");
  EXPECT_EQ(std::ranges::count(zone.tlsa(), next), 1);
  EXPECT_EQ(std::ranges::count(zone.tlsa(), first), 0);
  EXPECT_TRUE(zone.texts(zone.first, "_acme-challenge.mx.alpha.example").empty());
  EXPECT_LE(authority.issued, crashed ? 3 : 2) << "an order may be repeated once";
  EXPECT_EQ(authority.accounts, 1);
  EXPECT_LE(certificates->keys().size(), 2u) << "the present and the next";
}

INSTANTIATE_TEST_SUITE_P(EveryMoment, CrashTest, testing::Range(1, kMomentsMax + 1));

// ---------------------------------------------------------------- dns-01

class DnsProofTest : public KeyChangeTest {
 protected:
  DnsProofTest() {
    by_dns = true;
    restart();
  }
  std::vector<std::string> left() { return zone.texts(zone.first, "_acme-challenge.mx.alpha.example"); }
  std::string notes() {
    return storage::testing::ask(*store, [](storage::Reader& reader) { return reader.setting(challenges_setting); });
  }
};

TEST_F(DnsProofTest, StandsAtEveryServerBeforeTheAuthorityIsCalledAndIsRemoved) {
  zone.lag = 90s;
  EXPECT_EQ(look(), 1u);
  EXPECT_THAT(left(), IsEmpty());
  EXPECT_EQ(notes(), "");
}

TEST_F(DnsProofTest, OtherTextsAtTheNameStay) {
  const auto name = *dns::Name::parse("_acme-challenge.mx.alpha.example");
  const dns::Record other{name, dns::RecordType::txt, 60, dns::Txt{{"somebody else's"}}};
  authority.texts_at = [](const std::string&) { return std::vector{std::string(43, 'x')}; };
  zone.first[key_of(name, dns::RecordType::txt)] = {other};
  zone.second = zone.first;
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(left(), std::vector<std::string>{"somebody else's"});
}

TEST_F(DnsProofTest, AnAliasIsFollowed) {
  zone.aliases[dns::Name::parse("_acme-challenge.mx.alpha.example")->lower_case_key()] = "proofs.beta.example";
  authority.texts_at = [this](const std::string&) { return zone.texts(zone.second, "proofs.beta.example"); };
  EXPECT_EQ(look(), 1u);
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(DnsProofTest, AServerThatLagsForEverFailsTheOrderAndNothingIsLeft) {
  zone.lag = 24h;
  EXPECT_EQ(look(), 0u);
  EXPECT_THAT(certificates->standing("mx.alpha.example").problem, HasSubstr("not every authoritative server"));
  EXPECT_THAT(left(), IsEmpty());
  EXPECT_EQ(authority.issued, 0);
}

TEST_F(DnsProofTest, WhatCannotBeRemovedNowIsRemovedLater) {
  authority.texts_at = [this](const std::string& name) {
    zone.refuses = true;  // from when the authority looks
    return zone.texts(zone.second, name);
  };
  EXPECT_EQ(look(), 1u);
  EXPECT_EQ(left().size(), 1u);
  EXPECT_THAT(notes(), HasSubstr("_acme-challenge.mx.alpha.example"));
  restart();
  zone.refuses = false;
  look();
  EXPECT_THAT(left(), IsEmpty());
  EXPECT_EQ(notes(), "");
}

TEST_F(DnsProofTest, ACrashBetweenPlacingAndRemovingLeavesNothingForEver) {
  // As the store and the zone stand when the process ends at that moment.
  const PlacedChallenge placed{"_acme-challenge.mx.alpha.example", std::string(43, 'a')};
  storage::Unit unit;
  unit.mutations.emplace_back(storage::PutSetting{challenges_setting, challenges_json({placed})});
  auto committed = run(store->commit(std::move(unit)));
  ASSERT_TRUE(committed);
  const auto name = *dns::Name::parse(placed.name);
  zone.first[key_of(name, dns::RecordType::txt)] = {{name, dns::RecordType::txt, 60, dns::Txt{{placed.value}}}};
  zone.second = zone.first;
  restart();
  EXPECT_EQ(look(), 1u);
  EXPECT_THAT(left(), IsEmpty());
  EXPECT_EQ(notes(), "");
}

TEST_F(DnsProofTest, WithoutAnUpdateServerItIsSaidWhatIsMissing) {
  zone.takes_updates = false;
  EXPECT_EQ(look(), 0u);
  EXPECT_THAT(certificates->standing("mx.alpha.example").problem, HasSubstr("takes updates"));
  EXPECT_EQ(notes(), "");
}

TEST(PlacedChallenges, AreReadBackAndNonsenseIsNothing) {
  const std::set<PlacedChallenge> placed{{"a.example", "x"}, {"b.example", "y"}};
  EXPECT_EQ(parse_challenges(challenges_json(placed)), placed);
  EXPECT_EQ(challenges_json({}), "");
  for (const char* bad : {"", "{", "{}", "[1]", R"([{"name":1}])"}) EXPECT_TRUE(parse_challenges(bad).empty());
}

}  // namespace
}  // namespace posthorn::certificates
