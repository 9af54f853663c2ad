#include "flow/mailbox/threads.h"

#include <algorithm>

#include "standards/message/message_id.h"

namespace posthorn::mailbox {
namespace {

/// FNV-1a, 64 bits. Two ids with one hash would join two threads of an account, and nothing else.
std::int64_t hash_of(std::string_view message_id) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : message_id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return static_cast<std::int64_t>(hash ^ (hash >> 32));
}

void add(std::vector<std::int64_t>& keys, std::string_view message_id) {
  const std::int64_t key = hash_of(message_id);
  if (keys.size() <= thread_references_max && std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
}

}  // namespace

std::vector<std::int64_t> thread_keys(const message::Header& header) {
  std::vector<std::int64_t> keys;
  if (const auto own = header.first("Message-ID"))
    if (const auto id = message::parse_message_id(own->unfolded())) add(keys, *id);
  // RFC 5322 3.6.4: the last of References is the one answered; In-Reply-To stands in where there are none.
  if (const auto references = header.first("References")) {
    const auto ids = message::parse_message_ids(references->unfolded());
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) add(keys, *id);
  }
  if (const auto answers = header.first("In-Reply-To"))
    for (const std::string& id : message::parse_message_ids(answers->unfolded())) add(keys, id);
  return keys;
}

}  // namespace posthorn::mailbox
