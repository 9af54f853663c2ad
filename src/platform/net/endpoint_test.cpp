#include "platform/net/endpoint.h"

#include <gtest/gtest.h>

namespace posthorn::net {
namespace {

TEST(Endpoint, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(Endpoint::parse("192.0.2.1:25")->text(), "192.0.2.1:25");
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:465")->text(), "[2001:db8::1]:465");
  EXPECT_EQ(Endpoint::parse(":25")->text(), "0.0.0.0:25");
}

TEST(Endpoint, RefusesEverythingElse) {
  for (const char* text : {"", "25", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:25x",
                           "2001:db8::1:25", "[192.0.2.1]:25", "localhost:25", "[]:25"})
    EXPECT_EQ(Endpoint::parse(text), std::nullopt) << text;
}

}  // namespace
}  // namespace posthorn::net
