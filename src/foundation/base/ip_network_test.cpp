#include "foundation/base/ip_network.h"

#include <gtest/gtest.h>

namespace posthorn {
namespace {

TEST(IpNetwork, ClearsHostBitsAndContains) {
  const auto network = IpNetwork::parse("1080::8:800:68.0.3.1/96").value();
  EXPECT_EQ(network.text(), "1080::8:800:0:0/96");
  EXPECT_TRUE(network.contains(IpAddress::parse("1080::8:800:1:2").value()));
  EXPECT_FALSE(network.contains(IpAddress::parse("1080::8:801:1:2").value()));
  EXPECT_TRUE(IpNetwork::parse("0.0.0.0/0")->contains(IpAddress::parse("8.8.8.8").value()));
  EXPECT_FALSE(IpNetwork::parse("0.0.0.0/0")->contains(IpAddress::parse("::8").value()));
  EXPECT_EQ(IpNetwork::parse("192.0.2.77/25")->text(), "192.0.2.0/25");
  EXPECT_EQ(IpNetwork::parse("192.0.2.77")->text(), "192.0.2.77/32");
  for (const char* text : {"1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/08", "::/129", "/8"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

}  // namespace
}  // namespace posthorn
