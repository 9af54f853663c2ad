// Octets. Mail is octets, not text: a string_view here promises nothing about encoding.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace posthorn {

/// Octets somebody else owns.
using Octets = std::string_view;
/// Octets of one's own.
using OctetString = std::string;

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

[[nodiscard]] inline std::span<const unsigned char> as_unsigned(Octets octets) {
  return {reinterpret_cast<const unsigned char*>(octets.data()), octets.size()};
}

}  // namespace posthorn
