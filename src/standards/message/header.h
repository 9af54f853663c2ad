// The header section of a message (RFC 5322 2.2) as the world sends it: fields with their exact octets and place.
//
// HeaderReader takes octets as they arrive and says when the section is over; Header is the finished thing, cheap
// to copy (copies share the octets), and its Fields are views into it. Lines end with CRLF; a bare LF is taken as
// a line end too (reception refuses it long before; files given to the command line may have it).
//
// What the world does and we bear: white space before the colon (RFC 5322 4.5.8), folds of nothing but white space
// (4.2), raw 8-bit octets, an mbox "From " line on top (it belongs to no field). A line that is neither a field nor
// a continuation ends the section before itself: it is the body's first line (`missing_separator`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/bytes.h"

namespace posthorn::message {

// No standard limits the header section. 1 MiB is ten times what the largest providers accept; 10,000 fields keep
// the index (about 60 octets a field) under the octets it describes.
inline constexpr std::size_t header_octets_max = 1 * MiB;
inline constexpr std::size_t header_fields_max = 10'000;
inline constexpr std::size_t field_name_octets_max = 998;  // RFC 5322 2.1.1: a name cannot be folded

/// One field. The views live as long as any copy of its Header.
struct Field {
  Octets name;             ///< as written, without white space before the colon
  Octets raw;              ///< the whole field: name, colon, folds, final line end
  Octets value;            ///< after the colon up to the final line end (not included), folds and leading space kept
  std::size_t offset = 0;  ///< of `raw`, from the start of the section

  [[nodiscard]] bool is(std::string_view other_name) const;
  /// The value with folds undone (RFC 5322 2.2.3) and white space trimmed at both ends.
  [[nodiscard]] std::string unfolded() const;
};

/// RFC 5322 2.2.3: line ends are removed, the white space after them stays.
[[nodiscard]] std::string unfold(Octets value);
/// Field names compare case-insensitively (RFC 5322 1.2.2).
[[nodiscard]] bool same_field_name(std::string_view a, std::string_view b);

class Header {
 public:
  Header() = default;

  /// Reads the section at the start of `message` (to the empty line or the end), copying its octets. What exceeds
  /// the limits is left out: `overflowed`.
  [[nodiscard]] static Header parse(Octets message);

  [[nodiscard]] const std::vector<Field>& fields() const;
  [[nodiscard]] std::optional<Field> first(std::string_view name) const;
  [[nodiscard]] std::vector<Field> all(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  /// Unfolded and trimmed value of the first such field.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;

  /// The section's octets without the empty line.
  [[nodiscard]] Octets octets() const;
  /// Where the body begins: after the empty line where there is one.
  [[nodiscard]] std::size_t body_offset() const;
  [[nodiscard]] bool missing_separator() const;
  [[nodiscard]] bool overflowed() const;

 private:
  friend class HeaderReader;
  struct Data;
  std::shared_ptr<const Data> data_;
};

/// Reads a header section piece by piece.
///
///   HeaderReader reader;
///   while (reader.state() == HeaderReader::State::reading && (octets = …)) reader.push(octets);
///   reader.finish();                     // at the end of the message
///   Header header = reader.take();
class HeaderReader {
 public:
  enum class State : unsigned char {
    reading,   ///< needs more octets
    complete,  ///< the section is over; the rest of what was pushed is body
    overflow,  ///< over header_octets_max or header_fields_max: refuse, or go on without the rest
  };
  explicit HeaderReader(std::size_t octets_max = header_octets_max, std::size_t fields_max = header_fields_max);

  /// Takes octets up to the end of the section; returns how many belong to it (with its empty line). May return
  /// less than was pushed before only when `complete` or `overflow`. Where the section ended for lack of a
  /// separator, Header::body_offset() tells where the body begins.
  std::size_t push(Octets octets);
  /// The message is over.
  void finish();
  [[nodiscard]] State state() const { return state_; }
  /// The header read; call once, when not `reading`.
  [[nodiscard]] Header take();

 private:
  void end_line(std::size_t line_end);
  void close_field(std::size_t end);
  bool open_field(std::size_t line_begin, std::size_t line_end);
  void overflow(char next);

  struct Span {
    std::size_t begin = 0, end = 0, name_length = 0, value_begin = 0;
  };
  std::size_t octets_max_, fields_max_;
  std::string octets_;
  std::size_t line_begin_ = 0;  ///< where the line being read begins
  std::vector<Span> spans_;
  bool field_open_ = false;
  bool missing_separator_ = false;
  std::size_t section_end_ = 0;  ///< without the empty line
  std::size_t body_offset_ = 0;
  State state_ = State::reading;
};

}  // namespace posthorn::message
