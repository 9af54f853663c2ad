// Address lists of header fields: bounded, and every mailbox that comes out is one.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "standards/address/header_parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace posthorn::address;
  const auto list = parse_address_list({reinterpret_cast<const char*>(data), size}, 50);
  if (!list) return 0;
  if (list->mailboxes.size() > 50 || list->groups.size() > 50) std::abort();
  for (const auto& entry : list->mailboxes) {
    const auto again = Mailbox::parse(entry.mailbox.text());
    if (!again || *again != entry.mailbox) std::abort();
    if (entry.group && *entry.group >= list->groups.size()) std::abort();
  }
  return 0;
}
