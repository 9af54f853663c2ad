// What a report tells a person: plain words for each enhanced status (RFC 3463), and what to do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "standards/dsn/dsn.h"

namespace posthorn::dsn {

struct Explanation {
  std::string_view meaning;  ///< a sentence
  std::string_view advice;   ///< a sentence; may be empty
};
/// For a failed recipient; by subject and detail of the status, falling back on its subject.
[[nodiscard]] Explanation explain_failure(std::string_view status);

/// The first part of the report: UTF-8, CRLF line ends, lines of at most 76 columns where words allow.
[[nodiscard]] std::string human_text(const Report& report, bool returns_whole_message);
/// One subject line for the report, without the original's subject.
[[nodiscard]] std::string_view subject_for(const Report& report);

/// The words of a text, one that no line could hold (RFC 5321 4.5.3.1.6; a peer's reply may be one) in pieces, never
/// within a character.
[[nodiscard]] std::vector<std::string_view> words_that_fit(std::string_view text);

}  // namespace posthorn::dsn
