#include "flow/mailbox/views.h"

#include "flow/mailbox/version_builder.h"

namespace posthorn::mailbox {
namespace {

// Rows of one page while a mailbox is read.
constexpr std::size_t load_page_emails = 10'000;

storage::EmailSummary summary_of(const storage::EmailRow& row, const storage::Placed& placed) {
  return {placed.uid, placed.modseq, row.email_id, row.octets.size, row.flags, row.keywords, row.internal_date};
}

}  // namespace

std::shared_ptr<Views> Views::make(storage::Store& store, std::size_t idle_emails_max) {
  auto views = std::make_shared<Views>(store, idle_emails_max);
  store.observe([views](std::span<const storage::CommittedUnit> units) { views->committed(units); });
  return views;
}

// ---------------------------------------------------------------- what commits say

void Views::committed(std::span<const storage::CommittedUnit> units) {
  const std::lock_guard lock(mutex_);
  if (slots_.empty()) return;
  Deltas deltas;
  for (const storage::CommittedUnit& unit : units) collect(unit, deltas);
  apply_all(deltas);
}

void Views::collect(const storage::CommittedUnit& unit, Deltas& deltas) {
  const storage::Committed& outcome = *unit.outcome;
  const auto note = [&](MailboxId mailbox, Delta::Kind kind, storage::EmailSummary email) {
    if (slots_.contains(mailbox.value)) deltas[mailbox.value].push_back({kind, std::move(email)});
  };
  std::size_t placed = 0, arrived = 0, modseqs = 0;
  // What went stands in its own list; where an email moves within one mailbox, its new uid is another.
  for (const storage::Gone& gone : outcome.gone)
    note(gone.mailbox, Delta::Kind::removed, {gone.uid, gone.modseq, {}, 0, 0, {}, {}});
  for (const storage::FlagsNow& now : outcome.flags)
    if (now.changed) note(now.mailbox, Delta::Kind::flags, {now.uid, now.modseq, {}, 0, now.flags, now.keywords, {}});
  const auto arrive = [&](std::size_t count) {
    for (; count > 0; --count, ++placed, ++arrived)
      note(outcome.placed[placed].mailbox, Delta::Kind::added, outcome.arrived[arrived]);
  };
  for (const storage::Mutation& mutation : unit.unit->mutations) {
    if (const auto* add = std::get_if<storage::AddEmail>(&mutation)) {
      const storage::Placed& place = outcome.placed[placed++];
      note(place.mailbox, Delta::Kind::added, summary_of(add->row, place));
    } else if (const auto* set = std::get_if<storage::SetFlags>(&mutation)) {
      note(set->mailbox, Delta::Kind::flags,
           {set->uid, outcome.modseqs[modseqs++], {}, 0, set->flags, set->keywords, {}});
    } else if (std::holds_alternative<storage::ExpungeEmail>(mutation)) {
      ++modseqs;
    } else if (const auto* moved = std::get_if<storage::MoveEmails>(&mutation)) {
      arrive(moved->uids.size());
    } else if (const auto* copied = std::get_if<storage::CopyEmails>(&mutation)) {
      arrive(copied->uids.size());
    } else if (std::holds_alternative<storage::MoveEmail>(mutation) ||
               std::holds_alternative<storage::UndeleteEmail>(mutation)) {
      arrive(1);
    } else if (const auto* forgotten = std::get_if<storage::ForgetTombstones>(&mutation)) {
      note(forgotten->mailbox, Delta::Kind::forgotten, {0, forgotten->up_to, {}, 0, 0, {}, {}});
    } else if (const auto* deleted = std::get_if<storage::DeleteMailbox>(&mutation)) {
      note(deleted->id, Delta::Kind::gone, {});
    } else if (const auto* account = std::get_if<storage::RemoveAccount>(&mutation)) {
      collect_account(account->id, deltas);
    }
  }
}

void Views::collect_account(storage::AccountId account, Deltas& deltas) {
  for (const auto& [mailbox, slot] : slots_)
    if (slot.account == account) deltas[mailbox].push_back({Delta::Kind::gone, {}});
}

void Views::apply(VersionBuilder& builder, const Delta& delta) {
  const storage::EmailSummary& email = delta.email;
  switch (delta.kind) {
    case Delta::Kind::added:
      return builder.add(email);
    case Delta::Kind::flags:
      return builder.set_flags(email.uid, email.modseq, email.flags, email.keywords);
    case Delta::Kind::removed:
      return builder.remove(email.uid, email.modseq);
    case Delta::Kind::forgotten:
      return builder.forget_up_to(email.modseq);
    case Delta::Kind::gone:
      return builder.mark_gone();
  }
}

void Views::apply_all(Deltas& deltas) {
  for (auto& [mailbox, changes] : deltas) {
    const auto found = slots_.find(mailbox);
    Slot& slot = found->second;
    const bool gone = changes.back().kind == Delta::Kind::gone;
    if (!slot.view) {
      slot.gone |= gone;
      std::ranges::move(changes, std::back_inserter(slot.meanwhile));
      continue;
    }
    VersionBuilder builder(*slot.view->current());
    for (const Delta& delta : changes) apply(builder, delta);
    slot.view->publish(builder.finish());
    if (!gone) continue;
    by_use_.erase(slot.used);
    slots_.erase(found);
  }
}

// ---------------------------------------------------------------- loading

class Views::Loading {
 public:
  Loading(Views& views, MailboxId mailbox) : views_(views), mailbox_(mailbox) {}
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;
  ~Loading() {
    if (!finished_) views_.abandon(mailbox_);
  }
  void finished() { finished_ = true; }

