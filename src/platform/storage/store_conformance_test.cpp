// What every Store must do, whatever is under it. A second implementation is one more type in Implementations.
#include <atomic>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "platform/test_support/store_support.h"

namespace posthorn::storage::testing {
namespace {

/// Makes and reopens embedded stores.
struct Embedded {
  TemporaryFolder folder;

  std::unique_ptr<Store> open() { return open_store(folder); }
};

using Implementations = ::testing::Types<Embedded>;

template <class Implementation>
class StoreConformance : public ::testing::Test {
 protected:
  void SetUp() override { store_ = implementation_.open(); }
  void TearDown() override {
    const auto report = store_->verify();
    ASSERT_TRUE(report.has_value());
    for (const Damage& damage : report->damages) ADD_FAILURE() << damage_name(damage.kind) << ": " << damage.what;
    store_->close();
  }
  void reopen() {
    store_->close();
    store_.reset();
    store_ = implementation_.open();
  }
  Result<Committed, CommitFailure> write(Unit unit) { return commit(*store_, std::move(unit)); }
  Result<Committed, CommitFailure> write(Mutation mutation) { return write(Unit{{}, {std::move(mutation)}}); }

  OctetString octets_of(const StoredOctets& octets) {
    return ask(*store_, [octets](Reader& reader) {
      OctetString text;
      const auto read = reader.read_octets(octets, 0, octets.size, text);
      return read ? text : "problem: " + read.error().text();
    });
  }
  std::vector<EmailRow> emails(const Place& place) {
    return ask(*store_, [place](Reader& r) { return r.emails(place.account, place.inbox, 1, 1000); });
  }

