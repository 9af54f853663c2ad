// RFC 8601: whatever is read is written so that it reads back with the same results, and as one field.
#include <algorithm>
#include <cstdlib>

#include "standards/authentication_results/authentication_results.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace posthorn::authentication_results;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  (void)claims_authserv_id(text, "mx.example.org");
  const auto results = parse(text);
  if (!results) return 0;
  const std::string field = write(*results);
  const auto again = parse(std::string_view{field}.substr(field_name.size() + 1));
  if (!again || again->results.size() != results->results.size()) std::abort();
  for (std::size_t at = field.find('\n'); at + 1 < field.size(); at = field.find('\n', at + 1))
    if (field[at + 1] != '\t') std::abort();
  return 0;
}
