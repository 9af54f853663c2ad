// Loss of power at every sync while three IMAP sessions append, copy, move, flag and expunge in two mailboxes: whatever
// was answered OK is there afterwards, the one command that each session still waits for is there whole or not at all,
// uids and modseqs have not gone back, and a QRESYNC from any earlier state equals a full resync.
#include <charconv>
#include <map>
#include <mutex>
#include <set>

#include <gtest/gtest.h>

#include "flow/test_support/access_bed.h"
#include "foundation/text/ascii.h"
#include "platform/test_support/simulated_files.h"
#include "platform/test_support/store_load.h"

namespace posthorn::flow_test {
namespace {

constexpr auto user = "ann@alpha.example", password = "correct horse battery";
constexpr std::array<const char*, 2> boxes{"INBOX", "Archive"};
constexpr std::size_t sessions = 3;
constexpr int rounds = 16;

using Key = std::pair<std::size_t, std::uint32_t>;  // mailbox, uid
using Flags = std::set<std::string>;
using Mail = std::map<Key, Flags>;

bool is_long() {
  return std::getenv("POSTHORN_LONG") != nullptr;
}

// ---------------------------------------------------------------- what responses say

std::uint64_t number_at(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The number behind the last `word`; 0 where there is none.
std::uint64_t number_behind(std::string_view heard, std::string_view word) {
  const auto at = heard.rfind(word);
  return at == std::string_view::npos ? 0 : number_at(heard.substr(at + word.size()));
}

std::vector<std::uint32_t> set_of(std::string_view text) {
  std::vector<std::uint32_t> numbers;
  while (!text.empty()) {
    const auto range = text::take_until(text, ',');
    const auto colon = range.find(':');
    const auto first = number_at(range);
    const auto last = colon == std::string_view::npos ? first : number_at(range.substr(colon + 1));
    for (auto number = first; number <= last; ++number) numbers.push_back(static_cast<std::uint32_t>(number));
  }
  return numbers;
}

/// "[APPENDUID 1 3:4]" → 3, 4; for COPYUID both sets.
std::vector<std::vector<std::uint32_t>> uids_told(std::string_view heard, std::string_view code) {
  const auto at = heard.find(code);
  if (at == std::string_view::npos) return {};
  std::string_view rest = heard.substr(at + code.size());
  rest = rest.substr(0, rest.find(']'));
  static_cast<void>(text::take_until(rest, ' '));  // UIDVALIDITY
  std::vector<std::vector<std::uint32_t>> sets;
  while (!rest.empty()) sets.push_back(set_of(text::take_until(rest, ' ')));
  return sets;
}

/// "* 3 FETCH (UID 4 FLAGS (\Seen) …)": what it says of one message.
void take_fetches(std::string_view heard, std::size_t box, Mail& mail) {
  while (!heard.empty()) {
    const auto end = heard.find("\r\n");
    const auto line = heard.substr(0, end);
    heard.remove_prefix(end == std::string_view::npos ? heard.size() : end + 2);
    const auto uid = line.find("UID "), flags = line.find("FLAGS (");
    if (line.find(" FETCH (") == std::string_view::npos || uid == std::string_view::npos ||
        flags == std::string_view::npos)
      continue;
    auto words = line.substr(flags + 7);
    Flags found;
    for (const auto word : text::words(words.substr(0, words.find(')')))) found.emplace(word);
    found.erase("\\Recent");
    mail[{box, static_cast<std::uint32_t>(number_at(line.substr(uid + 4)))}] = std::move(found);
  }
}

std::string set_text(const std::vector<std::uint32_t>& uids) {
  return fmt::format("{}", fmt::join(uids, ","));
}

// ---------------------------------------------------------------- what a client knows of a mailbox

struct Known {
  std::uint64_t validity = 0, highest = 0, uid_next = 0;
  Mail mail;
};

/// SELECT with all that is there.
Known read_all(ImapCaller& caller, std::size_t box) {
  const std::string selected = caller.say(fmt::format("SELECT {}", boxes.at(box)));
  Known known{number_behind(selected, "[UIDVALIDITY "),
              number_behind(selected, "[HIGHESTMODSEQ "),
              number_behind(selected, "[UIDNEXT "),
              {}};
  take_fetches(caller.say("UID FETCH 1:* (FLAGS)"), box, known.mail);
  return known;
}

/// RFC 7162 3.2.5: a client that was away tells what it knows and hears what has changed.
Known resynchronize(ImapCaller& caller, std::size_t box, Known known) {
  const std::string told =
      caller.say(fmt::format("SELECT {} (QRESYNC ({} {}))", boxes.at(box), known.validity, known.highest));
  EXPECT_EQ(number_behind(told, "[UIDVALIDITY "), known.validity);
  if (const auto at = told.find("* VANISHED (EARLIER) "); at != std::string::npos) {
    const auto rest = std::string_view(told).substr(at + 21);
    for (const auto uid : set_of(rest.substr(0, rest.find("\r\n")))) known.mail.erase({box, uid});
  }
  take_fetches(told, box, known.mail);
  known.highest = number_behind(told, "[HIGHESTMODSEQ ");
  known.uid_next = number_behind(told, "[UIDNEXT ");
  return known;
}

// ---------------------------------------------------------------- one session and its own messages

/// Changes only messages that it has made, so that what must be there follows from its own answers.
class Owner {
 public:
  Owner(AccessBed& bed, std::size_t number) : number_(number), box_(number % 2), caller_(bed.reader(user, password)) {
    caller_->say("ENABLE QRESYNC");
    caller_->say(fmt::format("SELECT {}", boxes.at(box_)));
    states.emplace_back();
  }

  void begin(std::mt19937_64& random, int round) {
    const std::vector<std::uint32_t> some = some_here(random);
    tag_ = fmt::format("o{}r{}", number_, round);
    next_ = states.back();
    kind_ = some.empty() ? 0 : static_cast<int>(random() % 7);
    uids_ = some;
    flag_ = fmt::format("k{}", random() % 3);
    caller_->push(tag_ + " " + command(random));
  }

  /// Waits for the answer; from here on it must hold.
  void finish() {
    std::string heard = caller_->listen(tag_ + " ");
    while (!heard.ends_with("\r\n") && !caller_->ended()) heard += caller_->listen("\r\n");
    EXPECT_NE(heard.find(tag_ + " OK"), std::string::npos) << heard;
    told_modseq_ = std::max(told_modseq_, number_behind(heard, "[HIGHESTMODSEQ "));
    if (kind_ <= 1) {
      for (const auto& set : uids_told(heard, "[APPENDUID "))
        for (const auto uid : set) next_[{target_, uid}] = {flag_};
    } else if (kind_ == 4 || kind_ == 5) {
      take_copies(uids_told(heard, "[COPYUID "));
    }
    states.push_back(next_);
  }

  [[nodiscard]] std::size_t acknowledged() const { return states.size() - 1; }
  [[nodiscard]] std::size_t box() const { return box_; }
  [[nodiscard]] std::uint64_t told_modseq() const { return told_modseq_; }
  std::vector<Mail> states;  ///< after each answer

 private:
  std::vector<std::uint32_t> some_here(std::mt19937_64& random) {
    std::vector<std::uint32_t> uids;
    for (const auto& [key, flags] : states.back())
      if (key.first == box_ && random() % 2 == 0) uids.push_back(key.second);
    return uids;
  }

  std::string command(std::mt19937_64& random) {
    switch (kind_) {
      case 0:
      case 1:
        return append(random);
      case 2:
        for (const auto uid : uids_) next_[{box_, uid}].insert("\\Flagged");
        return fmt::format("UID STORE {} +FLAGS.SILENT (\\Flagged)\r\n", set_text(uids_));
      case 3:
        for (const auto uid : uids_) next_[{box_, uid}] = {"\\Deleted", flag_};
        return fmt::format("UID STORE {} FLAGS (\\Deleted {})\r\n", set_text(uids_), flag_);
      case 4:
        return fmt::format("UID COPY {} {}\r\n", set_text(uids_), boxes.at(1 - box_));
      case 5:
        return fmt::format("UID MOVE {} {}\r\n", set_text(uids_), boxes.at(1 - box_));
      default:
        for (const auto uid : uids_)
          if (next_[{box_, uid}].contains("\\Deleted")) next_.erase({box_, uid});
        return fmt::format("UID EXPUNGE {}\r\n", set_text(uids_));
    }
  }

  std::string append(std::mt19937_64& random) {
    target_ = random() % 2;
    std::string text = fmt::format("APPEND {}", boxes.at(target_));
    for (std::uint64_t i = 0; i <= random() % 2; ++i) {
      const std::string message =
          fmt::format("Subject: {}\r\n\r\n{}\r\n", tag_, std::string(100 + random() % 30'000, 'x'));
      text += fmt::format(" ({}) {{{}+}}\r\n{}", flag_, message.size(), message);
    }
    return text + "\r\n";
  }

  void take_copies(const std::vector<std::vector<std::uint32_t>>& sets) {
    ASSERT_EQ(sets.size(), 2u);
    ASSERT_EQ(sets[0].size(), sets[1].size());
    for (std::size_t i = 0; i < sets[0].size(); ++i)
      next_[{1 - box_, sets[1][i]}] = states.back().at({box_, sets[0][i]});
    if (kind_ == 5)
      for (const auto uid : sets[0]) next_.erase({box_, uid});
  }

  std::size_t number_, box_;
  std::unique_ptr<ImapCaller> caller_;
  std::string tag_, flag_;
  int kind_ = 0;
  std::size_t target_ = 0;
  std::vector<std::uint32_t> uids_;
  Mail next_;
  std::uint64_t told_modseq_ = 0;
};

// ---------------------------------------------------------------- the run

class PowerRun {
 public:
  explicit PowerRun(std::uint64_t seed) : seed_(seed), random_(seed) {}

  void run() {
    AccessBed bed([this](storage::StoreOptions& options) { adjust(options, disk_); });
    bed.site.domain("alpha.example");
    bed.site.account(user, password);
    std::vector<Owner> owners;
    for (std::size_t i = 0; i < sessions; ++i) owners.emplace_back(bed, i);
    const auto watcher = bed.reader(user, password);
    watcher->say("ENABLE QRESYNC");
    earlier_.push_back({read_all(*watcher, 0), read_all(*watcher, 1)});
    watcher->say("UNSELECT");
    for (int round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
      disk_.on_sync([this] { take_cut(); });
      for (Owner& owner : owners) owner.begin(random_, round);
      for (Owner& owner : owners) finish(owner);
      disk_.on_sync(nullptr);
      judge(owners);
      earlier_.push_back(
          {resynchronize(*watcher, 0, earlier_.back()[0]), resynchronize(*watcher, 1, earlier_.back()[1])});
      watcher->say("UNSELECT");
    }
  }
  [[nodiscard]] std::size_t cuts() const { return cuts_; }

 private:
  struct Cut {
    std::unique_ptr<disk::testing::SimulatedFiles> disk;
    std::array<std::size_t, sessions> acknowledged{};
  };

  static void adjust(storage::StoreOptions& options, disk::FileLayer& files) {
    const runtime::Clock* clock = options.clock;
    options = storage::testing::options_for_faults("/disk/store");
    options.files = &files;
    options.clock = clock;
  }

  void finish(Owner& owner) {
    owner.finish();
    const std::lock_guard lock(mutex_);
    ++acknowledged_.at(static_cast<std::size_t>(finished_++ % sessions));
  }

  // On the thread that syncs; several threads of a store do.
  void take_cut() {
    const std::lock_guard one(cutting_);
    Cut cut;
    {
      const std::lock_guard lock(mutex_);
      cut.acknowledged = acknowledged_;
    }
    cut.disk = disk_.power_loss(seed_ * 1'000'003 + cuts_++);
    taken_.push_back(std::move(cut));
  }

  void judge(const std::vector<Owner>& owners) {
    for (Cut& cut : std::exchange(taken_, {})) {
      AccessBed bed([&cut](storage::StoreOptions& options) { adjust(options, *cut.disk); });
      const auto caller = bed.reader(user, password);
      caller->say("ENABLE QRESYNC");
      const auto& old = earlier_[random_() % earlier_.size()];
      Mail found;
      for (std::size_t box = 0; box < boxes.size(); ++box) {
        const Known resynced = resynchronize(*caller, box, old.at(box));
        const Known all = read_all(*caller, box);
        EXPECT_EQ(resynced.mail == all.mail, true)
            << where() << ": QRESYNC differs from a full resync of " << boxes.at(box);
        EXPECT_GE(all.uid_next, earlier_.back().at(box).uid_next) << where();
        EXPECT_GE(all.highest, earlier_.back().at(box).highest) << where();
        found.insert(all.mail.begin(), all.mail.end());
      }
      compare(owners, cut, found);
      if (testing::Test::HasFailure()) return;
    }
  }

  void compare(const std::vector<Owner>& owners, const Cut& cut, const Mail& found) const {
    std::size_t of_owners = 0;
    for (std::size_t i = 0; i < owners.size(); ++i) {
      const auto& states = owners[i].states;
      Mail own;
      for (const auto& [key, flags] : found)
        if (is_of(states, key)) own.emplace(key, flags);
      of_owners += own.size();
      const std::size_t last = cut.acknowledged.at(i);
      const bool holds = own == states.at(last) || (last + 1 < states.size() && own == states[last + 1]);
      EXPECT_TRUE(holds) << where() << ", session " << i << ", after its command " << last;
    }
    EXPECT_EQ(of_owners, found.size()) << where() << ": a message that nobody made";
  }

  static bool is_of(const std::vector<Mail>& states, const Key& key) {
    return std::ranges::any_of(states, [&](const Mail& state) { return state.contains(key); });
  }
  [[nodiscard]] std::string where() const { return fmt::format("seed {}, cut {}", seed_, cuts_); }

  std::uint64_t seed_;
  std::mt19937_64 random_;
  disk::testing::SimulatedFiles disk_;
  std::mutex mutex_, cutting_;
  std::array<std::size_t, sessions> acknowledged_{};
  std::size_t finished_ = 0;
  std::vector<Cut> taken_;
  std::atomic<std::uint64_t> cuts_ = 0;
  std::vector<std::array<Known, 2>> earlier_;  ///< after each round
};

TEST(ImapPower, WhatWasAnsweredHoldsAndAResyncEqualsAReload) {
  const std::uint64_t seeds = is_long() ? 40 : 2;
  std::size_t cuts = 0;
  for (std::uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) {
    PowerRun run(seed);
    run.run();
    cuts += run.cuts();
  }
  EXPECT_GT(cuts, seeds * rounds);
  fmt::print("{} seeds, power lost {} times\n", seeds, cuts);
}

}  // namespace
}  // namespace posthorn::flow_test