  Implementation implementation_;
  std::unique_ptr<Store> store_;
  Ids ids_;
};
TYPED_TEST_SUITE(StoreConformance, Implementations);

// ---------------------------------------------------------------- what verification remembers

constexpr std::chrono::sys_days report_day{std::chrono::days(20'000)};

DmarcRow dmarc_row(std::string policy_domain, std::string digest, std::chrono::sys_days day = report_day) {
  DmarcRow row;
  row.day = day;
  row.policy_domain = std::move(policy_domain);
  row.digest = std::move(digest);
  row.source_ip = "192.0.2.1";
  row.record = "v=DMARC1; p=reject; rua=mailto:\"a b\"@far.example";
  row.disposition = "reject";
  row.dkim = "pass";
  row.spf = "fail";
  row.override_type = "mailing_list";
  row.comment = "List-Id: <dev.lists.example>";
  row.header_from = "news.far.example";
  row.envelope_from = "bounce.far.example";
  row.envelope_to = "near.example";
  row.dkim_results = {{"far.example", "s1", "pass"}, {"a stranger's", "", "permerror"}};
  row.spf_scope = "mfrom";
  row.spf_domain = "bounce.far.example";
  row.spf_result = "softfail";
  return row;
}

TYPED_TEST(StoreConformance, DmarcRowsAreCountedByDayDomainAndDigest) {
  const std::string binary("\0\xff digest", 9);
  DmarcRow twice = dmarc_row("far.example", binary);
  ASSERT_TRUE(this->write(Unit{{}, {CountDmarcRow{twice}, CountDmarcRow{twice}}}));
  ASSERT_TRUE(this->write(CountDmarcRow{twice}));
  ASSERT_TRUE(this->write(CountDmarcRow{dmarc_row("far.example", "other")}));
  ASSERT_TRUE(this->write(CountDmarcRow{dmarc_row("near.example", binary)}));
  ASSERT_TRUE(this->write(CountDmarcRow{dmarc_row("far.example", binary, report_day + std::chrono::days(1))}));
  this->reopen();
  ask(*this->store_, [&](Reader& r) {
    twice.count = 3;
    EXPECT_EQ(r.dmarc_rows(report_day, "far.example", "", 10),
              (std::vector<DmarcRow>{twice, dmarc_row("far.example", "other")}));
    EXPECT_EQ(r.dmarc_rows(report_day, "far.example", binary, 10).size(), 1u) << "the next page";
    EXPECT_EQ(r.dmarc_rows(report_day, "far.example", "", 1).size(), 1u);
    const auto domains = r.dmarc_days(report_day, "", 10);
    EXPECT_EQ(domains.size(), 2u);
    EXPECT_EQ(domains.at(0).policy_domain, "far.example");
    EXPECT_EQ(domains.at(0).rows, 2u);
    EXPECT_EQ(r.dmarc_days(report_day, "far.example", 10).size(), 1u);
    EXPECT_EQ(r.dmarc_day(report_day).rows, 3u);
    return true;
  });
}

TYPED_TEST(StoreConformance, ADmarcRowFailsWithItsUnit) {
  Unit unit{{SettingIs{"there-is-no", "such setting"}}, {CountDmarcRow{dmarc_row("far.example", "d")}}};
  EXPECT_FALSE(this->write(std::move(unit)));
  Unit later{{}, {CountDmarcRow{dmarc_row("far.example", "d")}, SetFlags{AccountId{99}, MailboxId{1}, 1, 0, {}}}};
  EXPECT_FALSE(this->write(std::move(later)));
  EXPECT_TRUE(ask(*this->store_, [](Reader& r) { return r.dmarc_rows(report_day, "far.example", "", 10); }).empty());
  EXPECT_EQ(ask(*this->store_, [](Reader& r) { return r.dmarc_day(report_day); }).rows, 0u);
}

TYPED_TEST(StoreConformance, DmarcRowsOfADomainAreBoundedAndSwept) {
  for (std::uint64_t i = 0; i < dmarc_rows_a_domain_max;) {
    Unit unit;
    for (; i < dmarc_rows_a_domain_max && unit.mutations.size() < 1000; ++i)
      unit.mutations.emplace_back(CountDmarcRow{dmarc_row("far.example", fmt::format("{}", i))});
    ASSERT_TRUE(this->write(std::move(unit)));
  }
  ASSERT_TRUE(this->write(CountDmarcRow{dmarc_row("far.example", "one more")}));
  ASSERT_TRUE(this->write(CountDmarcRow{dmarc_row("far.example", "7")}));
  ASSERT_TRUE(this->write(CountDmarcRow{dmarc_row("near.example", "1")}));
  ask(*this->store_, [](Reader& r) {
    const DmarcDayRow far = r.dmarc_days(report_day, "", 1).at(0);
    EXPECT_EQ(far.rows, dmarc_rows_a_domain_max);
    EXPECT_EQ(far.forgotten, 1u);
    EXPECT_EQ(r.dmarc_rows(report_day, "far.example", "6999", 1).at(0).count, 2u) << "rows that are there are counted";
    EXPECT_EQ(r.dmarc_day(report_day).forgotten, 1u);
    EXPECT_EQ(r.dmarc_rows(report_day, "near.example", "", 10).size(), 1u);
    return true;
  });
  ASSERT_TRUE(this->write(CountDmarcRow{dmarc_row("near.example", "1", report_day + std::chrono::days(1))}));
  const SweepDmarcRows sweep{report_day + std::chrono::days(1), 9'000};
  EXPECT_EQ(this->write(sweep)->swept, 9'000u);
  EXPECT_TRUE(this->store_->verify()->clean()) << "the sums are those of what is left";
  EXPECT_EQ(ask(*this->store_, [](Reader& r) { return r.dmarc_day(report_day); }).rows, 1'001u);
  EXPECT_EQ(this->write(sweep)->swept, 1'001u);
  EXPECT_EQ(this->write(sweep)->swept, 0u);
  EXPECT_EQ(ask(*this->store_, [](Reader& r) { return r.dmarc_days(report_day, "", 10); }).size(), 0u);
  EXPECT_EQ(ask(*this->store_, [](Reader& r) { return r.dmarc_day(report_day + std::chrono::days(1)); }).rows, 1u);
}

NoteSelector seen(std::string domain, std::string selector, TimePoint at) {
  return {{std::move(domain), std::move(selector), "rsa-sha256", 2048, at, at}};
}

TYPED_TEST(StoreConformance, SelectorsSeenAreWrittenOnceADay) {
  const TimePoint at = from_unix_seconds(1'800'000'000);
  const auto last_seen = [this] {
    return ask(*this->store_, [](Reader& r) { return r.selectors_seen("far.example").at(0); }).last_seen;
  };
  ASSERT_TRUE(this->write(seen("far.example", "s1", at)));
  ASSERT_TRUE(this->write(seen("far.example", "s1", at + std::chrono::hours(12))));
  EXPECT_EQ(last_seen(), at);
  ASSERT_TRUE(this->write(seen("far.example", "s1", at + std::chrono::hours(24))));
  EXPECT_EQ(last_seen(), at + std::chrono::hours(24));
  this->reopen();
  const SelectorRow row = ask(*this->store_, [](Reader& r) { return r.selectors_seen("far.example"); }).at(0);
  EXPECT_EQ(row.first_seen, at);
  EXPECT_EQ(row.algorithm, "rsa-sha256");
  EXPECT_EQ(row.key_bits, 2048u);
  EXPECT_TRUE(ask(*this->store_, [](Reader& r) { return r.selectors_seen("near.example"); }).empty());
}

TYPED_TEST(StoreConformance, SelectorsSeenAreBoundedAndTheOldestGoes) {
  const TimePoint at = from_unix_seconds(1'800'000'000);
  for (std::uint64_t i = 0; i <= selectors_a_domain_max; ++i)
    ASSERT_TRUE(this->write(seen("far.example", fmt::format("s{}", i), at + std::chrono::seconds(i))));
  const auto kept = ask(*this->store_, [](Reader& r) { return r.selectors_seen("far.example"); });
  EXPECT_EQ(kept.size(), selectors_a_domain_max);
  EXPECT_EQ(kept.at(0).selector, "s1");
  for (std::uint64_t i = 0; i < selectors_max;) {
    Unit unit;
    for (; i < selectors_max && unit.mutations.size() < 1000; ++i)
      unit.mutations.emplace_back(seen(fmt::format("d{}.example", i), "s", at + std::chrono::hours(1)));
    ASSERT_TRUE(this->write(std::move(unit)));
  }
  EXPECT_TRUE(ask(*this->store_, [](Reader& r) { return r.selectors_seen("far.example"); }).empty());
  EXPECT_EQ(ask(*this->store_, [](Reader& r) { return r.selectors_seen("d7.example"); }).size(), 1u);
}

// ---------------------------------------------------------------- keys

TYPED_TEST(StoreConformance, KeysByKindOwnerAndName) {
  const TimePoint at = from_unix_seconds(1'800'000'000);
  const auto key = [at](std::string kind, std::string owner, std::string name, std::string state) {
    return KeyRow{
        std::move(kind), std::move(owner), std::move(name), std::move(state), std::string("\0sealed", 7), "{}", at, at};
  };
  Unit unit;
  unit.preconditions.emplace_back(KeyAbsent{"dkim", "b.example", "1"});
  for (const char* owner : {"b.example", "a.example"})
    unit.mutations.emplace_back(PutKey{key("dkim", owner, "1", "made")});
  unit.mutations.emplace_back(PutKey{key("tls", "a.example", "1", "live")});
  ASSERT_TRUE(this->write(unit));
  EXPECT_FALSE(this->write(unit)) << "KeyAbsent holds though the key is there";
  Unit step{{KeyInState{"dkim", "a.example", "1", "made"}}, {PutKey{key("dkim", "a.example", "1", "published")}}};
  EXPECT_TRUE(this->write(step));
  EXPECT_FALSE(this->write(step)) << "KeyInState holds though the state is another";
  EXPECT_FALSE(this->write(Unit{{KeyInState{"dkim", "c.example", "1", ""}}, {}}));
  this->reopen();
  const auto keys = ask(*this->store_, [](Reader& reader) { return reader.keys("dkim"); });
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].owner, "a.example");
  EXPECT_EQ(keys[0].state, "published");
  EXPECT_EQ(keys[0].sealed, std::string("\0sealed", 7));
  EXPECT_EQ(keys[0].changed, at);
  EXPECT_TRUE(this->write(PutDomain{{"a.example", "draft", "{}", at}}));
  EXPECT_TRUE(this->write(RemoveDomain{"a.example"}));
  EXPECT_TRUE(this->write(RemoveKey{"dkim", "b.example", "1"}));
  EXPECT_FALSE(this->write(RemoveKey{"dkim", "b.example", "1"}));
  EXPECT_TRUE(ask(*this->store_, [](Reader& reader) { return reader.keys("dkim"); }).empty());
  EXPECT_EQ(ask(*this->store_, [](Reader& reader) { return reader.keys("tls"); }).size(), 1u);
}

TYPED_TEST(StoreConformance, FindsSignaturesInTheQueue) {
  MailId mail;
  Unit unit = submission(this->ids_, {"zoe@far.example"}, 100, &mail);
  for (Mutation& mutation : unit.mutations)
    if (auto* put = std::get_if<PutQueued>(&mutation)) put->row.signed_with = "1r:a.example 1e:a.example";
  ASSERT_TRUE(this->write(unit));
  const auto is_queued = [this](const char* name) {
    return ask(*this->store_, [name](Reader& reader) { return reader.is_signed_in_queue(name); });
  };
  EXPECT_TRUE(is_queued("1r:a.example"));
  EXPECT_TRUE(is_queued("1e:a.example"));
  EXPECT_FALSE(is_queued("r:a.example"));
  EXPECT_FALSE(is_queued("1r:a.exampl"));
  EXPECT_TRUE(this->write(RemoveRecipient{mail, 0}));
  EXPECT_FALSE(is_queued("1r:a.example"));
}

TYPED_TEST(StoreConformance, KeepsAMessageOfEverySizeAcrossReopening) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  std::vector<std::pair<MailId, std::size_t>> sent;
  for (const std::size_t size : {std::size_t{100}, 16 * KiB, 16 * KiB + 1, 300 * KiB, 1 * MiB}) {
    MailId id;
    ASSERT_TRUE(this->write(delivery(this->ids_, place, size, &id)));
    sent.emplace_back(id, size);
  }
  for (int round = 0; round < 2; ++round) {
    const auto rows = this->emails(place);
    ASSERT_EQ(rows.size(), sent.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i].uid, i + 1);
      EXPECT_EQ(this->octets_of(rows[i].octets),
                "Delivered-To: bob@beta.example\r\n" + message(sent[i].first, sent[i].second));
    }
    this->reopen();
  }
}

TYPED_TEST(StoreConformance, ReadsPiecesAcrossHeaderBlockAndRanges) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  const MailId id = this->ids_.mail();
  AddEmail add = email(place.account, place.inbox, this->ids_.email(), id, 6);
  add.row.octets.header_block = "abc";
  add.row.octets.ranges = {{2, 3}, {7, 3}};
  add.row.octets.size = 9;
  Unit unit;
  unit.mutations = {content(id, "0123456789"), add};
  ASSERT_TRUE(this->write(unit));
  const StoredOctets octets = this->emails(place).at(0).octets;
  const std::string whole = "abc234789";
  for (std::size_t offset = 0; offset <= whole.size(); ++offset) {
    for (std::size_t max = 0; max <= whole.size() + 1; ++max) {
      const OctetString got = ask(*this->store_, [=](Reader& reader) {
        OctetString text;
        EXPECT_TRUE(reader.read_octets(octets, offset, max, text));
        return text;
      });
      EXPECT_EQ(got, whole.substr(offset, max));
    }
  }
}

TYPED_TEST(StoreConformance, UidsNeverGoBack) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  ASSERT_TRUE(this->write(delivery(this->ids_, place, 100)));
  const auto second = this->write(delivery(this->ids_, place, 100));
  ASSERT_EQ(second->placed.at(0).uid, 2u);
  const auto gone = this->write(ExpungeEmail{place.account, place.inbox, 2});
  ASSERT_TRUE(gone);
  EXPECT_GT(gone->modseqs.at(0), second->placed.at(0).modseq);
  this->reopen();
  const auto third = this->write(delivery(this->ids_, place, 100));
  EXPECT_EQ(third->placed.at(0).uid, 3u);
  EXPECT_GT(third->placed.at(0).modseq, gone->modseqs.at(0));
  const auto tombstones =
      ask(*this->store_, [place](Reader& r) { return r.tombstones(place.account, place.inbox, 0); });
  ASSERT_EQ(tombstones.size(), 1u);
  EXPECT_EQ(tombstones[0].uid, 2u);
  EXPECT_EQ(tombstones[0].modseq, gone->modseqs.at(0));
}

TYPED_TEST(StoreConformance, AFailedPreconditionLeavesNothingOfItsUnit) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  Unit unit = delivery(this->ids_, place, 100);
  unit.preconditions = {NameTaken{"account", "bob@beta.example"}, NameFree{"account", "bob@beta.example"}};
  const auto refused = this->write(unit);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, CommitError::precondition_failed);
  EXPECT_EQ(refused.error().precondition, 1u);
  EXPECT_TRUE(this->emails(place).empty());
  EXPECT_EQ(ask(*this->store_, [place](Reader& r) { return r.usage(place.account).messages; }), 0u);
}

TYPED_TEST(StoreConformance, SettingsAndDomainsAreComparedWithWhatWasRead) {
  const auto put = [this](Precondition condition, std::string value) {
    Unit unit;
    unit.preconditions.push_back(std::move(condition));
    unit.mutations.emplace_back(PutSetting{"room/key", std::move(value)});
    return this->write(unit).has_value();
  };
  EXPECT_FALSE(put(SettingIs{"room/key", "one"}, "two"));
  EXPECT_TRUE(put(SettingIs{"room/key", ""}, "one"));
  EXPECT_FALSE(put(SettingIs{"room/key", ""}, "two"));
  EXPECT_TRUE(put(SettingIs{"room/key", "one"}, "two"));
  EXPECT_EQ(ask(*this->store_, [](Reader& r) { return r.setting("room/key"); }), "two");

  Unit domain;
  domain.mutations.emplace_back(PutDomain{{"alpha.example", "draft", "{}", {}}});
  ASSERT_TRUE(this->write(domain));
  EXPECT_FALSE(put(DomainIs{"alpha.example", "testing", "{}"}, "three"));
  EXPECT_FALSE(put(DomainIs{"alpha.example", "draft", "{\"hosted\":false}"}, "three"));
  EXPECT_TRUE(put(DomainIs{"alpha.example", "draft", "{}"}, "three"));
}

TYPED_TEST(StoreConformance, AMutationWhoseRowIsGoneFailsItsUnitWhole) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  Unit unit = delivery(this->ids_, place, 100);
  unit.mutations.emplace_back(email(place.account, MailboxId{999}, this->ids_.email(), MailId{7}, 1));
  const auto refused = this->write(unit);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().precondition, 3u);
  EXPECT_TRUE(this->emails(place).empty());
  const auto next = this->write(delivery(this->ids_, place, 100));
  EXPECT_EQ(next->placed.at(0).uid, 1u);
}

