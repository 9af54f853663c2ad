// Requests of the web listeners: what is read does not depend on where the octets were cut, and stays within its
// bounds.
#include <cstdlib>

#include "entrance/admin/http_message.h"

namespace {

using posthorn::Octets;
using posthorn::admin::HttpReader;

/// Everything read until nothing more comes, as one text.
std::string read(Octets octets, std::size_t piece) {
  HttpReader reader;
  std::string seen;
  while (!octets.empty()) {
    auto request = reader.feed(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    for (; request && *request; request = reader.feed({})) {
      const auto& r = **request;
      if (r.body.size() > posthorn::admin::http_body_octets_max) std::abort();
      seen += r.method + " " + r.path + " " + r.host + "\n" + r.body;
    }
    if (!request) return seen;
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const Octets octets(reinterpret_cast<const char*>(data), size);
  if (size > 0 && size < 4096 && read(octets, size) != read(octets, 1)) std::abort();
  return 0;
}
