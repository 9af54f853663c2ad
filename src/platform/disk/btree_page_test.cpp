// Pages read from their octets alone, beside what SQLite says of the database it made.
#include "platform/disk/btree_page.h"

#include <random>

#include <gtest/gtest.h>

#include "platform/disk/changed_octet.h"
#include "platform/disk/page_sums.h"
#include "platform/storage/database.h"
#include "platform/test_support/simulated_files.h"

namespace posthorn::disk {
namespace {

class BtreePages : public ::testing::Test {
 protected:
  BtreePages() : database_("/disk/test.db", storage::DatabaseMode::create, files_.vfs_name()) {
    leave_room_for_page_sums(database_.handle());
  }

  /// The cells of a tree's pages in SQLite's order of pages; interior pages of tables have no rows.
  std::vector<PageCell> cells_of(const std::string& tree) {
    std::string octets;
    files_.edit("/disk/test.db", [&](std::string& file) { octets = file; });
    std::vector<PageCell> cells;
    storage::Statement pages = database_.prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype <> 'overflow'");
    pages.with(tree);
    while (pages.step()) {
      const std::uint32_t number = pages.small(0);
      const Octets page = Octets(octets).substr(std::size_t{number - 1} * page_octets, page_octets);
      EXPECT_EQ(page_sum(number, page), stored_page_sum(page)) << "page " << number;
      for (PageCell& cell : page_cells(page, number, page_usable_octets)) cells.push_back(std::move(cell));
    }
    return cells;
  }

  testing::SimulatedFiles files_;
  storage::Database database_;
};

TEST_F(BtreePages, EveryRowOfATableWithRowIds) {
  database_.execute(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, text TEXT);"
      "WITH RECURSIVE i(n) AS (SELECT -40 UNION ALL SELECT n + 1 FROM i WHERE n < 40) "
      "INSERT INTO t SELECT n * n * n * n * n * 1000003, n * n * n * n * n * n * n * n * 7 * (n % 2), "
      "hex(zeroblob(abs(n) * 200)) FROM i");
  std::map<std::int64_t, std::pair<std::int64_t, std::size_t>> expected;
  storage::Statement rows = database_.prepare("SELECT id, n, length(text) FROM t");
  rows.with();
  while (rows.step()) expected[rows.integer(0)] = {rows.integer(1), rows.natural(2)};
  ASSERT_EQ(expected.size(), 81u);
  const std::vector<PageCell> cells = cells_of("t");
  EXPECT_EQ(cells.size(), expected.size());
  for (const PageCell& cell : cells) {
    ASSERT_TRUE(cell.rowid && expected.contains(*cell.rowid));
    const auto [number, octets] = expected[*cell.rowid];
    EXPECT_LT(cell.begin, cell.end);
    // https://www.sqlite.org/fileformat2.html 1.6: what exceeds usable - 35 goes on elsewhere. 20 octets at most are
    // not the text's.
    EXPECT_TRUE(cell.overflow == 0 || octets + 20 > page_usable_octets - 35) << octets;
    EXPECT_TRUE(cell.overflow != 0 || octets <= page_usable_octets - 35) << octets;
    if (cell.overflow != 0) continue;  // its text is not whole
    ASSERT_EQ(cell.columns.size(), 3u);
    EXPECT_EQ(std::get<std::int64_t>(cell.columns[1]), number);
    EXPECT_EQ(std::get<std::string>(cell.columns[2]).size(), octets);
  }
}

TEST_F(BtreePages, EveryRowOfATableWithoutRowIdsAlsoThoseOfItsInteriorPages) {
  database_.execute(
      "CREATE TABLE t (a INTEGER, b TEXT, c INTEGER, rest TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;"
      "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 2000) "
      "INSERT INTO t SELECT n % 7, printf('row %d', n), -n, hex(zeroblob(n % 90)) FROM i");
  EXPECT_GT(database_.integer("SELECT count(*) FROM dbstat WHERE name = 't' AND pagetype = 'internal'"), 0);
  std::set<std::tuple<std::int64_t, std::string, std::int64_t>> found;
  for (const PageCell& cell : cells_of("t")) {
    EXPECT_FALSE(cell.rowid);
    ASSERT_EQ(cell.columns.size(), 4u);
    found.emplace(std::get<std::int64_t>(cell.columns[0]), std::get<std::string>(cell.columns[1]),
                  std::get<std::int64_t>(cell.columns[2]));
  }
  ASSERT_EQ(found.size(), 2000u);
  for (const auto& [a, b, c] : found) {
    EXPECT_EQ(a, -c % 7);
    EXPECT_EQ(b, fmt::format("row {}", -c));
  }
}

TEST_F(BtreePages, TheFirstPageBeginsWithTheFilesHeader) {
  database_.execute("CREATE TABLE t (a INTEGER); CREATE INDEX i ON t (a)");
  const std::vector<PageCell> cells = cells_of("sqlite_schema");
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_EQ(std::get<std::string>(cells[0].columns.at(1)), "t");
  EXPECT_EQ(std::get<std::string>(cells[1].columns.at(0)), "index");
}

TEST_F(BtreePages, RubbishIsReadWithinThePage) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<int> octet(0, 255);
  for (int i = 0; i < 2'000; ++i) {
    OctetString page(page_octets, '\0');
    std::ranges::generate(page, [&] { return static_cast<char>(octet(random)); });
    page[0] = std::array<char, 3>{2, 10, 13}.at(static_cast<std::size_t>(i % 3));
    for (const PageCell& cell : page_cells(page, 2, page_usable_octets)) {
      EXPECT_LE(cell.begin, cell.end);
      EXPECT_LE(cell.end, page_usable_octets);
    }
  }
  EXPECT_TRUE(page_cells("", 1, page_usable_octets).empty());
  EXPECT_TRUE(page_cells(OctetString(page_octets, '\0'), 2, page_usable_octets).empty());
}