TYPED_TEST(StoreConformance, SharesAContentAmongRecipientsUntilTheLastIsGone) {
  const Place ann = make_account(*this->store_, "ann@beta.example");
  const Place bob = make_account(*this->store_, "bob@beta.example");
  const MailId id = this->ids_.mail();
  Unit unit;
  unit.mutations = {content(id, message(id, 2000)), email(ann.account, ann.inbox, this->ids_.email(), id, 2000),
                    email(bob.account, bob.inbox, this->ids_.email(), id, 2000)};
  ASSERT_TRUE(this->write(unit));
  const StoredOctets octets = this->emails(bob).at(0).octets;
  ASSERT_TRUE(this->write(ExpungeEmail{ann.account, ann.inbox, 1}));
  EXPECT_EQ(this->octets_of(octets).size(), octets.size);
  // COPY: one more name for what is there.
  ASSERT_TRUE(this->write(email(ann.account, ann.inbox, this->ids_.email(), id, 2000)));
  ASSERT_TRUE(this->write(ExpungeEmail{bob.account, bob.inbox, 1}));
  EXPECT_EQ(this->octets_of(octets).size(), octets.size);
  ASSERT_TRUE(this->write(ExpungeEmail{ann.account, ann.inbox, 2}));
  EXPECT_TRUE(this->octets_of(octets).starts_with("problem:"));
  EXPECT_FALSE(this->write(email(ann.account, ann.inbox, this->ids_.email(), id, 2000)));
}

