// What a report tells a person: plain words for each enhanced status (RFC 3463), and what to do.
#pragma once

#include <string>
#include <string_view>

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

}  // namespace posthorn::dsn
