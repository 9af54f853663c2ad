// The demo's pieces: what the teller says and when, and what the world is made of. The whole demo runs in the
// conformance tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entrance/demo/teller.h"
#include "entrance/demo/world.h"
#include "platform/test_support/store_support.h"
#include "site/journal/story.h"

namespace posthorn::demo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace st = storage::testing;

class TellerTest : public ::testing::Test {
 protected:
  TellerTest() {
    storage::StoreOptions options;
    options.dir = folder_.path() / "store";
    options.create = true;
    store_ = std::move(*storage::Store::open(options));
  }
  ~TellerTest() override { store_->close(); }

  /// What a teller prints while `units` are committed.
  std::string told(Teller& teller, std::vector<storage::Unit> units) {
    teller.listen_to(*store_, "alpha.example");
    ::testing::internal::CaptureStdout();
    for (storage::Unit& unit : units) EXPECT_TRUE(st::commit(*store_, std::move(unit)));
    return ::testing::internal::GetCapturedStdout();
  }
  storage::Unit story_of(MailId id) {
    journal::Story story;
    story.step(clock_.now(), journal::Stage::envelope, "the sender was accepted")
        .with("sender", "ann@alpha.example")
        .with("empty", "")
        .with("long", std::string(200, 'x'))
        .with("octets", std::uint64_t{412});
    storage::Unit unit;
    unit.mutations.emplace_back(storage::PutStory{story.take_row(id, clock_.now())});
    return unit;
  }

  st::TemporaryFolder folder_;
  std::unique_ptr<storage::Store> store_;
  runtime::SystemClock clock_;
  st::Ids ids_;
};

TEST_F(TellerTest, TellsEachStepWithTheEvidenceThatFitsALine) {
  Teller teller(clock_, false);
  const std::string text = told(teller, {story_of(ids_.mail())});
  EXPECT_THAT(text, HasSubstr("alpha.example  envelope        the sender was accepted\n"));
  EXPECT_THAT(text, HasSubstr("sender ann@alpha.example, octets 412\n"));
  EXPECT_THAT(text, Not(HasSubstr("xxx")));
  EXPECT_THAT(text, Not(HasSubstr("empty")));
}

TEST_F(TellerTest, AQuietOneWatchesAndSaysNothing) {
  Teller teller(clock_, true);
  EXPECT_EQ(told(teller, {story_of(ids_.mail())}), "");
}

TEST_F(TellerTest, TheMailHasArrivedWhenItIsStoredThereAndDoneHere) {
  Teller teller(clock_, true);
  const st::Place bob = st::make_account(*store_, "bob@beta.example");
  MailId sent;
  MailId received;
  EXPECT_EQ(told(teller, {st::submission(ids_, {"bob@beta.example"}, 500, &sent)}), "");
  EXPECT_EQ(teller.sent_id(), sent);
  ASSERT_TRUE(st::commit(*store_, st::delivery(ids_, bob, 500, &received)));
  EXPECT_EQ(teller.received_id(), received);
  EXPECT_FALSE(teller.arrived().is_set()) << "the sender's queue has not recorded it";
  storage::Unit done;
  done.mutations = {storage::RemoveRecipient{sent, 0}};
  ASSERT_TRUE(st::commit(*store_, std::move(done)));
  EXPECT_TRUE(teller.arrived().is_set());
}

TEST(World, IsTwoSitesWithTheirOwnAddressesAndOneZone) {
  const st::TemporaryFolder folder;
  const auto made = World::make(folder.path(), from_unix_seconds(1'795'000'000));
  ASSERT_TRUE(made) << made.error().text();
  World& world = **made;
  EXPECT_NE(world.alpha().address, world.beta().address);
  for (Inhabited* site : {&world.alpha(), &world.beta()}) {
    SCOPED_TRACE(site->domain);
    const auto& listens = site->made.listeners;
    for (const auto* endpoints :
         {&listens.smtp, &listens.submission, &listens.submissions, &listens.imap, &listens.imaps}) {
      ASSERT_EQ(endpoints->size(), 1u);
      EXPECT_THAT(endpoints->front().text(), ::testing::StartsWith(site->address.text() + ":"));
    }
    EXPECT_TRUE(listens.pop3.empty()) << "what a reader of the demo does not need is off";
    for (const char* wanted : {"MX", "TXT", "_dmarc."}) {
      EXPECT_THAT(world.zone_text(), HasSubstr(wanted));
    }
    EXPECT_THAT(world.zone_text(), HasSubstr(fmt::format("PTR {}.", site->host_name)));
    EXPECT_THAT(world.zone_text(), HasSubstr(site->domain));
  }
}

}  // namespace
}  // namespace posthorn::demo
