#include "flow/access/imap_find.h"

#include <deque>

#include "flow/access/imap_chosen.h"
#include "flow/access/imap_names.h"
#include "platform/runtime/event.h"
#include "platform/runtime/executor.h"
#include "platform/runtime/spawn.h"
#include "platform/storage/reader.h"
#include "standards/message/header.h"

namespace posthorn::access {
namespace {

/// Messages decided from the view before others on the loop get their turn.
constexpr std::size_t kViewPortion = 5'000;
/// As many as there are reader threads (storage::StoreOptions).
constexpr std::size_t kPortionsAtOnce = 2;

using Decision = imap::Search::Decision;

/// Ids as texts, which SearchFacts only points to.
struct IdTexts {
  std::string email, thread;
};

/// A portion of messages whose octets decide; everything a reader thread needs, and nothing of the session's.
struct Portion {
  std::shared_ptr<const imap::Search> search;
  std::shared_ptr<const mailbox::Version> version;  // keeps the keywords
  std::vector<std::size_t> positions;
  std::vector<EmailId> ids;
  std::vector<imap::SearchFacts> facts;
  std::vector<std::shared_ptr<const IdTexts>> texts;

  [[nodiscard]] bool empty() const { return positions.empty(); }
};

bool has_whole_header(Octets octets, std::size_t asked) {
  return octets.size() < asked || octets.find("\r\n\r\n") != Octets::npos;
}

/// Which of the portion match. On a reader thread.
std::vector<std::size_t> match_portion(storage::Reader& reader, const Portion& portion, bool header_only) {
  std::vector<std::size_t> found;
  std::vector<std::size_t> cut;  // headers that go on
  const std::size_t max = header_only ? kSearchedHeaderOctets : kSearchedOctetsMax;
  reader.visit_octets(portion.ids, max, [&](std::size_t i, Octets octets) {
    if (header_only && !has_whole_header(octets, max)) {
      cut.push_back(i);
    } else if (portion.search->matches(portion.facts[i], octets)) {
      found.push_back(portion.positions[i]);
    }
    return true;
  });
  for (const std::size_t i : cut) {
    const std::array<EmailId, 1> one{portion.ids[i]};
    reader.visit_octets(one, message::header_octets_max, [&](std::size_t, Octets octets) {
      if (portion.search->matches(portion.facts[i], octets)) found.push_back(portion.positions[i]);
      return true;
    });
  }
  return found;
}

Task<std::vector<std::size_t>> read_portion(storage::Store& store, std::shared_ptr<const Portion> portion,
                                            bool header_only) {
  auto question = [portion, header_only](storage::Reader& reader) {
    return match_portion(reader, *portion, header_only);
  };
  co_return co_await store.read(std::move(question));
}

/// By the usual header fields, which are kept.
Task<std::vector<std::size_t>> read_fields(mailbox::Mailboxes& mailboxes, std::shared_ptr<const Portion> portion) {
  auto found = std::make_shared<std::vector<std::size_t>>();
  mailbox::FieldsVisitor visit = [portion, found](std::size_t i, Octets fields) {
    if (portion->search->matches(portion->facts[i], fields)) found->push_back(portion->positions[i]);
  };
  std::vector<EmailId> ids = portion->ids;
  co_await mailboxes.visit_fields(std::move(ids), std::move(visit));
  co_return std::move(*found);
}

/// How a portion is looked at.
enum class From : unsigned char { fields, header, message };

Task<std::vector<std::size_t>> find_in(const ImapSurroundings& world, std::shared_ptr<const Portion> portion,
                                       From from) {
  if (from == From::fields) co_return co_await read_fields(*world.mailboxes, std::move(portion));
  co_return co_await read_portion(*world.store, std::move(portion), from == From::header);
}

using FoundPromise = runtime::Promise<std::vector<std::size_t>>;

Task<> read_into(const ImapSurroundings& world, std::shared_ptr<const Portion> portion, From from, FoundPromise found) {
  found.set(co_await find_in(world, std::move(portion), from));
}

/// One search on its way through the mailbox.
class Finding {
 public:
  Finding(ImapContext& context, std::shared_ptr<const imap::Search> search)
      : context_(context), search_(std::move(search)), version_(context.selected->snapshot.known_version()) {
    begin_portions();
  }

  [[nodiscard]] Task<std::vector<std::size_t>> run();

 private:
  [[nodiscard]] Chosen bounded() const;
  [[nodiscard]] Task<> look_at(std::vector<std::size_t> positions);
  [[nodiscard]] Task<std::unordered_map<storage::Uid, storage::EmailRow>> rows_of(
      const std::vector<std::size_t>& positions);
  [[nodiscard]] imap::SearchFacts facts_of(std::size_t position) const;
  void decide(std::size_t position, const imap::SearchFacts& facts, std::shared_ptr<const IdTexts> texts);
  void begin_portions();
  [[nodiscard]] Task<> finish(Portion portion, From from);
  [[nodiscard]] Task<> collect(std::size_t left);
  [[nodiscard]] Task<> finish_full(std::size_t at_least);
  [[nodiscard]] bool uses_rows() const { return search_->uses_save_date() || search_->uses_ids(); }