 private:
  Views& views_;
  MailboxId mailbox_;
  bool finished_ = false;
};

void Views::abandon(MailboxId mailbox) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(mailbox.value);
  for (const runtime::Event& waiting : found->second.waiting) waiting.set();
  by_use_.erase(found->second.used);
  slots_.erase(found);
}

std::shared_ptr<View> Views::in_memory(MailboxId mailbox) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(mailbox.value);
  return found == slots_.end() ? nullptr : found->second.view;
}

Task<std::shared_ptr<View>> Views::open(storage::AccountId account, MailboxId mailbox) {
  while (true) {
    runtime::Event loaded;
    bool must_load = false;
    {
      const std::lock_guard lock(mutex_);
      const auto found = slots_.find(mailbox.value);
      if (found == slots_.end()) {
        by_use_.push_front(mailbox.value);
        slots_[mailbox.value] = Slot{account, nullptr, {}, false, {}, by_use_.begin()};
        must_load = true;
      } else if (found->second.account != account) {
        co_return nullptr;
      } else if (found->second.view) {
        by_use_.splice(by_use_.begin(), by_use_, found->second.used);
        co_return found->second.view;
      } else {
        found->second.waiting.push_back(loaded);
      }
    }
    if (must_load) {
      auto question = [account, mailbox](storage::Reader& reader) { return load(reader, account, mailbox); };
      Loading loading(*this, mailbox);
      auto read = co_await store_.read(std::move(question));
      loading.finished();
      co_return finish_loading(account, mailbox, std::move(read));
    }
    co_await loaded.wait();
  }
}

std::optional<Views::Loaded> Views::load(storage::Reader& reader, storage::AccountId account, MailboxId mailbox) {
  auto row = reader.mailbox(account, mailbox);
  if (!row) return std::nullopt;
  VersionBuilder builder(*row, std::make_shared<KeywordSets>());
  for (Uid from = 1;;) {
    const auto page = reader.summaries(account, mailbox, from, load_page_emails);
    for (const storage::EmailSummary& email : page) builder.add(email);
    if (page.size() < load_page_emails || page.back().uid == ~Uid{0}) break;
    from = page.back().uid + 1;
  }
  return Loaded{std::move(*row), builder.finish()};
}

std::shared_ptr<View> Views::finish_loading(storage::AccountId account, MailboxId mailbox,
                                            std::optional<Loaded> loaded) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(mailbox.value);
  Slot& slot = found->second;
  for (const runtime::Event& waiting : slot.waiting) waiting.set();
  slot.waiting.clear();
  if (!loaded || slot.gone) {
    by_use_.erase(slot.used);
    slots_.erase(found);
    return nullptr;
  }
  VersionBuilder builder(*loaded->version);
  for (const Delta& delta : slot.meanwhile) apply(builder, delta);
  slot.meanwhile = {};
  slot.view = std::make_shared<View>(account, builder.finish(), loaded->row.first_recent);
  let_go();
  return slot.view;
}

void Views::let_go() {
  // The slot's own hold is the only one: nobody can take another while the lock is held.
  std::size_t idle = 0;
  for (auto at = by_use_.begin(); at != by_use_.end();) {
    const auto slot = slots_.find(*at);
    const std::shared_ptr<View>& view = slot->second.view;
    const bool held = !view || view.use_count() > 1 || at == by_use_.begin();
    if (!held) idle += view->current()->size() + 1;
    if (held || idle <= idle_emails_max_) {
      ++at;
      continue;
    }
    at = by_use_.erase(at);
    slots_.erase(slot);
  }
}

Uid Views::take_recent(View& view) {
  return view.take_recent();
}

std::size_t Views::size() {
  const std::lock_guard lock(mutex_);
  return slots_.size();
}

std::size_t Views::emails() {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [mailbox, slot] : slots_)
    if (slot.view) count += slot.view->current()->size();
  return count;
}

}  // namespace posthorn::mailbox
