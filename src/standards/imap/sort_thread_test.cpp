// Base subjects, SORT and THREAD.
#include <gtest/gtest.h>

#include "standards/imap/response.h"
#include "standards/imap/sort.h"
#include "standards/imap/thread.h"

namespace posthorn::imap {
namespace {

TEST(ImapBaseSubject, StepsOfRfc5256) {
  for (const auto* subject : {"Hello", "re: hello", "Re: Re: HELLO", "Fwd: Hello", "FW : hello", "Re[2]: Hello",
                              "Re [list]: hello", "[list] Hello", "[a] [b] re: [c] Hello (fwd)", "hello (FWD)  ",
                              "[fwd: Hello]", "[Fwd: Re: hello (fwd)]", "  Hello\t", "re:re:Hello"}) {
    EXPECT_EQ(base_subject(subject).text, "HELLO") << subject;
  }
  EXPECT_EQ(base_subject("[only]").text, "[ONLY]");
  EXPECT_EQ(base_subject("reply: x").text, "REPLY: X");
  EXPECT_EQ(base_subject("a   b\r\n\tc").text, "A B C");
  EXPECT_EQ(base_subject("Re:").text, "");
  EXPECT_TRUE(base_subject("Re: x").is_reply_or_forward);
  EXPECT_TRUE(base_subject("x (fwd)").is_reply_or_forward);
  EXPECT_FALSE(base_subject("[x] y").is_reply_or_forward);
}

message::Header header(std::string_view fields) {
  return message::Header::parse(std::string(fields) + "\r\n");
}

TEST(ImapSort, ByCriteriaThenNumber) {
  const std::vector<SortCriterion> criteria{{SortCriterion::Key::subject, false}, {SortCriterion::Key::date, true}};
  const std::string_view fields[] = {"Subject: b\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n",
                                     "Subject: Re: A\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n",
                                     "Subject: a\r\nDate: Fri, 2 Jan 2026 00:00:00 +0000\r\n",
                                     "Subject: B\r\nDate: Thu, 1 Jan 2026 01:00:00 +0100\r\n", ""};
  std::vector<SortKeys> messages;
  for (const auto text : fields) {
    messages.push_back(sort_keys(header(text), criteria, from_unix_seconds(5)));
    messages.back().number = static_cast<std::uint32_t>(messages.size());
  }
  EXPECT_EQ(sorted(messages, criteria), (std::vector<std::uint32_t>{5, 3, 2, 1, 4}));
  EXPECT_TRUE(needs_header(criteria));
}

// RFC 5256 3 and RFC 5957 3.
TEST(ImapSort, AddressKeys) {
  const auto fields = header("From: =?utf-8?q?=C3=84nn?= <zed@x>\r\nTo: team: a@b;\r\nCc: nobody@y\r\n");
  const std::vector<SortCriterion> all{{SortCriterion::Key::from, false},
                                       {SortCriterion::Key::to, false},
                                       {SortCriterion::Key::cc, false},
                                       {SortCriterion::Key::display_from, false},
                                       {SortCriterion::Key::display_to, false}};
  const auto keys = sort_keys(fields, all, {});
  EXPECT_EQ(keys.from, "ZED");
  EXPECT_EQ(keys.to, "TEAM");
  EXPECT_EQ(keys.cc, "NOBODY");
  EXPECT_EQ(keys.display_from, "A\u0308NN");
  EXPECT_EQ(keys.display_to, "TEAM");
}

// ---- threads ---------------------------------------------------------------------------------------------------

ThreadKeys message(std::uint32_t number, std::string id, std::vector<std::string> references,
                   std::string_view subject = "", std::int64_t date = -1) {
  ThreadKeys keys;
  keys.number = number;
  keys.message_id = std::move(id);
  keys.references = std::move(references);
  const auto base = base_subject(subject);
  keys.subject = base.text;
  keys.is_reply_or_forward = base.is_reply_or_forward;
  keys.date = from_unix_seconds(date < 0 ? number : date);
  return keys;
}

std::string threads(std::vector<ThreadKeys> messages, ThreadAlgorithm algorithm = ThreadAlgorithm::references) {
  ResponseWriter writer;
  writer.thread(thread_messages(std::move(messages), algorithm));
  const auto line = writer.take();
  return line.substr(9, line.size() - 11);
}

TEST(ImapThread, ChainsAndBranches) {
  EXPECT_EQ(threads({message(1, "a", {}), message(2, "b", {"a"}), message(3, "c", {"a", "b"}), message(4, "d", {"a"})}),
            "(1 (2 3)(4))");
  // The order of arrival does not matter.
  EXPECT_EQ(threads({message(3, "c", {"a", "b"}), message(4, "d", {"a"}), message(2, "b", {"a"}), message(1, "a", {})}),
            "(1 (2 3)(4))");
}

TEST(ImapThread, MissingParents) {
  EXPECT_EQ(threads({message(1, "b", {"gone"}), message(2, "c", {"gone"})}), "((1)(2))");
  EXPECT_EQ(threads({message(1, "b", {"gone"})}), "(1)");
  EXPECT_EQ(threads({message(1, "a", {}), message(2, "c", {"a", "gone"}), message(3, "d", {"a", "gone"})}),
            "(1 (2)(3))");
}

TEST(ImapThread, LoopsAndDoubles) {
  EXPECT_EQ(threads({message(1, "a", {"b"}), message(2, "b", {"a"})}), "(2 1)");
  EXPECT_EQ(threads({message(1, "a", {"a"})}), "(1)");
  EXPECT_EQ(threads({message(1, "a", {}), message(2, "a", {}), message(3, "x", {"a"})}), "(1 3)(2)");
  EXPECT_EQ(threads({message(1, "", {}), message(2, "", {})}), "(1)(2)");
}

// RFC 5256 3, step 5: threads of one subject are merged.
TEST(ImapThread, Subjects) {
  EXPECT_EQ(threads({message(1, "a", {}, "Hello"), message(2, "b", {}, "Re: hello")}), "(1 2)");
  EXPECT_EQ(threads({message(1, "a", {}, "Re: Hello"), message(2, "b", {}, "hello")}), "(2 1)");
  EXPECT_EQ(threads({message(1, "a", {}, "Hello"), message(2, "b", {}, "hello")}), "((1)(2))");
  EXPECT_EQ(threads({message(1, "a", {"gone"}, "x"), message(2, "b", {"gone"}, "x"), message(3, "c", {}, "Re: x")}),
            "((1)(2)(3))");
  EXPECT_EQ(threads({message(1, "a", {}, ""), message(2, "b", {}, "Re:")}), "(1)(2)");
}

TEST(ImapThread, SiblingsByDate) {
  EXPECT_EQ(threads({message(1, "a", {}), message(2, "b", {"a"}, "", 50), message(3, "c", {"a"}, "", 20)}),
            "(1 (3)(2))");
  EXPECT_EQ(threads({message(1, "a", {}, "", 9), message(2, "b", {}, "", 3)}), "(2)(1)");
}

TEST(ImapThread, OrderedSubject) {
  const auto algorithm = ThreadAlgorithm::ordered_subject;
  EXPECT_EQ(threads({message(1, "a", {}, "x"), message(2, "b", {}, "y"), message(3, "c", {}, "Re: x"),
                     message(4, "d", {}, "x", 0)},
                    algorithm),
            "(4 (1)(3))(2)");
}

// A hundred thousand messages that each answer the one before, in the worst order, and a deep tree to be written.
TEST(ImapThread, DeepChainsAreBounded) {
  std::vector<ThreadKeys> messages;
  for (std::uint32_t i = 100'000; i > 0; --i) {
    messages.push_back(message(i, "m" + std::to_string(i), {"m" + std::to_string(i - 1)}));
  }
  const auto text = threads(std::move(messages));
  EXPECT_TRUE(text.starts_with("(1 2 3 4 ")) << text.substr(0, 40);
  EXPECT_TRUE(text.ends_with(" 99999 100000)"));
}

TEST(ImapThread, KeysOfAHeader) {
  const auto keys =
      thread_keys(header("Message-ID: <a@b>\r\nIn-Reply-To: <x@y> <z@y>\r\nSubject: =?utf-8?q?Re:_x?=\r\n"), {});
  EXPECT_EQ(keys.message_id, "a@b");
  EXPECT_EQ(keys.references, std::vector<std::string>{"x@y"});
  EXPECT_EQ(keys.subject, "X");
}

}  // namespace
}  // namespace posthorn::imap
