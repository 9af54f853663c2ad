#include "flow/test_support/memory_store.h"

#include <algorithm>

#include "platform/storage/reader.h"

namespace posthorn::flow_test {

using namespace storage;

class MemoryStore::MemoryReader final : public Reader {
 public:
  explicit MemoryReader(MemoryStore& store) : store_(store) {}

  Result<void, Problem> read_octets(const StoredOctets& octets, std::uint64_t offset, std::size_t max,
                                    OctetString& to) override {
    const auto content = store_.contents.find(octets.content);
    if (content == store_.contents.end()) return fail(none());
    OctetString whole = octets.header_block;
    if (octets.ranges.empty()) whole += content->second;
    for (const ContentRange& range : octets.ranges) whole += content->second.substr(range.offset, range.length);
    if (offset < whole.size()) to += whole.substr(offset, max);
    return {};
  }
  std::vector<DomainRow> domains() override { return {}; }
  std::vector<AccountRow> accounts() override { return {}; }
  std::optional<AccountRow> account(AccountId) override { return {}; }
  std::vector<LoginRow> logins() override { return {}; }
  std::vector<AddressRow> addresses() override { return {}; }
  std::vector<GroupRow> groups() override { return {}; }
  UsageRow usage(AccountId) override { return {}; }
  std::string setting(std::string_view key) override {
    const auto found = store_.settings.find(std::string(key));
    return found == store_.settings.end() ? std::string{} : found->second;
  }
  std::vector<std::pair<std::string, std::string>> settings(std::string_view prefix, std::string_view after,
                                                            std::size_t max) override {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [key, value] : store_.settings)
      if (key.starts_with(prefix) && key > after && found.size() < max) found.emplace_back(key, value);
    return found;
  }
  std::vector<KeyRow> keys(std::string_view) override { return {}; }
  std::vector<DmarcRow> dmarc_rows(std::chrono::sys_days, std::string_view, std::string_view, std::size_t) override {
    return {};
  }
  std::vector<DmarcDayRow> dmarc_days(std::chrono::sys_days, std::string_view, std::size_t) override { return {}; }
  DmarcDayRow dmarc_day(std::chrono::sys_days) override { return {}; }
  std::vector<SelectorRow> selectors_seen(std::string_view) override { return {}; }
  std::vector<MailboxRow> mailboxes(AccountId) override { return {}; }
  std::optional<MailboxRow> mailbox(AccountId, MailboxId) override { return {}; }
  std::vector<EmailRow> emails(AccountId, MailboxId, Uid, std::size_t) override { return {}; }
  std::vector<EmailSummary> summaries(AccountId, MailboxId, Uid, std::size_t) override { return {}; }
  std::optional<EmailRow> email(AccountId, MailboxId, Uid) override { return {}; }
  std::optional<EmailRow> email(EmailId) override { return {}; }
  std::vector<EmailRow> emails(AccountId, MailboxId, std::span<const Uid>) override { return {}; }
  MailboxTotals totals(AccountId, MailboxId) override { return {}; }
  void visit_fields(std::span<const EmailId>, const std::function<void(std::size_t, Octets)>&) override {}
  std::vector<std::optional<FactsRow>> facts(std::span<const EmailId> ids, FactsParts) override {
    return std::vector<std::optional<FactsRow>>(ids.size());
  }
  void visit_octets(std::span<const EmailId>, std::uint64_t, const std::function<bool(std::size_t, Octets)>&) override {
  }
  std::optional<ModSeq> tombstone_bound(AccountId, MailboxId, std::uint64_t) override { return {}; }
  std::vector<TombstoneCount> long_tombstone_lists(std::uint64_t) override { return {}; }
  std::vector<ExpungedRow> expunged(AccountId, TimePoint, std::size_t) override { return {}; }
  bool has_expunged_before(TimePoint) override { return false; }
  std::vector<std::string> subscriptions(AccountId) override { return {}; }
  std::vector<TombstoneRow> tombstones(AccountId, MailboxId, ModSeq) override { return {}; }

