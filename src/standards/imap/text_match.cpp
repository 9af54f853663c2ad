#include "standards/imap/text_match.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <unicase.h>
#include <uninorm.h>

#include "foundation/text/ascii.h"

namespace posthorn::imap {
namespace {

// Sixteen octets at a time (GCC and Clang vector extension: SSE2 on x86-64, NEON on ARM).
using Lanes = unsigned char __attribute__((vector_size(16)));
using Halves = unsigned long long __attribute__((vector_size(16)));
constexpr std::size_t lanes = sizeof(Lanes);

Lanes load(const char* from) {
  Lanes value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

Lanes all(char c) {
  return Lanes{} + static_cast<unsigned char>(c);
}

// Octets of English mail from frequent to rare; what is not here is rarer still.
constexpr std::string_view by_frequency = " eatoinsrhldcumpgfywb.v0-1,k2:/x3j5q4z";

std::size_t rarity(char c) {
  return std::min(by_frequency.find(c), by_frequency.size());
}

struct Freed {
  void operator()(void* memory) const { std::free(memory); }  // NOLINT: libunistring gives malloc'ed memory
};

}  // namespace

std::string folded(std::string_view utf8) {
  if (text::is_ascii(utf8)) return text::lower(utf8);
  std::size_t length = 0;
  const auto* octets = reinterpret_cast<const std::uint8_t*>(utf8.data());
  const std::unique_ptr<std::uint8_t, Freed> result(
      u8_casefold(octets, utf8.size(), nullptr, UNINORM_NFC, nullptr, &length));
  if (!result) return text::lower(utf8);
  return {reinterpret_cast<const char*>(result.get()), length};
}

std::string collated(std::string_view utf8) {
  if (text::is_ascii(utf8)) return text::upper(utf8);
  std::size_t length = 0;
  const auto* octets = reinterpret_cast<const std::uint8_t*>(utf8.data());
  const std::unique_ptr<std::uint8_t, Freed> result(
      u8_toupper(octets, utf8.size(), nullptr, UNINORM_NFKD, nullptr, &length));
  if (!result) return text::upper(utf8);
  return {reinterpret_cast<const char*>(result.get()), length};
}

Needle::Needle(std::string_view utf8) : folded_(folded(utf8)) {
  is_ascii_ = text::is_ascii(folded_);
  has_space_ = folded_.find_first_of(" \t") != std::string::npos;
  is_plain_word_ = std::ranges::all_of(
      folded_, [](char c) { return text::is_alnum(c) || std::string_view(".-_+@").find(c) != std::string_view::npos; });
  for (std::size_t i = 0; i < folded_.size(); ++i) {
    if (rarity(folded_[i]) > rarity(folded_[first_])) first_ = i;
  }
  second_ = first_ == 0 && folded_.size() > 1 ? 1 : 0;
  for (std::size_t i = 0; i < folded_.size(); ++i) {
    if (i != first_ && rarity(folded_[i]) > rarity(folded_[second_])) second_ = i;
  }
}

bool Needle::is_at(const char* text) const {
  for (std::size_t i = 0; i < folded_.size(); ++i) {
    if (text::to_lower(text[i]) != folded_[i]) return false;
  }
  return true;
}

std::size_t Needle::find_in_ascii(Octets octets) const {
  if (folded_.size() > octets.size()) return Octets::npos;
  if (folded_.empty()) return 0;
  const auto starts = octets.size() - folded_.size() + 1;
  const char* const data = octets.data();
  const Lanes first_low = all(folded_[first_]);
  const Lanes first_up = all(text::to_upper(folded_[first_]));
  const Lanes second_low = all(folded_[second_]);
  const Lanes second_up = all(text::to_upper(folded_[second_]));
  std::size_t at = 0;
  // A load of sixteen stays within the octets as long as sixteen starts are left.
  for (; at + lanes <= starts; at += lanes) {
    const Lanes a = load(data + at + first_);
    const Lanes b = load(data + at + second_);
    const auto found = ((a == first_low) | (a == first_up)) & ((b == second_low) | (b == second_up));
    const auto halves = reinterpret_cast<const Halves&>(found);
    if ((halves[0] | halves[1]) == 0) continue;
    for (std::size_t i = 0; i < lanes; ++i) {
      if (found[i] != 0 && is_at(data + at + i)) return at + i;
    }
  }
  for (; at < starts; ++at) {
    if (is_at(data + at)) return at;
  }
  return Octets::npos;
}

bool Needle::in(std::string_view utf8) const {
  if (folded_.empty()) return true;
  if (text::is_ascii(utf8)) return is_ascii_ && in_ascii(utf8);
  return folded(utf8).find(folded_) != std::string::npos;
}

}  // namespace posthorn::imap
