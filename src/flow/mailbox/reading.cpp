// Reading emails: rows, octets, what vanished.
#include <algorithm>

#include "flow/mailbox/failure.h"
#include "flow/mailbox/mailboxes.h"

namespace posthorn::mailbox {

Task<std::vector<storage::EmailRow>> Mailboxes::rows(const View& view, std::vector<Uid> uids) {
  auto question = [account = view.account(), mailbox = view.mailbox(),
                   uids = std::move(uids)](storage::Reader& reader) { return reader.emails(account, mailbox, uids); };
  co_return co_await store_.read(std::move(question));
}

Task<Outcome<std::vector<ReadMessage>>> Mailboxes::read_messages(const View& view, std::vector<Uid> uids,
                                                                 std::uint64_t octets_each_max,
                                                                 std::uint64_t octets_max) {
  using Answer = Result<std::vector<ReadMessage>, Problem>;
  auto question = [account = view.account(), mailbox = view.mailbox(), uids = std::move(uids), octets_each_max,
                   octets_max](storage::Reader& reader) -> Answer {
    std::vector<ReadMessage> messages;
    std::uint64_t together = 0;
    for (const Uid uid : uids) {
      if (!messages.empty() && together >= octets_max) break;
      auto row = reader.email(account, mailbox, uid);
      if (!row) continue;
      ReadMessage message{std::move(*row), {}, false};
      const std::uint64_t wanted = std::min(message.row.octets.size, octets_each_max);
      if (auto read = reader.read_octets(message.row.octets, 0, wanted, message.octets); !read)
        return fail(read.error());
      message.whole = message.octets.size() == message.row.octets.size;
      together += message.octets.size();
      messages.push_back(std::move(message));
    }
    return messages;
  };
  auto answer = co_await store_.read(std::move(question));
  if (!answer) co_return fail(damaged(answer.error()));
  co_return std::move(*answer);
}

Task<Outcome<OctetString>> Mailboxes::read(storage::StoredOctets octets, std::uint64_t offset, std::size_t max) {
  using Answer = Result<OctetString, Problem>;
  auto question = [octets = std::move(octets), offset, max](storage::Reader& reader) -> Answer {
    OctetString piece;
    if (offset >= octets.size) return piece;
    const std::uint64_t wanted = std::min<std::uint64_t>(max, octets.size - offset);
    if (auto read = reader.read_octets(octets, offset, wanted, piece); !read) return fail(read.error());
    return piece;
  };
  auto answer = co_await store_.read(std::move(question));
  if (!answer) co_return fail(damaged(answer.error()));
  co_return std::move(*answer);
}

OperationFailure Mailboxes::damaged(const Problem& problem) const {
  log_.error("an email cannot be read", {{"why", problem.text()}});
  return failure(OperationError::damaged, "The octets of a message cannot be read.");
}

Task<std::vector<Uid>> Mailboxes::vanished_since(const View& view, ModSeq since,
                                                 std::optional<std::vector<Uid>> known) {
  const auto version = view.current();
  std::vector<Uid> vanished;
  if (since >= version->forgotten_modseq()) {
    auto question = [account = view.account(), mailbox = view.mailbox(), since](storage::Reader& reader) {
      return reader.tombstones(account, mailbox, since);
    };
    for (const storage::TombstoneRow& tombstone : co_await store_.read(std::move(question)))
      vanished.push_back(tombstone.uid);
    std::ranges::sort(vanished);
    if (known) std::erase_if(vanished, [&](Uid uid) { return !std::ranges::binary_search(*known, uid); });
    co_return vanished;
  }
  // RFC 7162 3.2.5.1: the server has forgotten; it names all that is not there.
  if (known) {
    std::erase_if(*known, [&](Uid uid) { return uid >= version->uid_next() || version->find(uid) != nullptr; });
    co_return std::move(*known);
  }
  Uid next = 1;
  version->for_each(0, version->size(), [&](std::size_t, const Entry& entry) {
    for (; next < entry.uid(); ++next) vanished.push_back(next);
    next = entry.uid() + 1;
  });
  for (; next < version->uid_next(); ++next) vanished.push_back(next);
  co_return vanished;
}

}  // namespace posthorn::mailbox