TYPED_TEST(StoreConformance, MovesKeepTheEmailIdAndFlags) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  MailboxRow row;
  row.account = place.account;
  row.name = "Archive";
  const MailboxId archive = this->write(PutMailbox{row})->mailbox;
  ASSERT_TRUE(this->write(delivery(this->ids_, place, 100)));
  ASSERT_TRUE(this->write(SetFlags{place.account, place.inbox, 1, 5, {"$Forwarded", "todo"}}));
  const EmailRow before = this->emails(place).at(0);
  const auto moved = this->write(MoveEmail{place.account, place.inbox, 1, archive});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->placed.at(0).mailbox, archive);
  EXPECT_TRUE(this->emails(place).empty());
  const auto after = ask(*this->store_, [id = before.email_id](Reader& r) { return r.email(id); });
  ASSERT_TRUE(after);
  EXPECT_EQ(after->mailbox, archive);
  EXPECT_EQ(after->flags, 5);
  EXPECT_EQ(after->keywords, before.keywords);
  EXPECT_EQ(this->octets_of(after->octets), this->octets_of(before.octets));
}

TYPED_TEST(StoreConformance, UnchangedSinceAndQuotaGuardTheirUnits) {
  const Place place = make_account(*this->store_, "bob@beta.example", 1000);
  const auto placed = this->write(delivery(this->ids_, place, 500))->placed.at(0);
  Unit flags;
  flags.preconditions = {EmailUnchangedSince{place.account, place.inbox, 1, placed.modseq}};
  flags.mutations = {SetFlags{place.account, place.inbox, 1, 1, {}}};
  EXPECT_TRUE(this->write(flags));
  EXPECT_FALSE(this->write(flags));
  Unit append = delivery(this->ids_, place, 600);
  append.preconditions = {QuotaAllows{place.account, 632, 1}};
  EXPECT_FALSE(this->write(append));
  append.preconditions.clear();  // a delivery may overrun it
  EXPECT_TRUE(this->write(append));
  EXPECT_EQ(ask(*this->store_, [place](Reader& r) { return r.usage(place.account).octets; }), 500u + 600 + 2 * 32);
}

