// Mail as sessions use it: views that stay true, operations that are whole or not at all, what comes back and what
// goes.
#include <future>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/mailbox/version_builder.h"
#include "flow/test_support/mailbox_bed.h"

namespace posthorn::mailbox {
namespace {

using flow_test::MailboxBed;
using storage::AccountId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr std::uint8_t seen = static_cast<std::uint8_t>(Flag::seen);
constexpr std::uint8_t flagged = static_cast<std::uint8_t>(Flag::flagged);
constexpr std::uint8_t deleted = static_cast<std::uint8_t>(Flag::deleted);

std::string message(const std::string& id, const std::string& answers = "") {
  return "Message-ID: <" + id + "@alpha.example>\r\n" +
         (answers.empty() ? "" : "In-Reply-To: <" + answers + "@alpha.example>\r\n") + "Subject: " + id +
         "\r\n\r\nHello.\r\n";
}

/// Everything of a version in one text, keywords included.
std::string text_of(const Version& version) {
  std::string text =
      fmt::format("uidnext {} modseq {} unseen {} deleted {} octets {}\n", version.uid_next(), version.highest_modseq(),
                  version.totals().unseen, version.totals().deleted, version.totals().octets);
  version.for_each(0, version.size(), [&](std::size_t position, const Entry& entry) {
    text += fmt::format("{}: uid {} modseq {} size {} flags {} id {} date {} [{}]\n", position + 1, entry.uid(),
                        entry.modseq(), entry.size(), entry.flags(), entry.email_id().text(),
                        rfc3339(entry.internal_date()), fmt::join(version.keywords(entry), " "));
  });
  return text;
}

class MailboxTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(bed.damages(), ""); }
  std::vector<Uid> uids(const View& view) {
    std::vector<Uid> all;
    const auto now = view.current();
    now->for_each(0, now->size(), [&](std::size_t, const Entry& entry) { all.push_back(entry.uid()); });
    return all;
  }
  /// The mailbox as somebody reads it who has nothing in memory.
  std::string reloaded(const View& view) {
    Mailboxes fresh(*bed.store, *bed.folders, bed.clock, bed.ids, {}, runtime::Logger());
    return text_of(*(*bed.wait(fresh.open(view.account(), view.mailbox())))->current());
  }
  std::string name_of(OperationError error) { return std::to_string(static_cast<int>(error)); }
  StoredFlags store(const View& view, StoreFlags change) {
    auto stored = bed.wait(bed.mailboxes->store_flags(view, std::move(change)));
    EXPECT_TRUE(stored);
    return stored ? *stored : StoredFlags{};
  }

  MailboxBed bed;
  AccountId ann = bed.account("ann@alpha.example");
};

// ---------------------------------------------------------------- views

TEST_F(MailboxTest, AViewFollowsWhatIsCommitted) {
  const auto view = bed.view(ann);
  EXPECT_TRUE(view->current()->empty());
  EXPECT_EQ(bed.append(ann, message("one")), 1u);
  EXPECT_EQ(bed.append(ann, message("two"), "INBOX", seen, {"$Work", "alpha"}), 2u);
  const auto now = view->current();
  ASSERT_EQ(now->size(), 2u);
  EXPECT_EQ(now->totals().unseen, 1u);
  EXPECT_THAT(now->keywords(now->at(1)), ElementsAre("$Work", "alpha"));
  EXPECT_THAT(now->known_keywords(), ElementsAre("$Work", "alpha"));
  EXPECT_EQ(text_of(*now), reloaded(*view));
}

TEST_F(MailboxTest, AnOlderVersionStaysAsItWas) {
  const auto view = bed.view(ann);
  bed.append(ann, message("one"));
  const auto before = view->current();
  const std::string text = text_of(*before);
  bed.append(ann, message("two"));
  store(*view, {{1}, FlagsChange::add, seen, {"later"}, std::nullopt});
  EXPECT_EQ(text_of(*before), text);
  const Difference difference = compare(*before, *view->current());
  EXPECT_THAT(difference.added, ElementsAre(2u));
  EXPECT_THAT(difference.changed, ElementsAre(1u));
}

