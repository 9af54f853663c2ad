// What the fault tests do to mailboxes: a store with Mailboxes over it, random operations by seed, and what a client
// sees of the outcome.
#pragma once

#include <gtest/gtest.h>

#include "flow/mailbox/mailboxes.h"
#include "platform/runtime/random.h"
#include "platform/test_support/simulated_files.h"
#include "platform/test_support/store_load.h"

namespace posthorn::mailbox::testing {

using storage::testing::wait;

inline constexpr std::array<const char*, 2> names{"INBOX", "Archive"};

/// What a client knows of a mailbox: by uid, its modseq and all it can see.
struct Picture {
  std::map<Uid, std::pair<ModSeq, std::string>> emails;
  Uid uid_next = 0;
  ModSeq highest_modseq = 0;
  friend bool operator==(const Picture&, const Picture&) = default;
};
using Pictures = std::array<Picture, names.size()>;

inline Picture picture(const Version& version) {
  Picture seen;
  seen.uid_next = version.uid_next();
  seen.highest_modseq = version.highest_modseq();
  version.for_each(0, version.size(), [&](std::size_t, const Entry& entry) {
    seen.emails[entry.uid()] = {entry.modseq(), fmt::format("{} {} {} [{}]", entry.email_id().text(), entry.size(),
                                                            entry.flags(), fmt::join(version.keywords(entry), " "))};
  });
  return seen;
}

/// A store with Mailboxes over it.
struct Bed {
  Bed(const std::filesystem::path& dir, disk::FileLayer* files, const runtime::Clock& clock, runtime::IdSource& ids) {
    storage::StoreOptions options = storage::testing::options_for_faults(dir);
    options.files = files;
    options.clock = &clock;
    auto opened = storage::Store::open(options);
    if (!opened) throw std::runtime_error(opened.error().text());
    store = std::move(*opened);
    folders = std::make_unique<Folders>(*store);
    MailboxOptions mailbox_options;
    mailbox_options.make_facts = [](Octets octets) { return Facts{std::string(octets.substr(0, 20)), "S", "P", "F"}; };
    mailboxes = std::make_unique<Mailboxes>(*store, *folders, clock, ids, mailbox_options, runtime::Logger());
  }
  Bed(const Bed&) = delete;
  Bed& operator=(const Bed&) = delete;
  ~Bed() { store->close(); }

  std::shared_ptr<View> view(storage::AccountId account, std::size_t which) {
    auto view = wait(mailboxes->open(account, std::string(names.at(which))));
    return view ? *view : nullptr;
  }

  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Folders> folders;
  std::unique_ptr<Mailboxes> mailboxes;
};

/// An account with two mailboxes and random operations on them. Reproducible: seed, clock and ids are its own.
class Work {
 public:
  Work(std::uint64_t seed, const std::filesystem::path& dir, disk::FileLayer* files)
      : random_(seed), bed_(dir, files, clock_, ids_) {
    storage::AccountRow ann;
    ann.address = "ann@alpha.example";
    account_ = storage::testing::commit(*bed_.store, {{}, {storage::PutAccount{ann}}})->account;
    views_ = {bed_.view(account_, 0), bed_.view(account_, 1)};
  }

  /// False: the store refused it.
  [[nodiscard]] bool step() {
    const std::size_t which = random_() % 2;
    const std::uint64_t choice = random_() % 8;
    return choose(*bed_.mailboxes, choice, *views_.at(which), which);
  }
  [[nodiscard]] Pictures pictures() const { return {picture(*views_[0]->current()), picture(*views_[1]->current())}; }
  [[nodiscard]] storage::AccountId account() const { return account_; }
  [[nodiscard]] runtime::VirtualClock& clock() { return clock_; }
  [[nodiscard]] runtime::IdSource& ids() { return ids_; }

 private:
  std::vector<Uid> some(const View& view) {
    std::vector<Uid> uids;
    const auto now = view.current();
    now->for_each(0, now->size(), [&](std::size_t, const Entry& entry) {
      if (random_() % 3 == 0) uids.push_back(entry.uid());
    });
    return uids;
  }

  [[nodiscard]] bool append(Mailboxes& mailboxes, const std::string& to) {
    Append append = mailboxes.begin_append(account_);
    for (std::uint64_t i = 0; i <= random_() % 2; ++i) {
      const std::size_t size = 100 + random_() % 30'000;
      const std::string text = "Subject: x\r\n\r\n" + std::string(size, 'x') + "\r\n";
      if (!append.begin_message(random_() % 2 ? 1 : 8, {"k" + std::to_string(random_() % 3)}, std::nullopt))
        return false;
      if (!wait(append.write(text)) || !wait(append.end_message())) return false;
    }
    return wait(mailboxes.finish_append(std::move(append), to)).has_value();
  }

  [[nodiscard]] bool choose(Mailboxes& mailboxes, std::uint64_t choice, const View& view, std::size_t which) {
    switch (choice) {
      case 0:
      case 1:
      case 2:
        return append(mailboxes, names.at(which));
      case 3:
        return wait(
                   mailboxes.store_flags(view, {some(view), static_cast<FlagsChange>(random_() % 3), 8, {"later"}, {}}))
            .has_value();
      case 4:
        return wait(mailboxes.expunge(view, std::nullopt)).has_value();
      case 5:
        return wait(mailboxes.copy(view, some(view), names.at(1 - which))).has_value();
      case 6:
        return wait(mailboxes.move(view, some(view), names.at(1 - which))).has_value();
      default:
        static_cast<void>(wait(mailboxes.facts(view, some(view), {true, true, true, true})));
        return true;
    }
  }

  std::mt19937_64 random_;
  runtime::VirtualClock clock_{from_unix_seconds(1'790'000'000)};
  runtime::SeededRandom id_random_{1};
  runtime::IdSource ids_{clock_, id_random_};
  Bed bed_;
  storage::AccountId account_;
  std::array<std::shared_ptr<View>, names.size()> views_;
};

}  // namespace posthorn::mailbox::testing