TYPED_TEST(StoreConformance, TheQuotaCountsAllMailboxesAndWhatOthersOfTheGroupAdd) {
  const Place place = make_account(*this->store_, "bob@beta.example", 1000);
  MailboxRow row;
  row.account = place.account;
  row.name = "Archive";
  const Place archive{place.account, this->write(PutMailbox{row})->mailbox};
  ASSERT_TRUE(this->write(delivery(this->ids_, place, 400 - 32)));
  ASSERT_TRUE(this->write(MoveEmails{place.account, place.inbox, {1}, archive.inbox}));
  // 600 are left: three of ten appends at the same time, whichever, and into whichever mailbox.
  std::atomic<int> appended{0};
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 10; ++i) {
      Unit append = delivery(this->ids_, i % 2 == 0 ? place : archive, 200 - 32);
      append.preconditions = {QuotaAllows{place.account, 200, 1}};
      clients.emplace_back([this, &appended, append] { appended += this->write(append) ? 1 : 0; });
    }
  }
  EXPECT_EQ(appended, 3);
  const auto used = [&] { return ask(*this->store_, [place](Reader& r) { return r.usage(place.account); }); };
  EXPECT_EQ(used().octets, 1000u);
  EXPECT_EQ(used().messages, 4u);
  ASSERT_TRUE(this->write(DeleteMailbox{place.account, archive.inbox}));
  EXPECT_EQ(used().messages, this->emails(place).size());
  EXPECT_EQ(used().octets, 200 * this->emails(place).size());
}

TYPED_TEST(StoreConformance, AMailboxMadeAgainHasAGreaterUidValidity) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  MailboxRow row;
  row.account = place.account;
  row.name = "Lists";
  const auto find = [&](MailboxId id) {
    return ask(*this->store_, [place, id](Reader& r) { return r.mailbox(place.account, id); });
  };
  const MailboxId first = this->write(PutMailbox{row})->mailbox;
  const std::uint32_t validity = find(first)->uid_validity;
  EXPECT_FALSE(this->write(PutMailbox{row})) << "two mailboxes of one name";
  ASSERT_TRUE(this->write(DeleteMailbox{place.account, first}));
  this->reopen();
  const MailboxId second = this->write(PutMailbox{row})->mailbox;
  EXPECT_NE(first, second);
  EXPECT_GT(find(second)->uid_validity, validity);
}

