// A DNS record as people paste it: bare, in quotation marks, a line of a zone file, or what dig, host and nslookup
// print. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn::cli {

struct PastedRecord {
  std::string text;       ///< its character-strings joined
  bool type_spf = false;  ///< of the retired type SPF (99)
  unsigned strings = 0;   ///< character-strings in quotation marks; 0 where there were none
};

/// Each record of the text. A record may go over several lines: those that follow one that opened a parenthesis, and
/// those that do not begin with a version tag.
[[nodiscard]] std::vector<PastedRecord> read_pasted(std::string_view text);

}  // namespace posthorn::cli
