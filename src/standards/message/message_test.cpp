#include <gtest/gtest.h>

#include "standards/message/date_time.h"
#include "standards/message/edit.h"
#include "standards/message/header.h"
#include "standards/message/message_id.h"
#include "standards/message/received.h"
#include "standards/message/write.h"

namespace posthorn::message {
namespace {

TEST(Header, KeepsExactOctetsAndOffsets) {
  const std::string message = "From: a@example\r\nSubject: one\r\n two\r\n\tthree \r\nEMPTY:\r\n\r\nbody\r\n";
  const Header header = Header::parse(message);
  ASSERT_EQ(header.fields().size(), 3u);
  const Field subject = header.fields()[1];
  EXPECT_EQ(subject.name, "Subject");
  EXPECT_EQ(subject.raw, "Subject: one\r\n two\r\n\tthree \r\n");
  EXPECT_EQ(subject.offset, 17u);
  EXPECT_EQ(subject.unfolded(), "one two\tthree");
  EXPECT_EQ(header.value("empty"), "");
  EXPECT_EQ(message.substr(header.body_offset()), "body\r\n");
  EXPECT_EQ(header.octets(), message.substr(0, header.octets().size()));
  EXPECT_FALSE(header.missing_separator());
}

TEST(Header, ToleratesTheObsoleteAndTheBroken) {
  // RFC 5322 A.6.3: white space before the colon.
  EXPECT_EQ(Header::parse("From  : John Doe\r\n\r\n").value("from"), "John Doe");
  // A fold of white space alone (RFC 5322 4.2) does not end the header.
  EXPECT_EQ(Header::parse("A: 1\r\n  \r\n 2\r\nB: 3\r\n\r\n").value("b"), "3");
  EXPECT_EQ(Header::parse("A: 1\nB: 2\n\nbody").value("b"), "2");
  EXPECT_EQ(Header::parse("From me Mon Jan 1\nA: 1\n\n").fields().size(), 1u);
  const Header no_empty_line = Header::parse("A: 1\r\nthis is body\r\nB: 2\r\n");
  EXPECT_TRUE(no_empty_line.missing_separator());
  EXPECT_EQ(no_empty_line.body_offset(), 6u);
  EXPECT_EQ(no_empty_line.fields().size(), 1u);
  EXPECT_EQ(Header::parse("A: 1").value("a"), "1");
  EXPECT_EQ(Header::parse("").fields().size(), 0u);
  EXPECT_EQ(Header{}.fields().size(), 0u);
}

TEST(Header, ArrivesInAnyPieces) {
  const std::string message = "A: 1\r\n 2\r\nB: 3\r\n\r\nbody\r\n\r\n";
  for (std::size_t size = 1; size < message.size(); ++size) {
    HeaderReader reader;
    std::size_t taken = 0;
    for (std::size_t at = 0; at < message.size() && reader.state() == HeaderReader::State::reading; at += size)
      taken += reader.push(std::string_view{message}.substr(at, size));
    EXPECT_EQ(taken, 18u) << size;
    reader.finish();
    const Header header = reader.take();
    EXPECT_EQ(header.value("a"), "1 2") << size;
    EXPECT_EQ(header.value("b"), "3") << size;
    EXPECT_EQ(header.body_offset(), 18u) << size;
  }
}

TEST(Header, IsBounded) {
  HeaderReader octets{100};
  octets.push("A: 1\r\nB: " + std::string(200, 'x') + "\r\n\r\n");
  EXPECT_EQ(octets.state(), HeaderReader::State::overflow);
  const Header header = octets.take();
  EXPECT_TRUE(header.overflowed());
  EXPECT_EQ(header.octets(), "A: 1\r\n");
  HeaderReader fold{20};
  fold.push("A: 1\r\nB: 2\r\n " + std::string(200, 'x') + "\r\n\r\n");
  EXPECT_EQ(fold.take().octets(), "A: 1\r\n") << "no field is cut";
  HeaderReader fields{1000, 2};
  fields.push("A: 1\r\nB: 2\r\nC: 3\r\n\r\n");
  EXPECT_EQ(fields.state(), HeaderReader::State::overflow);
  EXPECT_EQ(fields.take().fields().size(), 2u);
}

TEST(HeaderEdit, KeepsRangesOfTheOriginal) {
  const std::string message =
      "Return-Path: <x@y>\r\nBcc: secret@example\r\nFrom: a@b\r\n"
      "Authentication-Results: (c) \"mx.Example\" 1; none\r\n"
      "Authentication-Results: other.example; none\r\nbCC: more\r\n\r\nbody Bcc: stays\r\n";
  HeaderEdit edit{Header::parse(message)};
  edit.remove_all("Bcc");
  edit.remove_all("Return-Path");
  edit.remove_authentication_results("mx.example");
  edit.put_on_top("Received: 1\r\n");
  edit.put_on_top("Delivered-To: 2\r\n");
  EXPECT_EQ(edit.apply(message),
            "Delivered-To: 2\r\nReceived: 1\r\nFrom: a@b\r\nAuthentication-Results: other.example; none\r\n\r\n"
            "body Bcc: stays\r\n");
  EXPECT_EQ(edit.kept_ranges(message.size()).size(), 3u);
  EXPECT_EQ(HeaderEdit{Header::parse(message)}.kept_ranges(message.size()),
            (std::vector<OctetRange>{{0, message.size()}}));
}

std::int64_t at(std::string_view text) {
  const auto date = parse_date_time(text);
  return date ? unix_seconds(date->at) : -1;
}

TEST(DateTime, Rfc5322AppendixAAndObsoleteForms) {
  EXPECT_EQ(at("Fri, 21 Nov 1997 09:55:06 -0600"), 880127706);
  EXPECT_EQ(at("21 Nov 97 09:55:06 GMT"), 880106106) << "A.6.2";
  EXPECT_EQ(at("Thu,\r\n  13\r\n    Feb\r\n  1969\r\n   23:32\r\n   -0330 (Newfoundland Time)"), -27723480) << "A.5";
  EXPECT_EQ(at("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600"), -1) << "A.6.3 writes this; nobody sends it";
  EXPECT_EQ(at("Fri, 21 Nov 1997 09:55:06 CST"), 880127706);
  EXPECT_EQ(at("Fri Nov 21 15:55:06 1997"), 880127706);
  EXPECT_EQ(at("Fri Nov 21 09:55:06 CST 1997"), 880127706);
  EXPECT_EQ(at("21-Nov-1997 09:55:06 -0600"), 880127706);
  EXPECT_EQ(at("Fri, 21 Nov 1997 09:55:06 GMT-06:00"), 880127706);
  EXPECT_EQ(at("Fri, 21 Nov 1997 15:55:06"), 880127706);
  EXPECT_FALSE(parse_date_time("Fri, 21 Nov 1997 15:55:06 -0000")->zone_known);
  EXPECT_EQ(parse_date_time("Fri, 21 Nov 1997 09:55:06 -0600")->offset_minutes, -360);
  EXPECT_EQ(at("30 Feb 2026 10:00:00 +0000"), -1);
  EXPECT_EQ(at("1 Jan 2026 24:00:00 +0000"), -1);
  EXPECT_EQ(at("yesterday"), -1);
  EXPECT_EQ(at(""), -1);
}

TEST(MessageId, ReadsWhatTheWorldWrites) {
  EXPECT_EQ(parse_message_id("<1234@local.machine.example>"), "1234@local.machine.example");
  EXPECT_EQ(parse_message_id("(c) < 12 34 @ x > junk"), "1234@x");
  EXPECT_EQ(parse_message_id("<\"a b\"@x>"), "\"a b\"@x");
  EXPECT_EQ(parse_message_id("abc@example"), "abc@example");
  EXPECT_EQ(parse_message_id("nothing here"), std::nullopt);
  EXPECT_EQ(parse_message_id("<>"), std::nullopt);
  EXPECT_EQ(parse_message_ids("Your message <a@b> of \"<no@id>\"\r\n <c@d><e@f>"),
            (std::vector<std::string>{"a@b", "c@d", "e@f"}));
}

TEST(Received, Rfc5321SectionAndTheWorld) {
  // RFC 5321 D.3, the relay case with TCP-info.
  const Received rfc = parse_received(
      " from bar.example (bar.example [192.0.2.7]) by foo.example with ESMTP (TLS) id ABC123\r\n"
      " for <Jones@foo.example>; Thu, 21 May 1998 05:33:29 -0700");
  EXPECT_EQ(rfc.from, "bar.example");
  EXPECT_EQ(rfc.from_comment, "bar.example [192.0.2.7]");
  EXPECT_EQ(rfc.from_address, "192.0.2.7");
  EXPECT_EQ(rfc.by, "foo.example");
  EXPECT_EQ(rfc.with, "ESMTP");
  EXPECT_EQ(rfc.id, "ABC123");
  EXPECT_EQ(rfc.for_, "Jones@foo.example");
  EXPECT_EQ(unix_seconds(*rfc.at), 895754009);
  const Received outlook = parse_received(
      "from AM0PR01 (2603:10a6:208:1::17) by AM9PR01 (2603:10a6:20b:2::5) with Microsoft SMTP Server (version=TLS1_2) "
      "id 15.20.1; Mon, 2 Mar 2026 10:00:00 +0000");
  EXPECT_EQ(outlook.from_address, "2603:10a6:208:1::17");
  EXPECT_EQ(outlook.with, "Microsoft");
  EXPECT_EQ(outlook.id, "15.20.1");
  EXPECT_EQ(parse_received("from [IPv6:2001:db8::1] by x").from_address, "2001:db8::1");
  EXPECT_EQ(parse_received("by 10.1.2.3 with SMTP id x; nonsense").at, std::nullopt);
  EXPECT_EQ(parse_received("").by, "");
  EXPECT_EQ(parse_received("from from by by").by, "by");
}

TEST(Received, HopsAreOldestFirstWithDelays) {
  const Header header = Header::parse(
      "Received: by c; Thu, 21 May 1998 05:33:39 -0700\r\nReceived: by b; nothing\r\n"
      "Received: by a; Thu, 21 May 1998 05:33:29 -0700\r\n\r\n");
  const auto all = hops(header);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].received.by, "a");
  EXPECT_EQ(all[0].delay, std::nullopt);
  EXPECT_EQ(all[2].delay, std::chrono::seconds{10});
  EXPECT_EQ(received_count(header), 3u);
}