TEST_F(MailboxTest, TheNumbersOfASessionMoveOnlyWhenItSaysSo) {
  const auto view = bed.view(ann);
  for (const char* const id : {"one", "two", "three"}) bed.append(ann, message(id));
  Snapshot snapshot(view);
  ASSERT_TRUE(bed.wait(bed.mailboxes->remove(*view, {1})));
  bed.append(ann, message("four"));
  Changes held = snapshot.catch_up(Expunges::hold_back);
  EXPECT_THAT(held.expunged, IsEmpty());
  EXPECT_EQ(held.exists, 4u) << "three and the one that came, the one that went still has its number";
  EXPECT_EQ(snapshot.known().at(2).uid(), 3u);
  EXPECT_TRUE(snapshot.is_gone(1));
  Changes told = snapshot.catch_up(Expunges::tell);
  EXPECT_THAT(told.expunged, ElementsAre(1u));
  EXPECT_THAT(told.vanished, ElementsAre(1u));
  EXPECT_FALSE(told.exists);
  EXPECT_EQ(snapshot.known().size(), 3u);
  EXPECT_EQ(text_of(snapshot.known()), reloaded(*view));
}

TEST_F(MailboxTest, WhatAClientWasToldIsNotToldAgain) {
  const auto view = bed.view(ann);
  bed.append(ann, message("one"));
  Snapshot mine(view);
  Snapshot other(view);
  const StoredFlags stored = store(*view, {{1}, FlagsChange::add, seen, {}, std::nullopt});
  mine.told(1, stored.now.front().modseq);
  EXPECT_THAT(mine.catch_up(Expunges::tell).flags, IsEmpty());
  EXPECT_THAT(other.catch_up(Expunges::tell).flags, ElementsAre(1u));
}

TEST_F(MailboxTest, AChangeWakesWhoWaits) {
  const auto view = bed.view(ann);
  runtime::Loops loops(1);
  loops.start();
  std::promise<void> woken;
  auto subscription = view->subscribe(loops.executor(0), view->current(), [&woken] { woken.set_value(); });
  bed.append(ann, message("one"));
  EXPECT_EQ(woken.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
  loops.stop();
}

// Several sessions do what they like; each client's picture, kept from what it is told, must be the truth in the end.
class Client {
 public:
  explicit Client(std::shared_ptr<View> view) : snapshot_(std::move(view)) {
    const Version& known = snapshot_.known();
    known.for_each(0, known.size(), [&](std::size_t, const Entry& entry) { uids_.push_back(entry.uid()); });
  }
  void hear(Expunges expunges) {
    const Changes changes = snapshot_.catch_up(expunges);
    for (const std::uint32_t number : changes.expunged) uids_.erase(uids_.begin() + number - 1);
    for (const Uid uid : changes.added) uids_.push_back(uid);
    if (changes.exists) EXPECT_EQ(*changes.exists, uids_.size());
    const Version& known = snapshot_.known();
    ASSERT_EQ(known.size(), uids_.size());
    for (std::size_t i = 0; i < uids_.size(); ++i) ASSERT_EQ(known.at(i).uid(), uids_[i]);
  }
  const Snapshot& snapshot() const { return snapshot_; }

 private:
  Snapshot snapshot_;
  std::vector<Uid> uids_;
};

TEST_F(MailboxTest, AfterRandomChangesFromSeveralSessionsEveryViewEqualsAReload) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    const AccountId account = bed.account(fmt::format("r{}@alpha.example", seed));
    const std::vector<std::shared_ptr<View>> views{bed.view(account), bed.view(account, "Archive")};
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) clients.emplace_back(views[0]);
    const auto some = [&](const View& view) {
      std::vector<Uid> chosen;
      for (const Uid uid : uids(view))
        if (random() % 4 == 0) chosen.push_back(uid);
      return chosen;
    };
    for (int step = 0; step < 150; ++step) {
      const View& view = *views[random() % 2];
      const std::string name = &view == views[0].get() ? "INBOX" : "Archive";
      const std::string other = name == "INBOX" ? "Archive" : "INBOX";
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
          bed.append(account, message(std::to_string(random())), name, random() % 2 ? seen : deleted,
                     {"k" + std::to_string(random() % 5)});
          break;
        case 3:
          store(view, {some(view),
                       static_cast<FlagsChange>(random() % 3),
                       random() % 2 ? deleted : flagged,
                       {"k" + std::to_string(random() % 5)},
                       std::nullopt});
          break;
        case 4:
          EXPECT_TRUE(bed.wait(bed.mailboxes->expunge(view, std::nullopt)));
          break;
        case 5:
          EXPECT_TRUE(bed.wait(bed.mailboxes->copy(view, some(view), other)));
          break;
        case 6:
          EXPECT_TRUE(bed.wait(bed.mailboxes->move(view, some(view), random() % 3 == 0 ? name : other)));
          break;
        default:
          clients[random() % clients.size()].hear(random() % 2 ? Expunges::tell : Expunges::hold_back);
      }
    }
    for (const auto& view : views) EXPECT_EQ(text_of(*view->current()), reloaded(*view));
    for (Client& client : clients) {
      client.hear(Expunges::tell);
      EXPECT_EQ(text_of(client.snapshot().known()), text_of(*views[0]->current()));
    }
  }
}

