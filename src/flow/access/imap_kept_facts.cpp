#include "flow/access/imap_kept_facts.h"

#include <algorithm>

#include "flow/access/imap_content.h"
#include "platform/runtime/executor.h"
#include "platform/runtime/spawn.h"
#include "standards/imap/structure.h"
#include "standards/message/header.h"

namespace posthorn::access {
namespace {

/// Facts are made from the first octets of a message, so many at most (flow/mailbox).
constexpr std::uint64_t kFactsOctetsMax = 64 * MiB;

}  // namespace

Task<> KeptFacts::read_into(mailbox::Mailboxes& mailboxes, std::shared_ptr<mailbox::View> view,
                            std::vector<storage::Uid> uids, storage::FactsParts parts, Promise promise) {
  // Where the reading ends by an exception, who waits is told that nothing is there.
  struct Announcement {
    Promise promise;
    Answer answer;
    ~Announcement() { promise.set(std::move(answer)); }
  };
  Announcement announcement{std::move(promise), {}};
  announcement.answer = co_await mailboxes.facts(*view, std::move(uids), parts);
}

void KeptFacts::begin(std::vector<storage::Uid> uids) {
  next_uids_ = std::move(uids);
  if (context_.world.tasks == nullptr) return;
  under_way_.emplace();
  runtime::spawn(*context_.world.tasks, context_.loop.executor(), "imap facts",
                 read_into(context_.mailboxes(), context_.selected->snapshot.view(), next_uids_, parts_, *under_way_));
}

Task<> KeptFacts::take() {
  if (!any()) co_return;
  uids_ = std::move(next_uids_);
  if (under_way_) {
    const Promise promise = *under_way_;
    under_way_.reset();
    facts_ = co_await promise.wait();
  } else {
    facts_ = co_await context_.mailboxes().facts(context_.selected->view(), uids_, parts_);
  }
  facts_.resize(uids_.size());
  const mailbox::Version& known = context_.selected->known();
  for (std::size_t i = 0; i < uids_.size(); ++i) {
    if (!facts_[i]) continue;
    if (parts_.structure && known.find(uids_[i])->size() > kFactsOctetsMax)
      co_await mend_structure(uids_[i], *facts_[i]);
    if (parts_.fields && facts_[i]->fields.empty()) co_await mend_fields(uids_[i], *facts_[i]);
  }
}

const mailbox::Facts* KeptFacts::find(storage::Uid uid) const {
  const auto found = std::ranges::lower_bound(uids_, uid);
  if (found == uids_.end() || *found != uid) return nullptr;
  const auto& facts = facts_[static_cast<std::size_t>(found - uids_.begin())];
  return facts ? &*facts : nullptr;
}

/// The structure kept of a very large message is that of its beginning: the whole is looked at, piece by piece.
Task<> KeptFacts::mend_structure(storage::Uid uid, mailbox::Facts& facts) {
  std::vector<storage::Uid> one{uid};
  const auto read = co_await context_.mailboxes().read_messages(context_.selected->view(), std::move(one),
                                                                kHeaderOctets, kHeaderOctets);
  if (!read || read->empty()) co_return;
  Content content(context_, read->front());
  const auto tree = co_await content.structure();
  facts.structure = imap::write_body_structure(*tree);
}

/// A header whose usual fields are too large to be kept.
Task<> KeptFacts::mend_fields(storage::Uid uid, mailbox::Facts& facts) {
  std::vector<storage::Uid> one{uid};
  const auto read = co_await context_.mailboxes().read_messages(context_.selected->view(), std::move(one),
                                                                message::header_octets_max, message::header_octets_max);
  if (read && !read->empty()) facts.fields = read->front().octets;
}

}  // namespace posthorn::access