ReceivedTrace trace() {
  ReceivedTrace t;
  t.helo = "client.example";
  t.client = IpAddress::parse("192.0.2.7");
  t.client_name = "rev.example";
  t.by = "mx.beta.example";
  t.by_comment = "Posthorn";
  t.with = "ESMTPS";
  t.tls = "TLS1.3 TLS_AES_128_GCM_SHA256";
  t.id = "5jq2h0n3v8x1c";
  t.for_ = "bob@beta.example";
  t.at = from_unix_seconds(880127706);
  return t;
}

TEST(Write, ReceivedReadsBack) {
  const std::string field = write_received(trace());
  EXPECT_EQ(field,
            "Received: from client.example (rev.example [192.0.2.7]) by mx.beta.example\r\n"
            "\t(Posthorn) with ESMTPS (TLS1.3 TLS_AES_128_GCM_SHA256) id 5jq2h0n3v8x1c\r\n"
            "\tfor <bob@beta.example>; Fri, 21 Nov 1997 15:55:06 +0000\r\n");
  const Received again = parse_received(Header::parse(field).fields().at(0).value);
  EXPECT_EQ(again.from, "client.example");
  EXPECT_EQ(again.from_address, "192.0.2.7");
  EXPECT_EQ(again.for_, "bob@beta.example");
  EXPECT_EQ(again.id, "5jq2h0n3v8x1c");
  EXPECT_EQ(again.at, trace().at);
}

