// What a message needs of a host, by its octets (RFC 6152 3, RFC 6531 3.6).
#include "flow/relay/needs.h"

#include <gtest/gtest.h>

namespace posthorn::relay {
namespace {

struct NeedsCase {
  const char* name;
  std::string message;
  bool eight_bit_mime;
  bool smtputf8;
};

class MessageNeeds : public ::testing::TestWithParam<NeedsCase> {};

TEST_P(MessageNeeds, ByItsOctets) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
    NeedsReader reader;
    for (Octets rest = GetParam().message; !rest.empty(); rest.remove_prefix(std::min(step, rest.size())))
      reader.feed(rest.substr(0, step));
    EXPECT_EQ(reader.needs().eight_bit_mime, GetParam().eight_bit_mime);
    EXPECT_EQ(reader.needs().smtputf8, GetParam().smtputf8);
  }
}

const std::string endless_header = "Subject: " + std::string(70'000, 'x') + "\r\n";

INSTANTIATE_TEST_SUITE_P(
    Relay, MessageNeeds,
    ::testing::Values(NeedsCase{"Ascii", "Subject: a\r\n\r\nb\r\n", false, false},
                      NeedsCase{"Nothing", "", false, false},
                      NeedsCase{"Body", "Subject: a\r\n\r\n\xc3\xbc\r\n", true, false},
                      NeedsCase{"Header", "Subject: \xc3\xbc\r\n\r\nb\r\n", true, true},
                      NeedsCase{"Part", "Content-Type: Multipart/Mixed; boundary=b\r\n\r\n--b\r\nSubject: \xc3\xbc\r\n",
                                true, true},
                      NeedsCase{"Within", "Content-Type: message/rfc822\r\n\r\nSubject: \xc3\xbc\r\n\r\n", true, true},
                      NeedsCase{"NoEmptyLine", "Subject: a\r\n\xc3\xbc no field\r\n\r\n", true, true},
                      NeedsCase{"LongBody", "Subject: a\r\n\r\n" + endless_header + "\xc3\xbc\r\n", true, false},
                      NeedsCase{"LongHeader", endless_header + "Subject: \xc3\xbc\r\n\r\n", true, true},
                      NeedsCase{"LongAscii", endless_header + "\r\nb\r\n", false, false}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace posthorn::relay
