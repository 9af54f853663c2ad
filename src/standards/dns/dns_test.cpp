#include <gtest/gtest.h>

#include "standards/dns/name.h"
#include "standards/dns/record.h"
#include "standards/dns/resolver.h"
#include "standards/dns/wire.h"
#include "standards/dns/zone.h"
#include "standards/test_support/run_task.h"

namespace posthorn::dns {
namespace {

Name name(std::string_view text) {
  return Name::parse(text).value();
}

Zone zone(std::string_view text) {
  auto parsed = Zone::parse(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text());
  return parsed ? *parsed : Zone{};
}

std::string error(std::string_view text) {
  const auto parsed = Zone::parse(text);
  return parsed ? "none" : parsed.error().text();
}

TEST(DnsName, ComparesWithoutCaseAndTrailingDot) {
  EXPECT_EQ(name("Mail.Example."), name("mail.example"));
  EXPECT_EQ(name("Mail.Example.").text(), "Mail.Example");
  EXPECT_EQ(name(".").text(), ".");
  EXPECT_EQ(name("_25._tcp.mx.example").first_label(), "_25");
}

TEST(DnsName, EscapesKeepOctets) {
  const Name odd = name(R"(a\.b.\255c.example)");
  EXPECT_EQ(odd.label_count(), 3u);
  EXPECT_EQ(odd.first_label(), "a.b");
  EXPECT_EQ(odd.text(), R"(a\.b.\255c.example)");
  EXPECT_EQ(name(odd.text()), odd);
}

TEST(DnsName, HoldsTheLimitsOfRfc1035Section234) {
  EXPECT_TRUE(Name::parse(std::string(63, 'a')));
  EXPECT_EQ(Name::parse(std::string(64, 'a')).error(), NameError::label_too_long);
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  EXPECT_EQ(name(longest).wire_size(), 255u);
  EXPECT_EQ(Name::parse(longest + "b").error(), NameError::name_too_long);
  EXPECT_EQ(Name::parse("a..b").error(), NameError::empty_label);
  EXPECT_EQ(Name::parse(".a").error(), NameError::empty_label);
  EXPECT_EQ(Name::parse("").error(), NameError::empty);
  EXPECT_EQ(Name::parse("a\\").error(), NameError::bad_escape);
  EXPECT_EQ(Name::parse("a\\256").error(), NameError::bad_escape);
}

TEST(DnsName, CanonicalOrderOfRfc4034Section61) {
  const std::vector<std::string_view> order{"example",           "a.example",      "yljkjljk.a.example",
                                            "Z.a.example",       "zABC.a.EXAMPLE", "z.example",
                                            R"(\001.z.example)", "*.z.example",    R"(\200.z.example)"};
  for (std::size_t i = 0; i + 1 < order.size(); ++i) EXPECT_TRUE(name(order[i]) < name(order[i + 1])) << order[i];
}

TEST(DnsName, AncestorsAndChildren) {
  EXPECT_TRUE(name("a.B.example").is_at_or_below(name("b.example")));
  EXPECT_TRUE(name("b.example").is_at_or_below(name("b.example")));
  EXPECT_FALSE(name("xb.example").is_at_or_below(name("b.example")));
  EXPECT_FALSE(name("example").is_at_or_below(name("b.example")));
  EXPECT_TRUE(name("example").is_at_or_below(Name{}));
  EXPECT_EQ(name("example").child("_dmarc")->text(), "_dmarc.example");
  EXPECT_EQ(name("a.b.example").parent(), name("b.example"));
}

TEST(ZoneFile, ReadsTheFormsOfRfc1035Section5) {
  const Zone z = zone(R"($ORIGIN example.
$TTL 1h
@       IN SOA ns hostmaster ( 2026112101 ; serial
                 7200 600 2w 300 )
        NS    ns
        300 IN MX 10 mx1
        IN 600 MX 20 mx2.other.
ns      A     192.0.2.53
mx1     AAAA  2001:db8::1
txt     TXT   "one" two "th\"r\059ee" "\200"
old     SPF   "v=spf1 -all"
_25._tcp.mx1 TLSA 3 1 1 ( 0011
   2233 )
@       CAA   0 issue "letsencrypt.org; accounturi=x"
_s._tcp SRV   1 2 993 imap
any     TYPE4711 \# 3 01 02ff
ten     TYPE1 \# 4 c0000201
)");
  EXPECT_EQ(z.lookup(name("example"), RecordType::mx).records().size(), 2u);
  const Answer mx = z.lookup(name("example"), RecordType::mx);
  EXPECT_EQ(mx.records()[0].ttl_seconds, 300u);
  EXPECT_EQ(mx.records()[1].ttl_seconds, 600u);
  EXPECT_EQ(mx.ttl_seconds(), 300u);
  EXPECT_EQ(mx.all<Mx>()[0]->exchange, name("mx1.example"));
  EXPECT_EQ(mx.all<Mx>()[1]->exchange, name("mx2.other"));
  const Answer txt = z.lookup(name("TXT.example"), RecordType::txt);
  EXPECT_EQ(txt.all<Txt>().at(0)->strings, (std::vector<std::string>{"one", "two", "th\"r;ee", "\xc8"}));
  EXPECT_EQ(txt.all<Txt>().at(0)->joined(), "onetwoth\"r;ee\xc8");
  EXPECT_EQ(z.lookup(name("old.example"), RecordType::spf).all<Txt>().size(), 1u);
  EXPECT_EQ(z.lookup(name("_25._tcp.mx1.example"), RecordType::tlsa).all<Tlsa>().at(0)->association_data,
            std::string("\x00\x11\x22\x33", 4));
  EXPECT_EQ(z.lookup(name("example"), RecordType::soa).all<Soa>().at(0)->expire, 1209600u);
  EXPECT_EQ(z.lookup(name("example"), RecordType::caa).all<Caa>().at(0)->value, "letsencrypt.org; accounturi=x");
  EXPECT_EQ(z.lookup(name("ten.example"), RecordType::a).all<A>().at(0)->address.text(), "192.0.2.1");
  EXPECT_EQ(z.lookup(name("ns.example"), RecordType::a).ttl_seconds(), 3600u);
  EXPECT_EQ(z.lookup(name("no.example"), RecordType::a).ttl_seconds(), 300u) << "RFC 2308 5: SOA minimum";
}

TEST(ZoneFile, WhatItWritesItReads) {
  const std::string text =
      "example. 60 IN TXT \"a\\\"b\\\\\\200\" \"\"\n"
      "a\\.b.example. 60 IN MX 0 .\n"
      "example. 60 IN TYPE4711 \\# 2 01ff\n"
      "example. 60 IN CAA 128 issue \";\"\n";
  const Zone z = zone(text);
  std::string again;
  for (const Record& record : z.records()) again += dns::text(record) + "\n";
  EXPECT_EQ(zone(again).records(), z.records());
  EXPECT_NE(again.find("a\\.b.example. 60 IN MX 0 ."), std::string::npos) << again;
}

TEST(ZoneFile, ErrorsNameLineAndReason) {
  EXPECT_EQ(error("a. A 1.2.3.4\nb. MX x y\n"), "line 2: MX: preference \"x\" is not a number");
  EXPECT_EQ(error("a. MX 10\n"), "line 1: MX: 2 values are needed, there are 1");
  EXPECT_EQ(error("a. A 1.2.3\n"), "line 1: A: \"1.2.3\" is not an IPv4 address");
  EXPECT_EQ(error("\n\n  A 1.2.3.4\n"), "line 3: the first record has no name");
  EXPECT_EQ(error("a. TXT \"open\n"), "line 1: a quoted string is not closed on its line");
  EXPECT_EQ(error("a. TXT ( \"x\"\n\n"), "line 1: a parenthesis is not closed");
  EXPECT_EQ(error("a. WAT x\n"), "line 1: \"WAT\" is no record type");
  EXPECT_EQ(error("a. CH TXT x\n"), "line 1: class CH is not the Internet's (IN)");
  EXPECT_EQ(error("$INCLUDE other\n"), "line 1: $INCLUDE is not known here; $TTL and $ORIGIN are");
  EXPECT_EQ(error("a..b A 1.2.3.4\n"), "line 1: \"a..b\": the name has an empty label");
  EXPECT_EQ(error("a. TXT " + std::string(256, 'x')),
            "line 1: TXT: a character-string of 256 octets; at most 255, write several");
  EXPECT_EQ(error(";; timeout\n"), "line 1: ;; timeout takes a name and at most one type");
}

TEST(Zone, TellsNoDataFromNoName) {
  const Zone z = zone("a.b.example. A 192.0.2.1\n");
  EXPECT_EQ(z.lookup(name("a.b.example"), RecordType::a).status(), Status::ok);
  EXPECT_EQ(z.lookup(name("a.b.example"), RecordType::mx).status(), Status::no_data);
  EXPECT_EQ(z.lookup(name("b.example"), RecordType::a).status(), Status::no_data) << "empty non-terminal";
  EXPECT_EQ(z.lookup(name("c.example"), RecordType::a).status(), Status::nx_domain);
  EXPECT_EQ(z.lookup(name("x.a.b.example"), RecordType::a).status(), Status::nx_domain);
}

// RFC 4592 2.2.1.
TEST(Zone, WildcardsAsInRfc4592Section221) {
  const Zone z = zone(R"($ORIGIN example.
*                 TXT "this is a wildcard"
*                 MX  10 host1.example.
sub.*             TXT "this is not a wildcard"
host1             A   192.0.2.1
_ssh._tcp.host1   SRV 0 0 22 host1
_ssh._tcp.host2   SRV 0 0 22 host2
)");
  EXPECT_EQ(z.lookup(name("host3.example"), RecordType::mx).status(), Status::ok);
  EXPECT_EQ(z.lookup(name("host3.example"), RecordType::mx).records().at(0).owner, name("host3.example"));
  EXPECT_EQ(z.lookup(name("host3.example"), RecordType::a).status(), Status::no_data);
  EXPECT_EQ(z.lookup(name("foo.bar.example"), RecordType::txt).status(), Status::ok);
  EXPECT_EQ(z.lookup(name("host1.example"), RecordType::mx).status(), Status::no_data);
  EXPECT_EQ(z.lookup(name("sub.*.example"), RecordType::mx).status(), Status::no_data);
  EXPECT_EQ(z.lookup(name("_telnet._tcp.host1.example"), RecordType::srv).status(), Status::nx_domain);
  EXPECT_EQ(z.lookup(name("host2.example"), RecordType::mx).status(), Status::no_data);
  EXPECT_EQ(z.lookup(name("ghost.*.example"), RecordType::mx).status(), Status::nx_domain);
}

TEST(Zone, FollowsCnamesAndEndsLoops) {
  const Zone z = zone(R"(
a.example. 100 CNAME b.example.
b.example. 50 CNAME c.example.
c.example. 70 TXT yes
loop.example. CNAME loop2.example.
loop2.example. CNAME loop.example.
dangling.example. CNAME nowhere.example.
)");
  const Answer a = z.lookup(name("a.example"), RecordType::txt);
  EXPECT_EQ(a.status(), Status::ok);
  EXPECT_EQ(a.cname_chain(), (std::vector<Name>{name("b.example"), name("c.example")}));
  EXPECT_EQ(a.ttl_seconds(), 50u);
  EXPECT_EQ(a.canonical_name(), name("c.example"));
  EXPECT_EQ(z.lookup(name("a.example"), RecordType::cname).records().size(), 1u);
  EXPECT_EQ(z.lookup(name("a.example"), RecordType::a).status(), Status::no_data);
  EXPECT_EQ(z.lookup(name("loop.example"), RecordType::a).status(), Status::servfail);
  EXPECT_EQ(z.lookup(name("dangling.example"), RecordType::a).status(), Status::nx_domain);
}

TEST(Zone, CommentLinesSteerFailures) {
  const Zone z = zone(R"(
both.example. TXT here
;; timeout both.example
;; servfail one.example MX
one.example. A 192.0.2.1
;; bogus chained.example A
to.example. CNAME chained.example.
;; secure signed.example
mx.signed.example. A 192.0.2.2
out.signed.example. CNAME one.example.
; timeout this is a plain comment
;; so is this
)");
  EXPECT_EQ(z.lookup(name("both.example"), RecordType::txt).status(), Status::ok);
  EXPECT_EQ(z.lookup(name("both.example"), RecordType::mx).status(), Status::timeout);
  EXPECT_EQ(z.lookup(name("one.example"), RecordType::mx).status(), Status::servfail);
  EXPECT_EQ(z.lookup(name("one.example"), RecordType::a).status(), Status::ok);
  EXPECT_EQ(z.lookup(name("one.example"), RecordType::txt).status(), Status::no_data);
  EXPECT_EQ(z.lookup(name("to.example"), RecordType::a).status(), Status::bogus);
  EXPECT_TRUE(z.lookup(name("mx.signed.example"), RecordType::a).secure());
  EXPECT_TRUE(z.lookup(name("no.signed.example"), RecordType::a).secure());
  EXPECT_FALSE(z.lookup(name("out.signed.example"), RecordType::a).secure()) << "the chain leaves the signed zone";
  EXPECT_FALSE(z.lookup(name("one.example"), RecordType::a).secure());
  EXPECT_EQ(z.lookup(name("signed.example"), RecordType::a).status(), Status::no_data);
}

TEST(DnsWire, RoundTripsEveryType) {
  const Zone z = zone(R"($ORIGIN example.
@ SOA ns h 1 2 3 4 5
@ NS ns
@ MX 10 mx
@ TXT a "b c"
mx A 192.0.2.1
mx AAAA 2001:db8::1
c CNAME mx
p PTR mx
s SRV 1 2 3 mx
t TLSA 3 1 1 00ff
@ CAA 0 issue ca
u TYPE4711 \# 3 010203
)");
  Message message;
  message.id = 4711;
  message.is_response = true;
  message.questions.push_back({name("example"), RecordType::any});
  message.answers = z.records();
  message.edns = Edns{1400, 0, true};
  const OctetString octets = write_message(message);
  const auto again = read_message(octets);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->answers, message.answers);
  EXPECT_EQ(again->edns->udp_octets, 1400);
  EXPECT_TRUE(again->edns->dnssec_ok);
  for (const Record& record : message.answers)
    EXPECT_EQ(read_record_data(record.type, write_record_data(record.data)), record.data) << text(record);
}

TEST(DnsWire, CompressesNames) {
  // RFC 1035 4.1.4: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA share their tails.
  Message message;
  message.questions = {{name("F.ISI.ARPA")}, {name("FOO.F.ISI.ARPA")}, {name("ARPA")}};
  EXPECT_EQ(write_message(message).size(), 12 + 12 + 4 + 6 + 4 + 2 + 4u);
  EXPECT_EQ(read_message(write_message(message))->questions[1].name, name("FOO.F.ISI.ARPA"));
}

TEST(DnsWire, PointerLoopsAndForwardPointersAreRefused) {
  const std::string head("\0\1\0\0\0\1\0\0\0\0\0\0", 12);
  EXPECT_EQ(read_message(head + std::string("\xc0\x0c\0\1\0\1", 6)).error(), WireError::bad_name);
  EXPECT_EQ(read_message(head + std::string("\xc0\x10\0\1\0\1\0", 7)).error(), WireError::bad_name);
  EXPECT_EQ(read_message(head + std::string("\x41", 1)).error(), WireError::bad_name);
  EXPECT_EQ(read_message(head).error(), WireError::truncated);
}

OctetString query(std::string_view question, RecordType type, std::optional<Edns> edns = std::nullopt) {
  Message message;
  message.id = 77;
  message.recursion_desired = true;
  message.questions.push_back({name(question), type});
  message.edns = edns;
  return write_message(message);
}

TEST(AnswerQuery, AnswersTruncatesAndKeepsSilent) {
  std::string text = "a.example. CNAME big.example.\n;; timeout slow.example\n;; bogus bad.example\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("big.example. TXT \"number {} of many strings\"\n", i);
  const Zone z = zone(text);
  const OctetString small = answer_query(z, query("a.example", RecordType::txt), Transport::udp);
  EXPECT_LE(small.size(), 512u);
  const auto cut = read_message(small);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->truncated);
  EXPECT_EQ(cut->id, 77);
  const auto edns = answer_query(z, query("a.example", RecordType::txt, Edns{4096, 0, false}), Transport::udp);
  EXPECT_LE(edns.size(), 1232u);
  EXPECT_GT(edns.size(), 512u);
  const auto whole = read_message(answer_query(z, query("a.example", RecordType::txt), Transport::tcp));
  EXPECT_FALSE(whole->truncated);
  EXPECT_EQ(whole->answers.size(), 41u);
  EXPECT_EQ(read_message(answer_query(z, query("no.example", RecordType::a), Transport::udp))->code,
            ResponseCode::name_error);
  EXPECT_EQ(read_message(answer_query(z, query("bad.example", RecordType::a), Transport::udp))->code,
            ResponseCode::server_failure);
  EXPECT_EQ(answer_query(z, query("slow.example", RecordType::a), Transport::udp), "");
  EXPECT_EQ(answer_query(z, "garbage", Transport::udp), "");
  EXPECT_EQ(answer_query(z, small, Transport::udp), "") << "a response is never answered";
}