TEST(Write, NothingCanBeInjected) {
  for (const std::string_view evil : {"x\r\nBcc: evil", "a) by evil (", "\\", "evil; Mon, 1 Jan 2001 00:00:00 +0000",
                                      "\"", "(((((", "x y\tz", "=?utf-8?q?x?="}) {
    ReceivedTrace t = trace();
    t.helo = t.client_name = t.by_comment = t.tls = std::string{evil};
    t.for_ = std::string{evil};
    const Header header = Header::parse(write_received(t) + write_return_path(evil) + write_delivered_to(evil) +
                                        write_message_id("id", evil) + "\r\n");
    ASSERT_EQ(header.fields().size(), 4u) << evil;
    const Received again = parse_received(header.fields()[0].value);
    EXPECT_EQ(again.by, "mx.beta.example") << evil;
    EXPECT_EQ(again.id, "5jq2h0n3v8x1c") << evil;
    EXPECT_EQ(again.at, t.at) << evil;
  }
}

TEST(Write, LongFieldsFold) {
  const std::string field = write_unstructured("Subject", std::string(40, 'w') + " " + std::string(60, 'v') + " ü");
  for (const std::string_view line : {std::string_view{field}.substr(0, field.find("\r\n"))})
    EXPECT_LE(line.size(), 78u);
  EXPECT_EQ(Header::parse(field).fields().size(), 1u);
}

}  // namespace
}  // namespace posthorn::message