  ImapContext& context_;
  std::shared_ptr<const imap::Search> search_;
  std::shared_ptr<const mailbox::Version> version_;
  Portion headers_, messages_;
  std::deque<FoundPromise> under_way_;
  std::vector<std::size_t> found_;
};

void Finding::begin_portions() {
  headers_ = {};
  messages_ = {};
  headers_.search = messages_.search = search_;
  headers_.version = messages_.version = version_;
}

Chosen Finding::bounded() const {
  if (const auto uids = search_->uid_bound()) return choose_uids(*version_, *uids);
  if (const auto numbers = search_->number_bound()) return choose_numbers(*version_, *numbers);
  return choose_all(*version_);
}

imap::SearchFacts Finding::facts_of(std::size_t position) const {
  const mailbox::Entry& entry = version_->at(position);
  imap::SearchFacts facts;
  facts.number = static_cast<std::uint32_t>(position + 1);
  facts.uid = entry.uid();
  facts.flags = entry.flags();
  if (context_.selected->recent.contains(entry.uid()))
    facts.flags |= static_cast<std::uint8_t>(imap::SystemFlag::recent);
  facts.keywords = &version_->keywords(entry);
  facts.size = entry.size();
  facts.mod_seq = entry.modseq();
  facts.internal_date = entry.internal_date();
  return facts;
}

void Finding::decide(std::size_t position, const imap::SearchFacts& facts, std::shared_ptr<const IdTexts> texts) {
  const Decision decision = search_->decide(facts);
  if (decision == Decision::yes) found_.push_back(position);
  if (decision != Decision::needs_header && decision != Decision::needs_message) return;
  Portion& portion = decision == Decision::needs_header ? headers_ : messages_;
  portion.positions.push_back(position);
  portion.ids.push_back(version_->at(position).email_id());
  portion.facts.push_back(facts);
  if (texts) portion.texts.push_back(std::move(texts));
}

Task<std::unordered_map<storage::Uid, storage::EmailRow>> Finding::rows_of(const std::vector<std::size_t>& positions) {
  std::unordered_map<storage::Uid, storage::EmailRow> rows;
  std::vector<storage::Uid> uids;
  for (const std::size_t position : positions) uids.push_back(version_->at(position).uid());
  for (storage::EmailRow& row : co_await context_.mailboxes().rows(context_.selected->view(), std::move(uids)))
    rows.emplace(row.uid, std::move(row));
  co_return rows;
}

Task<> Finding::look_at(std::vector<std::size_t> positions) {
  std::unordered_map<storage::Uid, storage::EmailRow> rows;
  if (uses_rows()) rows = co_await rows_of(positions);
  for (const std::size_t position : positions) {
    imap::SearchFacts facts = facts_of(position);
    std::shared_ptr<const IdTexts> texts;
    if (const auto row = rows.find(facts.uid); row != rows.end()) {
      facts.save_date = row->second.save_date;
      texts = std::make_shared<const IdTexts>(
          IdTexts{email_id_text(row->second.object_id), thread_id_text(row->second.thread_id)});
      facts.email_id = texts->email;
      if (row->second.thread_id != 0) facts.thread_id = texts->thread;
    }
    decide(position, facts, std::move(texts));
  }
}

Task<> Finding::finish(Portion portion, From from) {
  auto shared = std::make_shared<const Portion>(std::move(portion));
  if (context_.world.tasks == nullptr) {
    const auto found = co_await find_in(context_.world, std::move(shared), from);
    found_.insert(found_.end(), found.begin(), found.end());
    co_return;
  }
  const FoundPromise promise;
  under_way_.push_back(promise);
  runtime::spawn(*context_.world.tasks, context_.loop.executor(), "imap search",
                 read_into(context_.world, std::move(shared), from, promise));
  co_await collect(kPortionsAtOnce - 1);
}

/// Waits until at most `left` portions are under way.
Task<> Finding::collect(std::size_t left) {
  while (under_way_.size() > left) {
    const FoundPromise promise = under_way_.front();
    under_way_.pop_front();
    const auto found = co_await promise.wait();
    found_.insert(found_.end(), found.begin(), found.end());
  }
}

/// Portions that have grown to `at_least` messages.
Task<> Finding::finish_full(std::size_t at_least) {
  if (headers_.positions.size() < at_least && messages_.positions.size() < at_least) co_return;
  Portion headers = std::move(headers_);
  Portion messages = std::move(messages_);
  begin_portions();
  if (!headers.empty())
    co_await finish(std::move(headers), search_->uses_only_usual_fields() ? From::fields : From::header);
  if (!messages.empty()) co_await finish(std::move(messages), From::message);
}

Task<std::vector<std::size_t>> Finding::run() {
  std::vector<PositionRange> rest = bounded().ranges();
  std::size_t since_turn = 0;
  while (!rest.empty()) {
    std::vector<std::size_t> positions = take_positions(rest, kOctetsPortion);
    since_turn += positions.size();
    co_await look_at(std::move(positions));
    co_await finish_full(kOctetsPortion);
    if (since_turn < kViewPortion) continue;
    since_turn = 0;
    co_await runtime::yield_to_others();
  }
  co_await finish_full(1);
  co_await collect(0);
  std::ranges::sort(found_);
  co_return std::move(found_);
}

}  // namespace

Task<std::vector<std::size_t>> find_messages(ImapContext& context, const imap::SearchKey& key) {
  const Selected& selected = *context.selected;
  const mailbox::Version& known = selected.known();
  imap::SearchContext around;
  around.now = context.world.clock->now();
  around.last_number = static_cast<std::uint32_t>(known.size());
  around.last_uid = known.empty() ? 0 : known.at(known.size() - 1).uid();
  around.saved_uids = selected.saved;
  Finding finding(context, std::make_shared<const imap::Search>(key, std::move(around)));
  co_return co_await finding.run();
}

}  // namespace posthorn::access
