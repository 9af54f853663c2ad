// The journal over a real store: refused mail is written in batches, found, and goes when it is old.
#include <gtest/gtest.h>

#include "platform/runtime/loops.h"
#include "platform/test_support/store_support.h"
#include "site/journal/journal.h"
#include "site/journal/trace.h"

namespace posthorn::journal {
namespace {

const TimePoint kEight = from_unix_seconds(1'798'099'200);

class WithStore : public testing::Test {
 protected:
  ~WithStore() override { store->close(); }

  static Task<> commit_and_find(storage::Store& store, storage::Unit unit, std::string what,
                                std::vector<Trace>& found) {
    const auto committed = co_await store.commit(std::move(unit));
    EXPECT_TRUE(committed);
    const auto question = [what](storage::Reader& reader) { return find(reader, what, 10); };
    found = co_await store.read(question);
  }
  /// After everything handed in before it is written.
  std::vector<Trace> found(std::string what, storage::Unit unit = {{}, {storage::PutSetting{"test", "x"}}}) {
    std::vector<Trace> traces;
    runtime::run_to_end([&] { return commit_and_find(*store, std::move(unit), what, traces); });
    return traces;
  }

  static Story refused(std::string_view recipient) {
    Story story;
    story.key(recipient);
    story.recipient(kEight, Stage::envelope, "the recipient was refused", recipient, Outcome::refused, "",
                    "550 5.1.1 no such user");
    return story;
  }

  storage::testing::TemporaryFolder folder;
  std::unique_ptr<storage::Store> store = storage::testing::open_store(folder);
};

TEST_F(WithStore, RefusedMailIsWrittenByFlush) {
  Journal journal(*store);
  journal.record(MailId{101}, kEight, refused("Nobody@alpha.example"));
  journal.record(MailId{102}, kEight, refused("nobody@alpha.example"));
  EXPECT_TRUE(found("nobody@alpha.example").empty());
  journal.flush();
  const auto traces = found("<NOBODY@alpha.example>");
  ASSERT_EQ(traces.size(), 2u);
  EXPECT_EQ(traces[0].id, MailId{102});  // newest first
  EXPECT_EQ(traces[0].recipients.at(0).state, "refused");
  EXPECT_EQ(found(MailId{101}.text()).size(), 1u);
}

TEST_F(WithStore, AFullBatchNeedsNoFlush) {
  Journal journal(*store);
  for (std::uint64_t i = 1; i <= Journal::batch_rows_max; ++i) {
    journal.record(MailId{i}, kEight, refused("nobody@alpha.example"));
  }
  EXPECT_EQ(found(MailId{1}.text()).size(), 1u);
  EXPECT_EQ(journal.recorded(), Journal::batch_rows_max);
}

TEST_F(WithStore, OldStoriesGo) {
  Journal journal(*store);
  const auto id_at = [](TimePoint at) { return MailId{static_cast<std::uint64_t>(unix_micros(at) / 1000) << 20}; };
  const TimePoint ten = kEight + std::chrono::hours(2);
  journal.record(id_at(kEight), kEight, refused("old@alpha.example"));
  journal.record(id_at(ten), ten, refused("new@alpha.example"));
  journal.flush();
  ASSERT_EQ(found("old@alpha.example").size(), 1u);
  const storage::Unit unit = retention(kEight + std::chrono::hours(25), std::chrono::hours(24), 1 * GiB);
  EXPECT_TRUE(found("old@alpha.example", unit).empty());
  EXPECT_EQ(found("new@alpha.example").size(), 1u);
}

}  // namespace
}  // namespace posthorn::journal
