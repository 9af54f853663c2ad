#include "standards/address/smtp_parse.h"

#include <gtest/gtest.h>

namespace posthorn::address {
namespace {

std::string reverse(std::string_view text, Utf8 utf8 = Utf8::refused) {
  const auto path = parse_reverse_path(text, utf8);
  if (!path) return "error " + std::to_string(static_cast<int>(path.error()));
  return path->path.wire() + "|" + std::string(path->rest);
}

TEST(SmtpPath, ReadsWhatRfc5321Permits) {
  EXPECT_EQ(reverse("<>"), "<>|");
  EXPECT_EQ(reverse("<> SIZE=1"), "<>| SIZE=1");
  EXPECT_EQ(reverse("<Ann@Example.ORG> BODY=8BITMIME"), "<Ann@example.org>| BODY=8BITMIME");
  EXPECT_EQ(reverse("<\"a b\"@example.com>"), "<\"a b\"@example.com>|");
  EXPECT_EQ(reverse("<\"a>b\\\"c\"@example.com>x"), "<\"a>b\\\"c\"@example.com>|x");
  EXPECT_EQ(reverse("<\"ab\"@example.com>"), "<ab@example.com>|");
  EXPECT_EQ(reverse("<\"\"@example.com>"), "<\"\"@example.com>|");
  EXPECT_EQ(reverse("<a@[192.0.2.1]>"), "<a@[192.0.2.1]>|");
  EXPECT_EQ(reverse("<a@[ipv6:2001:DB8::1]>"), "<a@[IPv6:2001:db8::1]>|");
  // RFC 5321 F.2: source routes are accepted and ignored.
  EXPECT_EQ(reverse("<@a.example,@b.example:joe@c.example>"), "<joe@c.example>|");
}

TEST(SmtpPath, RefusesTheRest) {
  for (const char* text : {"",
                           "a@b.example",
                           "<a@b.example",
                           "<a>",
                           "<@b>",
                           "<a@>",
                           "<a@b..example>",
                           "<a..b@c.example>",
                           "<.a@c.example>",
                           "<a.@c.example>",
                           "<a@-b.example>",
                           "<a@b-.example>",
                           "<a@b_c.example>",
                           "<a b@c.example>",
                           "<\"a@c.example>",
                           "<a@[192.0.2]>",
                           "<a@[2001:db8::1]>",
                           "<a@[IPv6:192.0.2.1]>",
                           "<a@[x]>",
                           "<a@[192.0.2.1>",
                           "<@a.example:>",
                           "<@a.example,b:c@d.example>",
                           "<postmaster>",
                           "<a@b.example.>",
                           "<\"a\rb\"@c.example>"}) {
    EXPECT_TRUE(reverse(text).starts_with("error")) << text << " gave " << reverse(text);
  }
}

TEST(SmtpPath, KeepsTheLimitsOfRfc5321) {
  const std::string local(64, 'a');
  const std::string label(63, 'b');
  EXPECT_EQ(reverse("<" + local + "@b.example>"), "<" + local + "@b.example>|");
  EXPECT_EQ(parse_reverse_path("<" + local + "a@b.example>", Utf8::refused).error(), AddressError::local_part_too_long);
  EXPECT_TRUE(parse_reverse_path("<a@" + label + ".example>", Utf8::refused));
  EXPECT_EQ(parse_reverse_path("<a@b" + label + ".example>", Utf8::refused).error(), AddressError::domain_too_long);
  const std::string long_domain = label + "." + label + "." + label + "." + label;
  EXPECT_TRUE(parse_reverse_path("<a@" + long_domain + ">", Utf8::refused));
  EXPECT_EQ(parse_reverse_path("<a@" + long_domain + ".x>", Utf8::refused).error(), AddressError::domain_too_long);
}

TEST(SmtpPath, BarePostmasterInAnyCase) {
  const auto path = parse_forward_path("<PostMaster> NOTIFY=NEVER", Utf8::refused);
  ASSERT_TRUE(path);
  EXPECT_TRUE(path->path.is_bare_postmaster());
  EXPECT_EQ(path->path.wire(), "<Postmaster>");
  EXPECT_EQ(path->rest, " NOTIFY=NEVER");
  EXPECT_FALSE(parse_forward_path("<>", Utf8::refused));
  EXPECT_FALSE(parse_forward_path("<root>", Utf8::refused));
}

TEST(SmtpPath, Utf8OnlyWhereAgreed) {
  const std::string_view text = "<δοκιμή@παράδειγμα.example>";
  EXPECT_EQ(parse_reverse_path(text, Utf8::refused).error(), AddressError::non_ascii);
  EXPECT_EQ(reverse(text, Utf8::allowed), "<δοκιμή@xn--hxajbheg2az3al.example>|");
  EXPECT_EQ(parse_reverse_path("<a@παράδειγμα.example>", Utf8::refused).error(), AddressError::non_ascii);
  EXPECT_EQ(parse_reverse_path("<\xff@b.example>", Utf8::allowed).error(), AddressError::not_utf8);
  const auto mailbox = Mailbox::parse("δοκιμή@xn--hxajbheg2az3al.example").value();
  EXPECT_TRUE(mailbox.needs_smtputf8());
  EXPECT_EQ(mailbox.utf8_text(), "δοκιμή@παράδειγμα.example");
  EXPECT_FALSE(Mailbox::parse("a@παράδειγμα.example")->needs_smtputf8());
}

TEST(Domain, HasOneCanonicalForm) {
  EXPECT_EQ(Domain::parse("EXAMPLE.com")->a_label(), "example.com");
  EXPECT_EQ(Domain::parse("FAß.example")->a_label(), "xn--fa-hia.example");  // RFC 5891: not "fass"
  EXPECT_EQ(*Domain::parse("bücher.example"), *Domain::parse("XN--BCHER-KVA.example"));
  EXPECT_EQ(Domain::parse("xn--bcher-kva.example")->u_label(), "bücher.example");
  EXPECT_EQ(Domain::parse("xn--\x61.example")->u_label(), "xn--a.example");
  EXPECT_TRUE(Domain::parse("a.b.example")->is_within(*Domain::parse("b.example")));
  EXPECT_FALSE(Domain::parse("ab.example")->is_within(*Domain::parse("b.example")));
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "a b", "a_b", "-a", "ü\xff", "a\u3000b"}) {
    EXPECT_FALSE(Domain::parse(bad)) << bad;
  }
}