TYPED_TEST(StoreConformance, QueueGivesWhoWaitsInOrderAndEmptiesItself) {
  MailId first;
  MailId second;
  ASSERT_TRUE(this->write(submission(this->ids_, {"a@x.example", "b@y.example", "c@x.example"}, 100, &first)));
  ASSERT_TRUE(this->write(submission(this->ids_, {"d@x.example"}, 20 * KiB, &second)));
  const auto waiting = [&](const std::string& domain, QueuePosition after, std::size_t max) {
    return ask(*this->store_, [=](Reader& r) { return r.waiting(domain, after, max); });
  };
  const auto page = waiting("x.example", {}, 2);
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].address, "a@x.example");
  EXPECT_EQ(page[1].address, "c@x.example");
  const auto rest = waiting("x.example", {page[1].not_before, page[1].mail, page[1].index}, 10);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].mail, second);

  RecipientRow later = page[0];
  later.attempts = 1;
  later.not_before += std::chrono::minutes(5);
  later.last_reply = "450 4.2.0 later";
  Unit attempt;
  attempt.preconditions = {RecipientUnchanged{first, 0, 0}};
  attempt.mutations = {PutRecipient{later}};
  EXPECT_TRUE(this->write(attempt));
  EXPECT_FALSE(this->write(attempt)) << "the lease has been used";
  const auto destinations = ask(*this->store_, [](Reader& r) { return r.destinations(); });
  ASSERT_EQ(destinations.size(), 2u);
  EXPECT_EQ(destinations[0].domain, "x.example");
  EXPECT_EQ(destinations[0].recipients, 3u);

  for (const std::uint32_t index : {0u, 1u, 2u}) {
    EXPECT_TRUE(ask(*this->store_, [first](Reader& r) { return r.queued(first); })) << index;
    EXPECT_TRUE(this->write(RemoveRecipient{first, index}));
  }
  EXPECT_FALSE(ask(*this->store_, [first](Reader& r) { return r.queued(first); }));
  EXPECT_FALSE(this->write(RemoveRecipient{first, 0}));
}

TYPED_TEST(StoreConformance, QueuePageFiltersByIdSenderAndRecipient) {
  MailId first;
  MailId second;
  ASSERT_TRUE(this->write(submission(this->ids_, {"a@x.example"}, 100, &first)));
  ASSERT_TRUE(this->write(submission(this->ids_, {"b@y.example"}, 100, &second)));
  const auto page = [&](const std::string& text, MailId after = {}) {
    std::vector<MailId> found;
    for (const QueueRow& row :
         ask(*this->store_, [=](Reader& r) { return r.queue_page(QueueFilter{text}, after, 10); })) {
      found.push_back(row.id);
    }
    return found;
  };
  EXPECT_EQ(page(""), (std::vector{first, second}));
  EXPECT_EQ(page("", first), (std::vector{second}));
  EXPECT_EQ(page("B@Y.example"), (std::vector{second}));
  EXPECT_EQ(page("x.example"), (std::vector{first}));
  EXPECT_EQ(page(second.text()), (std::vector{second}));
  EXPECT_EQ(page("ann@alpha.example").size(), 2u);
  EXPECT_TRUE(page("nobody@alpha.example").empty());
  EXPECT_TRUE(page(".example").empty());

  // What goes by a static route keeps its domain in the address alone.
  for (RecipientRow row : ask(*this->store_, [=](Reader& r) { return r.recipients(second); })) {
    row.domain = "route:domain y.example";
    ASSERT_TRUE(this->write(PutRecipient{row}));
  }
  EXPECT_EQ(page("Y.example"), (std::vector{second}));
  EXPECT_EQ(page("route:domain y.example"), (std::vector{second}));
}