// ---------------------------------------------------------------- operations

// Of two imports from the same place only the first is taken: the part of one that was killed may come late.
TEST_F(MailboxTest, AnAppendFromAPlaceThatHasMovedStoresNothing) {
  const AccountId bob = bed.account("bob@alpha.example");
  const auto view = bed.view(bob);
  const auto part = [&](const std::string& from, const std::string& to) {
    Append append = bed.mailboxes->begin_append(bob);
    EXPECT_TRUE(append.begin_message(0, {}, std::nullopt));
    EXPECT_TRUE(bed.wait(append.write("Subject: x\r\n\r\n")));
    EXPECT_TRUE(bed.wait(append.end_message()));
    storage::Unit with_it{{storage::SettingIs{"test/place", from}}, {storage::PutSetting{"test/place", to}}};
    return bed.wait(bed.mailboxes->finish_append(std::move(append), "INBOX", std::move(with_it)));
  };
  EXPECT_TRUE(part("", "1"));
  const auto late = part("", "1");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().error, OperationError::not_allowed);
  EXPECT_TRUE(part("1", "2"));
  EXPECT_EQ(view->current()->size(), 2u);
}

TEST_F(MailboxTest, SeveralMessagesOfOneAppendComeTogetherOrNotAtAll) {
  const AccountId bob = bed.account("bob@alpha.example", 1'000);
  const auto view = bed.view(bob);
  Append append = bed.mailboxes->begin_append(bob);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(append.begin_message(0, {}, std::nullopt));
    ASSERT_TRUE(bed.wait(append.write(std::string(400, 'x'))));
    ASSERT_TRUE(bed.wait(append.end_message()));
  }
  const auto refused = bed.wait(bed.mailboxes->finish_append(std::move(append), "INBOX"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, OperationError::over_quota);
  EXPECT_TRUE(view->current()->empty());
  EXPECT_EQ(bed.append(bob, std::string(400, 'x')), 1u);
  EXPECT_EQ(bed.wait(bed.mailboxes->quota(bob)).octets_limit, 1'000u);
  EXPECT_EQ(bed.wait(bed.mailboxes->quota(bob)).octets_used, 400u);
}

TEST_F(MailboxTest, UnchangedSinceKeepsWhatChangedMeanwhile) {
  const auto view = bed.view(ann);
  bed.append(ann, message("one"));
  bed.append(ann, message("two"));
  const ModSeq before = view->current()->highest_modseq();
  store(*view, {{1}, FlagsChange::add, flagged, {}, std::nullopt});
  const StoredFlags stored = store(*view, {{1, 2}, FlagsChange::replace, seen, {}, before});
  EXPECT_THAT(stored.modified, ElementsAre(1u));
  ASSERT_EQ(stored.now.size(), 1u);
  EXPECT_EQ(stored.now[0].uid, 2u);
  EXPECT_EQ(view->current()->find(1)->flags(), flagged);
}

TEST_F(MailboxTest, KeywordsAreTheSameInAnyCase) {
  const auto view = bed.view(ann);
  bed.append(ann, message("one"), "INBOX", 0, {"Work"});
  const StoredFlags again = store(*view, {{1}, FlagsChange::add, 0, {"WORK"}, std::nullopt});
  EXPECT_FALSE(again.now.at(0).changed);
  store(*view, {{1}, FlagsChange::remove, 0, {"work"}, std::nullopt});
  EXPECT_THAT(view->current()->keywords(view->current()->at(0)), IsEmpty());
}

TEST_F(MailboxTest, CopiesShareTheirEmailIdAndThreadAndMovesKeepTheirs) {
  const auto view = bed.view(ann);
  bed.append(ann, message("one"), "INBOX", seen, {"todo"});
  bed.append(ann, message("answer", "one"));
  const auto copied = bed.wait(bed.mailboxes->copy(*view, {1, 2, 77}, "Archive"));
  ASSERT_TRUE(copied);
  EXPECT_THAT(copied->from, ElementsAre(1u, 2u));
  EXPECT_THAT(copied->to, ElementsAre(1u, 2u));
  const auto archive = bed.view(ann, "Archive");
  const auto here = bed.wait(bed.mailboxes->rows(*view, {1, 2}));
  const auto there = bed.wait(bed.mailboxes->rows(*archive, {1, 2}));
  ASSERT_EQ(there.size(), 2u);
  EXPECT_EQ(here[0].object_id, there[0].object_id);
  EXPECT_NE(here[0].email_id, there[0].email_id);
  EXPECT_EQ(here[0].thread_id, here[1].thread_id) << "one answers the other";
  EXPECT_EQ(here[0].thread_id, there[1].thread_id);
  EXPECT_THAT(there[0].keywords, ElementsAre("todo"));
  EXPECT_EQ(bed.octets(*archive, 1), message("one"));
  const auto moved = bed.wait(bed.mailboxes->move(*view, {1}, "Trash"));
  ASSERT_TRUE(moved);
  const auto trash = bed.wait(bed.mailboxes->rows(*bed.view(ann, "Trash"), {1}));
  ASSERT_EQ(trash.size(), 1u);
  EXPECT_EQ(trash[0].email_id, here[0].email_id);
  EXPECT_THAT(uids(*view), ElementsAre(2u));
}

TEST_F(MailboxTest, ACopyOrAnAppendToAMailboxThatIsNotThereChangesNothing) {
  const auto view = bed.view(ann);
  bed.append(ann, message("one"));
  const auto copied = bed.wait(bed.mailboxes->copy(*view, {1}, "Nowhere"));
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().error, OperationError::no_such_mailbox);
  EXPECT_EQ(bed.append(ann, message("two"), "Nowhere"), 0u);
  EXPECT_EQ(view->current()->size(), 1u);
}

TEST_F(MailboxTest, ReplaceIsOneStep) {
  const AccountId bob = bed.account("bob@alpha.example", 1'000);
  const auto view = bed.view(bob);
  bed.append(bob, std::string(900, 'x'));
  Snapshot snapshot(view);
  Append append = bed.mailboxes->begin_append(bob);
  ASSERT_TRUE(append.begin_message(seen, {}, std::nullopt));
  ASSERT_TRUE(bed.wait(append.write(std::string(950, 'y'))));
  ASSERT_TRUE(bed.wait(append.end_message()));
  const auto replaced = bed.wait(bed.mailboxes->replace(std::move(append), "INBOX", *view, 1));
  ASSERT_TRUE(replaced) << "what goes makes room for what comes";
  const Changes changes = snapshot.catch_up(Expunges::tell);
  EXPECT_THAT(changes.vanished, ElementsAre(1u));
  EXPECT_THAT(changes.added, ElementsAre(2u));
}

// ---------------------------------------------------------------- mailboxes

std::vector<std::string> names(MailboxBed& bed, AccountId account) {
  std::vector<std::string> all;
  for (const auto& row : **bed.wait(bed.folders->of(account))) all.push_back(row.name);
  return all;
}

TEST_F(MailboxTest, CreateMakesTheLevelsAndRenameTakesThemAlong) {
  ASSERT_TRUE(bed.wait(bed.mailboxes->create(ann, "Work/2026/May/")));
  EXPECT_THAT(names(bed, ann), ::testing::IsSupersetOf({"Work", "Work/2026", "Work/2026/May"}));
  bed.append(ann, message("one"), "Work/2026/May");
  ASSERT_TRUE(bed.wait(bed.mailboxes->rename(ann, "Work/2026", "Old/Then")));
  EXPECT_THAT(names(bed, ann), ::testing::IsSupersetOf({"Work", "Old", "Old/Then", "Old/Then/May"}));
  EXPECT_EQ(bed.view(ann, "Old/Then/May")->current()->size(), 1u);
  EXPECT_FALSE(bed.wait(bed.mailboxes->rename(ann, "Old", "Old/Deeper")));
  EXPECT_FALSE(bed.wait(bed.mailboxes->rename(ann, "Old", "Sent")));
  EXPECT_FALSE(bed.wait(bed.mailboxes->create(ann, "inbox")));
  for (const char* const bad : {"", "/", "a//b", "/a", "a*", "a%", "a\x01", "\xff"})
    EXPECT_FALSE(bed.wait(bed.mailboxes->create(ann, bad))) << bad;
}

TEST_F(MailboxTest, RenamingInboxMovesWhatIsInIt) {
  const auto inbox = bed.view(ann);
  bed.append(ann, message("one"));
  bed.append(ann, message("two"));
  Snapshot snapshot(inbox);
  ASSERT_TRUE(bed.wait(bed.mailboxes->rename(ann, "inbox", "Old")));
  EXPECT_THAT(snapshot.catch_up(Expunges::tell).vanished, ElementsAre(1u, 2u));
  EXPECT_EQ(bed.view(ann, "Old")->current()->size(), 2u);
  EXPECT_EQ(bed.append(ann, message("three")), 3u) << "INBOX is the same one, its uids go on";
}

TEST_F(MailboxTest, ASubscriptionOutlivesItsMailbox) {
  ASSERT_TRUE(bed.wait(bed.mailboxes->create(ann, "News")));
  ASSERT_TRUE(bed.wait(bed.mailboxes->subscribe(ann, "News", true)));
  ASSERT_TRUE(bed.wait(bed.mailboxes->remove_mailbox(ann, "News")));
  EXPECT_THAT(bed.wait(bed.mailboxes->lost_subscriptions(ann)), ElementsAre("News"));
  ASSERT_TRUE(bed.wait(bed.mailboxes->create(ann, "News")));
  EXPECT_THAT(bed.wait(bed.mailboxes->lost_subscriptions(ann)), IsEmpty());
  EXPECT_TRUE(Folders::find(**bed.wait(bed.folders->of(ann)), "News")->subscribed);
  EXPECT_FALSE(bed.wait(bed.mailboxes->remove_mailbox(ann, "InBox")));
}

TEST_F(MailboxTest, ADeletedMailboxTellsItsSessionsAndComesBackWithAnotherUidValidity) {
  ASSERT_TRUE(bed.wait(bed.mailboxes->create(ann, "News")));
  const auto view = bed.view(ann, "News");
  Snapshot snapshot(view);
  ASSERT_TRUE(bed.wait(bed.mailboxes->remove_mailbox(ann, "News")));
  EXPECT_TRUE(snapshot.catch_up(Expunges::tell).gone);
  ASSERT_TRUE(bed.wait(bed.mailboxes->create(ann, "News")));
  EXPECT_GT(bed.view(ann, "News")->current()->uid_validity(), view->current()->uid_validity());
}

TEST_F(MailboxTest, StatusIsTheSameFromMemoryAndFromTheStore) {
  bed.append(ann, message("one"), "Archive", seen);
  bed.append(ann, message("two"), "Archive", deleted);
  const auto cold = bed.wait(bed.mailboxes->status(ann, "Archive"));
  const auto view = bed.view(ann, "Archive");
  const auto warm = bed.wait(bed.mailboxes->status(ann, "Archive"));
  ASSERT_TRUE(cold && warm);
  for (const auto* status : {&*cold, &*warm}) {
    EXPECT_EQ(status->messages, 2u);
    EXPECT_EQ(status->unseen, 1u);
    EXPECT_EQ(status->deleted, 1u);
    EXPECT_EQ(status->octets, message("one").size() * 2);
    EXPECT_EQ(status->recent, 2u);
    EXPECT_EQ(status->row.uid_next, 3u);
  }
  EXPECT_EQ(bed.mailboxes->take_recent(*view), 1u);
  EXPECT_EQ(bed.mailboxes->take_recent(*view), 3u) << "they are recent to one session only";
}

// ---------------------------------------------------------------- what went

TEST_F(MailboxTest, AnExpungedEmailComesBackUntilItsTimeIsOver) {
  const auto view = bed.view(ann);
  bed.append(ann, message("one"), "INBOX", deleted, {"todo"});
  bed.append(ann, message("two"));
  const auto email_id = view->current()->find(1)->email_id();
  EXPECT_THAT(*bed.wait(bed.mailboxes->expunge(*view, std::nullopt)), ElementsAre(1u));
  bed.restart();
  auto aside = bed.wait(bed.mailboxes->recoverable(ann, TimePoint{}));
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_EQ(aside[0].mailbox_name, "INBOX");
  EXPECT_EQ(*bed.wait(bed.mailboxes->undelete(ann, aside)), 1u);
  const auto again = bed.view(ann);
  EXPECT_THAT(uids(*again), ElementsAre(2u, 3u)) << "under a new uid";
  EXPECT_EQ(again->current()->find(3)->email_id(), email_id);
  EXPECT_FALSE(again->current()->find(3)->has(Flag::deleted));
  EXPECT_EQ(bed.octets(*again, 3), message("one"));
  EXPECT_EQ(bed.damages(), "");

  ASSERT_TRUE(bed.wait(bed.mailboxes->remove(*again, {3})));
  bed.wait(bed.mailboxes->sweep());
  EXPECT_EQ(bed.wait(bed.mailboxes->recoverable(ann, TimePoint{})).size(), 1u);
  bed.clock.advance(std::chrono::hours(24 * 8));
  bed.wait(bed.mailboxes->sweep());
  EXPECT_THAT(bed.wait(bed.mailboxes->recoverable(ann, TimePoint{})), IsEmpty());
}

TEST_F(MailboxTest, ADeletedMailboxesEmailsComeBackToInbox) {
  ASSERT_TRUE(bed.wait(bed.mailboxes->create(ann, "News")));
  bed.append(ann, message("one"), "News");
  ASSERT_TRUE(bed.wait(bed.mailboxes->remove_mailbox(ann, "News")));
  EXPECT_EQ(bed.wait(bed.mailboxes->quota(ann)).octets_used, 0u);
  EXPECT_EQ(*bed.wait(bed.mailboxes->undelete(ann, bed.wait(bed.mailboxes->recoverable(ann, TimePoint{})))), 1u);
  EXPECT_EQ(bed.octets(*bed.view(ann), 1), message("one"));
  EXPECT_EQ(bed.wait(bed.mailboxes->quota(ann)).octets_used, message("one").size());
}

TEST_F(MailboxTest, WhatVanishedIsTheSameFromTombstonesAndWithoutThem) {
  MailboxOptions options;
  options.tombstones_max = 4;
  MailboxBed small(options);
  const AccountId bob = small.account("bob@alpha.example");
  const auto view = small.view(bob);
  for (int i = 0; i < 12; ++i) small.append(bob, message(std::to_string(i)));
  const ModSeq start = view->current()->highest_modseq();
  for (const Uid uid : {3u, 5u, 7u, 9u, 11u}) ASSERT_TRUE(small.wait(small.mailboxes->remove(*view, {uid})));
  const auto before = small.wait(small.mailboxes->vanished_since(*view, start, std::nullopt));
  EXPECT_THAT(before, ElementsAre(3u, 5u, 7u, 9u, 11u));
  small.wait(small.mailboxes->sweep());
  EXPECT_GT(view->current()->forgotten_modseq(), start) << "the oldest are forgotten, and the view knows";
  EXPECT_EQ(small.wait(small.mailboxes->vanished_since(*view, start, std::nullopt)), before);
  EXPECT_THAT(small.wait(small.mailboxes->vanished_since(*view, start, std::vector<Uid>{1, 2, 3, 4, 5})),
              ElementsAre(3u, 5u));
  small.restart();
  EXPECT_GT(small.view(bob)->current()->forgotten_modseq(), start);
  EXPECT_EQ(small.append(bob, message("next")), 13u);
}

// ---------------------------------------------------------------- facts

constexpr storage::FactsParts all_facts{true, true, true, true};

TEST_F(MailboxTest, FactsAreMadeOnceAndGoWithTheEmail) {
  std::atomic<int> made{0};
  MailboxOptions options;
  options.make_facts = [&made](Octets octets) {
    ++made;
    return storage::FactsRow{"E" + std::string(octets.substr(13, 3)), "S", "P",
                             "F" + std::string(octets.substr(13, 3))};
  };
  MailboxBed counting(options);
  const AccountId bob = counting.account("bob@alpha.example");
  const auto view = counting.view(bob);
  for (const char* const id : {"aaa", "bbb", "ccc"}) counting.append(bob, message(id));
  ASSERT_TRUE(counting.wait(counting.mailboxes->remove(*view, {2})));
  for (int round = 0; round < 2; ++round) {
    const auto facts = counting.wait(counting.mailboxes->facts(*view, {1, 2, 3}, all_facts));
    ASSERT_EQ(facts.size(), 3u);
    ASSERT_TRUE(facts[0] && facts[2]);
    EXPECT_EQ(facts[0]->envelope, "Eaaa");
    EXPECT_FALSE(facts[1]);
    EXPECT_EQ(facts[2]->envelope, "Eccc");
    EXPECT_EQ(facts[2]->fields, "Fccc");
    // Nobody waits for them to be kept; what commits behind them comes after them.
    ASSERT_TRUE(counting.wait(counting.store->commit(storage::Unit{})));
  }
  EXPECT_EQ(made, 2);
  ASSERT_TRUE(counting.wait(counting.mailboxes->copy(*view, {3}, "Archive")));
  EXPECT_EQ(counting.wait(counting.mailboxes->facts(*counting.view(bob, "Archive"), {1}, all_facts))[0]->fields,
            "Fccc");
  EXPECT_EQ(made, 2) << "a copy takes its facts along";
}

TEST_F(MailboxTest, FieldsAreVisitedKeptOrNot) {
  std::atomic<int> made{0};
  MailboxOptions options;
  options.make_facts = [&made](Octets octets) {
    ++made;
    const std::string id(octets.substr(13, 3));
    return storage::FactsRow{"E", "S", "P", id == "bbb" ? "" : "F" + id};  // the second is too large to be kept
  };
  MailboxBed counting(options);
  const AccountId bob = counting.account("bob@alpha.example");
  const auto view = counting.view(bob);
  std::vector<EmailId> ids;
  for (const char* const id : {"aaa", "bbb", "ccc"}) counting.append(bob, message(id));
  for (const Uid uid : {3u, 1u, 2u}) ids.push_back(view->current()->find(uid)->email_id());
  ids.insert(ids.begin() + 1, EmailId{1});  // one that never was
  for (int round = 0; round < 2; ++round) {
    std::map<std::size_t, std::string> visited;
    counting.wait(
        counting.mailboxes->visit_fields(ids, [&visited](std::size_t i, Octets fields) { visited[i] = fields; }));
    EXPECT_EQ(visited[0], "Fccc");
    EXPECT_EQ(visited[2], "Faaa");
    EXPECT_TRUE(visited[3].find("bbb") != std::string::npos && visited[3].front() != 'F') << "the header itself";
    EXPECT_EQ(visited.size(), 3u);
    ASSERT_TRUE(counting.wait(counting.store->commit(storage::Unit{})));
  }
  EXPECT_EQ(made, 3);
}

}  // namespace
}  // namespace posthorn::mailbox
