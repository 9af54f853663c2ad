// mbox files: read whole and in pieces they hold the same messages, and any octets written as a message come back.
#include "standards/message/mbox.h"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace posthorn::message;

std::vector<KeptMessage> read(std::string_view file, std::size_t piece) {
  std::vector<KeptMessage> messages;
  MboxReader reader(4096);
  for (std::size_t at = 0; at < file.size(); at += piece) {
    reader.push(file.substr(at, piece));
    while (auto message = reader.next()) messages.push_back(std::move(*message));
  }
  reader.finish();
  while (auto message = reader.next()) messages.push_back(std::move(*message));
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  // Pieces longer than the bound and shorter ones find the same where nothing is too long.
  if (size < 4096) {
    const auto whole = read(octets, size + 1);
    if (read(octets, 3) != whole) std::abort();
  }
  KeptMessage message;
  message.octets = octets.substr(0, 2048);
  message.seen = size % 2 == 0;
  message.date = posthorn::from_unix_seconds(1'790'000'000);
  const auto back = read(format_mbox(message) + format_mbox(message), 7);
  if (back.size() != 2 || back[0] != message || back[1] != message) std::abort();
  return 0;
}
