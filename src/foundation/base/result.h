// Result: a value or an expected failure. Expected failures are values throughout Posthorn; exceptions mean
// "this session or this process is broken" and cross no room's interface (STYLE.md, Errors).
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace posthorn {

/// A value of type T or an error of type E. Same interface as std::expected; ignoring one is a compile error.
template <class T, class E>
class [[nodiscard]] Result : public std::expected<T, E> {
 public:
  using std::expected<T, E>::expected;
};

/// Makes the error side of a Result: `return fail(Problem{...});`
template <class E>
[[nodiscard]] constexpr std::unexpected<std::decay_t<E>> fail(E&& error) {
  return std::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

/// Whether trying the same again later can help. Every decision about mail turns on it.
enum class Permanence : unsigned char { temporary, permanent };

/// What the command line answers for a problem (exit status; INTERFACES in docs/operator/commands.md).
enum class ProblemKind : unsigned char {
  no,           ///< the answer is "no": not found, invalid (exit 1)
  usage,        ///< wrong use, or the input cannot be read (exit 2)
  unavailable,  ///< could not be done now: network, lock, disk, server not running (exit 3)
};

/// An error for a person: what went wrong, why, and what to do about it. Used by the platform, site and
/// entrance floors; the standards rooms have error enums in their standard's words.
/// Holds no secrets: it is printed and logged as it is.
struct Problem {
  ProblemKind kind = ProblemKind::no;
  std::string what;    ///< "cannot open the store /var/lib/posthorn"
  std::string why;     ///< "another posthorn process holds it (pid 812)"
  std::string remedy;  ///< "stop it, or run the command without --offline"; may be empty

  [[nodiscard]] Permanence permanence() const {
    return kind == ProblemKind::unavailable ? Permanence::temporary : Permanence::permanent;
  }
  /// "WHAT: WHY; WHAT TO DO", without the parts that are empty.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Problem&, const Problem&) = default;
};

}  // namespace posthorn