TYPED_TEST(StoreConformance, FindsStoriesInTheTailAndInBatches) {
  std::vector<MailId> all;
  for (int i = 0; i < 10'000; ++i) {
    StoryRow row;
    row.id = this->ids_.mail();
    row.keys = {"n" + std::to_string(i) + "@alpha.example", "everyone@beta.example"};
    row.steps = "[]";
    all.push_back(row.id);
    this->store_->commit_later(Unit{{}, {PutStory{row}}});
    if (i % 500 == 0) ASSERT_TRUE(this->write(PutSetting{"wait", "x"}));
  }
  ASSERT_TRUE(this->write(AppendStory{{all[3], from_unix_seconds(1), "[1]"}}));
  ASSERT_TRUE(this->write(AppendStory{{all[3], from_unix_seconds(2), "[2]"}}));
  const auto find = [&](const std::string& key, std::size_t max) {
    return ask(*this->store_, [=](Reader& r) { return r.stories_by_key(key, max); });
  };
  for (const int i : {0, 4095, 4096, 9'000, 9'999}) {
    const auto found = find("n" + std::to_string(i) + "@alpha.example", 10);
    ASSERT_EQ(found.size(), 1u) << i;
    EXPECT_EQ(found[0].id, all[static_cast<std::size_t>(i)]);
  }
  const auto newest = find("everyone@beta.example", 3);
  ASSERT_EQ(newest.size(), 3u);
  EXPECT_EQ(newest[0].id, all.back());
  EXPECT_TRUE(find("nobody@beta.example", 3).empty());
  const auto parts = ask(*this->store_, [id = all[3]](Reader& r) { return r.story_parts(id); });
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].steps, "[2]");

  const auto swept = this->write(SweepStories{from_unix_seconds(4'000'000'000), 1 << 30});
  EXPECT_EQ(swept->swept, 1000u);
  EXPECT_TRUE(find("n0@alpha.example", 1).empty());
  EXPECT_EQ(find("n1000@alpha.example", 1).size(), 1u);
}

TYPED_TEST(StoreConformance, FindsAStoryThatWasWrittenAfterYoungerOnesWereSorted) {
  const auto story = [](MailId id, const std::string& key) {
    StoryRow row;
    row.id = id;
    row.keys = {key};
    row.steps = "[]";
    return row;
  };
  const auto write_batch = [&] {
    for (int i = 0; i < 5'000; ++i) {
      this->store_->commit_later(Unit{{}, {PutStory{story(this->ids_.mail(), "other@alpha.example")}}});
      if (i % 500 == 0) ASSERT_TRUE(this->write(PutSetting{"wait", "x"}));
    }
  };
  const MailId first = this->ids_.mail();
  const MailId second = this->ids_.mail();
  const auto found = [&](const std::string& key) {
    return ask(*this->store_, [=](Reader& r) { return r.stories_by_key(key, 3).size(); });
  };
  write_batch();
  ASSERT_TRUE(this->write(PutStory{story(first, "first@alpha.example")}));
  EXPECT_EQ(found("first@alpha.example"), 1u);
  this->reopen();
  EXPECT_EQ(found("first@alpha.example"), 1u);
  ASSERT_TRUE(this->write(PutStory{story(second, "second@alpha.example")}));
  EXPECT_EQ(found("second@alpha.example"), 1u);
  write_batch();
  EXPECT_EQ(found("first@alpha.example"), 1u);
  EXPECT_EQ(found("second@alpha.example"), 1u);
}

TYPED_TEST(StoreConformance, RemovingAnAccountTakesEverythingOfIt) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  LoginRow login;
  login.account = place.account;
  login.name = "bob-phone";
  Unit more = delivery(this->ids_, place, 100);
  more.mutations.emplace_back(PutLogin{login});
  more.mutations.emplace_back(PutAddress{{"robert@beta.example", place.account}});
  ASSERT_TRUE(this->write(more));
  EXPECT_FALSE(this->write(PutLogin{login})) << "the name is taken";
  const StoredOctets octets = this->emails(place).at(0).octets;
  ASSERT_TRUE(this->write(RemoveAccount{place.account}));
  ask(*this->store_, [place](Reader& r) {
    EXPECT_TRUE(r.accounts().empty());
    EXPECT_TRUE(r.logins().empty());
    EXPECT_TRUE(r.addresses().empty());
    EXPECT_TRUE(r.mailboxes(place.account).empty());
    EXPECT_EQ(r.usage(place.account).messages, 0u);
    return 0;
  });
  EXPECT_TRUE(this->octets_of(octets).starts_with("problem:"));
  const Place again = make_account(*this->store_, "bob@beta.example");
  EXPECT_NE(again.account, place.account);
}

TYPED_TEST(StoreConformance, DirectoryRowsComeBackAsTheyWere) {
  Unit unit;
  unit.mutations = {PutDomain{{"beta.example", "enforcing", R"({"mx":1})", from_unix_seconds(5)}},
                    PutGroup{{"all@beta.example", {"a@beta.example", "b@beta.example"}}},
                    PutSetting{"reports/last-run", "12"}};
  ASSERT_TRUE(this->write(unit));
  this->reopen();
  ask(*this->store_, [](Reader& r) {
    EXPECT_EQ(r.domains().at(0).settings, R"({"mx":1})");
    EXPECT_EQ(r.groups().at(0).members.size(), 2u);
    EXPECT_EQ(r.setting("reports/last-run"), "12");
    EXPECT_EQ(r.setting("reports/none"), "");
    return 0;
  });
  ASSERT_TRUE(this->write(PutSetting{"reports/last-run", ""}));
  ASSERT_TRUE(this->write(RemoveDomain{"beta.example"}));
  EXPECT_FALSE(this->write(RemoveDomain{"beta.example"}));
}

TYPED_TEST(StoreConformance, ObserversSeeUnitsBeforeTheirCallersAreAnswered) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  std::atomic<std::uint64_t> seen{0};
  this->store_->observe([&](std::span<const CommittedUnit> units) {
    for (const CommittedUnit& unit : units) seen += unit.outcome->placed.size();
  });
  for (std::uint64_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(this->write(delivery(this->ids_, place, 100)));
    EXPECT_EQ(seen.load(), i);
  }
}

