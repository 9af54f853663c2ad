#include "standards/address/header_parse.h"

#include <gtest/gtest.h>

namespace posthorn::address {
namespace {

// "display|address|group" for each, joined by " ; ".
std::string read(std::string_view body) {
  const auto list = parse_address_list(body);
  if (!list) return "error " + std::string(explain(list.error()));
  std::string out;
  for (const auto& entry : list->mailboxes) {
    if (!out.empty()) out += " ; ";
    out += entry.display_name + "|" + entry.mailbox.text();
    if (entry.group) out += "|" + list->groups[*entry.group];
  }
  return out;
}

TEST(AddressList, ReadsTheExamplesOfRfc5322) {
  // Appendix A.1.2.
  EXPECT_EQ(read("\"Joe Q. Public\" <john.q.public@example.com>"), "Joe Q. Public|john.q.public@example.com");
  EXPECT_EQ(read("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
            "Mary Smith|mary@x.test ; |jdoe@example.org ; Who?|one@y.test");
  EXPECT_EQ(read("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
            "|boss@nil.test ; Giant; \"Big\" Box|sysservices@example.net");
  // Appendix A.1.3.
  EXPECT_EQ(read("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
            "Ed Jones|c@a.test|A Group ; |joe@where.test|A Group ; John|jdoe@one.test|A Group");
  const auto undisclosed = parse_address_list("Undisclosed recipients:;").value();
  EXPECT_TRUE(undisclosed.mailboxes.empty());
  EXPECT_EQ(undisclosed.groups, std::vector<std::string>{"Undisclosed recipients"});
  // Appendix A.5: white space, comments and folding everywhere.
  EXPECT_EQ(read("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"), "Pete|pete@silly.test");
  EXPECT_EQ(read("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
                 "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)"),
            "Chris Jones|c@public.example|A Group ; |joe@example.org|A Group ; John|jdoe@one.test|A Group");
  // Appendix A.6.1: obsolete addressing.
  EXPECT_EQ(read("Joe Q. Public <john.q.public@example.com>"), "Joe Q. Public|john.q.public@example.com");
  EXPECT_EQ(read("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example"),
            "Mary Smith|mary@example.net ; |jdoe@test.example");
}

TEST(AddressList, NamesByComment) {
  EXPECT_EQ(read("ann@example.org (Ann (of) A)"), "Ann (of) A|ann@example.org");
  EXPECT_EQ(read("\"a b\".c@example.org"), "|\"a b.c\"@example.org");
  EXPECT_EQ(read("=?utf-8?q?J=C3=B6rg?= <j@b\xc3\xbc"
                 "cher.example>"),
            "=?utf-8?q?J=C3=B6rg?=|j@xn--bcher-kva.example");
  EXPECT_EQ(read("a@[IPv6:2001:db8::1]"), "|a@[IPv6:2001:db8::1]");
}

TEST(AddressList, RefusesWhatHasTwoReadings) {
  for (const char* body : {"",
                           " ",
                           ",",
                           "a",
                           "a@",
                           "@b.example",
                           "a b@c.example",
                           "<a@b.example",
                           "a@b.example>",
                           "a@b.example c@d.example",
                           "<a@b.example> <c@d.example>",
                           "a@b@c.example",
                           "\"a@b.example",
                           "(a@b.example",
                           "x: a@b.example",
                           ": a@b.example;",
                           "a@b.example;",
                           "x: y: a@b.example;;",
                           "a@b.example)",
                           "\\a@b.example",
                           "a@b_c.example",
                           "<a@b.example>x",
                           "Ann <>"}) {
    EXPECT_TRUE(read(body).starts_with("error")) << body << " gave " << read(body);
  }
}

TEST(AddressList, IsBounded) {
  EXPECT_TRUE(read(std::string(1'000'000, '(')).starts_with("error"));
  std::string many;
  for (int i = 0; i < 5; ++i) many += "a@b.example,";
  EXPECT_EQ(parse_address_list(many, 4).error(), AddressError::too_many);
  EXPECT_EQ(parse_address_list(many, 5)->mailboxes.size(), 5U);
  EXPECT_EQ(parse_address_list("a:;,b:;,c:;", 2).error(), AddressError::too_many);
}

}  // namespace
}  // namespace posthorn::address