// ---------------------------------------------------------------- which octet changed

class ChangedOctets : public ::testing::Test {
 protected:
  ChangedOctets() {
    std::ranges::generate(page_, [this] { return static_cast<char>(octet_(random_)); });
    set_page_sum(number, page_);
  }

  static constexpr std::uint32_t number = 77;
  std::mt19937_64 random_{11};
  std::uniform_int_distribution<int> octet_{0, 255};
  OctetString page_ = OctetString(page_octets, '\0');
};

TEST_F(ChangedOctets, OneIsFoundWhereverAndWhateverItIs) {
  EXPECT_FALSE(changed_octet(number, page_)) << "nothing changed";
  for (std::size_t at = 0; at < page_.size(); ++at) {
    const char was = page_[at];
    do page_[at] = static_cast<char>(octet_(random_));
    while (page_[at] == was);
    const auto found = changed_octet(number, page_);
    ASSERT_TRUE(found) << "octet " << at;
    EXPECT_EQ(found->at, at);
    EXPECT_EQ(found->was, was);
    page_[at] = was;
  }
}

TEST_F(ChangedOctets, SeveralAreNotTakenForOne) {
  std::uniform_int_distribution<std::size_t> place(0, page_octets - 1);
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) {
    OctetString changed = page_;
    for (int n = 0; n < 3; ++n) changed[place(random_)] ^= static_cast<char>(1 + octet_(random_) % 255);
    if (changed != page_ && changed_octet(number, changed)) ++taken;
  }
  // About a million single changes for 2^32 sums: one in four thousand looks like one.
  EXPECT_LE(taken, 15);
}

TEST_F(ChangedOctets, APageInAnothersPlaceDoesNotHaveItsSum) {
  EXPECT_NE(page_sum(number + 1, page_), stored_page_sum(page_));
}

}  // namespace
}  // namespace posthorn::disk
