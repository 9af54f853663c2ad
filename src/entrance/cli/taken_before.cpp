#include "entrance/cli/taken_before.h"

#include <algorithm>

#include "foundation/codec/base64.h"
#include "foundation/crypto/hash.h"
#include "foundation/text/ascii.h"

namespace posthorn::cli {
namespace {

// 96 bits: no two of millions are alike by chance, and nobody makes two alike on purpose within 2^48 tries.
constexpr std::size_t digest_octets = message_digest_length / 4 * 3;

constexpr std::array<std::string_view, 8> flag_fields{"Status", "X-Status",   "X-Keywords",       "X-UID",
                                                      "X-IMAP", "X-IMAPbase", "X-Mozilla-Status", "X-Mozilla-Status2"};

bool is_flag_field(Octets line) {
  const std::size_t colon = line.find(':');
  if (colon == Octets::npos) return false;
  return std::ranges::any_of(flag_fields,
                             [&](std::string_view name) { return text::iequals(line.substr(0, colon), name); });
}

}  // namespace

std::string message_digest(Octets message) {
  crypto::Sha256 hash;
  bool skips = false;
  while (!message.empty()) {
    const std::size_t end = message.find('\n');
    const Octets line = message.substr(0, end == Octets::npos ? end : end + 1);
    if (line == "\r\n" || line == "\n") break;
    // A folded line belongs to the field before it (RFC 5322 2.2.3).
    if (!line.starts_with(' ') && !line.starts_with('\t')) skips = is_flag_field(line);
    if (!skips) hash.update(line);
    message.remove_prefix(line.size());
  }
  hash.update(message);
  return codec::base64_encode(hash.finish().substr(0, digest_octets));
}

void TakenBefore::add(std::string_view digests) {
  for (; digests.size() >= message_digest_length; digests.remove_prefix(message_digest_length))
    std::ranges::copy(digests.substr(0, message_digest_length), known_.emplace_back().begin());
}

void TakenBefore::finish() {
  std::ranges::sort(known_);
  found_.assign(known_.size(), false);
}

bool TakenBefore::find(std::string_view digest) {
  Digest wanted{};
  std::ranges::copy(digest.substr(0, wanted.size()), wanted.begin());
  for (auto at = std::ranges::lower_bound(known_, wanted); at != known_.end() && *at == wanted; ++at) {
    const auto place = static_cast<std::size_t>(at - known_.begin());
    if (found_[place]) continue;
    found_[place] = true;
    return true;
  }
  return false;
}

}  // namespace posthorn::cli
