// The client's half of IMAP (RFC 9051), as much of it as tests, benchmarks and imports need: commands written,
// responses taken apart. Pure: octets in, values out. It tracks no mailbox; who uses it does.
//
//   ResponseReader reader;
//   reader.push(octets);                       // whatever the socket gave
//   while (auto response = reader.next()) …    // nullopt: needs more, or broken()
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"

namespace posthorn::imap::client {

/// Octets of one response, literals included, that are kept.
inline constexpr std::size_t response_octets_max = 64 * MiB;
inline constexpr std::size_t value_depth_max = 400;  // a BODYSTRUCTURE nests four levels a part at most

/// One element of a response.
struct Value {
  enum class Kind : unsigned char { nil, atom, string, list };
  Kind kind = Kind::nil;
  std::string text;          ///< of an atom (with its section brackets) or a string
  std::vector<Value> items;  ///< of a list

  [[nodiscard]] bool is_list() const { return kind == Kind::list; }
  /// Of a list of pairs, as FETCH, STATUS and ESEARCH have them: what follows the atom `name`; nullptr: nothing.
  [[nodiscard]] const Value* after(std::string_view name) const;
  [[nodiscard]] std::optional<std::uint64_t> number() const;
};

struct Response {
  enum class Kind : unsigned char { untagged, tagged, continuation };
  Kind kind = Kind::untagged;
  std::string tag;   ///< of a tagged one
  std::string name;  ///< upper case: OK, NO, BAD, BYE, PREAUTH, FETCH, LIST…; empty for a continuation
  std::optional<std::uint32_t> number;  ///< "* 12 FETCH …"
  std::string code;                     ///< of a status response: what stands in brackets
  std::string text;                     ///< of a status response or continuation: the words for a person
  std::vector<Value> values;            ///< of any other

  [[nodiscard]] bool is_status() const;
};

class ResponseReader {
 public:
  void push(Octets octets);
  [[nodiscard]] std::optional<Response> next();
  /// The server sent what is no response, or more than the bound; nothing more is read.
  [[nodiscard]] bool broken() const { return is_broken_; }

 private:
  [[nodiscard]] std::optional<std::size_t> whole_response();

  std::string octets_;
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;  ///< up to where the response at `begin_` is known to be unfinished
  bool is_broken_ = false;
};

/// Writes one command. Literals are non-synchronizing (LITERAL+), so that it can be sent at once.
class CommandWriter {
 public:
  CommandWriter(std::string_view tag, std::string_view name);
  CommandWriter& word(std::string_view atom);       ///< as it is: atoms, sets, lists
  CommandWriter& astring(std::string_view octets);  ///< quoted or a literal where it must be
  CommandWriter& mailbox(std::string_view utf8);    ///< in modified UTF-7
  CommandWriter& literal(std::string_view octets);  ///< always a literal: messages
  [[nodiscard]] std::string line();                 ///< with its CRLF

 private:
  std::string text_;
};

}  // namespace posthorn::imap::client