TEST(Resolver, LookUpsReadTheAnswers) {
  ZoneFileResolver resolver{zone(R"($ORIGIN example.
@ MX 20 b
@ MX 10 a
@ MX 20 c
@ MX 0 .
null MX 0 .
a A 192.0.2.1
a AAAA 2001:db8::1
half A 192.0.2.2
;; timeout half AAAA
;; servfail gone A
only MX 1 x
@ TXT "v=spf1 " "-all"
1.2.0.192.in-addr.arpa. PTR a
;; secure a
)")};
  const MxLookup mx = test_support::run_task(lookup_mx(resolver, name("example")));
  EXPECT_FALSE(mx.null_mx) << "RFC 7505 3: a null MX among others is none";
  ASSERT_EQ(mx.hosts.size(), 3u);
  EXPECT_EQ(mx.hosts[0].exchange, name("a.example"));
  EXPECT_EQ(mx.hosts[1].exchange, name("b.example")) << "equals stay in the order of the answer";
  EXPECT_TRUE(test_support::run_task(lookup_mx(resolver, name("null.example"))).null_mx);
  const AddressLookup a = test_support::run_task(lookup_addresses(resolver, name("a.example")));
  ASSERT_EQ(a.addresses.size(), 2u);
  EXPECT_TRUE(a.addresses[0].is_v6());
  EXPECT_TRUE(a.secure());
  const AddressLookup half = test_support::run_task(lookup_addresses(resolver, name("half.example")));
  EXPECT_EQ(half.status(), Status::ok) << "one family is enough";
  EXPECT_FALSE(half.secure());
  EXPECT_EQ(test_support::run_task(lookup_addresses(resolver, name("gone.example"))).status(), Status::servfail);
  EXPECT_EQ(test_support::run_task(lookup_addresses(resolver, name("no.example"))).status(), Status::nx_domain);
  EXPECT_EQ(test_support::run_task(lookup_addresses(resolver, name("only.example"))).status(), Status::no_data);
  EXPECT_EQ(test_support::run_task(lookup_txt(resolver, name("example"))).texts,
            (std::vector<std::string>{"v=spf1 -all"}));
  const auto address = IpAddress::parse("192.0.2.1").value();
  EXPECT_EQ(test_support::run_task(lookup_ptr(resolver, address)).names, (std::vector<Name>{name("a.example")}));
  EXPECT_EQ(mx.answer.summary().substr(0, 32), "example MX: 20 b.example., 10 a.");
}

TEST(Resolver, ReverseNames) {
  EXPECT_EQ(reverse_name(*IpAddress::parse("192.0.2.1")).text(), "1.2.0.192.in-addr.arpa");
}

TEST(Answer, SummariesAreBounded) {
  const Name name = Name::parse("many.example").value();
  AnswerData data{.question = name, .type = RecordType::txt, .status = Status::ok};
  for (int i = 0; i < 1000; ++i)
    data.records.push_back({name, RecordType::txt, 300, Txt{std::vector<std::string>(40, std::string(255, 'x'))}});
  const std::string summary = Answer(std::move(data)).summary();
  EXPECT_LT(summary.size(), 3000u);
  EXPECT_NE(summary.find("octets in all"), std::string::npos) << summary;
  EXPECT_NE(summary.find("and 999 more"), std::string::npos) << summary;
}

}  // namespace
}  // namespace posthorn::dns
