// Randomness fit for secrets, from the operating system's generator through OpenSSL.
// What tests must repeat (shuffles, jitter) takes its randomness from platform/runtime instead.
#pragma once

#include <string>

namespace posthorn::crypto {

/// `count` octets nobody can guess. Ends the process when the system has none to give.
[[nodiscard]] std::string random_octets(std::size_t count);
/// `length` characters of a–z and 2–9 without l and o: 5 bits each, fit to be typed by a person.
[[nodiscard]] std::string random_secret(std::size_t length);

}  // namespace posthorn::crypto
