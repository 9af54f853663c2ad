#include "foundation/base/ip_address.h"

#include <gtest/gtest.h>

namespace posthorn {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8",
                           "2001:db8:0:1::2", "fe80::", "1:0:0:2::3"})
    EXPECT_EQ(IpAddress::parse(text).value_or(IpAddress{}).text(), text);
  // RFC 5952 4: lower case, no leading zeros, the longest run shortened.
  EXPECT_EQ(IpAddress::parse("2001:0DB8:0:0:1:0:0:1")->text(), "2001:db8::1:0:0:1");
  EXPECT_EQ(IpAddress::parse("1080::8:800:68.0.3.1")->text(), "1080::8:800:4400:301");
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1")->unmapped().text(), "192.0.2.1");
}

TEST(IpAddress, RefusesWhatIsNotAnAddress) {
  for (const char* text : {"",
                           "1.2.3",
                           "1.2.3.4.5",
                           "01.2.3.4",
                           "256.1.1.1",
                           "1.2.3.4 ",
                           "xx.xx.xx.xx",
                           ":",
                           ":::",
                           "1::2::3",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7::8",
                           "12345::",
                           "::1:",
                           ":1::",
                           "::1.2.3",
                           "fe80::1%eth0",
                           "1.2.3.4::",
                           "1:2:3:4:5:6:7:1.2.3.4"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(IpAddress, ComparesNetworks) {
  const auto ip = [](const char* text) { return *IpAddress::parse(text); };
  EXPECT_TRUE(ip("192.0.2.77").in_network(ip("192.0.2.64"), 26));
  EXPECT_FALSE(ip("192.0.2.128").in_network(ip("192.0.2.64"), 26));
  EXPECT_TRUE(ip("203.0.113.1").in_network(ip("192.0.2.64"), 0));
  EXPECT_FALSE(ip("::1").in_network(ip("192.0.2.64"), 0));
  EXPECT_TRUE(ip("1080::8:800:1:2").in_network(ip("1080::8:800:68.0.3.1"), 96));
  EXPECT_FALSE(ip("1080::8:801:1:2").in_network(ip("1080::8:800:68.0.3.1"), 96));
  EXPECT_EQ(ip("2001:db8:ffff::1").network(33).text(), "2001:db8:8000::");
}

TEST(IpAddress, NamesItsReverse) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->reverse_name(), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(IpAddress::parse("2001:db8::567:89ab")->reverse_name(),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(IpAddress, KnowsSpecialAddresses) {
  for (const char* text : {"10.1.2.3", "127.0.0.2", "192.168.20.25", "169.254.1.1", "224.0.0.1", "::1", "fe80::1",
                           "fd00::1", "1080::8", "ff02::1"})
    EXPECT_TRUE(IpAddress::parse(text)->is_special()) << text;
  for (const char* text : {"8.8.8.8", "192.0.2.1", "2001:db8::1", "2a00:1450::1"})
    EXPECT_FALSE(IpAddress::parse(text)->is_special()) << text;
  EXPECT_TRUE(IpAddress::parse("203.0.113.9")->is_documentation());
  EXPECT_TRUE(IpAddress::parse("127.0.0.2")->is_loopback());
}

}  // namespace
}  // namespace posthorn