  std::vector<DestinationRow> destinations() override {
    std::map<std::string, DestinationRow> found;
    for (const auto& [key, row] : store_.recipients) {
      if (row.state != RecipientState::queued) continue;
      DestinationRow& hop = found.try_emplace(row.domain, DestinationRow{row.domain, 0, row.not_before}).first->second;
      ++hop.recipients;
      hop.earliest = std::min(hop.earliest, row.not_before);
    }
    std::vector<DestinationRow> rows;
    for (auto& [domain, row] : found) rows.push_back(row);
    return rows;
  }
  std::vector<RecipientRow> waiting(std::string_view domain, const QueuePosition& after, std::size_t max) override {
    ++store_.pages_read;
    const auto position = [](const RecipientRow& row) { return std::tuple(row.not_before, row.mail, row.index); };
    std::vector<RecipientRow> rows;
    for (const auto& [key, row] : store_.recipients)
      if (row.state == RecipientState::queued && row.domain == domain &&
          position(row) > std::tuple(after.not_before, after.mail, after.index))
        rows.push_back(row);
    std::ranges::sort(rows, {}, position);
    if (rows.size() > max) rows.resize(max);
    return rows;
  }
  std::optional<QueueRow> queued(MailId id) override {
    const auto found = store_.mails.find(id);
    return found == store_.mails.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<RecipientRow> recipients(MailId id) override {
    std::vector<RecipientRow> rows;
    for (const auto& [key, row] : store_.recipients)
      if (key.first == id) rows.push_back(row);
    return rows;
  }
  bool is_signed_in_queue(std::string_view selector_and_domain) override {
    return std::ranges::any_of(store_.mails, [&](const auto& mail) {
      return (" " + mail.second.signed_with + " ").contains(fmt::format(" {} ", selector_and_domain));
    });
  }
  std::vector<QueueRow> queue_page(const QueueFilter& filter, MailId after, std::size_t max) override {
    std::vector<QueueRow> rows;
    for (const auto& [id, row] : store_.mails) {
      if (id <= after || rows.size() >= max) continue;
      const std::vector<RecipientRow> all = recipients(id);
      const bool matches =
          filter.text.empty() || id.text() == filter.text || row.sender == filter.text ||
          std::ranges::any_of(all, [&](const RecipientRow& r) {
            return r.address == filter.text || r.domain == filter.text || r.address.ends_with("@" + filter.text);
          });
      if (matches) rows.push_back(row);
    }
    return rows;
  }
  std::vector<StoryRow> stories_by_key(std::string_view, std::size_t) override { return {}; }
  std::optional<StoryRow> story(MailId) override { return {}; }
  std::vector<StoryPartRow> story_parts(MailId) override { return {}; }

 private:
  MemoryStore& store_;
};

Task<> MemoryStore::run_on_reader(std::function<void(Reader&)> job) {
  MemoryReader reader(*this);
  job(reader);
  co_return;
}

std::optional<std::size_t> MemoryStore::failed_precondition(const Unit& unit) const {
  for (std::size_t i = 0; i < unit.preconditions.size(); ++i) {
    const auto* lease = std::get_if<RecipientUnchanged>(&unit.preconditions[i]);
    if (lease == nullptr) continue;
    const auto row = recipients.find({lease->mail, lease->index});
    const bool holds = row != recipients.end() && row->second.state == RecipientState::queued &&
                       row->second.attempts == lease->attempts;
    if (!holds) return i;
  }
  return std::nullopt;
}

void MemoryStore::apply(const Unit& unit) {
  for (const Mutation& mutation : unit.mutations) {
    if (const auto* content = std::get_if<PutContent>(&mutation)) {
      contents[content->id] = *content->octets;
    } else if (const auto* queued = std::get_if<PutQueued>(&mutation)) {
      mails[queued->row.id] = queued->row;
      for (const RecipientRow& row : queued->recipients) recipients[{row.mail, row.index}] = row;
    } else if (const auto* put = std::get_if<PutRecipient>(&mutation)) {
      recipients[{put->row.mail, put->row.index}] = put->row;
    } else if (const auto* removed = std::get_if<RemoveRecipient>(&mutation)) {
      recipients.erase({removed->mail, removed->index});
      const auto next = recipients.lower_bound({removed->mail, 0});
      if (next == recipients.end() || next->first.first != removed->mail) mails.erase(removed->mail);
    } else if (const auto* setting = std::get_if<PutSetting>(&mutation)) {
      settings[setting->key] = setting->value;
      if (setting->value.empty()) settings.erase(setting->key);
    } else if (const auto* part = std::get_if<AppendStory>(&mutation)) {
      stories[part->row.id].push_back(part->row.steps);
    }
  }
}

Task<Result<Committed, CommitFailure>> MemoryStore::commit(Unit unit) {
  if (refuse_commits > 0) {
    --refuse_commits;
    co_return fail(CommitFailure{CommitError::no_space, 0});
  }
  if (const auto failed = failed_precondition(unit))
    co_return fail(CommitFailure{CommitError::precondition_failed, *failed});
  ++commits;
  apply(unit);
  const Committed outcome;
  const CommittedUnit committed{&unit, &outcome};
  if (observer_) observer_({&committed, 1});
  co_return outcome;
}

std::string MemoryStore::story(MailId id) const {
  std::string whole;
  if (const auto found = stories.find(id); found != stories.end())
    for (const std::string& part : found->second) whole += part + "\n";
  return whole;
}

}  // namespace posthorn::flow_test
