#include "flow/mailbox/taken.h"

#include "foundation/codec/hex.h"
#include "foundation/crypto/hash.h"

namespace posthorn::mailbox {
namespace {

// A path of any length becomes a key of one length.
constexpr std::size_t source_digest_octets = 16;
// Removed in one unit.
constexpr std::size_t forgotten_at_once = 500;

}  // namespace

std::string taken_prefix(storage::AccountId account) {
  return fmt::format("mailbox/taken/{}/", account.value);
}

std::string taken_prefix(storage::AccountId account, storage::MailboxId mailbox) {
  return fmt::format("{}{}/", taken_prefix(account), mailbox.value);
}

std::string taken_prefix(storage::AccountId account, storage::MailboxId mailbox, std::string_view source) {
  const std::string digest = crypto::sha256(source).substr(0, source_digest_octets);
  return fmt::format("{}{}/", taken_prefix(account, mailbox), codec::hex_encode(digest));
}

std::string taken_key(std::string_view prefix, std::uint64_t part) {
  return fmt::format("{}{:010}", prefix, part);
}

Task<std::vector<std::string>> taken_parts(storage::Store& store, std::string prefix, std::uint64_t first,
                                           std::size_t max) {
  const std::string after = first == 0 ? prefix : taken_key(prefix, first - 1);
  const auto question = [prefix, after, max](storage::Reader& reader) {
    std::vector<std::string> values;
    for (auto& [key, value] : reader.settings(prefix, after, max)) values.push_back(std::move(value));
    return values;
  };
  co_return co_await store.read(question);
}

Task<Result<void, storage::CommitFailure>> forget_taken(storage::Store& store, std::string prefix) {
  while (true) {
    const auto question = [prefix](storage::Reader& reader) {
      return reader.settings(prefix, prefix, forgotten_at_once);
    };
    const auto found = co_await store.read(question);
    if (found.empty()) co_return Result<void, storage::CommitFailure>{};
    storage::Unit unit;
    for (const auto& [key, value] : found) unit.mutations.emplace_back(storage::PutSetting{key, ""});
    const auto committed = co_await store.commit(std::move(unit));
    if (!committed) co_return fail(committed.error());
  }
}

}  // namespace posthorn::mailbox
