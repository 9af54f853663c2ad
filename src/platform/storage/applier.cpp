#include "platform/storage/applier.h"

#include <algorithm>
#include <array>

#include <sqlite3.h>

namespace posthorn::storage {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

/// What a unit's mutations need of each other.
struct Applier::UnitContext {
  const Placements& placements;
  TimePoint now;
  Committed outcome;
  /// How often the unit itself names each content it puts.
  std::vector<std::pair<MailId, std::uint32_t>> own_contents;

  [[nodiscard]] bool is_own(MailId id) const {
    return std::ranges::any_of(own_contents, [id](const auto& own) { return own.first == id; });
  }
  [[nodiscard]] std::uint32_t references(MailId id) const {
    for (const auto& [own, count] : own_contents) {
      if (own == id) return count;
    }
    return 0;
  }
  /// The account a mutation means: 0 is the one this unit made.
  [[nodiscard]] AccountId account(AccountId named) const { return named.value != 0 ? named : outcome.account; }
};

namespace {

std::vector<std::pair<MailId, std::uint32_t>> count_own_contents(const Unit& unit) {
  std::vector<std::pair<MailId, std::uint32_t>> own;
  for (const Mutation& mutation : unit.mutations) {
    if (const auto* put = std::get_if<PutContent>(&mutation)) own.emplace_back(put->id, 0);
  }
  if (own.empty()) return own;
  for (const Mutation& mutation : unit.mutations) {
    MailId named;
    if (const auto* email = std::get_if<AddEmail>(&mutation)) named = email->row.octets.content;
    if (const auto* queued = std::get_if<PutQueued>(&mutation)) named = queued->row.octets.content;
    for (auto& [id, count] : own) {
      if (id == named) ++count;
    }
  }
  return own;
}

}  // namespace

Applier::Applier(const Database& database)
    : database_(database),
      counters_(database),
      contents_(database),
      mailboxes_(database, contents_, counters_),
      queue_(database, contents_),
      directory_(database, counters_),
      keys_(database),
      stories_(database),
      trust_(database),
      begin_(database.prepare("BEGIN IMMEDIATE")),
      commit_(database.prepare("COMMIT")),
      savepoint_(database.prepare("SAVEPOINT unit")),
      release_(database.prepare("RELEASE unit")),
      rollback_unit_(database.prepare("ROLLBACK TO unit")) {}

void Applier::begin() {
  begin_.run();
}

std::optional<CommitFailure> Applier::failed_precondition(const Unit& unit) {
  for (std::size_t i = 0; i < unit.preconditions.size(); ++i) {
    if (!holds(unit.preconditions[i])) return CommitFailure{CommitError::precondition_failed, i};
  }
  return std::nullopt;
}

Result<Committed, CommitFailure> Applier::apply(const Unit& unit, const Placements& placements, TimePoint now) {
  if (const auto failed = failed_precondition(unit)) return fail(*failed);
  UnitContext context{placements, now, {}, count_own_contents(unit)};
  const ContentEffects& effects = contents_.effects();
  const std::array<std::size_t, 3> before{effects.live.size(), effects.freed_files.size(), effects.taken_files.size()};
  mailboxes_.begin_unit();
  savepoint_.run();
  const auto failure = first_failure(unit, context);
  if (failure) undo_unit(before);
  release_.run();
  if (failure) return fail(CommitFailure{CommitError::precondition_failed, unit.preconditions.size() + *failure});
  return std::move(context.outcome);
}

Result<Committed, CommitFailure> Applier::apply_alone(const Unit& unit, const Placements& placements, TimePoint now) {
  if (const auto failed = failed_precondition(unit)) return fail(*failed);
  UnitContext context{placements, now, {}, count_own_contents(unit)};
  mailboxes_.begin_unit();
  const auto failure = first_failure(unit, context);
  if (!failure) return std::move(context.outcome);
  rollback();
  begin();
  return fail(CommitFailure{CommitError::precondition_failed, unit.preconditions.size() + *failure});
}

std::optional<std::size_t> Applier::first_failure(const Unit& unit, UnitContext& context) {
  for (std::size_t i = 0; i < unit.mutations.size(); ++i) {
    if (!write(unit.mutations[i], context)) return i;
  }
  return std::nullopt;
}

void Applier::undo_unit(const std::array<std::size_t, 3>& effects_before) {
  rollback_unit_.run();
  mailboxes_.undo_unit();
  stories_.forget();
  trust_.forget();
  ContentEffects& effects = contents_.effects();
  effects.live.resize(effects_before[0]);
  effects.freed_files.resize(effects_before[1]);
  effects.taken_files.resize(effects_before[2]);
}

void Applier::commit(std::uint64_t open_segment, std::uint64_t open_octets) {
  mailboxes_.write_counters();
  contents_.write_segment_totals(open_segment, open_octets);
  if (may_sort_) stories_.sort_tail_if_long();
  commit_.run();
}

void Applier::rollback() {
  // SQLite has rolled back by itself after some errors.
  if (sqlite3_get_autocommit(database_.handle()) == 0) database_.execute("ROLLBACK");
  mailboxes_.forget();
  stories_.forget();
  trust_.forget();
  contents_.effects() = {};
}

bool Applier::holds(const Precondition& precondition) {
  return std::visit(Overloaded{
                        [this](const QuotaAllows& p) { return mailboxes_.allows(p); },
                        [this](const RecipientUnchanged& p) { return queue_.unchanged(p); },
                        [this](const EmailUnchangedSince& p) { return mailboxes_.unchanged_since(p); },
                        [this](const EmailExists& p) { return mailboxes_.has_email(p.account, p.mailbox, p.uid); },
                        [this](const MailboxExists& p) { return mailboxes_.has_mailbox(p.account, p.id); },
                        [this](const NameFree& p) { return !directory_.is_taken(p.kind, p.name); },
                        [this](const NameTaken& p) { return directory_.is_taken(p.kind, p.name); },
                        [this](const KeyInState& p) { return keys_.state(p.kind, p.owner, p.name) == p.state; },
                        [this](const SettingIs& p) { return directory_.is_setting(p.key, p.value); },
                        [this](const DomainIs& p) { return directory_.is_domain(p); },
                        [this](const KeyAbsent& p) { return !keys_.state(p.kind, p.owner, p.name); },
                    },
                    precondition);
}

bool Applier::write(const Mutation& mutation, UnitContext& context) {
  Committed& outcome = context.outcome;
  return std::visit(
      Overloaded{
          [&](const PutContent& m) {
            const std::uint32_t references = context.references(m.id);
            const auto place = context.placements.find(&m);
            const Placement* placement = place == context.placements.end() ? nullptr : &place->second;
            return references > 0 && contents_.put(m, references, placement);
          },
          [&](const AddEmail& m) { return mailboxes_.add(m, context.is_own(m.row.octets.content), outcome); },
          [&](const SetFlags& m) { return mailboxes_.set_flags(m, outcome); },
          [&](const ExpungeEmail& m) { return mailboxes_.expunge(m, outcome); },
          [&](const ChangeFlags& m) { return mailboxes_.change_flags(m, outcome); },
          [&](const ExpungeEmails& m) { return mailboxes_.expunge(m, context.now, outcome); },
          [&](const MoveEmail& m) { return mailboxes_.move(m, context.now, outcome); },
          [&](const MoveEmails& m) { return mailboxes_.move(m, context.now, outcome); },
          [&](const CopyEmails& m) { return mailboxes_.copy(m, context.now, outcome); },
          [&](const UndeleteEmail& m) { return mailboxes_.undelete(m, context.now, outcome); },
          [&](const SweepExpunged& m) { return mailboxes_.sweep(m, outcome), true; },
          [&](const ForgetTombstones& m) { return mailboxes_.forget_tombstones(m); },
          [&](const PutFacts& m) { return mailboxes_.put_facts(m), true; },
          [&](const PutMailbox& m) {
            return mailboxes_.put_mailbox(m.row, context.account(m.row.account),
                                          static_cast<std::uint32_t>(unix_seconds(context.now)), outcome);
          },
          [&](const DeleteMailbox& m) { return mailboxes_.delete_mailbox(m, context.now); },
          [&](const TakeRecent& m) { return mailboxes_.take_recent(m); },
          [&](const PutSubscription& m) { return mailboxes_.put_subscription(m, context.account(m.account)), true; },
          [&](const PutQueued& m) { return queue_.put(m, context.is_own(m.row.octets.content)); },
          [&](const PutRecipient& m) { return queue_.put_recipient(m.row); },
          [&](const RemoveRecipient& m) { return queue_.remove_recipient(m); },
          [&](const PutStory& m) { return stories_.put(m.row), true; },
          [&](const AppendStory& m) { return stories_.append(m.row), true; },
          [&](const SweepStories& m) { return outcome.swept += stories_.sweep(m), true; },
          [&](const CountDmarcRow& m) { return trust_.count(m.row), true; },
          [&](const SweepDmarcRows& m) { return outcome.swept += trust_.sweep(m), true; },
          [&](const NoteSelector& m) { return trust_.note(m.row), true; },
          [&](const PutDomain& m) { return directory_.put(m.row), true; },
          [&](const RemoveDomain& m) { return keys_.remove_domain(m.name), directory_.remove(m); },
          [&](const PutAccount& m) { return directory_.put(m.row, outcome); },
          [&](const RemoveAccount& m) { return mailboxes_.delete_account(m.id), directory_.remove(m); },
          [&](const PutLogin& m) { return directory_.put(m.row, context.account(m.row.account), outcome); },
          [&](const RemoveLogin& m) { return directory_.remove(m); },
          [&](const PutAddress& m) { return directory_.put(m.row, context.account(m.row.account)); },
          [&](const RemoveAddress& m) { return directory_.remove(m); },
          [&](const PutGroup& m) { return directory_.put(m.row), true; },
          [&](const RemoveGroup& m) { return directory_.remove(m); },
          [&](const PutSetting& m) { return directory_.put(m), true; },
          [&](const PutKey& m) { return keys_.put(m.row), true; },
          [&](const RemoveKey& m) { return keys_.remove(m); },
      },
      mutation);
}

}  // namespace posthorn::storage