TEST(LocalPart, ComparesByValue) {
  EXPECT_EQ(*LocalPart::parse("\"a.b\""), *LocalPart::parse("a.b"));
  EXPECT_NE(*LocalPart::parse("A"), *LocalPart::parse("a"));
  EXPECT_TRUE(LocalPart::parse("A")->equals_ignoring_case(*LocalPart::parse("a")));
  EXPECT_EQ(LocalPart::from_value("a b\\\"")->wire(), "\"a b\\\\\\\"\"");
  EXPECT_EQ(LocalPart::parse("\"a b\\\\\\\"\"")->value(), "a b\\\"");
  EXPECT_FALSE(LocalPart::from_value("a\nb"));
}

TEST(Paths, ReadBackWhatTheyWrite) {
  for (const char* text : {"<>", "<a@b.example>", "<\"a b\"@[192.0.2.1]>"}) {
    EXPECT_EQ(ReversePath::parse(text)->wire(), text);
    EXPECT_EQ(ReversePath::parse(ReversePath::parse(text)->text())->wire(), text);
  }
  EXPECT_EQ(*ForwardPath::parse("postmaster"), ForwardPath::postmaster());
  EXPECT_FALSE(ForwardPath::parse("a@b.example x"));
}

}  // namespace
}  // namespace posthorn::address