TYPED_TEST(StoreConformance, AClosedStoreTakesNothing) {
  this->store_->close();
  const auto refused = this->write(PutSetting{"a", "b"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, CommitError::shutting_down);
  this->reopen();
}

TYPED_TEST(StoreConformance, FlagsOfManyChangeOnTopOfWhatTheyAre) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(this->write(delivery(this->ids_, place, 100)));
  const auto added =
      this->write(ChangeFlags{place.account, place.inbox, {1, 2, 9}, ChangeFlags::How::add, 1, {"todo"}, {}});
  ASSERT_TRUE(added);
  ASSERT_EQ(added->flags.size(), 2u) << "the one that is not there is passed over";
  EXPECT_EQ(added->flags[0].modseq, added->flags[1].modseq) << "they change at one moment";
  const auto again = this->write(ChangeFlags{place.account, place.inbox, {1, 3}, ChangeFlags::How::add, 1, {}, {}});
  EXPECT_FALSE(again->flags[0].changed) << "it had the flag";
  EXPECT_EQ(again->flags[0].modseq, added->flags[0].modseq);
  EXPECT_TRUE(again->flags[1].changed);
  const auto late = this->write(
      ChangeFlags{place.account, place.inbox, {1, 3}, ChangeFlags::How::remove, 1, {"ToDo"}, added->flags[0].modseq});
  EXPECT_EQ(late->modified, std::vector<Uid>{3});
  const auto rows = this->emails(place);
  EXPECT_EQ(rows[0].flags, 0);
  EXPECT_TRUE(rows[0].keywords.empty());
  EXPECT_EQ(rows[2].flags, 1);
}

TYPED_TEST(StoreConformance, WhatIsSetAsideKeepsItsOctetsUntilItIsSwept) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(this->write(delivery(this->ids_, place, 40 * KiB)));
  const EmailId first = this->emails(place)[0].email_id;
  const auto gone = this->write(ExpungeEmails{place.account, place.inbox, {1, 2, 8}, false, true});
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->gone.size(), 2u);
  EXPECT_EQ(ask(*this->store_, [place](Reader& r) { return r.usage(place.account).messages; }), 1u);
  this->reopen();
  EXPECT_EQ(ask(*this->store_, [place](Reader& r) { return r.expunged(place.account, {}, 10); }).size(), 2u);
  const auto back = this->write(UndeleteEmail{place.account, first, place.inbox});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->placed.at(0).uid, 4u);
  EXPECT_EQ(this->emails(place).back().email_id, first);
  EXPECT_FALSE(this->write(UndeleteEmail{place.account, first, place.inbox})) << "it is back already";
  const auto swept = this->write(SweepExpunged{TimePoint::max(), 10});
  EXPECT_EQ(swept->swept, 1u);
  const auto report = this->store_->verify();
  EXPECT_EQ(report->contents, 2u) << "its octets went";
}

TYPED_TEST(StoreConformance, AnAccountTakesWhatWasSetAsideWithIt) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  ASSERT_TRUE(this->write(delivery(this->ids_, place, 100)));
  ASSERT_TRUE(this->write(delivery(this->ids_, place, 100)));
  ASSERT_TRUE(this->write(ExpungeEmails{place.account, place.inbox, {1}, false, true}));
  ASSERT_TRUE(this->write(RemoveAccount{place.account}));
  EXPECT_EQ(this->store_->verify()->contents, 0u);
}

TYPED_TEST(StoreConformance, CopiesAndMovesOfManyAreWholeOrNothing) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(this->write(delivery(this->ids_, place, 100)));
  MailboxRow archive;
  archive.account = place.account;
  archive.name = "Archive";
  const MailboxId to = this->write(PutMailbox{archive})->mailbox;
  const auto ids = [this](std::size_t count) {
    std::vector<EmailId> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(this->ids_.email());
    return made;
  };
  EXPECT_FALSE(this->write(CopyEmails{place.account, place.inbox, {1, 9}, ids(2), to}));
  EXPECT_FALSE(this->write(MoveEmails{place.account, place.inbox, {1, 9}, to}));
  EXPECT_EQ(this->emails(place).size(), 3u);
  EXPECT_TRUE(this->emails({place.account, to}).empty());
  const auto copied = this->write(CopyEmails{place.account, place.inbox, {1, 2}, ids(2), to});
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->placed[1].from, 2u);
  EXPECT_EQ(copied->arrived[1].uid, 2u);
  ASSERT_TRUE(this->write(MoveEmails{place.account, place.inbox, {3, 1}, to}));
  const auto there = this->emails({place.account, to});
  ASSERT_EQ(there.size(), 4u);
  EXPECT_EQ(there[0].object_id, there[3].email_id) << "the copy and the moved original are one message";
  EXPECT_EQ(this->octets_of(there[0].octets), this->octets_of(there[3].octets));
}

TYPED_TEST(StoreConformance, OctetsAreVisitedAsTheyAreRead) {
  const Place place = make_account(*this->store_, "bob@beta.example");
  for (const std::size_t size : {100u, 5'000u, 20'000u, 300'000u})
    ASSERT_TRUE(this->write(delivery(this->ids_, place, size)));
  const auto rows = this->emails(place);
  std::vector<EmailId> ids{EmailId{1}};
  for (const EmailRow& row : rows) ids.push_back(row.email_id);
  const auto seen = ask(*this->store_, [ids](Reader& reader) {
    std::map<std::size_t, OctetString> visited;
    reader.visit_octets(ids, 10'000, [&](std::size_t i, Octets octets) {
      visited[i] = octets;
      return i < 3;
    });
    return visited;
  });
  ASSERT_EQ(seen.size(), 3u) << "not the one that is not there, and none after false";
  for (const auto& [i, octets] : seen) EXPECT_EQ(octets, this->octets_of(rows[i - 1].octets).substr(0, 10'000));
}

}  // namespace
}  // namespace posthorn::storage::testing
